"""Datastores of a workspace. ``workspaceblobstore`` and ``workspaceartifactstore`` are built in; others are records."""

from regista.dialects.azureml.call import Answer, Call, Json, Level, listed
from regista.dialects.azureml.ids import scope_id
from regista.dialects.azureml.render import resource, system_data
from regista.dialects.azureml.resources.datastores import Properties, read, rendered, secrets_of
from regista.dialects.azureml.routing import Route
from regista.dialects.desk import Pace
from regista.entities.datastore import Datastore
from regista.entities.page import Page
from regista.errors import InvalidError
from regista.services.datastores.signatures import DEFAULT_SECONDS

_LONGEST_HOURS = 24 * 7


def get(call: Call, name: str) -> Answer:
    """One datastore, without its secret."""
    found = call.house.datastores.get(call.caller, call.address, name)
    return Answer(200, _resource(call, _home(call), found))


def page(call: Call) -> Answer:
    """All of them, the built-in ones first; or the default alone."""
    if call.asked("isDefault").lower() == "true":
        found = [call.house.datastores.default(call.caller, call.address)]
    else:
        found = call.house.datastores.list(call.caller, call.address)
    home = _home(call)
    return listed(call, Page(tuple(found), None), lambda one: _resource(call, home, one))


def put(call: Call, name: str) -> Answer:
    """Make it or replace it. Whether the account is there is not looked at: the bytes in it are not Regista's."""
    new = read(name, call.properties(Properties), call.properties(Json))
    made = call.house.datastores.create_or_update(call.caller, call.address, new)
    return Answer(201, _resource(call, _home(call), made))


def delete(call: Call, name: str) -> Answer:
    """Forget it; what it points at stays."""
    call.house.datastores.delete(call.caller, call.address, name)
    return Answer(200)


def secrets(call: Call, name: str) -> Answer:
    """What opens it; that it was asked for is written down."""
    hours = call.body(Json).get("expireAfterHours")
    if hours is not None and not isinstance(hours, int | float):
        raise InvalidError("expireAfterHours is no number")
    seconds = min(max(hours, 0.01), _LONGEST_HOURS) * 3600 if hours else DEFAULT_SECONDS
    found = call.house.datastores.secrets(call.caller, call.address, name, seconds=seconds)
    if not found.values:
        raise InvalidError(f"datastore {name!r} has no secret", hint="Its credentials are of type None.")
    return Answer(200, secrets_of(found), (("cache-control", "no-store"),))


def _home(call: Call) -> str:
    return scope_id(call.house.scopes.get(call.caller, call.address))


def _resource(call: Call, home: str, found: Datastore) -> Json:
    host = call.base.partition("://")[2]
    made = system_data(found.created_at, found.created_by, found.updated_at)
    identifier = f"{home}/datastores/{found.name}"
    return resource(identifier, found.name, "workspaces/datastores", rendered(found, host), systemData=made)


ROUTES = (
    Route("GET", (Level.WORKSPACE,), "datastores", page),
    Route("GET", (Level.WORKSPACE,), "datastores/{name}", get, pace=Pace.GLANCE),
    Route("PUT", (Level.WORKSPACE,), "datastores/{name}", put),
    Route("DELETE", (Level.WORKSPACE,), "datastores/{name}", delete),
    Route("POST", (Level.WORKSPACE,), "datastores/{name}/listSecrets", secrets),
)
