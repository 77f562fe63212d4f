"""The audit and the outbox.

Events are read by number, so a number must not appear after a greater one was read. On SQLite there is one writer. On
PostgreSQL transactions commit in any order; therefore their events are written as their last act, one transaction after
another, from the number's making to the commit.
"""

import msgspec
from sqlalchemy import and_, or_, select

from regista.drivers.catalog.sql import tables
from regista.drivers.catalog.sql.bodies import decoder, encoded
from regista.drivers.catalog.sql.paging import page_of
from regista.drivers.catalog.sql.session import Session, Statement, insert
from regista.entities.journal import AuditRecord, Event
from regista.entities.page import Page, PageRequest

_record = decoder(AuditRecord)
_event = decoder(Event)

_RECORD = insert(tables.audit_records)
_EMIT = insert(tables.events)
_EVENTS = Statement("SELECT seq, body FROM events WHERE seq > :after ORDER BY seq LIMIT :limit")
_IN_TURN = Statement("SELECT pg_advisory_xact_lock(8243122784466987058)")


class JournalRows:
    """Rows of ``audit_records`` and ``events``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def record(self, record: AuditRecord) -> None:
        self._session.run(_RECORD, at=record.at, principal=record.principal, path=record.path, body=encoded(record))

    def emit(self, event: Event) -> None:
        body = encoded(event)
        self._session.before_commit(lambda: self._append(body))

    def audit(self, request: PageRequest, *, path: str = "", principal: str = "", since: int = 0) -> Page[AuditRecord]:
        column = tables.audit_records.c
        query = select(column.body)
        if path.rstrip("/"):
            top = path.rstrip("/")
            below = and_(column.path >= f"{top}/", column.path < f"{top}0")
            query = query.where(or_(column.path == top, below))
        if principal:
            query = query.where(column.principal == principal)
        if since:
            query = query.where(column.at >= since)
        return page_of(self._session, query, request, "audit", (column.at, column.seq), _record)

    def events(self, after: int, limit: int) -> list[Event]:
        rows = self._session.all(_EVENTS, after=after, limit=limit)
        return [msgspec.structs.replace(_event(body), sequence=seq) for seq, body in rows]

    def _append(self, body: str) -> None:
        if self._session.postgres:
            self._session.first(_IN_TURN)
        self._session.run(_EMIT, body=body)
