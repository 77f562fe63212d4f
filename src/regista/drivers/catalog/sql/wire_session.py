"""Sessions whose statements go out by a wire: for the work of an event loop, which greenlets do beside one another.

Several of them share a transaction. Those that only read do not get in each other's way. Those that write do it one after
another, each from its first write to its end; what one has read by then has to be what it would read now, or it begins again.
So does who never writes and has read what was changed in the middle:

    one      read jobs ── wait ──> write metrics ──> end
    another  read jobs ── wait ────────────────────> write metrics ──> end         nobody wrote jobs meanwhile
"""

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NoReturn, TypeVar

from greenlet import getcurrent
from psycopg import Error
from psycopg.pq.abc import PGresult
from sqlalchemy import Select

from regista.drivers.catalog.sql import places
from regista.drivers.catalog.sql.session import Row, Session, Statement
from regista.drivers.catalog.sql.sheets import TABLES, Part, Sheets
from regista.drivers.catalog.sql.wire import Reply, Wire, stand_still
from regista.entities.run import Metric
from regista.interfaces.catalog import WouldWaitError

T = TypeVar("T")

Place = tuple[str, Hashable]
"""A table and what is meant of it."""


class BeginAgainError(BaseException):
    """What this work has read was changed by another meanwhile. Begun again it is the one who writes, and nobody else does."""


class Joint:
    """What several sessions have in common. ``fault`` is what the server refused first: nothing can come of it any more."""

    def __init__(self, wire: Wire, sheets: Sheets | None = None) -> None:
        self.wire = wire
        self.sheets = sheets
        self.fault: Exception | None = None
        self.known: dict[Place, Any] = {}
        """What was read of a table and has not been written since."""
        self.asked: dict[Place, list[Callable[[], object]]] = {}
        """What somebody is reading, and who waits for that."""
        self.ending = False
        """Whether everybody's work is done, and what is left for the end is."""
        self._writes: defaultdict[str, int] = defaultdict(int)
        self._writer: WireSession | None = None
        self._waiting: deque[tuple[WireSession, Callable[[], object]]] = deque()

    @property
    def is_over(self) -> bool:
        """Whether it can only be undone."""
        return self.fault is not None or self.wire.lost is not None

    def begin(self, statement: str) -> None:
        """Have it begun by *statement*."""
        reply = self.wire.send(statement)
        reply.then = partial(self.note, reply)

    def note(self, reply: Reply) -> None:
        """Note that a statement was refused, if it was."""
        self.fault = self.fault or reply.error

    def writes(self, table: str) -> int:
        """How often *table* was written to."""
        return self._writes[table] + self._writes[""]

    def wrote(self, table: str) -> None:
        """Note a write; where it is not plain to see to which table, to all."""
        self._writes[table] += 1
        self.known = {key: value for key, value in self.known.items() if table and key[0] != table}

    def enter(self, session: "WireSession") -> bool:
        """Let *session* write, when those before it have; whether it did not before. ``WouldWaitError`` when it is over."""
        if self._writer is session or self.ending:
            return False
        if self._writer is not None:
            self._waiting.append((session, getcurrent().switch))
            stand_still()
        self._writer = session
        if self.is_over:
            raise WouldWaitError
        return True

    def is_writing(self, session: "WireSession") -> bool:
        """Whether it is *session* that writes."""
        return self._writer is session

    def before(self, statement: Statement) -> None:
        """Write what was gathered, if *statement* writes or would not see it."""
        sheets = self.sheets
        if sheets is not None and not sheets.is_empty and not (statement.reads and statement.tables.isdisjoint(TABLES)):
            self.finish()

    def finish(self) -> None:
        """Write what was gathered."""
        if self.sheets is not None and not self.sheets.is_empty:
            self.sheets.write(self._tell)

    def gather(self, part: Part) -> None:
        """Write *part* later, with those of others; a server that has nothing to do begins with the points."""
        if self.sheets is not None:
            self.sheets.add(part)
            if self.wire.is_idle and self.sheets.hurry(self._tell):
                self.wire.part()

    def leave(self, session: "WireSession") -> None:
        """*session* has ended: let the next one write."""
        if self._writer is session:
            self._writer = None
            if self._waiting:
                self._writer, go_on = self._waiting.popleft()
                self.wire.later(go_on)

    def _tell(self, statement: Statement, values: Mapping[str, Any]) -> None:
        sql, names = statement.numbered()
        reply = self.wire.send(sql, [values[name] for name in names])
        reply.then = partial(self.note, reply)


