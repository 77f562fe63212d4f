"""Computes, datastores and connections, from the client's side."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar
from urllib.parse import quote

from regista.client.documents import apply_overrides, load_document
from regista.entities.compute import Compute
from regista.entities.documents.compute import parse_compute
from regista.entities.documents.connection import parse_connection
from regista.entities.documents.datastore import parse_datastore
from regista.entities.resource_views import ConnectionView, DatastoreView, Secrets

if TYPE_CHECKING:
    from regista.client.session import Regista

T = TypeVar("T", Compute, DatastoreView, ConnectionView)


class ResourceClient(Generic[T]):
    """What the three have in common. Documents are those of ``az ml``, checked before they are sent."""

    noun: str
    kind: type[T]
    parse: Callable[..., Any]

    def __init__(self, session: "Regista") -> None:
        self._session = session

    def create(self, file: Path | None = None, *, overrides: tuple[str, ...] = (), **fields: Any) -> T:
        """Make one from a YAML *file*, from *fields* of the same names, or from both; a taken name is refused."""
        document = self._document(file, overrides, fields)
        return self._session.transport.call("POST", self._base, body=document, type=self.kind)

    def put(self, file: Path | None = None, *, overrides: tuple[str, ...] = (), **fields: Any) -> T:
        """Make one, or replace it whole. A secret that the document does not bring stays only with a connection."""
        document = self._document(file, overrides, fields)
        return self._session.transport.call("PUT", self._place(document["name"]), body=document, type=self.kind)

    def get(self, name: str) -> T:
        """By name."""
        return self._session.transport.call("GET", self._place(name), type=self.kind)

    def delete(self, name: str) -> None:
        """Forget it; quiet when absent."""
        self._session.transport.call("DELETE", self._place(name))

    @property
    def _base(self) -> str:
        return f"/api/v1/{self._session.scope_path}/{self.noun}"

    def _place(self, name: str, verb: str = "") -> str:
        return f"{self._base}/{quote(name, safe='')}" + (f"/{verb}" if verb else "")

    def _document(self, file: Path | None, overrides: tuple[str, ...], fields: Mapping[str, Any]) -> dict[str, Any]:
        given = {key: value for key, value in fields.items() if value is not None}
        document = apply_overrides((load_document(file) if file else {}) | given, overrides)
        type(self).parse(document, where=str(file or ""))
        return document

    def list(self) -> list[T]:
        """All that you may see, by name."""
        return self._session.transport.call("GET", self._base, type=list[self.kind])  # type: ignore[name-defined]


class ComputeClient(ResourceClient[Compute]):
    """Computes of the client's workspace: named profiles."""

    noun, kind, parse = "computes", Compute, staticmethod(parse_compute)

    def change_state(self, name: str, verb: Literal["start", "stop", "restart"]) -> Compute:
        """Write down that an instance was started, stopped or restarted."""
        return self._session.transport.call("POST", self._place(name, verb), type=Compute)


class DatastoreClient(ResourceClient[DatastoreView]):
    """Datastores of the client's workspace."""

    noun, kind, parse = "datastores", DatastoreView, staticmethod(parse_datastore)

    def set_default(self, name: str) -> DatastoreView:
        """Use it where none is named."""
        return self._session.transport.call("POST", self._place(name, "default"), type=DatastoreView)

    def secrets(self, name: str) -> Secrets:
        """What opens it; that it was asked for is recorded."""
        return self._session.transport.call("POST", self._place(name, "secrets"), type=Secrets)


class ConnectionClient(ResourceClient[ConnectionView]):
    """Connections of the client's workspace."""

    noun, kind, parse = "connections", ConnectionView, staticmethod(parse_connection)

    def secrets(self, name: str) -> Secrets:
        """Its credentials, whole; that they were asked for is recorded."""
        return self._session.transport.call("POST", self._place(name, "secrets"), type=Secrets)
