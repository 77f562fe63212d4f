"""Computes, datastores and connections of a workspace. Documents come in the shape of their YAML; secrets go out by two routes
alone, which are no GETs: that they were asked for is recorded."""

from collections.abc import Sequence
from typing import Any, Literal

from litestar import delete, get, post, put
from litestar.handlers import BaseRouteHandler

from regista.entities.access import Caller
from regista.entities.compute import Compute
from regista.entities.documents.compute import parse_compute
from regista.entities.documents.connection import parse_connection
from regista.entities.documents.datastore import parse_datastore
from regista.entities.resource_views import ConnectionView, DatastoreView, Secrets
from regista.entities.scope import ScopeAddress
from regista.errors import InvalidError
from regista.services.datastores.datastores import NewDatastore
from regista.services.house import House

_STATES = ("start", "stop", "restart")


@get("/computes", sync_to_thread=True)
def list_computes(caller: Caller, house: House, address: ScopeAddress) -> list[Compute]:
    """The computes that the caller may read, by name."""
    return house.computes.list(caller, address)


@post("/computes", sync_to_thread=True)
def create_compute(caller: Caller, house: House, address: ScopeAddress, data: dict[str, Any]) -> Compute:
    """Make the compute of a document; a taken name is refused."""
    return house.computes.create_or_update(caller, address, parse_compute(data), only="create")


@put("/computes/{name:str}", sync_to_thread=True)
def put_compute(caller: Caller, house: House, address: ScopeAddress, name: str, data: dict[str, Any]) -> Compute:
    """Make the compute, or replace it."""
    return house.computes.create_or_update(caller, address, parse_compute(data | {"name": name}))


@get("/computes/{name:str}", sync_to_thread=True)
def get_compute(caller: Caller, house: House, address: ScopeAddress, name: str) -> Compute:
    """One compute."""
    return house.computes.get(caller, address, name)


@delete("/computes/{name:str}", sync_to_thread=True)
def delete_compute(caller: Caller, house: House, address: ScopeAddress, name: str) -> None:
    """Forget a compute."""
    house.computes.delete(caller, address, name)


@post("/computes/{name:str}/{verb:str}", sync_to_thread=True, status_code=200)
def change_compute(caller: Caller, house: House, address: ScopeAddress, name: str, verb: str) -> Compute:
    """Write down that an instance was started, stopped or restarted."""
    if verb not in _STATES:
        raise InvalidError(f"a compute cannot {verb[:50]!r}", hint=f"It can {', '.join(_STATES)}.")
    wanted: Literal["start", "stop", "restart"] = verb  # type: ignore[assignment]
    return house.computes.change_state(caller, address, name, wanted)


@get("/datastores", sync_to_thread=True)
def list_datastores(caller: Caller, house: House, address: ScopeAddress) -> list[DatastoreView]:
    """The datastores that the caller may read, the built-in ones first."""
    return [DatastoreView.of(one) for one in house.datastores.list(caller, address)]


@post("/datastores", sync_to_thread=True)
def create_datastore(caller: Caller, house: House, address: ScopeAddress, data: dict[str, Any]) -> DatastoreView:
    """Make the datastore of a document; a taken name is refused."""
    return DatastoreView.of(house.datastores.create_or_update(caller, address, _new(data), only="create"))


@put("/datastores/{name:str}", sync_to_thread=True)
def put_datastore(
    caller: Caller, house: House, address: ScopeAddress, name: str, data: dict[str, Any]
) -> DatastoreView:
    """Make the datastore, or replace it."""
    return DatastoreView.of(house.datastores.create_or_update(caller, address, _new(data | {"name": name})))


@get("/datastores/{name:str}", sync_to_thread=True)
def get_datastore(caller: Caller, house: House, address: ScopeAddress, name: str) -> DatastoreView:
    """One datastore."""
    return DatastoreView.of(house.datastores.get(caller, address, name))


@delete("/datastores/{name:str}", sync_to_thread=True)
def delete_datastore(caller: Caller, house: House, address: ScopeAddress, name: str) -> None:
    """Forget a datastore; what it points at stays."""
    house.datastores.delete(caller, address, name)


@post("/datastores/{name:str}/default", sync_to_thread=True, status_code=200)
def default_datastore(caller: Caller, house: House, address: ScopeAddress, name: str) -> DatastoreView:
    """Use it where none is named."""
    return DatastoreView.of(house.datastores.set_default(caller, address, name))


@post("/datastores/{name:str}/secrets", sync_to_thread=True, status_code=200)
def datastore_secrets(caller: Caller, house: House, address: ScopeAddress, name: str) -> Secrets:
    """What opens it."""
    return house.datastores.secrets(caller, address, name)


@get("/connections", sync_to_thread=True)
def list_connections(caller: Caller, house: House, address: ScopeAddress) -> list[ConnectionView]:
    """The connections that the caller may read, by name."""
    return [ConnectionView.of(one) for one in house.connections.list(caller, address)]


@post("/connections", sync_to_thread=True)
def create_connection(caller: Caller, house: House, address: ScopeAddress, data: dict[str, Any]) -> ConnectionView:
    """Make the connection of a document; a taken name is refused."""
    return ConnectionView.of(house.connections.create_or_update(caller, address, parse_connection(data), only="create"))


@put("/connections/{name:str}", sync_to_thread=True)
def put_connection(
    caller: Caller, house: House, address: ScopeAddress, name: str, data: dict[str, Any]
) -> ConnectionView:
    """Make the connection, or replace it."""
    document = parse_connection(data | {"name": name})
    return ConnectionView.of(house.connections.create_or_update(caller, address, document))


@get("/connections/{name:str}", sync_to_thread=True)
def get_connection(caller: Caller, house: House, address: ScopeAddress, name: str) -> ConnectionView:
    """One connection."""
    return ConnectionView.of(house.connections.get(caller, address, name))


@delete("/connections/{name:str}", sync_to_thread=True)
def delete_connection(caller: Caller, house: House, address: ScopeAddress, name: str) -> None:
    """Forget a connection and its secret."""
    house.connections.delete(caller, address, name)


@post("/connections/{name:str}/secrets", sync_to_thread=True, status_code=200)
def connection_secrets(caller: Caller, house: House, address: ScopeAddress, name: str) -> Secrets:
    """Its credentials, whole."""
    return house.connections.secrets(caller, address, name)


def _new(data: dict[str, Any]) -> NewDatastore:
    document = parse_datastore(data)
    return NewDatastore(**{name: getattr(document, name) for name in NewDatastore.__struct_fields__})


HANDLERS: Sequence[BaseRouteHandler] = (
    list_computes,
    create_compute,
    put_compute,
    get_compute,
    delete_compute,
    change_compute,
    list_datastores,
    create_datastore,
    put_datastore,
    get_datastore,
    delete_datastore,
    default_datastore,
    datastore_secrets,
    list_connections,
    create_connection,
    put_connection,
    get_connection,
    delete_connection,
    connection_secrets,
)
