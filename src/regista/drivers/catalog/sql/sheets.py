"""What several callers measured, put together: a latest value is written once, however many of them brought one.

    a batch    run 7: a 0.1, b 0.2  ┐                  history    a 0.1, a 0.3, b 0.2, …   in the order of its index
    a batch    run 7: a 0.3, b 0.4  ├── gathered ──>
    a batch    run 9: a 0.5         ┘                  latest     a 0.3, b 0.4, …          once for each series

On PostgreSQL they are those of the event loop (``turns``), on SQLite those of the writing thread (``gathering``), which asks of
every point whether it is there: that costs SQLite nothing. Only runs whose series are known come here. What is known of a series
was committed. It may be behind what is there, for others write too, and is never ahead of it: its number stays, and its latest
value only gives way to a newer one. So

- a point that is not newer than the latest that is known is not the latest: nobody looks at that;
- a point that is newer is as a rule none that is there, and is added without asking, which costs the server two thirds. Where
  it is there after all, the server refuses: all that was gathered is undone, the runs are forgotten, and it is done again.
"""

# ruff: noqa: S608 - statements are put together from constants alone; values are always bound

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import compress
from operator import gt
from typing import Any, NamedTuple

from regista.drivers.catalog.sql.columns import Column, Kind, Packed, Pieces
from regista.drivers.catalog.sql.places import COLUMNS, KINDS, NAMES, Place, columns_of
from regista.drivers.catalog.sql.session import Statement
from regista.entities.run import Metric

Tell = Callable[[Statement, Mapping[str, Any]], object]
Latest = Mapping[int, Mapping[str, Place]]
"""By the numbers of runs, and by keys."""

TABLES = ("metrics", "metric_points")

ADD_LATEST = "INSERT INTO metrics (job, key, step, timestamp, is_number, value)"
IF_NEWER = (
    " ON CONFLICT (job, key) DO UPDATE SET step = excluded.step, timestamp = excluded.timestamp,"
    " is_number = excluded.is_number, value = excluded.value"
    " WHERE (excluded.step, excluded.timestamp, excluded.is_number, excluded.value)"
    " > (metrics.step, metrics.timestamp, metrics.is_number, metrics.value)"
)
ADD_POINT = "INSERT INTO metric_points (metric, step, timestamp, is_number, value)"

_LATEST = Statement(
    f"{ADD_LATEST} SELECT * FROM unnest(CAST(:jobs AS bigint[]), CAST(:keys AS text[]), {COLUMNS}) AS p{IF_NEWER}"
)
_IN_ORDER = f"SELECT DISTINCT * FROM unnest(CAST(:series AS bigint[]), {COLUMNS}) AS p ORDER BY 1, 2, 3, 4, 5"
_NEW_POINTS = Statement(f"{ADD_POINT} {_IN_ORDER}")
_POINTS = Statement(f"{ADD_POINT} {_IN_ORDER} ON CONFLICT DO NOTHING")

_KINDS = (Kind.BIGINT, *KINDS)
_MANY = 500
"""So many points take the server longer than to be sent on their own."""


class Known(NamedTuple):
    """Series of one run by their keys: their numbers, and of each the latest place."""

    numbers: dict[str, int]
    latest: dict[str, Place]


class Series:
    """Those of the runs that were measured last."""

    MOST = 30_000
    """So many are remembered: some 12 MB."""

    def __init__(self) -> None:
        self._runs: OrderedDict[int, Known] = OrderedDict()
        self._count = 0

    def find(self, job: int) -> Known | None:
        """Those of the run with the number *job*."""
        return self._runs.get(job)

    def learn(self, job: int, numbers: Mapping[str, int], latest: Mapping[str, Place]) -> None:
        """Remember what has been committed: the latest places of series that have *numbers* now, or had them before."""
        if not numbers and job not in self._runs:
            return
        known = self._runs.setdefault(job, Known({}, {}))
        self._runs.move_to_end(job)
        before = len(known.numbers)
        known.numbers.update(numbers)
        known.latest.update(latest)
        self._count += len(known.numbers) - before
        while self._count > self.MOST:
            self.forget(next(iter(self._runs)))

    def forget(self, job: int) -> None:
        """Know nothing of a run."""
        known = self._runs.pop(job, None)
        if known is not None:
            self._count -= len(known.numbers)


class Measured(NamedTuple):
    """Metrics of known series: the columns of their points, which of these are newer than the latest known, and of each key with
    such a one the newest."""

    columns: Sequence[Sequence[Any]]
    newer: list[bool]
    latest: dict[str, Place]


