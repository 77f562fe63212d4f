"""Connections of a workspace: what they point at, and how it is opened, to whoever may know it."""

from regista.dialects.azureml.call import Answer, Call, Json, Level, listed
from regista.dialects.azureml.ids import scope_id
from regista.dialects.azureml.render import resource, system_data
from regista.dialects.azureml.resources.connections import Properties, read, rendered, secrets_of
from regista.dialects.azureml.routing import Route
from regista.dialects.desk import Pace
from regista.entities.connection import Connection
from regista.entities.page import Page


def get(call: Call, name: str) -> Answer:
    """One connection, without what is secret about it."""
    found = call.house.connections.get(call.caller, call.address, name)
    return Answer(200, _resource(_home(call), found))


def page(call: Call) -> Answer:
    """All that the caller may read, by name; of one category where it is asked for."""
    home, category = _home(call), call.asked("category").lower()
    rows = [(one, _resource(home, one)) for one in call.house.connections.list(call.caller, call.address)]
    found = [body for _, body in rows if not category or body["properties"]["category"].lower() == category]
    return listed(call, Page(tuple(found), None), lambda body: body)


def put(call: Call, name: str) -> Answer:
    """Make it or replace it; what is secret about it is sealed."""
    document = read(name, call.properties(Properties))
    made = call.house.connections.create_or_update(call.caller, call.address, document)
    return Answer(200, _resource(_home(call), made))


def delete(call: Call, name: str) -> Answer:
    """Forget it and its secret."""
    call.house.connections.delete(call.caller, call.address, name)
    return Answer(200)


def secrets(call: Call, name: str) -> Answer:
    """The connection with its credentials, whole; that they were asked for is written down."""
    found = call.house.connections.secrets(call.caller, call.address, name)
    connection = call.house.connections.get(call.caller, call.address, name)
    body = _resource(_home(call), connection, secrets_of(found))
    return Answer(200, body, (("cache-control", "no-store"),))


def _home(call: Call) -> str:
    return scope_id(call.house.scopes.get(call.caller, call.address))


def _resource(home: str, found: Connection, credentials: Json | None = None) -> Json:
    made = system_data(found.created_at, found.created_by, found.updated_at)
    identifier = f"{home}/connections/{found.name}"
    properties = rendered(found, credentials)
    return resource(identifier, found.name, "workspaces/connections", properties, systemData=made)


ROUTES = (
    Route("GET", (Level.WORKSPACE,), "connections", page),
    Route("GET", (Level.WORKSPACE,), "connections/{name}", get, pace=Pace.GLANCE),
    Route("PUT", (Level.WORKSPACE,), "connections/{name}", put),
    Route("DELETE", (Level.WORKSPACE,), "connections/{name}", delete),
    Route("POST", (Level.WORKSPACE,), "connections/{name}/listsecrets", secrets),
)
