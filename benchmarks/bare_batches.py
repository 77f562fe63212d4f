"""The least that batches of metrics to one run take of PostgreSQL: what a program reaches that does nothing else.

It has one connection, for one transaction at a time may change the latest values of a run. It writes into the tables that
Regista has, as durably: so many batches in each transaction, their points in the order of the index and without asking what is
there, the latest values once. All is packed before it is timed; nobody sends it a request, and it reads nothing.
"""

# ruff: noqa: S608 - statements are put together from constants alone; values are always bound

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

from benchmarks.load import growing
from regista.drivers.catalog.sql.columns import Column, Kind
from regista.drivers.catalog.sql.places import COLUMNS, KINDS, NAMES
from regista.drivers.catalog.sql.sheets import ADD_LATEST, ADD_POINT, IF_NEWER

_BATCHES = 640
_LATEST = f"{ADD_LATEST} SELECT * FROM unnest(CAST(:jobs AS bigint[]), CAST(:keys AS text[]), {COLUMNS}) AS p{IF_NEWER}"
_POINTS = f"{ADD_POINT} SELECT * FROM unnest(CAST(:series AS bigint[]), {COLUMNS}) AS p"
_SERIES = (
    'SELECT m.key, m.seq, m.job FROM metrics m JOIN jobs j ON j.seq = m.job WHERE j.name = %s ORDER BY key COLLATE "C"'
)
_PLANNING = ("random_page_cost = 1.1", "jit = off", "max_parallel_workers_per_gather = 0")

Working = Callable[[], AbstractContextManager[Callable[[], float]]]
Values = dict[str, "Packed"]


class Packed(bytes):
    """An array as the server takes it."""


class _PackedDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Packed) -> bytes:
        return obj


def rate(database: str, run: str, together: int, working: Working) -> tuple[float, float]:
    """Batches a second, *together* in each transaction, that have a point for each series that *run* has; and the milliseconds of
    CPU time that one took of whom *working* watches."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.prepare_threshold = 0
        connection.adapters.register_dumper(Packed, _PackedDumper)
        for setting in (*_PLANNING, "default_transaction_isolation = 'serializable'"):
            connection.execute(f"SET {setting}")
        series = connection.execute(_SERIES, (run,)).fetchall()
        groups = [_group(series, growing() + number, together) for number in range(0, _BATCHES, together)]
        took = []
        with working() as cpu:
            for points, latest in groups:
                start = time.perf_counter()
                with connection.pipeline(), connection.transaction():
                    connection.execute(_named(_POINTS), points)
                    connection.execute(_named(_LATEST), latest)
                took.append(time.perf_counter() - start)
    return together / statistics.mean(took), cpu() / _BATCHES * 1000


def _group(series: Sequence[tuple[str, int, int]], at: int, together: int) -> tuple[Values, Values]:
    """Points of *together* batches from the time *at* on, and the latest of each series."""
    points = [
        (number, step, at + n, 1, float(step)) for step, (_, number, _) in enumerate(series) for n in range(together)
    ]
    latest = [(job, key, step, at + together - 1, 1, float(step)) for step, (key, _, job) in enumerate(series)]
    return (
        _packed(("series", *NAMES), (Kind.BIGINT, *KINDS), points),
        _packed(("jobs", "keys", *NAMES), (Kind.BIGINT, Kind.TEXT, *KINDS), latest),
    )


def _packed(names: Sequence[str], kinds: Sequence[Kind], rows: Sequence[tuple[Any, ...]]) -> Values:
    columns = zip(names, kinds, zip(*rows, strict=True), strict=True)
    return {name: Packed(Column(kind, column).packed()) for name, kind, column in columns}


def _named(sql: str) -> str:
    """*sql* with its names as psycopg writes them."""
    for name in ("jobs", "keys", "series", *NAMES):
        sql = sql.replace(f":{name}", f"%({name})s")
    return sql
