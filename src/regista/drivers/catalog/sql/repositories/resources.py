"""Computes and connections: rows of one table, told apart by what they are."""

from regista.drivers.catalog.sql import tables
from regista.drivers.catalog.sql.bodies import decoder, encoded
from regista.drivers.catalog.sql.session import Session, Statement, upsert
from regista.entities.compute import Compute
from regista.entities.connection import Connection

_compute = decoder(Compute)
_connection = decoder(Connection)

_ONE = "FROM resources WHERE scope_id = :scope AND kind = :kind AND name = :name"
_PUT = upsert(tables.resources, "scope_id", "kind", "name")
_FIND = Statement(f"SELECT body {_ONE}")
_DELETE = Statement(f"DELETE {_ONE}")
_OF_SCOPE = Statement("SELECT body FROM resources WHERE scope_id = :scope AND kind = :kind ORDER BY name")


class _Rows:
    """Rows of one kind."""

    kind = ""

    def __init__(self, session: Session) -> None:
        self._session = session

    def _found(self, scope_id: str, name: str) -> str | None:
        row = self._session.first(_FIND, scope=scope_id, kind=self.kind, name=name)
        return row[0] if row else None

    def _bodies(self, scope_id: str) -> list[str]:
        return [body for (body,) in self._session.all(_OF_SCOPE, scope=scope_id, kind=self.kind)]

    def _keep(self, scope_id: str, name: str, body: str) -> None:
        self._session.run(_PUT, scope_id=scope_id, kind=self.kind, name=name, body=body)

    def delete(self, scope_id: str, name: str) -> None:
        self._session.run(_DELETE, scope=scope_id, kind=self.kind, name=name)


class ComputeRows(_Rows):
    """Rows of ``resources`` that are computes."""

    kind = "compute"

    def find(self, scope_id: str, name: str) -> Compute | None:
        body = self._found(scope_id, name)
        return _compute(body) if body is not None else None

    def put(self, compute: Compute) -> None:
        self._keep(compute.scope_id, compute.name, encoded(compute))

    def of_scope(self, scope_id: str) -> list[Compute]:
        return [_compute(body) for body in self._bodies(scope_id)]


class ConnectionRows(_Rows):
    """Rows of ``resources`` that are connections."""

    kind = "connection"

    def find(self, scope_id: str, name: str) -> Connection | None:
        body = self._found(scope_id, name)
        return _connection(body) if body is not None else None

    def put(self, connection: Connection) -> None:
        self._keep(connection.scope_id, connection.name, encoded(connection))

    def of_scope(self, scope_id: str) -> list[Connection]:
        return [_connection(body) for body in self._bodies(scope_id)]
