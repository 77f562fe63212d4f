"""What is measured about runs: metrics, parameters, tags and data sets, by the number of the job's row."""

# ruff: noqa: S608 - statements are put together from constants alone; values are always bound

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from regista.drivers.catalog.sql import tables
from regista.drivers.catalog.sql.bodies import decoder, encoded
from regista.drivers.catalog.sql.paging import cursor_of, key_of, size_of
from regista.drivers.catalog.sql.session import Insertion, Row, Session, Statement, insert, upsert
from regista.drivers.catalog.sql.tables import HEAD
from regista.drivers.catalog.sql.tags import Tags
from regista.entities.page import LONG_PAGE, Page, PageRequest
from regista.entities.run import Dataset, Metric
from regista.errors import InvalidError, NotFoundError

_dataset = decoder(Dataset)
_tags = Tags(tables.run_tags)

_Point = tuple[str, int, int, int, float]
"""Key, step, timestamp, whether it is a number, value: sorted as the history is, NaN before any number."""

_POINT_TYPES = {"metric": "int8", "step": "int8", "timestamp": "int8", "is_number": "int4", "value": "float8"}
_MANY = 100
"""From so many points on COPY is worth its savepoint."""

_JOB = Statement("SELECT seq, scope_id, created_at FROM jobs WHERE id = :job")

_NEWER = (
    " ON CONFLICT (job, key) DO UPDATE SET step = excluded.step, timestamp = excluded.timestamp,"
    " is_number = excluded.is_number, value = excluded.value"
    " WHERE (excluded.step, excluded.timestamp, excluded.is_number, excluded.value)"
    " > (metrics.step, metrics.timestamp, metrics.is_number, metrics.value)"
)
_ADD_LATEST = "INSERT INTO metrics (job, key, step, timestamp, is_number, value)"
_ADD_POINT = "INSERT INTO metric_points (metric, step, timestamp, is_number, value)"
_LATEST = Insertion(_ADD_LATEST, 6, _NEWER)
_SERIES = Statement("SELECT key, seq FROM metrics WHERE job = :job AND key IN :keys")
_POINT = Insertion(_ADD_POINT, 5, "ON CONFLICT DO NOTHING")
_SHEET = (
    "unnest(CAST(:keys AS text[]), CAST(:steps AS bigint[]), CAST(:timestamps AS bigint[]),"
    " CAST(:are_numbers AS integer[]), CAST(:values AS double precision[]))"
    " AS p (key, step, timestamp, is_number, value)"
)
_LATEST_SHEET = Statement(f"{_ADD_LATEST} SELECT :job, p.* FROM {_SHEET}{_NEWER}")
_POINT_SHEET = Statement(
    f"{_ADD_POINT} SELECT m.seq, p.step, p.timestamp, p.is_number, p.value FROM {_SHEET}"
    " JOIN metrics m ON m.job = :job AND m.key = p.key ON CONFLICT DO NOTHING"
)
_NUMBERS = Statement("SELECT seq, id FROM jobs WHERE id IN :jobs")
_LATEST_OF = Statement(
    "SELECT job, key, is_number, value, timestamp, step FROM metrics WHERE job IN :rows ORDER BY job, key"
)
_SERIES_OF = Statement("SELECT m.seq FROM metrics m JOIN jobs j ON j.seq = m.job WHERE j.id = :job AND m.key = :key")
_POINTS = "SELECT step, timestamp, is_number, value FROM metric_points WHERE metric = :metric"
_IN_ORDER = "ORDER BY step, timestamp, is_number, value LIMIT :limit"
_FIRST_POINTS = Statement(f"{_POINTS} {_IN_ORDER}")
_NEXT_POINTS = Statement(
    f"{_POINTS} AND (step, timestamp, is_number, value)"
    f" > (CAST(:step AS bigint), CAST(:timestamp AS bigint), CAST(:is_number AS integer), :value) {_IN_ORDER}"
)

_COUNT = Statement(
    "SELECT count(*) FROM jobs j JOIN metrics m ON m.job = j.seq JOIN metric_points p ON p.metric = m.seq"
    " WHERE j.id IN :jobs"
)

