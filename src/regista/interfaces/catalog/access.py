"""Who may do what, and who did."""

from typing import Protocol

from regista.entities.access import Key, Principal, Role, RoleAssignment
from regista.entities.journal import AuditRecord, Event
from regista.entities.page import Page, PageRequest


class AccessRepository(Protocol):
    """Principals, their keys, roles and role assignments."""

    def put_principal(self, principal: Principal) -> None:
        """Add or replace by id; raise ``AlreadyExistsError`` when another one has the name."""

    def find_principal(self, id_or_name: str) -> Principal | None:
        """By id or by name."""

    def principals(self) -> list[Principal]:
        """All, by name."""

    def put_key(self, key: Key) -> None:
        """Add or replace by id."""

    def find_key(self, secret_hash: str) -> tuple[Key, Principal] | None:
        """The key of this hash and whose it is; the hot path of every call."""

    def keys(self, principal_id: str) -> list[Key]:
        """All of a principal, newest first."""

    def put_role(self, role: Role) -> None:
        """Add or replace a custom role."""

    def roles(self) -> list[Role]:
        """Custom roles, by name (the built-in ones are ``BUILT_IN_ROLES``)."""

    def delete_role(self, name: str) -> None:
        """Remove a custom role; quiet when absent."""

    def put_assignment(self, assignment: RoleAssignment) -> None:
        """Add; the same principal, role and path again is left as it is."""

    def assignments(self, *, principal_id: str = "", path: str = "") -> list[RoleAssignment]:
        """Of a principal, or at exactly a path, or all."""

    def delete_assignment(self, assignment_id: str) -> None:
        """Remove; quiet when absent."""


class Journal(Protocol):
    """The audit and the outbox: written in the transaction of the change itself."""

    def record(self, record: AuditRecord) -> None:
        """Append an audit record."""

    def emit(self, event: Event) -> None:
        """Append an event; it gets the next sequence number."""

    def audit(self, request: PageRequest, *, path: str = "", principal: str = "", since: int = 0) -> Page[AuditRecord]:
        """Newest first; at *path* or below it."""

    def events(self, after: int, limit: int) -> list[Event]:
        """Events in order, after a sequence number."""
