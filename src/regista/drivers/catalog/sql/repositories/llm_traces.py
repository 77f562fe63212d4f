"""Traces of language-model programs, and links to those that have not come yet."""

from collections.abc import Sequence

from sqlalchemy import select

from regista.drivers.catalog.sql import tables
from regista.drivers.catalog.sql.bodies import decoder, encoded
from regista.drivers.catalog.sql.paging import page_of
from regista.drivers.catalog.sql.session import Session, Statement, insert, upsert
from regista.entities.llm_trace import LlmTrace
from regista.entities.page import Page, PageRequest

_trace = decoder(LlmTrace)

_PUT = upsert(tables.llm_traces, "scope_id", "id")
_FIND = Statement("SELECT body FROM llm_traces WHERE scope_id = :scope AND id = :id")
_DELETE = Statement("DELETE FROM llm_traces WHERE scope_id = :scope AND id = :id")
_LINK = insert(tables.llm_trace_links)
_TAKE_LINKS = Statement("DELETE FROM llm_trace_links WHERE scope_id = :scope AND trace = :trace RETURNING run")
_FORGET_LINKS = Statement("DELETE FROM llm_trace_links WHERE at < :before")
_OLDEST = Statement(
    "SELECT body FROM llm_traces WHERE scope_id = :scope AND experiment = :experiment AND started_at <= :until"
    " ORDER BY started_at, seq LIMIT :limit"
)


class LlmTraceRows:
    """Rows of ``llm_traces`` and ``llm_trace_links``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, trace: LlmTrace) -> None:
        self._session.run(
            _PUT,
            scope_id=trace.scope_id,
            id=trace.id,
            experiment=trace.experiment,
            started_at=trace.started_at,
            body=encoded(trace),
        )

    def find(self, scope_id: str, trace_id: str) -> LlmTrace | None:
        row = self._session.first(_FIND, scope=scope_id, id=trace_id)
        return _trace(row[0]) if row else None

    def page(self, scope_id: str, experiments: Sequence[int], request: PageRequest) -> Page[LlmTrace]:
        column = tables.llm_traces.c
        query = select(column.body).where(column.scope_id == scope_id, column.experiment.in_(experiments))
        return page_of(self._session, query, request, "llm_traces", (column.started_at, column.seq), _trace)

    def oldest(self, scope_id: str, experiment: int, until: int, limit: int) -> list[LlmTrace]:
        rows = self._session.all(_OLDEST, scope=scope_id, experiment=experiment, until=until, limit=limit)
        return [_trace(row[0]) for row in rows]

    def delete(self, scope_id: str, trace_id: str) -> bool:
        return bool(self._session.run(_DELETE, scope=scope_id, id=trace_id))

    def keep_link(self, scope_id: str, trace_id: str, run: str, at: int) -> None:
        self._session.run(_LINK, scope_id=scope_id, trace=trace_id, run=run, at=at)

    def take_links(self, scope_id: str, trace_id: str) -> list[str]:
        return sorted(row[0] for row in self._session.all(_TAKE_LINKS, scope=scope_id, trace=trace_id))

    def forget_links(self, before: int) -> int:
        return self._session.run(_FORGET_LINKS, before=before)
