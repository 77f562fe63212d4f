"""A session whose statements go out by a wire: for work of an event loop, which a greenlet does."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NoReturn, TypeVar

from psycopg import Error
from psycopg.pq.abc import PGresult
from sqlalchemy import Select

from regista.drivers.catalog.sql.session import Row, Session, Statement
from regista.drivers.catalog.sql.wire import Reply, Wire
from regista.interfaces.catalog import WouldWaitError

T = TypeVar("T")


class WireSession(Session):
    """One transaction, of one caller or of several after or beside one another. What it cannot do, and what fails in it, is
    ``WouldWaitError``: a thread does it again and is told why. ``fault`` is then what the server said."""

    __slots__ = ("_shared", "_wire", "changes", "fault")

    def __init__(self, wire: Wire, *, writes: bool) -> None:
        self.postgres, self.writes = True, writes
        self._wire = wire
        self._last = []
        self._shared: dict[str, dict[Hashable, Any]] = {}
        self.changes = 0
        """How many statements were sent that may have changed something."""
        self.fault: Exception | None = None

    def execute(self, statement: Statement, values: Mapping[str, Any]) -> NoReturn:  # noqa: ARG002 - as of a session
        """There is no cursor of the driver's."""
        raise WouldWaitError

    def query(self, expression: Select[Any]) -> NoReturn:  # noqa: ARG002
        """Questions that are put together on the spot are long ones."""
        raise WouldWaitError

    def all(self, statement: Statement, /, **values: Any) -> list[Row]:
        return self._wire.rows(self._ask(statement, values))

    def first(self, statement: Statement, /, **values: Any) -> Row | None:
        rows = self._wire.rows(self._ask(statement, values))
        return rows[0] if rows else None

    def run(self, statement: Statement, /, **values: Any) -> int:
        return self._ask(statement, values).command_tuples or 0

    def tell(self, statement: Statement, /, **values: Any) -> None:
        reply = self._send(statement, values)
        reply.then = partial(self._was_told, reply)

    def many(self, statement: Statement, rows: Iterable[Mapping[str, Any]]) -> None:
        for row in rows:
            self.tell(statement, **row)

    def copy(self, table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> bool:  # noqa: ARG002
        """Not by a wire: what is much comes another way."""
        return False

    def shared(self, table: str, key: Hashable, find: Callable[[], T]) -> T:
        """What *find* reads, kept until *table* is written to."""
        kept = self._shared.setdefault(table, {})
        if key in kept:
            found: T = kept[key]
            return found
        found = find()
        self._shared.setdefault(table, {})[key] = found
        return found

    def learn(self, table: str, key: Hashable, value: object) -> None:
        self._shared.setdefault(table, {})[key] = value

    def soon(self, statement: Statement, /, **values: Any) -> Callable[[], list[Row]]:
        reply = self._send(statement, values)
        return lambda: self._wire.rows(self._answer(reply))

    def _ask(self, statement: Statement, values: Mapping[str, Any]) -> PGresult:
        return self._answer(self._send(statement, values))

    def _answer(self, reply: Reply) -> PGresult:
        try:
            return self._wire.wait(reply)
        except Error as fault:
            self.fault = self.fault or fault
            raise WouldWaitError from fault

    def _send(self, statement: Statement, values: Mapping[str, Any]) -> Reply:
        sql, names = statement.numbered()
        reply = self._wire.send(sql, [values[name] for name in names])
        if not statement.reads:
            self.changes += 1
            if statement.changed:
                self._shared.pop(statement.changed, None)
            else:
                self._shared.clear()
        return reply

    def _was_told(self, reply: Reply) -> None:
        self.fault = self.fault or reply.error
