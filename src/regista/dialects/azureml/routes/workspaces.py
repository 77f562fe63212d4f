"""Workspaces, and the deployment of a template by which the SDK makes them."""

from typing import Any

import msgspec

from regista.dialects.azureml.call import PROVIDER, Answer, Call, Json, Level, listed
from regista.dialects.azureml.ids import guid, scope_id
from regista.dialects.azureml.render import resource, system_data
from regista.dialects.azureml.routing import Route
from regista.dialects.desk import Pace
from regista.entities.scope import Scope, ScopeKind
from regista.errors import InvalidError, NotFoundError, UnsupportedError
from regista.services.scopes.scopes import NewScope, ScopeChange

_DEPLOYMENT = "providers/Microsoft.Resources/deployments/{deployment}"


class WorkspaceProperties(msgspec.Struct, rename="camel"):
    """What can be said about a workspace; the rest of Azure's (networks, keys, vaults) has no meaning here."""

    friendly_name: str | None = None
    description: str | None = None


class WorkspaceBody(msgspec.Struct, rename="camel"):
    """A workspace in a request."""

    location: str = ""
    kind: str | None = None
    tags: dict[str, str] | None = None
    properties: WorkspaceProperties = msgspec.field(default_factory=WorkspaceProperties)
    friendly_name: str | None = None
    description: str | None = None


class Parameter(msgspec.Struct):
    """A parameter of a template."""

    value: Any = None


class Deployment(msgspec.Struct):
    """What is read of a template's deployment: the parameters alone."""

    parameters: dict[str, Parameter] = {}


def get(call: Call) -> Answer:
    """One workspace."""
    return Answer(200, rendered(call, call.house.scopes.get(call.caller, call.address)))


def page(call: Call) -> Answer:
    """Those of a resource group, or of a subscription."""
    found = call.house.scopes.page(
        call.caller,
        ScopeKind.WORKSPACE,
        call.page,
        subscription=call.place.subscription,
        resource_group=call.place.resource_group,
    )
    return listed(call, found, lambda scope: rendered(call, scope))


def put(call: Call) -> Answer:
    """Make a workspace, or change what is said about it."""
    body = call.body(WorkspaceBody)
    _check_kind(body.kind)
    try:
        call.house.scopes.get(call.caller, call.address)
    except NotFoundError:
        told = body.properties
        new = _new(call, call.place.name, body.location, body.tags, told.friendly_name, told.description)
        return Answer(201, rendered(call, call.house.scopes.create(call.caller, new)))
    return patch(call)


def patch(call: Call) -> Answer:
    """Change what is said about a workspace."""
    body = call.body(WorkspaceBody)
    change = ScopeChange(
        display_name=body.properties.friendly_name or body.friendly_name,
        description=body.properties.description if body.properties.description is not None else body.description,
        tags=body.tags,
    )
    return Answer(200, rendered(call, call.house.scopes.update(call.caller, call.address, change)))


def delete(call: Call) -> Answer:
    """Delete a workspace; 204 when there is none."""
    try:
        call.house.scopes.delete(call.caller, call.address)
    except NotFoundError:
        return Answer(204)
    return Answer(200)


def deploy(call: Call, deployment: str) -> Answer:
    """Make the workspace that a template's parameters describe. It is there when this answers: a deployment is always done."""
    given = {name: one.value for name, one in call.properties(Deployment).parameters.items()}
    name = given.get("workspaceName")
    if not isinstance(name, str):
        raise UnsupportedError(
            "Regista makes workspaces from a template's parameters and nothing else",
            hint="The parameter workspaceName is missing.",
        )
    _check_kind(given.get("kind"))
    new = _new(
        call, name, given.get("location"), given.get("tagValues"), given.get("friendlyName"), given.get("description")
    )
    group = given.get("resourceGroupName") or call.place.resource_group
    call.house.scopes.create(call.caller, msgspec.structs.replace(new, resource_group=str(group)))
    return Answer(201, _deployment(call, deployment))


