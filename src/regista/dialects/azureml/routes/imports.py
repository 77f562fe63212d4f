"""Sharing: a version of a workspace into a registry, through the promotion that every other door uses."""

import msgspec

from regista.dialects.azureml.call import Answer, Call, Level
from regista.dialects.azureml.ids import from_guid
from regista.dialects.azureml.operations import SOON
from regista.dialects.azureml.routing import Route
from regista.entities.reference import AssetReference, parse_reference
from regista.entities.scope import ScopeAddress, ScopeKind
from regista.errors import InvalidError
from regista.services.registry.promotion import Promotion


class ImportProperties(msgspec.Struct, rename="camel", kw_only=True):
    """What goes where. The source is named by its workspace's id."""

    source_asset_id: str
    reference_type: str = "Id"
    destination_name: str = ""
    destination_version: str = ""


def share(call: Call) -> Answer:
    """Promote, all or nothing. It is done when this answers; the SDK wants to be told to ask again, and then reads the
    version itself."""
    asked = call.properties(ImportProperties)
    source = parse_reference(asked.source_asset_id)
    if not isinstance(source, AssetReference) or source.kind is None or not source.version:
        raise InvalidError(
            "sourceAssetId does not name a version",
            hint="Write azureml://locations/L/workspaces/ID/KINDS/NAME/versions/V.",
        )
    promotion = Promotion(
        source=_home(call, source),
        kind=source.kind,
        name=source.name,
        version=source.version,
        target=call.address,
        as_name=asked.destination_name,
        as_version=asked.destination_version,
    )
    call.house.promotion.promote(call.caller, promotion)
    return Answer(202, None, (("location", f"{call.base}{call.path}/done"), *SOON))


def done(_: Call) -> Answer:
    """What becomes of a promotion that was answered: nothing more."""
    return Answer(200)


def _home(call: Call, source: AssetReference) -> ScopeAddress:
    if source.registry:
        return ScopeAddress(ScopeKind.REGISTRY, source.registry)
    if source.workspace:
        return ScopeAddress(ScopeKind.WORKSPACE, source.workspace, source.subscription, source.resource_group)
    return call.house.scopes.by_id(call.caller, from_guid(source.workspace_id)).address


ROUTES = (
    Route("POST", (Level.REGISTRY,), "import", share, "mferp"),
    Route("GET", (Level.REGISTRY,), "import/done", done, "mferp"),
)
