"""The writing session of SQLite: batches that callers of one group bring are written together (``sheets``), before their COMMIT.

    SAVEPOINT item   a caller's work: a batch is set aside                    RELEASE: it is kept
    SAVEPOINT item   another's, who is about to write, or to look at metrics
      RELEASE          there is nothing in it yet
                       what was kept is written
      SAVEPOINT item   now he may                                             ROLLBACK TO: what was kept stays
    …                what was kept since is written
    COMMIT           only now is anything learned of it

Each batch alone touches a page of the history for every series, and so do eight of them together.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select

from regista.drivers.catalog.sql.places import Place
from regista.drivers.catalog.sql.session import Insertion, Row, Session, Statement
from regista.drivers.catalog.sql.sheets import (
    ADD_LATEST,
    ADD_POINT,
    IF_NEWER,
    TABLES,
    Known,
    Latest,
    Series,
    add_newer,
    measured,
)
from regista.entities.run import Metric

_LEAST, _MOST = -(2**63), 2**63 - 1
_LATEST = Insertion(ADD_LATEST, 6, IF_NEWER)
_POINT = Insertion(ADD_POINT, 5, "ON CONFLICT DO NOTHING")


class _Batch(NamedTuple):
    """What one caller set aside: points with the numbers of their series, and the newest places by keys."""

    job: int
    points: list[Row]
    latest: dict[str, Place]


class GatheringSession(Session):
    """Its transaction is a group's; ``begin``, ``keep`` and ``drop`` say where the work of one caller begins and ends."""

    __slots__ = ("_found", "_kept", "_latest", "_learned", "_mine", "_open", "_series", "lost")

    def __init__(self, core: Connection, *, writes: bool) -> None:
        super().__init__(core, writes=writes)
        self._series = Series()
        self._open = False
        self._mine: list[_Batch] = []
        self._learned: list[tuple[int, Known]] = []
        self._kept: list[Row] = []
        self._latest: defaultdict[int, dict[str, Place]] = defaultdict(dict)
        self._found: list[tuple[int, Known]] = []
        """What those who were kept have learned."""
        self.lost: BaseException | None = None
        """Why what was kept could not be written: nothing may be committed."""

    def begin(self) -> None:
        """The work of one caller."""
        self.raw.execute("SAVEPOINT item")
        self._open = True

    def keep(self) -> None:
        """It has come to its end."""
        self.raw.execute("RELEASE item")
        self._open = False
        if self._mine or self._learned:
            for one in self._mine:
                self._kept += one.points
                add_newer(self._latest[one.job], one.latest.items())
            self._found += self._learned
            self._set_back()

    def drop(self) -> None:
        """It has failed: undo it, and only it."""
        self._open = False
        self._set_back()
        self.raw.execute("ROLLBACK TO item")
        self.raw.execute("RELEASE item")

    def gather(self, job: int, metrics: Sequence[Metric]) -> bool:
        try:
            found = measured(self._series.find(job), metrics)
        except OverflowError:
            return False  # it will be refused when it is written by itself
        if found is None or not all(min(one) >= _LEAST and max(one) <= _MOST for one in found.columns[1:3]):
            return False
        self._mine.append(_Batch(job, [*zip(*found.columns, strict=True)], found.latest))
        return True

    def learn(self, job: int, numbers: Mapping[str, int], latest: Mapping[str, Place]) -> None:
        self._learned.append((job, Known(dict(numbers), dict(latest))))

    def finish(self) -> None:
        """Write what was kept."""
        if not self._kept:
            return
        latest, points = self._latest, self._kept
        self._latest, self._kept = defaultdict(dict), []
        self._write(latest, sorted(points))
        self._found += [(job, Known({}, places)) for job, places in latest.items()]

    def came_to_be(self) -> None:
        """The transaction has been committed."""
        for job, known in self._found:
            self._series.learn(job, *known)
        self._forget()

    def was_undone(self) -> None:
        """The transaction has not come to be."""
        self._open = False
        self._set_back()
        self._forget()

    def execute(self, statement: Statement, values: Mapping[str, Any]) -> Any:
        if (self._kept or self._mine) and not (statement.reads and statement.tables.isdisjoint(TABLES)):
            self._before()
        return super().execute(statement, values)

    def query(self, expression: Select[Any]) -> Sequence[Any]:
        self._before()
        return super().query(expression)

    def many(self, statement: Statement, rows: Iterable[Mapping[str, Any]]) -> None:
        self._before()
        super().many(statement, rows)

    def append(self, insertion: Insertion, rows: Sequence[Sequence[Any]]) -> None:
        self._before()
        super().append(insertion, rows)

    def _before(self) -> None:
        """Write what was kept outside of this caller's work, which has written nothing yet, and what is his own inside of it."""
        if self._kept:
            try:
                self._write_kept()
            except BaseException as fault:
                self.lost = fault
                raise
        if not self._mine:
            return
        mine, self._mine = self._mine, []
        for one in mine:
            self._write({one.job: one.latest}, one.points)
            self._learned.append((one.job, Known({}, one.latest)))

    def _write_kept(self) -> None:
        if self._open:
            self.raw.execute("RELEASE item")
        self.finish()
        if self._open:
            self.raw.execute("SAVEPOINT item")

    def _write(self, latest: Latest, points: Sequence[Row]) -> None:
        newest = [(job, key, *latest[job][key]) for job in sorted(latest) for key in sorted(latest[job])]
        super().append(_LATEST, newest)
        super().append(_POINT, points)

    def _set_back(self) -> None:
        self._mine, self._learned = [], []

    def _forget(self) -> None:
        self._kept, self._found, self.lost = [], [], None
        self._latest.clear()
