"""All values of metrics, in order, in blocks, and at chosen steps."""

# ruff: noqa: S608 - statements are put together from constants alone; values are always bound

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from regista.drivers.catalog.sql.paging import cursor_of, key_of, size_of
from regista.drivers.catalog.sql.places import points_of
from regista.drivers.catalog.sql.session import Row, Session, Statement
from regista.entities.page import LONG_PAGE, Page, PageRequest
from regista.entities.run import Metric

_numbers = msgspec.json.Decoder(list[int]).decode

_SERIES_OF = Statement("SELECT m.seq FROM metrics m JOIN jobs j ON j.seq = m.job WHERE j.id = :job AND m.key = :key")
_POINTS = "SELECT step, timestamp, is_number, value FROM metric_points WHERE metric = :metric"
_IN_ORDER = "ORDER BY step, timestamp, is_number, value LIMIT :limit"
_FIRST_POINTS = Statement(f"{_POINTS} {_IN_ORDER}")
_NEXT_POINTS = Statement(
    f"{_POINTS} AND (step, timestamp, is_number, value)"
    f" > (CAST(:step AS bigint), CAST(:timestamp AS bigint), CAST(:is_number AS integer), :value) {_IN_ORDER}"
)
_STEPS = (
    "(SELECT DISTINCT step FROM metric_points WHERE metric = :metric"
    " AND step >= CAST(:first AS bigint) AND step <= CAST(:last AS bigint) ORDER BY step LIMIT :limit) AS s"
)
_STEPS_AS_ARRAY = Statement(f"SELECT array_agg(step) FROM {_STEPS}")
_STEPS_AS_JSON = Statement(f"SELECT json_group_array(step) FROM {_STEPS}")
_AT_STEPS = Statement(f"{_POINTS} AND step IN :steps {_IN_ORDER}")
_AT_EACH_STEP = Statement(
    "SELECT p.* FROM unnest(CAST(:steps AS bigint[])) AS s (step)"
    f" CROSS JOIN LATERAL ({_POINTS} AND step = s.step {_IN_ORDER}) AS p {_IN_ORDER}"
)
"""As PostgreSQL finds a few steps of many whatever it believes of the table: an index's look for each."""

_COUNT = Statement(
    "SELECT count(*) FROM jobs j JOIN metrics m ON m.job = j.seq JOIN metric_points p ON p.metric = m.seq"
    " WHERE j.id IN :jobs"
)


class HistoryRows:
    """Rows of ``metric_points``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def page(self, job_id: str, key: str, request: PageRequest) -> Page[Metric]:
        limit = size_of(request, LONG_PAGE)
        after = None if request.cursor is None else key_of(request.cursor, "history", (int, int, int, float))
        rows = self._rows(job_id, key, after, limit + 1)
        cursor = cursor_of("history", rows[limit - 1]) if len(rows) > limit else None
        return Page(_metrics(key, rows[:limit]), cursor)

    def points(self, job_id: str, key: str, after: Metric | None, limit: int) -> list[Metric]:
        return list(_metrics(key, self._rows(job_id, key, None if after is None else points_of([after])[0][1:], limit)))

    def steps(self, job_id: str, key: str, first: int, last: int, limit: int) -> list[int]:
        series = self._one_series(job_id, key)
        statement = _STEPS_AS_ARRAY if self._session.postgres else _STEPS_AS_JSON
        row = self._session.first(statement, metric=series, first=first, last=last, limit=limit)
        found = row[0] if row else None
        return (found if self._session.postgres else _numbers(found)) if found else []

    def values_at(self, job_id: str, key: str, steps: Sequence[int], limit: int) -> list[Metric]:
        series = self._one_series(job_id, key)
        statement = _AT_EACH_STEP if self._session.postgres else _AT_STEPS
        return list(_metrics(key, self._session.all(statement, metric=series, steps=list(steps), limit=limit)))

    def count(self, job_ids: Sequence[str]) -> int:
        row = self._session.first(_COUNT, jobs=list(job_ids)) if job_ids else None
        return int(row[0]) if row else 0

    def _rows(self, job_id: str, key: str, after: Sequence[Any] | None, limit: int) -> list[Row]:
        """Points as they stand in the table, behind the one with the columns *after*."""
        series = self._one_series(job_id, key)
        if after is None:
            return self._session.all(_FIRST_POINTS, metric=series, limit=limit)
        place = dict(zip(("step", "timestamp", "is_number", "value"), after, strict=True))
        return self._session.all(_NEXT_POINTS, metric=series, limit=limit, **place)

    def _one_series(self, job_id: str, key: str) -> int:
        """The number of a row of ``metrics``; of one that is not there, a number that no row has."""
        row = self._session.first(_SERIES_OF, job=job_id, key=key)
        return int(row[0]) if row else -1


def _metrics(key: str, rows: Sequence[Row]) -> tuple[Metric, ...]:
    return tuple(
        Metric(key, value if is_number else math.nan, timestamp, step) for step, timestamp, is_number, value in rows
    )