class WireSession(Session):
    """The part of one caller in a transaction. What it cannot do, and what fails, is ``WouldWaitError``: a thread does it again
    and is told why."""

    __slots__ = ("_seen", "changes", "transaction")

    def __init__(self, transaction: Joint, *, writes: bool) -> None:
        self.postgres, self.writes = True, writes
        self.transaction = transaction
        self._last = []
        self.rows = {}
        self._seen: dict[str, int] = {}
        """How often the tables that it read had been written to by then."""
        self.changes = 0
        """How many statements were sent that may have changed something."""

    def execute(self, statement: Statement, values: Mapping[str, Any]) -> NoReturn:  # noqa: ARG002 - as of a session
        """There is no cursor of the driver's."""
        raise WouldWaitError

    def query(self, expression: Select[Any]) -> NoReturn:  # noqa: ARG002
        """Questions that are put together on the spot are long ones."""
        raise WouldWaitError

    def all(self, statement: Statement, /, **values: Any) -> list[Row]:
        return self._rows(self._send(statement, values))

    def first(self, statement: Statement, /, **values: Any) -> Row | None:
        rows = self._rows(self._send(statement, values))
        return rows[0] if rows else None

    def run(self, statement: Statement, /, **values: Any) -> int:
        return self._answer(self._send(statement, values)).command_tuples or 0

    def tell(self, statement: Statement, /, **values: Any) -> None:
        reply = self._send(statement, values)
        reply.then = partial(self.transaction.note, reply)

    def soon(self, statement: Statement, /, **values: Any) -> Callable[[], list[Row]]:
        return partial(self._rows, self._send(statement, values))

    def many(self, statement: Statement, rows: Iterable[Mapping[str, Any]]) -> None:
        for row in rows:
            self.tell(statement, **row)

    def copy(self, table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> bool:  # noqa: ARG002
        """Not by a wire: what is much comes another way."""
        return False

    def gather(self, job: int, metrics: Sequence[Metric]) -> bool:
        sheets = self.transaction.sheets
        try:
            part = None if sheets is None else sheets.part(job, metrics)
        except OverflowError:
            raise WouldWaitError from None
        if part is None:
            return False
        self._enter(TABLES)
        self.transaction.gather(part)
        return True

    def learn(self, job: int, numbers: Mapping[str, int], latest: Mapping[str, places.Place]) -> None:
        if self.transaction.sheets is not None:
            self.transaction.sheets.learn(job, numbers, latest)

    def shared(self, table: str, key: Hashable, find: Callable[[], T]) -> T:
        """What *find* reads, kept for all until *table* is written to."""
        place, joint = (table, key), self.transaction
        while place not in joint.known:
            if place not in joint.asked:
                return self._found(place, find)
            joint.asked[place].append(getcurrent().switch)
            stand_still()
            if joint.is_over:
                raise WouldWaitError
        self._saw(table)
        known: T = joint.known[place]
        return known

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Writes in the block are refused."""
        self.writes = False
        try:
            yield
        finally:
            self.writes = True

    def taken(self) -> list[Callable[[], None]]:
        """What was left for the end so far."""
        taken, self._last = self._last, []
        return taken

    def check(self) -> None:
        """Raise ``BeginAgainError`` when what was read is not of one moment, which only who writes can be sure of."""
        if not self.transaction.is_writing(self):
            self._check()

    def begin_again(self) -> None:
        """As the one who writes, and as if nothing had been read."""
        self.transaction.enter(self)
        self._last = []
        self._seen.clear()

    def _found(self, place: Place, find: Callable[[], T]) -> T:
        """What *find* reads, for those too who ask for it meanwhile."""
        joint, table = self.transaction, place[0]
        writes, joint.asked[place] = joint.writes(table), []
        try:
            found = find()
            if joint.writes(table) == writes:
                joint.known[place] = found
            return found
        finally:
            for go_on in joint.asked.pop(place):
                joint.wire.later(go_on)

    def _rows(self, reply: Reply) -> list[Row]:
        return self.transaction.wire.rows(self._answer(reply))

    def _answer(self, reply: Reply) -> PGresult:
        try:
            return self.transaction.wire.wait(reply)
        except Error as fault:
            self.transaction.note(reply)
            raise WouldWaitError from fault

    def _send(self, statement: Statement, values: Mapping[str, Any]) -> Reply:
        if not statement.reads:
            self._enter(statement.changed)
        else:
            for table in statement.tables:
                self._saw(table)
        self.transaction.before(statement)
        sql, names = statement.numbered()
        return self.transaction.wire.send(sql, [values[name] for name in names])

    def _check(self) -> None:
        if any(self.transaction.writes(table) != writes for table, writes in self._seen.items()):
            raise BeginAgainError

    def _saw(self, table: str) -> None:
        if table not in self._seen:
            self._seen[table] = self.transaction.writes(table)

    def _enter(self, tables: Collection[str]) -> None:
        """Become the one who writes, and note that *tables* change."""
        transaction = self.transaction
        if not self.writes:
            raise WouldWaitError
        if transaction.enter(self):
            self._check()
        self.changes += 1
        for table in tables or ("",):
            transaction.wrote(table)
