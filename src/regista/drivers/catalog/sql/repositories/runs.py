"""What is measured about runs: metrics, parameters, tags and data sets, by the number of the job's row."""

# ruff: noqa: S608 - statements are put together from constants alone; values are always bound

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from regista.drivers.catalog.sql import tables
from regista.drivers.catalog.sql.bodies import decoder, encoded
from regista.drivers.catalog.sql.columns import Column, Kind
from regista.drivers.catalog.sql.places import COLUMNS, KINDS, NAMES, Place, Point, points_of
from regista.drivers.catalog.sql.session import Insertion, Row, Session, Statement, insert, upsert
from regista.drivers.catalog.sql.sheets import ADD_LATEST, ADD_POINT, IF_NEWER
from regista.drivers.catalog.sql.tables import HEAD
from regista.drivers.catalog.sql.tags import Tags
from regista.entities.run import Dataset, Metric
from regista.errors import InvalidError, NotFoundError

_dataset = decoder(Dataset)
_tags = Tags(tables.run_tags)

_POINT_TYPES = {"metric": "int8", "step": "int8", "timestamp": "int8", "is_number": "int4", "value": "float8"}
_FEW = 4
"""So few points go one after another: nobody has to wait for the number of a series."""
_BULK = 2000
"""From so many points on, which come from imports, COPY takes a third of the time; but one point that is there already undoes it."""

_LATEST = Insertion(ADD_LATEST, 6, IF_NEWER)
_WHOLE_SERIES = "SELECT key, seq, step, timestamp, is_number, value FROM metrics WHERE job = :job"
_SERIES_THERE = Statement(f"{_WHOLE_SERIES} AND key IN :keys")
_ALL_SERIES = Statement(_WHOLE_SERIES)
_FEW_KEYS = 50
"""Of more, PostgreSQL compares each with every row: to be told all of a run takes less."""
_POINT = Insertion(ADD_POINT, 5, "ON CONFLICT DO NOTHING")
_LATEST_SHEET = Statement(
    f"{ADD_LATEST} SELECT :job, p.* FROM unnest(CAST(:keys AS text[]), {COLUMNS}) AS p{IF_NEWER} RETURNING key, seq"
)
_ONE = Statement(
    f"WITH newer AS ({ADD_LATEST} VALUES (:job, :key, :step, :timestamp, :is_number, :value){IF_NEWER} RETURNING seq)"
    f" {ADD_POINT} SELECT coalesce((SELECT seq FROM newer), (SELECT seq FROM metrics WHERE job = :job AND key = :key)),"
    " :step, :timestamp, :is_number, :value ON CONFLICT DO NOTHING"
)
_POINT_SHEET = Statement(
    f"{ADD_POINT} SELECT * FROM unnest(CAST(:series AS bigint[]), {COLUMNS}) AS p ON CONFLICT DO NOTHING"
)
"""There is nothing in these that could be planned badly, as a join is by a plan that was made when the tables were small."""
_ROWS = Statement("SELECT id, seq, scope_id, created_at FROM jobs WHERE id IN :jobs")
_LATEST_OF = Statement(
    "SELECT job, key, is_number, value, timestamp, step FROM metrics WHERE job IN :rows ORDER BY job, key"
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
        if len(metrics) > _FEW and self._session.gather(job, metrics):
            return
        points = points_of(metrics)  # neighbours in the index, which takes them a third faster
        latest: dict[str, Point] = {one[0]: one for one in points}
        if self._session.postgres and len(points) <= _FEW:
            for key, step, timestamp, is_number, value in points:
                self._session.tell(
                    _ONE, job=job, key=key, step=step, timestamp=timestamp, is_number=is_number, value=value
                )
        elif self._session.postgres:
            self._log_sheets(job, points, latest)
        elif points:
            self._session.append(_LATEST, [(job, *point) for point in latest.values()])
            there = self._session.all(_SERIES_THERE, job=job, keys=list(latest))
            series = {row[0]: row[1] for row in there}
            if len(points) > _FEW:
                self._session.learn(job, series, {row[0]: (row[2], row[3], row[4], row[5]) for row in there})
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

    def _log_sheets(self, job: int, points: Sequence[Point], latest: Mapping[str, Point]) -> None:
        """PostgreSQL's way. Rows of ``metrics`` are read only where none was written: a SERIALIZABLE transaction that reads many of
        them is held to have read all, and is in the way of everybody else who measures."""
        keys = Column(Kind.TEXT, latest)
        written = self._session.all(_LATEST_SHEET, job=job, keys=keys, **_sheet([*latest.values()]))
        series: dict[str, int] = dict(written)
        places: dict[str, Place] = {key: latest[key][1:] for key in series}
        if len(series) < len(latest):
            for key, number, *place in self._there(job, latest.keys() - series.keys()):
                series[key] = number
                places[key] = (place[0], place[1], place[2], place[3])
        self._session.learn(job, series, places)
        if len(points) >= _BULK:
            rows = ((series[key], *measured) for key, *measured in dict.fromkeys(points))
            if self._session.copy("metric_points", _POINT_TYPES, rows):
                return
        numbers = Column(Kind.BIGINT, [series[one[0]] for one in points])
        self._session.tell(_POINT_SHEET, series=numbers, **_sheet(points))

    def _there(self, job: int, keys: Collection[str]) -> list[Row]:
        """The rows of ``metrics`` with these keys."""
        if len(keys) <= _FEW_KEYS:
            return self._session.all(_SERIES_THERE, job=job, keys=list(keys))
        return [row for row in self._session.all(_ALL_SERIES, job=job) if row[0] in keys]

    def _numbered(self, job_ids: Sequence[str]) -> dict[int, str]:
        """The ids by the numbers of their rows, which stay the same as long as the transaction."""
        if {*self._ids.values()} != {*job_ids}:
            self._asked = {}
            known = self._session.rows
            missing = [job_id for job_id in job_ids if job_id not in known]
            if missing:
                known.update((row[0], row[1:]) for row in self._session.all(_ROWS, jobs=missing))
            self._ids = {known[job_id][0]: job_id for job_id in job_ids if job_id in known}
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

    def _job(self, job_id: str) -> tuple[int, str, int]:
        """Number, scope and time of the job's row."""
        if not self._numbered([job_id]):
            raise NotFoundError(f"there is no job with the id {job_id!r}")
        self._asked = {}  # as a rule it is asked in order to write
        return self._session.rows[job_id]


def _sheet(points: Sequence[Point]) -> dict[str, Column]:
    """What was measured, by column, without the keys."""
    columns = list(zip(*points, strict=True))[1:] or [()] * len(KINDS)
    return {name: Column(kind, column) for name, kind, column in zip(NAMES, KINDS, columns, strict=True)}