def measured(known: Known | None, metrics: Sequence[Metric]) -> Measured | None:
    """*metrics* of a run; None where not all of their series are *known*."""
    keys = [one.key for one in metrics]
    if known is None or not known.numbers.keys() >= {*keys}:
        return None
    columns = ([known.numbers[key] for key in keys], *columns_of(metrics))
    places: list[Place] = list(zip(*columns[1:], strict=True))
    newer = [*map(gt, places, map(known.latest.__getitem__, keys))]
    latest: dict[str, Place] = {}
    add_newer(latest, compress(zip(keys, places, strict=True), newer))
    return Measured(columns, newer, latest)


def add_newer(latest: dict[str, Place], more: Iterable[tuple[str, Place]]) -> None:
    """Put into *latest* what of *more* is newer."""
    for key, place in more:
        if key not in latest or place > latest[key]:
            latest[key] = place


class Part(NamedTuple):
    """What one caller adds: columns of new points, of points that may be there, and of some keys the newest place."""

    job: int
    new: Packed
    perhaps: Packed
    latest: dict[str, Place]


class Sheets:
    """What one transaction gathers, and what it tells about *series* once it has come to be."""

    def __init__(self, series: Series) -> None:
        self._series = series
        self._new, self._perhaps = Pieces(_KINDS), Pieces(_KINDS)
        self._latest: defaultdict[int, dict[str, Place]] = defaultdict(dict)
        """Of runs and their keys the newest place that was gathered and is not written."""
        self._found: list[tuple[int, Known]] = []
        self._gathered: set[int] = set()
        self.is_empty = True
        """Whether all that was gathered is written."""

    def part(self, job: int, metrics: Sequence[Metric]) -> Part | None:
        """*metrics* as they can be added; None where not all of their series are known.

        Raise ``OverflowError`` for a number that is too large."""
        found = measured(self._series.find(job), metrics)
        if found is None:
            return None
        older = [not one for one in found.newer]
        return Part(job, _packed(found.columns, found.newer), _packed(found.columns, older), found.latest)

    def add(self, part: Part) -> None:
        """Gather one more."""
        self._new.add(part.new)
        self._perhaps.add(part.perhaps)
        add_newer(self._latest[part.job], part.latest.items())
        self._gathered.add(part.job)
        self.is_empty = False

    def hurry(self, tell: Tell) -> bool:
        """Have *tell* send the points that were gathered, if they are many; whether they are."""
        if self._new.count + self._perhaps.count < _MANY:
            return False
        self._write_points(tell)
        return True

    def write(self, tell: Tell) -> None:
        """Have *tell* send all that is not sent."""
        self._write_points(tell)
        if any(self._latest.values()):
            tell(_LATEST, _sheet(self._latest))
        self._found += [(job, Known({}, latest)) for job, latest in self._latest.items()]
        self._latest.clear()
        self.is_empty = True

    def learn(self, job: int, numbers: Mapping[str, int], latest: Mapping[str, Place]) -> None:
        """Take note of series of a run that the transaction found or made."""
        self._found.append((job, Known(dict(numbers), dict(latest))))

    def came_to_be(self) -> None:
        """The transaction has been committed."""
        for job, known in self._found:
            self._series.learn(job, *known)

    def were_there(self) -> bool:
        """A point was there already: forget what was known of the runs. False when nothing was gathered."""
        for job in self._gathered:
            self._series.forget(job)
        return bool(self._gathered)

    def _write_points(self, tell: Tell) -> None:
        for statement, pieces in ((_NEW_POINTS, self._new), (_POINTS, self._perhaps)):
            if pieces.count:
                tell(statement, dict(zip(("series", *NAMES), pieces.taken(), strict=True)))


def _packed(columns: Sequence[Sequence[Any]], which: Sequence[bool]) -> Packed:
    """The rows that are meant by *which*."""
    chosen = columns if all(which) else [[*compress(column, which)] for column in columns]
    return Packed.of(_KINDS, chosen)


def _sheet(latest: Latest) -> dict[str, Column]:
    """By columns, in one order for everybody: nobody waits for a row of one who waits for his."""
    rows = [(job, key, *latest[job][key]) for job in sorted(latest) for key in sorted(latest[job])]
    names, kinds = ("jobs", "keys", *NAMES), (Kind.BIGINT, Kind.TEXT, *KINDS)
    columns = zip(*rows, strict=True)
    return {name: Column(kind, column) for name, kind, column in zip(names, kinds, columns, strict=True)}