def deployment(call: Call, deployment: str) -> Answer:
    """What has become of a deployment: it was done before it was answered, and nothing is kept of it."""
    return Answer(200, _deployment(call, deployment))


def operations(_: Call, **__: str) -> Answer:
    """The steps of a deployment: none."""
    return Answer(200, {"value": []})


def group(call: Call) -> Answer:
    """A resource group, of which the SDK wants the location."""
    place = call.place
    for one in call.house.groups.groups(call.caller, place.subscription):
        if one.name == place.resource_group:
            body = {"id": one.path, "name": one.name, "location": one.location or "local", "tags": one.tags}
            return Answer(200, {**body, "type": "Microsoft.Resources/resourceGroups", "properties": _done()})
    raise NotFoundError(f"there is no resource group {place.resource_group!r}", hint="A workspace's making makes it.")


def rendered(call: Call, scope: Scope) -> Json:
    """A workspace as the SDK reads it."""
    identifier = scope_id(scope)
    host = call.base.partition("://")[2]
    properties: Json = {
        "friendlyName": scope.display_name or scope.name,
        "description": scope.description,
        "workspaceId": guid(scope.id),
        "discoveryUrl": f"{call.base}/discovery",
        "mlFlowTrackingUri": f"azureml://{host}/mlflow/v1.0{identifier}",
        "publicNetworkAccess": "Enabled",
        "v1LegacyMode": False,
        "hbiWorkspace": False,
        **_done(),
    }
    made = system_data(scope.created_at, scope.created_by)
    more = {"location": scope.location, "tags": scope.tags, "kind": "Default", "systemData": made}
    return resource(identifier, scope.name, "workspaces", properties, **more)


def _new(call: Call, name: str, location: Any, tags: Any, display_name: Any, description: Any) -> NewScope:
    fields = {
        "kind": ScopeKind.WORKSPACE,
        "name": name,
        "subscription": call.place.subscription,
        "resource_group": call.place.resource_group,
        "location": location or None,
        "display_name": display_name,
        "description": description,
        "tags": tags,
    }
    try:
        return msgspec.convert({name: value for name, value in fields.items() if value is not None}, NewScope)
    except msgspec.ValidationError as wrong:
        raise InvalidError(f"the workspace {name[:80]!r} cannot be read: {wrong}") from wrong


def _check_kind(kind: object) -> None:
    if kind and str(kind).lower() != "default":
        raise UnsupportedError(f"a workspace of kind {str(kind)[:40]!r} is not served", hint="Leave the kind out.")


def _done() -> Json:
    return {"provisioningState": "Succeeded"}


def _deployment(call: Call, name: str) -> Json:
    identifier = f"/subscriptions/{call.place.subscription}/resourceGroups/{call.place.resource_group}"
    return {
        "id": f"{identifier}/providers/Microsoft.Resources/deployments/{name}",
        "name": name,
        "type": "Microsoft.Resources/deployments",
        "properties": {**_done(), "mode": "Incremental"},
    }


_IN_GROUP = f"providers/{PROVIDER}/workspaces"
ROUTES = (
    Route("GET", (Level.GROUP, Level.SUBSCRIPTION), _IN_GROUP, page),
    Route("GET", (Level.WORKSPACE,), "", get, pace=Pace.GLANCE),
    Route("PUT", (Level.WORKSPACE,), "", put),
    Route("PATCH", (Level.WORKSPACE,), "", patch),
    Route("DELETE", (Level.WORKSPACE,), "", delete),
    Route("GET", (Level.GROUP,), "", group, pace=Pace.GLANCE),
    Route("PUT", (Level.GROUP,), _DEPLOYMENT, deploy),
    Route("GET", (Level.GROUP,), _DEPLOYMENT, deployment, pace=Pace.GLANCE),
    Route("GET", (Level.GROUP,), "deployments/{deployment}/operations", operations, pace=Pace.GLANCE),
)
