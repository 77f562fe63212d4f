"""Online deployments of an endpoint, and the operations that tell what becomes of them."""

from typing import Literal

import msgspec

from regista.dialects.azureml.call import Answer, Call, Json, Level, listed
from regista.dialects.azureml.ids import scope_id
from regista.dialects.azureml.operations import accepted, progress
from regista.dialects.azureml.render import resource, system_data
from regista.dialects.azureml.resources.deployments import Body, Properties, read, rendered
from regista.dialects.azureml.routes.online_endpoints import deleted, home
from regista.dialects.azureml.routing import Route
from regista.entities.endpoint import Deployment, DeploymentState
from regista.entities.page import Page
from regista.entities.scope import Scope
from regista.errors import InvalidError, NotFoundError

_MOST_LINES = 100_000
_LOOKED_AT = 4 << 20
"""Bytes of a log's end in which its last lines are looked for."""


class LogRequest(msgspec.Struct, rename="camel"):
    """How many lines from the end, and of which of the two: what prepares, or what serves."""

    tail: int | None = None
    container_type: Literal["InferenceServer", "StorageInitializer"] | None = None


def get(call: Call, endpoint: str, deployment: str) -> Answer:
    """One deployment."""
    found = call.house.deployments.get(call.caller, call.address, endpoint, deployment)
    return Answer(200, _resource(home(call), found))


def page(call: Call, endpoint: str) -> Answer:
    """All of an endpoint, by name."""
    scope = home(call)
    found = call.house.deployments.all(call.caller, call.address, endpoint)
    return listed(call, Page(tuple(found), None), lambda one: _resource(scope, one))


def put(call: Call, endpoint: str, deployment: str) -> Answer:
    """Make it, or change it. What would fail is refused at once; the rest is told by the operation, which ends when it
    serves or has failed."""
    document = read(endpoint, deployment, call.body(Body), call.properties(Properties), call.properties(Json))
    made = call.house.deployments.put(call.caller, call.address, document)
    scope = home(call)
    poll = f"{scope_id(scope)}/operations/onlineDeployments/{endpoint}/{deployment}/{made.generation}"
    status = 201 if made.created_at == made.updated_at else 200
    return accepted(call, poll, _resource(scope, made), status=status)


def operation(call: Call, endpoint: str, deployment: str, generation: str) -> Answer:
    """What has become of a generation of a deployment: that it failed is told with the reason."""
    try:
        found = call.house.deployments.get(call.caller, call.address, endpoint, deployment)
    except NotFoundError:
        call.house.endpoints.get(call.caller, call.address, endpoint)
        return progress(call.path, "Failed", "DeploymentDeleted", f"deployment {deployment!r} was deleted meanwhile")
    if str(found.generation) != generation:
        said = f"deployment {deployment!r} was changed again meanwhile: see what became of that"
        return progress(call.path, "Failed", "DeploymentReplaced", said)
    if found.state is DeploymentState.FAILED:
        said = found.message or f"deployment {deployment!r} failed"
        return progress(call.path, "Failed", "DeploymentFailed", f"{said}. See its log: get_logs.")
    return progress(call.path, "Succeeded" if found.state is DeploymentState.SUCCEEDED else "InProgress")


def delete(call: Call, endpoint: str, deployment: str) -> Answer:
    """Delete one that gets no traffic; 204 when there is none."""
    try:
        call.house.deployments.get(call.caller, call.address, endpoint, deployment)
    except NotFoundError:
        return Answer(204)
    return deleted(call, in_force=call.house.deployments.delete(call.caller, call.address, endpoint, deployment))


def logs(call: Call, endpoint: str, deployment: str) -> Answer:
    """The last lines that its first instance wrote; while it has not written any, those of its preparation."""
    asked = call.body(LogRequest)
    lines = 500 if asked.tail is None else asked.tail
    if not 0 <= lines <= _MOST_LINES:
        raise InvalidError(f"tail is 0 to {_MOST_LINES:,} lines")
    served = "" if asked.container_type == "StorageInitializer" else _log(call, endpoint, deployment, 0)
    text = served if served or asked.container_type == "InferenceServer" else _log(call, endpoint, deployment, None)
    return Answer(200, {"content": "".join(text.splitlines(keepends=True)[-lines:] if lines else ())})


def _log(call: Call, endpoint: str, deployment: str, instance: int | None) -> str:
    pieces: list[str] = []
    offset = -_LOOKED_AT
    while True:
        part = call.house.deployments.log(
            call.caller, call.address, endpoint, deployment, instance=instance, offset=offset
        )
        if not part.text or len(pieces) * (1 << 20) > _LOOKED_AT:
            return "".join(pieces)
        pieces.append(part.text)
        offset = part.next_offset


def _resource(scope: Scope, found: Deployment) -> Json:
    made = system_data(found.created_at, found.created_by, found.updated_at)
    sku = {"name": "Default", "capacity": found.instance_count}
    more = {"location": scope.location, "tags": found.tags, "kind": "Managed", "sku": sku, "systemData": made}
    identifier = f"{scope_id(scope)}/onlineEndpoints/{found.endpoint}/deployments/{found.name}"
    return resource(identifier, found.name, "workspaces/onlineEndpoints/deployments", rendered(scope, found), **more)


_ALL = "onlineEndpoints/{endpoint}/deployments"
_ONE = f"{_ALL}/{{deployment}}"
ROUTES = (
    Route("GET", (Level.WORKSPACE,), _ALL, page),
    Route("GET", (Level.WORKSPACE,), _ONE, get),
    Route("PUT", (Level.WORKSPACE,), _ONE, put),
    Route("DELETE", (Level.WORKSPACE,), _ONE, delete),
    Route("POST", (Level.WORKSPACE,), f"{_ONE}/getLogs", logs),
    Route("GET", (Level.WORKSPACE,), "operations/onlineDeployments/{endpoint}/{deployment}/{generation}", operation),
)
