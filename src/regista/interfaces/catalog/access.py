"""Who may do what, and who did."""

from typing import Protocol

from regista.entities.access import Key, Principal, Role, RoleAssignment
from regista.entities.journal import AuditQuestion, AuditRecord, Event
from regista.entities.page import Page, PageRequest


class AccessRepository(Protocol):
    """Principals, roles and role assignments."""

    def put_principal(self, principal: Principal) -> None:
        """Add or replace by id; raise ``AlreadyExistsError`` when another one has the name."""

    def find_principal(self, principal_id: str = "", *, name: str = "") -> Principal | None:
        """By id, or by name: a name never is mistaken for another's id."""

    def principals(self) -> list[Principal]:
        """All, by name."""

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


class KeyRepository(Protocol):
    """Keys of principals."""

    def put(self, key: Key) -> None:
        """Add or replace by id."""

    def find(self, key_id: str = "", *, secret_hash: str = "") -> tuple[Key, Principal] | None:
        """The key of this id, or of this hash, and whose it is; the hot path of every call."""

    def of(self, principal_id: str) -> list[Key]:
        """All of a principal, newest first."""

    def delete(self, key_id: str) -> None:
        """Remove; quiet when absent."""


class Journal(Protocol):
    """The audit and the outbox: written in the transaction of the change itself. What was read is written afterwards."""

    def record(self, record: AuditRecord) -> int:
        """Append an audit record and return its number."""

    def add(self, record: AuditRecord) -> None:
        """Append an audit record of whose number there is no need."""

    def amend(self, number: int, record: AuditRecord) -> None:
        """Replace what the record of this number says of its count; quiet when it is gone."""

    def audit(self, question: AuditQuestion, request: PageRequest) -> Page[AuditRecord]:
        """The records that fulfil the question, newest first."""

    def forget_reads(self, before: int, limit: int) -> int:
        """Remove up to *limit* records of mere reads that are older; return how many there were."""

    def emit(self, event: Event) -> None:
        """Append an event; it gets the next sequence number."""

    def events(self, after: int, limit: int) -> list[Event]:
        """Events in order, after a sequence number."""

    def newest(self) -> int:
        """The sequence number of the newest event; 0 when there is none."""

    def forget_events(self, before: int, through: int, limit: int) -> int:
        """Remove of the oldest *limit* events those that happened before that time, up to number *through*; return how many
        there were. Numbers are not given again."""
