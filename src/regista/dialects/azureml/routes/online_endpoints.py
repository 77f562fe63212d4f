"""Online endpoints of a workspace: addresses, traffic and keys."""

from typing import Literal

import msgspec

from regista.dialects.azureml.call import Answer, Call, Json, Level, listed
from regista.dialects.azureml.ids import guid, scope_id
from regista.dialects.azureml.operations import accepted, progress
from regista.dialects.azureml.render import resource, system_data
from regista.dialects.azureml.resources.endpoints import Body, Properties, kind_of, read, rendered
from regista.dialects.azureml.routing import Route
from regista.entities.endpoint import Endpoint
from regista.entities.scope import Scope
from regista.errors import NotFoundError, UnsupportedError
from regista.services.serving.endpoints import scoring_uri
from regista.services.serving.routing import changed, reached


class Regeneration(msgspec.Struct, rename="camel"):
    """Which key is to be replaced; the SDK sends the one that there is along."""

    key_type: Literal["Primary", "Secondary"] | None = None
    key_value: str | None = None


def get(call: Call, endpoint: str) -> Answer:
    """One endpoint."""
    found = call.house.endpoints.get(call.caller, call.address, endpoint)
    return Answer(200, _resource(call, home(call), found, call.house.endpoints.state((found,))[0]))


def page(call: Call) -> Answer:
    """Those that the caller may read, newest first."""
    scope = home(call)
    found = call.house.endpoints.page(call.caller, call.address, call.page)
    states = dict(zip((one.name for one in found.items), call.house.endpoints.state(found.items), strict=True))
    return listed(call, found, lambda one: _resource(call, scope, one, states[one.name]))


def put(call: Call, endpoint: str) -> Answer:
    """Make it, or change it: traffic is given whole. It is done when the gateway answers so."""
    document = read(endpoint, call.body(Body), call.properties(Properties))
    made = call.house.endpoints.put(call.caller, call.address, document)
    state = call.house.endpoints.state((made,))[0]
    scope = home(call)
    body = _resource(call, scope, made, state)
    status = 201 if made.created_at == made.updated_at else 200
    if state == "Succeeded":
        return Answer(status, body)
    return accepted(call, f"{scope_id(scope)}/operations/onlineEndpoints/{made.name}", body, status=status)


def operation(call: Call, endpoint: str) -> Answer:
    """How far the gateway is with the last change of an endpoint."""
    found = call.house.endpoints.get(call.caller, call.address, endpoint)
    state = call.house.endpoints.state((found,))[0]
    return progress(call.path, "Succeeded" if state == "Succeeded" else "InProgress")


def delete(call: Call, endpoint: str) -> Answer:
    """Delete it with its deployments; 204 when there is none."""
    try:
        call.house.endpoints.get(call.caller, call.address, endpoint)
    except NotFoundError:
        return Answer(204)
    return deleted(call, in_force=call.house.endpoints.delete(call.caller, call.address, endpoint))


def deleted(call: Call, *, in_force: bool) -> Answer:
    """What is deleted is gone; until the gateway knows it too, the operation goes on."""
    if in_force:
        return Answer(200)
    number = call.house.catalog.read(changed)
    return accepted(call, f"{scope_id(home(call))}/operations/changes/{number}", status=202)


def change(call: Call, number: str) -> Answer:
    """Whether the gateway has come to a change."""
    home(call)
    if not number.isdecimal() or len(number) > 18:
        raise NotFoundError(f"there is no change {number[:20]!r}")
    come = call.house.catalog.read(reached)
    return progress(call.path, "Succeeded" if come >= int(number) else "InProgress")


def keys(call: Call, endpoint: str) -> Answer:
    """Both keys; that they were read is written down."""
    found = call.house.endpoints.keys(call.caller, call.address, endpoint)
    body = {"primaryKey": found.primary_key, "secondaryKey": found.secondary_key}
    return Answer(200, body, (("cache-control", "no-store"),))


def regenerate(call: Call, endpoint: str) -> Answer:
    """Replace a key. The new one is made here: one's own is refused, and the old one sent along is no choice."""
    told = call.body(Regeneration)
    which: Literal["primary", "secondary"] = "secondary" if told.key_type == "Secondary" else "primary"
    if told.key_value:
        before = call.house.endpoints.keys(call.caller, call.address, endpoint)
        if told.key_value != getattr(before, f"{which}_key"):
            raise UnsupportedError("keys of one's own choice are not served", hint="Leave keyValue out.")
    made = call.house.endpoints.regenerate(call.caller, call.address, endpoint, which)
    poll = f"{scope_id(home(call))}/operations/onlineEndpoints/{endpoint}"
    return accepted(call, poll, status=202) if made.pending else Answer(200)


def token(call: Call, endpoint: str) -> Answer:
    """A token for an endpoint that tokens open; that it was fetched is written down. Times are in seconds."""
    found = call.house.endpoints.token(call.caller, call.address, endpoint)
    body = {
        "accessToken": found.access_token,
        "expiryTimeUtc": found.expires_at // 1000,
        "refreshAfterTimeUtc": found.refresh_after // 1000,
        "tokenType": found.token_type,
    }
    return Answer(200, body, (("cache-control", "no-store"),))


def home(call: Call) -> Scope:
    """The workspace."""
    return call.house.scopes.get(call.caller, call.address)


def _resource(call: Call, scope: Scope, found: Endpoint, state: str) -> Json:
    made = system_data(found.created_at, found.created_by, found.updated_at)
    more = {"location": scope.location, "tags": found.tags, "kind": kind_of(found), "systemData": made}
    identifier = f"{scope_id(scope)}/onlineEndpoints/{found.name}"
    properties = rendered(found, scoring_uri(call.house.serving.url, found), state)
    properties["properties"]["azureml.onlineendpointid"] = guid(found.id)
    return resource(identifier, found.name, "workspaces/onlineEndpoints", properties, **more)


_ONE = "onlineEndpoints/{endpoint}"
ROUTES = (
    Route("GET", (Level.WORKSPACE,), "onlineEndpoints", page),
    Route("GET", (Level.WORKSPACE,), _ONE, get),
    Route("PUT", (Level.WORKSPACE,), _ONE, put),
    Route("DELETE", (Level.WORKSPACE,), _ONE, delete),
    Route("POST", (Level.WORKSPACE,), f"{_ONE}/listKeys", keys),
    Route("POST", (Level.WORKSPACE,), f"{_ONE}/regenerateKeys", regenerate),
    Route("POST", (Level.WORKSPACE,), f"{_ONE}/token", token),
    Route("GET", (Level.WORKSPACE,), "operations/onlineEndpoints/{endpoint}", operation),
    Route("GET", (Level.WORKSPACE,), "operations/changes/{number}", change),
)
