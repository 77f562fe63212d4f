"""The audit and the outbox.

Events are read by number, so a number must not appear after a greater one was read. On SQLite there is one writer. On
PostgreSQL transactions commit in any order; therefore their events are written as their last act, one transaction after
another, from the number's making to the commit.
"""

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, or_, select

from regista.drivers.catalog.sql import tables
from regista.drivers.catalog.sql.bodies import decoder, encoded
from regista.drivers.catalog.sql.paging import page_of
from regista.drivers.catalog.sql.session import Session, Statement, insert
from regista.entities.journal import AuditQuestion, AuditRecord, Event
from regista.entities.page import Page, PageRequest

_record = decoder(AuditRecord)
_event = decoder(Event)

_RECORD = insert(tables.audit_records, returning="seq")
_ADD = insert(tables.audit_records)
_AMEND = Statement("UPDATE audit_records SET body = :body WHERE seq = :seq")
_FORGET_READS = Statement(
    "DELETE FROM audit_records WHERE seq IN"
    " (SELECT seq FROM audit_records WHERE mere_read = 1 AND at < :before ORDER BY at LIMIT :limit)"
)
_EMIT = insert(tables.events)
_EVENTS = Statement("SELECT seq, body FROM events WHERE seq > :after ORDER BY seq LIMIT :limit")
_NEWEST = Statement("SELECT seq FROM events ORDER BY seq DESC LIMIT 1")
_OLDEST = Statement("SELECT seq, body FROM events WHERE seq <= :through ORDER BY seq LIMIT :limit")
_FORGET_EVENTS = Statement("DELETE FROM events WHERE seq <= :last")
_IN_TURN = Statement("SELECT pg_advisory_xact_lock(8243122784466987058)")


class JournalRows:
    """Rows of ``audit_records`` and ``events``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def record(self, record: AuditRecord) -> int:
        row = self._session.first(_RECORD, **_row(record))
        return int(row[0]) if row else 0

    def add(self, record: AuditRecord) -> None:
        self._session.tell(_ADD, **_row(record))

    def amend(self, number: int, record: AuditRecord) -> None:
        self._session.run(_AMEND, seq=number, body=encoded(record))

    def audit(self, question: AuditQuestion, request: PageRequest) -> Page[AuditRecord]:
        column = tables.audit_records.c
        query = select(column.body).where(*_conditions(question))
        return page_of(self._session, query, request, "audit", (column.at, column.seq), _record)

    def forget_reads(self, before: int, limit: int) -> int:
        return self._session.run(_FORGET_READS, before=before, limit=limit)

    def emit(self, event: Event) -> None:
        body = encoded(event)
        self._session.before_commit(lambda: self._append(body))

    def events(self, after: int, limit: int) -> list[Event]:
        rows = self._session.all(_EVENTS, after=after, limit=limit)
        return [msgspec.structs.replace(_event(body), sequence=seq) for seq, body in rows]

    def newest(self) -> int:
        row = self._session.first(_NEWEST)
        return int(row[0]) if row else 0

    def forget_events(self, before: int, through: int, limit: int) -> int:
        last = 0
        for seq, body in self._session.all(_OLDEST, through=through, limit=limit):
            if _event(body).at >= before:
                break
            last = int(seq)
        return self._session.run(_FORGET_EVENTS, last=last) if last else 0

    def _append(self, body: str) -> None:
        if self._session.postgres:
            self._session.tell(_IN_TURN)
        self._session.tell(_EMIT, body=body)


def _row(record: AuditRecord) -> dict[str, Any]:
    return {
        "at": record.at,
        "principal": record.principal,
        "path": record.path,
        "body": encoded(record),
        "action": record.action,
        "outcome": record.outcome,
        "mere_read": int(record.read),
    }


def _conditions(question: AuditQuestion) -> list[ColumnElement[bool]]:
    column = tables.audit_records.c
    found: list[ColumnElement[bool]] = []
    if question.places:
        found.append(or_(*(_at(path, since) for path, since in question.places)))
    if question.principal:
        found.append(column.principal == question.principal)
    if question.action.endswith("*"):
        beginning = question.action[:-1]
        found.append(and_(column.action >= beginning, column.action < beginning + "\U0010ffff"))
    elif question.action:
        found.append(column.action == question.action)
    if question.outcome:
        found.append(column.outcome == question.outcome)
    if question.since:
        found.append(column.at >= question.since)
    if question.until:
        found.append(column.at < question.until)
    return found


def _at(path: str, since: int) -> ColumnElement[bool]:
    """At *path* or below it, from *since* on: ``0`` is what comes after ``/``."""
    column = tables.audit_records.c
    top = path.rstrip("/")
    recent = column.at >= since
    if not top:
        return recent
    return and_(or_(column.path == top, and_(column.path >= f"{top}/", column.path < f"{top}0")), recent)
