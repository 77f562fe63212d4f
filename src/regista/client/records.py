"""What a job recorded, as the client gives it."""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import msgspec

from regista.client.transport import Transport
from regista.entities.page import Page
from regista.entities.run import Dataset, Metric
from regista.errors import UnsupportedError

T = TypeVar("T")


class StepRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a job, step or run recorded, of each metric the latest value; ``step`` is its path below the job asked for."""

    job: str
    step: str = ""
    metrics: tuple[Metric, ...] = ()
    params: dict[str, str] = {}
    tags: dict[str, str] = {}
    datasets: tuple[Dataset, ...] = ()


class JobRecord(StepRecord, frozen=True, kw_only=True):
    """The same of a job with that of everything that ran in it, each step below the one that it is part of."""

    steps: tuple[StepRecord, ...] = ()


def fetch_record(transport: Transport, path: str) -> JobRecord:
    """The record at *path*."""
    return _decoded(transport.call("GET", path, type=dict[str, Any]), JobRecord)


def fetch_history(transport: Transport, path: str, metric: str) -> Iterator[Metric]:
    """All values of a metric in the order of step, timestamp, value, fetched as they are needed."""
    cursor: str | None = None
    while True:
        query = {"metric": metric, "limit": 1000, "cursor": cursor}
        page = _decoded(transport.call("GET", path, query=query, type=dict[str, Any]), Page[Metric])
        yield from page.items
        cursor = page.next
        if not cursor:
            return


def fetch_thinned(transport: Transport, path: str, metric: str, points: int) -> tuple[Metric, ...]:
    """The same in no more than *points* values."""
    query = {"metric": metric, "points": points}
    return _decoded(transport.call("GET", path, query=query, type=dict[str, Any]), Page[Metric]).items


def read_table(pieces: Iterable[bytes]) -> Any:
    """A table of pyarrow out of the pieces of an Arrow stream; raise ``UnsupportedError`` where pyarrow is not installed."""
    try:
        import pyarrow as pa
    except ImportError as missing:
        raise UnsupportedError(
            "tables need pyarrow, which is not installed", hint="Run: pip install 'regista[columns]'"
        ) from missing
    return pa.ipc.open_stream(pa.BufferReader(b"".join(pieces))).read_all()


def _decoded(plain: dict[str, Any], wanted: type[T]) -> T:
    """Not strictly: NaN and infinity are words on the wire."""
    return msgspec.convert(plain, type=wanted, strict=False)
