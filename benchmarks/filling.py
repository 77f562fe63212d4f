"""Runs, points and versions by the hundred thousand, straight into the database of each side: over HTTP it would take hours."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from regista.drivers.catalog.sql.repositories import jobs, versions
from regista.entities.asset import AssetKind, AssetVersion
from regista.entities.job import Job, JobStatus, JobType
from regista.entities.names import new_id

Rows = dict[str, list[dict[str, Any]]]
"""By table; the rows of a table have the same columns."""

TEAMS = 20
START = 1_700_000_000_000
"""When the first run began, in milliseconds; one begins each millisecond."""
_BATCH = 20_000


def share(number: int) -> float:
    """The value that run *number* reached: spread evenly from 0 to 1, in no order."""
    return math.modf(number * 0.6180339887498949)[0]


def fill(database: str, batches: Iterable[Rows]) -> None:
    """Insert *batches* into *database*: the path of a SQLite file, or a ``postgresql://`` address."""
    with _writer(database) as write:
        for batch in batches:
            for table, rows in batch.items():
                columns = list(rows[0])
                write(table, columns, ([row[name] for name in columns] for row in rows))


def look(database: str, query: str) -> Any:
    """The first value of the first row that *query* finds."""
    with _connected(database) as connection:
        return connection.execute(query).fetchone()[0]


def settle(database: str, *sequenced: str) -> None:
    """On PostgreSQL: let the numbers of the *sequenced* tables go on behind what was inserted, and count the rows, as it does
    by itself a minute later."""
    if not database.startswith("postgresql"):
        return
    with _connected(database) as connection:
        for table in sequenced:
            connection.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'seq'), max(seq)) FROM {table}")  # noqa: S608
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")


def runs_of_regista(scope: str, experiment: int, count: int, first: int) -> Iterator[Rows]:
    """*count* runs with a metric and a tag each; *first* is a number that no row of jobs or metrics has reached."""
    for number in range(count):
        job = Job(
            id=new_id(),
            scope_id=scope,
            name=f"{experiment:08x}{number:024x}",
            type=JobType.RUN,
            status=JobStatus.COMPLETED,
            display_name=f"run-{number}",
            experiment=experiment,
            created_at=START + number,
            created_by="owner",
            started_at=START + number,
            updated_at=START + number,
        )
        seq, value = first + number, share(number)
        measured = {"step": 0, "timestamp": 1, "is_number": 1, "value": value}
        yield {
            "jobs": [{"seq": seq, **jobs._row(job)}],  # noqa: SLF001 - the rows of the catalog as it would write them
            "metrics": [{"seq": seq, "job": seq, "key": "acc", **measured}],
            "metric_points": [{"metric": seq, **measured}],
            "run_tags": [
                _tag(seq, "team", f"t{number % TEAMS}", scope, START + number),
                _tag(seq, "mlflow.runName", f"run-{number}", scope, START + number),
            ],
        }


def versions_of_regista(scope: str, name: str, count: int, first: int) -> Iterator[Rows]:
    """Versions 1 to *count* of a model that is there, with a tag each."""
    for number in range(count):
        version = AssetVersion(
            id=new_id(),
            scope_id=scope,
            kind=AssetKind.MODEL,
            name=name,
            version=str(number + 1),
            created_at=START + number,
            updated_at=START + number,
            tags={"team": f"t{number % TEAMS}"},
        )
        seq = first + number
        yield {
            "versions": [{"seq": seq, **versions._row(version)}],  # noqa: SLF001
            "version_tags": [_tag(seq, "team", f"t{number % TEAMS}", f"{scope}/{AssetKind.MODEL}", START + number)],
        }


def points_of_regista(series: int, count: int) -> Iterator[Rows]:
    """The history of a metric whose row has the number *series*."""
    for step in range(1, count):
        yield {
            "metric_points": [
                {"metric": series, "step": step, "timestamp": START + step, "is_number": 1, "value": 1 / step}
            ]
        }


def runs_of_mlflow(experiment: int, count: int) -> Iterator[Rows]:
    """The same runs in MLflow's tables."""
    for number in range(count):
        run, key = f"{experiment:08x}{number:024x}", {"key": "acc", "value": share(number)}
        measured = {**key, "timestamp": 1, "step": 0, "is_nan": False, "run_uuid": run}
        yield {
            "runs": [
                {
                    "run_uuid": run,
                    "name": f"run-{number}",
                    "source_type": "UNKNOWN",
                    "user_id": "owner",
                    "status": "FINISHED",
                    "start_time": START + number,
                    "lifecycle_stage": "active",
                    "artifact_uri": f"mlflow-artifacts:/{experiment}/{run}/artifacts",
                    "experiment_id": experiment,
                }
            ],
            "latest_metrics": [measured],
            "metrics": [measured],
            "tags": [
                {"key": "team", "value": f"t{number % TEAMS}", "run_uuid": run},
                {"key": "mlflow.runName", "value": f"run-{number}", "run_uuid": run},
            ],
        }


def versions_of_mlflow(name: str, count: int) -> Iterator[Rows]:
    """The same versions."""
    for number in range(1, count + 1):
        at = START + number - 1
        yield {
            "model_versions": [
                {
                    "name": name,
                    "version": number,
                    "creation_time": at,
                    "last_updated_time": at,
                    "current_stage": "None",
                    "source": "mlflow-artifacts:/0/none",
                    "status": "READY",
                    "workspace": "default",
                }
            ],
            "model_version_tags": [
                {
                    "key": "team",
                    "value": f"t{(number - 1) % TEAMS}",
                    "name": name,
                    "version": number,
                    "workspace": "default",
                }
            ],
        }


def points_of_mlflow(run: str, key: str, count: int) -> Iterator[Rows]:
    """The same history."""
    for step in range(1, count):
        point = {"timestamp": START + step, "step": step, "value": 1 / step, "is_nan": False}
        yield {"metrics": [{"key": key, "run_uuid": run, **point}]}


def together(rows: Iterable[Rows]) -> Iterator[Rows]:
    """In batches."""
    batch: Rows = {}
    for count, one in enumerate(rows, 1):
        for table, some in one.items():
            batch.setdefault(table, []).extend(some)
        if count % _BATCH == 0:
            yield batch
            batch = {}
    if batch:
        yield batch


def _tag(owner: int, key: str, value: str, place: str, at: int) -> dict[str, Any]:
    return {"owner": owner, "key": key, "head": value, "value": value, "place": place, "created_at": at}


@contextmanager
def _connected(database: str) -> Iterator[Any]:
    if database.startswith("postgresql"):
        import psycopg

        with psycopg.connect(database) as connection:
            yield connection
        return
    import sqlite3

    connection = sqlite3.connect(database, timeout=60)
    try:
        yield connection
        connection.commit()
    finally:
        connection.close()


@contextmanager
def _writer(database: str) -> Iterator[Callable[[str, Sequence[str], Iterable[Sequence[Any]]], None]]:
    with _connected(database) as connection:

        def insert(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
            names = ", ".join(columns)
            if not database.startswith("postgresql"):
                marks = ", ".join("?" * len(columns))
                connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608
                return
            with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as stream:
                for row in rows:
                    stream.write_row(row)

        yield insert
