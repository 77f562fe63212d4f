"""Reading the audit and the events: each caller sees what happened where it may see that."""

from regista.entities.access import Caller, Permission, check_grant_path, is_within
from regista.entities.journal import AuditQuestion, AuditRecord, AuditSettings, Event, EventPage
from regista.entities.page import Page, PageRequest
from regista.entities.scope import ScopeKind
from regista.errors import ForbiddenError, InvalidError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.access.delegation import require_installation
from regista.services.audit.book import AuditBook
from regista.services.audit.settings import audit_settings, keep_audit_settings
from regista.services.journal import note

MOST_EVENTS = 1000
_LOOKED_AT = 5000
"""Events that one call looks through for some that the caller may see."""
_MOST_PLACES = 100
_LONGEST_DAYS = 36_600

_NEEDED = {
    "workspace": Permission.SCOPES_READ,
    "registry": Permission.SCOPES_READ,
    "subscription": Permission.SCOPES_READ,
    "group": Permission.SCOPES_READ,
    "model": Permission.ASSETS_READ,
    "environment": Permission.ASSETS_READ,
    "component": Permission.ASSETS_READ,
    "data": Permission.ASSETS_READ,
    "code": Permission.ASSETS_READ,
    "job": Permission.JOBS_READ,
    "run": Permission.JOBS_READ,
    "experiment": Permission.JOBS_READ,
    "logged_model": Permission.JOBS_READ,
    "llm_trace": Permission.JOBS_READ,
    "endpoint": Permission.ENDPOINTS_READ,
    "deployment": Permission.ENDPOINTS_READ,
    "datastore": Permission.RESOURCES_READ,
    "compute": Permission.RESOURCES_READ,
    "connection": Permission.RESOURCES_READ,
    "role": Permission.ACCESS_READ,
}
"""What it takes to know of an event about a noun, at the event's path; for every other, the right to read the audit."""


class AuditService:
    """Pages of the audit, the feed of events, and what is written down of reads."""

    def __init__(self, catalog: Catalog, book: AuditBook) -> None:
        self._catalog = catalog
        self._book = book

    def page(
        self, caller: Caller, question: AuditQuestion, request: PageRequest, *, path: str = "/"
    ) -> Page[AuditRecord]:
        """The records at *path* and below that fulfil the question, newest first, as far as the caller may read the audit
        there; raise ``ForbiddenError`` where it may not at all. The places of the question are not looked at.

        Who may not read the whole installation's sees of a scope what happened since that scope was made: another one may
        have had its name before."""
        check_grant_path(path)
        _check_times(question)
        self._book.flush()

        def work(tx: Transaction) -> Page[AuditRecord]:
            whole = caller.allows(Permission.AUDIT_READ, "/")
            places = tuple((one, 0 if whole else _made_at(tx, one)) for one in self._places(caller, path))
            asked = AuditQuestion(
                places=places,
                principal=question.principal,
                action=question.action,
                outcome=question.outcome,
                since=question.since,
                until=question.until,
            )
            return tx.journal.audit(asked, request)

        return self._catalog.read(work)

    @staticmethod
    def _places(caller: Caller, path: str) -> list[str]:
        if caller.allows(Permission.AUDIT_READ, path):
            return [path]
        found = [place for place in caller.places_below(path) if caller.allows(Permission.AUDIT_READ, place)]
        if not found:
            raise ForbiddenError(
                f"{caller.principal.name} lacks {Permission.AUDIT_READ!s} at {path}",
                hint="Ask an owner of the scope: the role Owner has it, or one of your own that names it.",
            )
        top = [one for one in found if not any(one != other and is_within(one, other) for other in found)]
        if len(top) > _MOST_PLACES:
            raise InvalidError("you may read the audit at too many places at once", hint="Name one of them.")
        return top

    def events(self, caller: Caller, after: int, limit: int) -> EventPage:
        """Events after a sequence number, oldest first, about what the caller may read. Their data is for who may read the
        audit there. A negative number counts from the newest event back."""
        limit = min(limit, MOST_EVENTS)
        if limit < 1 or not -(2**62) < after < 2**62:
            raise InvalidError("events are asked for from a number on, one at least", hint="The first are after 0.")
        found: list[Event] = []

        def work(tx: Transaction) -> int:
            found.clear()
            at, looked = after if after >= 0 else max(0, tx.journal.newest() + after), 0
            while looked < _LOOKED_AT and (some := tx.journal.events(at, MOST_EVENTS)):
                for event in some:
                    at, looked = event.sequence, looked + 1
                    if (seen := _seen(tx, caller, event)) is not None:
                        found.append(seen)
                        if len(found) == limit:
                            return at
            return at

        return EventPage(next=self._catalog.read(work), items=tuple(found))

    def settings(self, caller: Caller) -> AuditSettings:
        """What is written down of reads, and for how long; for who may read the audit anywhere."""
        self._places(caller, "/")
        return self._catalog.read(audit_settings)

    def configure(self, caller: Caller, settings: AuditSettings) -> AuditSettings:
        """Let other settings hold; other servers of the installation follow with their next look."""
        require_installation(caller)
        if not 0 <= settings.retention_days <= _LONGEST_DAYS:
            raise InvalidError("reads are kept for 0 (for ever) to 36,600 days")

        def work(tx: Transaction) -> AuditSettings:
            keep_audit_settings(tx, settings)
            note(tx, caller, "audit.configure", "/", reads=settings.reads, retention_days=settings.retention_days)
            return settings

        kept = self._catalog.write(work)
        self._book.use(kept)
        return kept


def _check_times(question: AuditQuestion) -> None:
    if not all(0 <= at < 2**53 for at in (question.since, question.until)):
        raise InvalidError("a time is given in milliseconds since 1970")


def _made_at(tx: Transaction, path: str) -> int:
    """When the scope was made in which *path* lies; 0 for what lies in none."""
    match path.split("/"):
        case [
            "",
            "subscriptions",
            subscription,
            "resourceGroups",
            group,
            "workspaces" | "registries" as plural,
            name,
            *_,
        ]:
            kind = ScopeKind.WORKSPACE if plural == "workspaces" else ScopeKind.REGISTRY
            return next((one.created_at for one in tx.scopes.find(kind, name, subscription, group)), 0)
    return 0


def _seen(tx: Transaction, caller: Caller, event: Event) -> Event | None:
    """The event as the caller may see it, or None."""
    audits = caller.allows(Permission.AUDIT_READ, event.path)
    needed = _NEEDED.get(event.type.partition(".")[0])
    if not audits and (needed is None or not caller.allows(needed, event.path)):
        return None
    if not caller.allows(Permission.AUDIT_READ, "/") and event.at < _made_at(tx, event.path):
        return None
    return (
        event if audits else Event(id=event.id, at=event.at, type=event.type, path=event.path, sequence=event.sequence)
    )
