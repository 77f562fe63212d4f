"""Workspace and registry documents."""

import msgspec

from regista.entities.documents.reading import Fields, invalid

_AZURE_RESOURCES = (
    "storage_account container_registry key_vault application_insights customer_managed_key image_build_compute "
    "public_network_access managed_network network_acls system_datastores_auth_mode identity workspace_hub hub_id "
    "primary_user_assigned_identity provision_network_now enable_data_isolation allow_roleassignment_on_rg "
    "serverless_compute hbi_workspace id kind sku discovery_url mlflow_tracking_uri mlflow_registry_uri "
    "managed_resource_group managed_resource_group_tags intellectual_property creation_context provisioning_state"
).split()


class WorkspaceDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A workspace as it was written; what is left out is settled by the service."""

    name: str
    display_name: str = ""
    description: str = ""
    tags: dict[str, str] = {}
    location: str = ""
    subscription: str = ""
    resource_group: str = ""
    ignored: tuple[str, ...] = ()


class RegistryDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A registry as it was written; ``replication_locations`` are the others beside the primary ``location``."""

    name: str
    location: str = ""
    replication_locations: tuple[str, ...] = ()
    display_name: str = ""
    description: str = ""
    tags: dict[str, str] = {}
    subscription: str = ""
    resource_group: str = ""
    ignored: tuple[str, ...] = ()


def parse_workspace(mapping: object, *, where: str = "") -> WorkspaceDocument:
    """Read a workspace document."""
    fields = Fields.of(mapping, where)
    document = WorkspaceDocument(
        name=fields.name("name", "workspace", required=True),
        display_name=fields.text("display_name"),
        description=fields.text("description"),
        tags=fields.texts("tags"),
        location=fields.text("location"),
        subscription=fields.name("subscription", "subscription"),
        resource_group=fields.name("resource_group", "resource group"),
    )
    fields.ignore(*_AZURE_RESOURCES)
    fields.done()
    return msgspec.structs.replace(document, ignored=tuple(fields.ignored))


def parse_registry(mapping: object, *, where: str = "") -> RegistryDocument:
    """Read a registry document."""
    fields = Fields.of(mapping, where)
    location = fields.text("location")
    document = RegistryDocument(
        name=fields.name("name", "registry", required=True),
        location=location,
        replication_locations=_others(fields, location),
        display_name=fields.text("display_name"),
        description=fields.text("description"),
        tags=fields.texts("tags"),
        subscription=fields.name("subscription", "subscription"),
        resource_group=fields.name("resource_group", "resource group"),
    )
    fields.ignore(*_AZURE_RESOURCES)
    fields.done()
    return msgspec.structs.replace(document, ignored=tuple(fields.ignored))


def _others(fields: Fields, primary: str) -> tuple[str, ...]:
    """The regions of the list, once each and without the primary one, which Azure ML wants repeated in it."""
    found: dict[str, None] = {}
    for index, entry in enumerate(fields.items("replication_locations")):
        where = fields.at(f"replication_locations[{index}]")
        if isinstance(entry, dict):
            inner = Fields(entry, where, fields.ignored)
            found[inner.text("location", required=True)] = None
            inner.ignore("storage_config", "acr_config")
            inner.done()
        elif isinstance(entry, str) and entry:
            found[entry] = None
        else:
            raise invalid(where, "expected a location", hint="Write {location: REGION}.")
    return tuple(region for region in found if region != primary)