_PARAMS = Statement("SELECT key, value FROM params WHERE job = :job AND key IN :keys")
_ADD_PARAM = insert(tables.params)
_PARAMS_OF = Statement("SELECT job, key, value FROM params WHERE job IN :rows ORDER BY job, key")
_TAGS_OF = Statement("SELECT owner, key, value FROM run_tags WHERE owner IN :rows ORDER BY owner, key")
_PUT_DATASET = upsert(tables.datasets, "job", "name", "digest")
_DATASETS = Statement("SELECT job, body FROM datasets WHERE job IN :rows ORDER BY job, seq")


class RunDataRows:
    """Rows of ``metrics``, ``metric_points``, ``params``, ``run_tags`` and ``datasets``."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ids: dict[int, str] = {}
        """The jobs by their rows that were asked for last: what was recorded about them is asked for one after another."""
        self._asked: dict[Statement, Callable[[], list[Row]]] = {}

    def log_metrics(self, job_id: str, metrics: Sequence[Metric]) -> None:
        job = self._job(job_id)[0]
        points = sorted(map(_point, metrics))  # neighbours in the index, which takes them a third faster
        latest: dict[str, _Point] = {point[0]: point for point in points}
        if self._session.postgres:
            self._session.tell(_LATEST_SHEET, job=job, **_sheet(list(latest.values())))
            if len(points) < _MANY or not self._copy(job, points):
                self._session.tell(_POINT_SHEET, job=job, **_sheet(points))
        elif points:
            self._session.append(_LATEST, [(job, *point) for point in latest.values()])
            series = self._series(job, latest)
            self._session.append(
                _POINT, [(series[key], step, at, is_number, v) for key, step, at, is_number, v in points]
            )

    def latest_metrics(self, job_ids: Sequence[str]) -> dict[str, list[Metric]]:
        found: defaultdict[str, list[Metric]] = defaultdict(list)
        ids = self._numbered(job_ids)
        questions = (_LATEST_OF, _PARAMS_OF, _TAGS_OF, _DATASETS)  # who asks for the first asks for the others too
        self._asked = {question: self._session.soon(question, rows=list(ids)) for question in questions}
        for row, key, is_number, value, timestamp, step in self._rows_of(_LATEST_OF, ids):
            found[ids[row]].append(Metric(key, value if is_number else math.nan, timestamp, step))
        return dict(found)

    def history(self, job_id: str, key: str, request: PageRequest) -> Page[Metric]:
        limit = size_of(request, LONG_PAGE)
        after = None if request.cursor is None else key_of(request.cursor, "history", (int, int, int, float))
        rows = self._rows(job_id, key, after, limit + 1)
        cursor = cursor_of("history", rows[limit - 1]) if len(rows) > limit else None
        return Page(_metrics(key, rows[:limit]), cursor)

    def points(self, job_id: str, key: str, after: Metric | None, limit: int) -> list[Metric]:
        return list(_metrics(key, self._rows(job_id, key, None if after is None else _point(after)[1:], limit)))

    def count_points(self, job_ids: Sequence[str]) -> int:
        row = self._session.first(_COUNT, jobs=list(job_ids)) if job_ids else None
        return int(row[0]) if row else 0

    def log_params(self, job_id: str, params: Mapping[str, str]) -> None:
        job = self._job(job_id)[0]
        there: dict[str, str] = dict(self._session.all(_PARAMS, job=job, keys=list(params)))
        for key, value in there.items():
            if params[key] != value:
                raise InvalidError(
                    f"the parameter {key!r} has the value {value[:100]!r} already and not {params[key][:100]!r}",
                    hint="Parameters are written once. Use a tag, or a new run.",
                )
        rows: list[dict[str, Any]] = [
            {"job": job, "key": key, "head": value[:HEAD], "value": value}
            for key, value in params.items()
            if key not in there
        ]
        if rows:
            self._session.many(_ADD_PARAM, rows)

    def params(self, job_ids: Sequence[str]) -> dict[str, dict[str, str]]:
        return self._pairs(_PARAMS_OF, job_ids)

    def set_tags(self, job_id: str, tags: Mapping[str, str]) -> None:
        job, scope_id, created_at = self._job(job_id)
        _tags.put(self._session, job, tags, place=scope_id, created_at=created_at)

    def delete_tag(self, job_id: str, key: str) -> bool:
        return _tags.delete(self._session, self._job(job_id)[0], key)

    def tags(self, job_ids: Sequence[str]) -> dict[str, dict[str, str]]:
        return self._pairs(_TAGS_OF, job_ids)

    def add_datasets(self, job_id: str, datasets: Sequence[Dataset]) -> None:
        job = self._job(job_id)[0]
        for dataset in datasets:
            body = encoded(dataset)
            self._session.run(_PUT_DATASET, job=job, name=dataset.name, digest=dataset.digest, body=body)

    def datasets(self, job_ids: Sequence[str]) -> dict[str, list[Dataset]]:
        found: defaultdict[str, list[Dataset]] = defaultdict(list)
        ids = self._numbered(job_ids)
        for row, body in self._rows_of(_DATASETS, ids):
            found[ids[row]].append(_dataset(body))
        return dict(found)

    def _rows(self, job_id: str, key: str, after: Sequence[Any] | None, limit: int) -> list[Row]:
        """Points as they stand in the table, behind the one with the columns *after*."""
        series = self._session.first(_SERIES_OF, job=job_id, key=key)
        if series is None:
            return []
        if after is None:
            return self._session.all(_FIRST_POINTS, metric=series[0], limit=limit)
        place = dict(zip(("step", "timestamp", "is_number", "value"), after, strict=True))
        return self._session.all(_NEXT_POINTS, metric=series[0], limit=limit, **place)

    def _copy(self, job: int, points: Sequence[_Point]) -> bool:
        """Whether the points were new, each of them, and are now there."""
        series = self._series(job, {point[0] for point in points})
        rows = ((series[key], *measured) for key, *measured in dict.fromkeys(points))
        return self._session.copy("metric_points", _POINT_TYPES, rows)

    def _numbered(self, job_ids: Sequence[str]) -> dict[int, str]:
        """The ids by the numbers of their rows, which stay the same as long as the transaction."""
        if {*self._ids.values()} != {*job_ids}:
            self._asked = {}
            if len(job_ids) == 1:
                found = self._found(job_ids[0])
                self._ids = {found[0]: job_ids[0]} if found else {}
            else:
                self._ids = dict(self._session.all(_NUMBERS, jobs=list(job_ids)))
        return self._ids

    def _rows_of(self, statement: Statement, ids: Mapping[int, str]) -> list[Row]:
        asked = self._asked.pop(statement, None)
        return asked() if asked else self._session.all(statement, rows=list(ids))

    def _pairs(self, statement: Statement, job_ids: Sequence[str]) -> dict[str, dict[str, str]]:
        found: defaultdict[str, dict[str, str]] = defaultdict(dict)
        ids = self._numbered(job_ids)
        for row, key, value in self._rows_of(statement, ids):
            found[ids[row]][key] = value
        return dict(found)

    def _series(self, job: int, keys: Iterable[str]) -> dict[str, int]:
        """The numbers of the rows of ``metrics``."""
        series: dict[str, int] = dict(self._session.all(_SERIES, job=job, keys=list(keys)))
        return series

    def _job(self, job_id: str) -> tuple[int, str, int]:
        """Number, scope and time of the job's row."""
        self._asked = {}  # as a rule it is asked in order to write
        row = self._found(job_id)
        if row is None:
            raise NotFoundError(f"there is no job with the id {job_id!r}")
        seq, scope_id, created_at = row
        return seq, scope_id, created_at

    def _found(self, job_id: str) -> Row | None:
        return self._session.shared("jobs", job_id, lambda: self._session.first(_JOB, job=job_id))


def _point(metric: Metric) -> _Point:
    is_number = not math.isnan(metric.value)
    return metric.key, metric.step, metric.timestamp, int(is_number), float(metric.value) if is_number else 0.0


def _metrics(key: str, rows: Sequence[Row]) -> tuple[Metric, ...]:
    return tuple(
        Metric(key, value if is_number else math.nan, timestamp, step) for step, timestamp, is_number, value in rows
    )


def _sheet(points: Sequence[_Point]) -> dict[str, list[Any]]:
    """Points by column, as PostgreSQL takes many rows in one statement."""
    columns = [list(column) for column in zip(*points, strict=True)] or [[], [], [], [], []]
    return dict(zip(("keys", "steps", "timestamps", "are_numbers", "values"), columns, strict=True))
