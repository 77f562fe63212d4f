"""Registries as resources; what is in them stands behind the door ``mferp``."""

import msgspec

from regista.dialects.azureml.call import PROVIDER, Answer, Call, Json, Level, listed
from regista.dialects.azureml.ids import scope_id
from regista.dialects.azureml.render import resource, system_data
from regista.dialects.azureml.routing import Route
from regista.dialects.desk import Pace
from regista.entities.scope import Scope, ScopeKind
from regista.errors import NotFoundError
from regista.services.scopes.scopes import NewScope, ScopeChange


class Region(msgspec.Struct):
    """One of a registry's regions; its accounts are Regista's business."""

    location: str


class RegistryProperties(msgspec.Struct, rename="camel"):
    """What is read of a registry."""

    region_details: list[Region] = []
    description: str | None = None


class RegistryBody(msgspec.Struct, rename="camel"):
    """A registry in a request."""

    location: str = ""
    tags: dict[str, str] | None = None
    properties: RegistryProperties = msgspec.field(default_factory=RegistryProperties)


def get(call: Call) -> Answer:
    """One registry."""
    return Answer(200, rendered(call, call.house.scopes.get(call.caller, call.address)))


def page(call: Call) -> Answer:
    """Those of a resource group, or of a subscription."""
    place = call.place
    found = call.house.scopes.page(
        call.caller,
        ScopeKind.REGISTRY,
        call.page,
        subscription=place.subscription,
        resource_group=place.resource_group,
    )
    return listed(call, found, lambda scope: rendered(call, scope))


def put(call: Call) -> Answer:
    """Make a registry, or change its tags and its other regions."""
    body = call.body(RegistryBody)
    regions = tuple(one.location for one in body.properties.region_details)
    try:
        found = call.house.scopes.get(call.caller, call.address)
    except NotFoundError:
        made = call.house.scopes.create(call.caller, _new(call, body, regions))
        return Answer(201, rendered(call, made))
    others = tuple(region for region in regions if region != found.location) if regions else None
    change = ScopeChange(tags=body.tags, description=body.properties.description, replication_locations=others)
    return Answer(200, rendered(call, call.house.scopes.update(call.caller, call.address, change)))


def delete(call: Call) -> Answer:
    """Delete a registry; 204 when there is none."""
    try:
        call.house.scopes.delete(call.caller, call.address)
    except NotFoundError:
        return Answer(204)
    return Answer(200)


def rendered(call: Call, scope: Scope) -> Json:
    """A registry as the SDK reads it."""
    host = call.base.partition("://")[2]
    identifier = scope_id(scope)
    properties: Json = {
        "regionDetails": [
            {"location": region, "acrDetails": [], "storageAccountDetails": []}
            for region in (scope.location, *scope.replication_locations)
        ],
        "description": scope.description,
        "discoveryUrl": f"{call.base}/registrymanagement/v1.0/registries/{scope.name}/discovery",
        "mlFlowRegistryUri": f"azureml://{host}/mlflow/v1.0{identifier}",
        "publicNetworkAccess": "Enabled",
        "intellectualPropertyPublisher": None,
        "managedResourceGroup": None,
        "managedResourceGroupTags": {},
    }
    made = system_data(scope.created_at, scope.created_by)
    more = {"location": scope.location, "tags": scope.tags, "kind": "Default", "systemData": made}
    return resource(identifier, scope.name, "registries", properties, **more)


def _new(call: Call, body: RegistryBody, regions: tuple[str, ...]) -> NewScope:
    return NewScope(
        kind=ScopeKind.REGISTRY,
        name=call.place.name,
        subscription=call.place.subscription,
        resource_group=call.place.resource_group,
        location=body.location or (regions[0] if regions else "local"),
        replication_locations=regions,
        description=body.properties.description or "",
        tags=body.tags or {},
    )


ROUTES = (
    Route("GET", (Level.GROUP, Level.SUBSCRIPTION), f"providers/{PROVIDER}/registries", page),
    Route("GET", (Level.REGISTRY,), "", get, pace=Pace.GLANCE),
    Route("PUT", (Level.REGISTRY,), "", put),
    Route("DELETE", (Level.REGISTRY,), "", delete),
)
