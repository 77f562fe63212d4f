"""Principals, roles and role assignments."""

from regista.drivers.catalog.sql import tables
from regista.drivers.catalog.sql.bodies import decoder, encoded
from regista.drivers.catalog.sql.session import Session, Statement, insert, upsert
from regista.entities.access import Principal, Role, RoleAssignment
from regista.errors import AlreadyExistsError

_principal = decoder(Principal)
_role = decoder(Role)
_assignment = decoder(RoleAssignment)

_PUT_PRINCIPAL = upsert(tables.principals, "id")
_HOLDER = Statement("SELECT id FROM principals WHERE name = :name AND id <> :id")
_BY_ID = Statement("SELECT body FROM principals WHERE id = :id")
_BY_NAME = Statement("SELECT body FROM principals WHERE name = :name")
_PRINCIPALS = Statement("SELECT body FROM principals ORDER BY name")

_PUT_ROLE = upsert(tables.roles, "name")
_ROLES = Statement("SELECT body FROM roles ORDER BY name")
_DELETE_ROLE = Statement("DELETE FROM roles WHERE name = :name")

_ADD_ASSIGNMENT = insert(tables.role_assignments)
_ASSIGNMENTS = Statement("SELECT body FROM role_assignments ORDER BY path, principal_id, role")
_OF_PRINCIPAL = Statement(
    "SELECT body FROM role_assignments WHERE principal_id = :principal ORDER BY path, principal_id, role"
)
_AT_PATH = Statement("SELECT body FROM role_assignments WHERE path = :path ORDER BY path, principal_id, role")
_DELETE_ASSIGNMENT = Statement("DELETE FROM role_assignments WHERE id = :id")


class AccessRows:
    """Rows of ``principals``, ``roles`` and ``role_assignments``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put_principal(self, principal: Principal) -> None:
        if self._session.first(_HOLDER, name=principal.name, id=principal.id):
            raise AlreadyExistsError(f"there is another principal {principal.name!r} already")
        self._session.run(_PUT_PRINCIPAL, id=principal.id, name=principal.name, body=encoded(principal))

    def find_principal(self, principal_id: str = "", *, name: str = "") -> Principal | None:
        row = self._session.first(_BY_NAME, name=name) if name else self._session.first(_BY_ID, id=principal_id)
        return _principal(row[0]) if row else None

    def principals(self) -> list[Principal]:
        return [_principal(body) for (body,) in self._session.all(_PRINCIPALS)]

    def put_role(self, role: Role) -> None:
        self._session.run(_PUT_ROLE, name=role.name, body=encoded(role))

    def roles(self) -> list[Role]:
        return [_role(body) for (body,) in self._session.all(_ROLES)]

    def delete_role(self, name: str) -> None:
        self._session.run(_DELETE_ROLE, name=name)

    def put_assignment(self, assignment: RoleAssignment) -> None:
        self._session.run(
            _ADD_ASSIGNMENT,
            id=assignment.id,
            principal_id=assignment.principal_id,
            role=assignment.role,
            path=assignment.path,
            body=encoded(assignment),
        )

    def assignments(self, *, principal_id: str = "", path: str = "") -> list[RoleAssignment]:
        if principal_id:
            rows = self._session.all(_OF_PRINCIPAL, principal=principal_id)
        elif path:
            rows = self._session.all(_AT_PATH, path=path)
        else:
            rows = self._session.all(_ASSIGNMENTS)
        found = [_assignment(body) for (body,) in rows]
        return [assignment for assignment in found if path in {"", assignment.path}]

    def delete_assignment(self, assignment_id: str) -> None:
        self._session.run(_DELETE_ASSIGNMENT, id=assignment_id)
