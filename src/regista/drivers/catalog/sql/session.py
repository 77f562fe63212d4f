"""One connection inside one transaction, and statements that reach the driver without a detour.

A statement is SQL that both databases understand, compiled once per dialect, and then executed on the driver's own
connection: this costs a fifth of SQLAlchemy's ``execute`` on SQLite. A search becomes a statement of its shape
(``search.py``); other lists that depend on what is asked for are built with SQLAlchemy's expressions and run through ``core``.
"""

# ruff: noqa: S608 - statements are put together from constants alone; values are always bound

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, TypeVar, cast

import msgspec
from sqlalchemy import Connection, Select, Table, text

from regista.drivers.catalog.sql.places import Place
from regista.entities.run import Metric
from regista.errors import InvalidError

T = TypeVar("T")

Row = tuple[Any, ...]

_AMONG = re.compile(r"(\S+) IN :(\w+)")
_SOURCE = re.compile(r"(?:FROM|JOIN) (\w+)")
_CHANGE = re.compile(r"(?:INSERT INTO|UPDATE|(DELETE) FROM) (?!SET\b)(\w+)")


class Statement:
    """SQL with ``:name`` parameters. ``x IN :names`` takes a list; text, integers, floats and None are passed as they are."""

    __slots__ = ("_compiled", "_lists", "_numbered", "_sql", "changed", "reads", "tables")

    def __init__(self, sql: str) -> None:
        self._sql = sql
        self._lists = frozenset(name for _, name in _AMONG.findall(sql))
        self._compiled: dict[bool, tuple[str, tuple[str, ...]]] = {}
        self._numbered: tuple[str, tuple[str, ...]] | None = None
        self.reads = sql.startswith("SELECT")
        self.changed = frozenset("" if deletes else table for deletes, table in _CHANGE.findall(sql))
        """The tables that it writes to; empty text where it may be others, for what is deleted takes others along."""
        self.tables = frozenset(_SOURCE.findall(sql))
        """Those that it reads from."""

    def compiled(self, session: "Session") -> tuple[str, tuple[str, ...]]:
        """The SQL as the driver wants it, and the names of its parameters in the order of their places."""
        found = self._compiled.get(session.postgres)
        if found is None:
            among = r"\1 = ANY(:\2)" if session.postgres else r"\1 IN (SELECT value FROM json_each(:\2))"
            made: Any = text(_AMONG.sub(among, self._sql)).compile(dialect=session.core.dialect)
            found = self._compiled[session.postgres] = (made.string, tuple(made.positiontup or made.params))
        return found

    def numbered(self) -> tuple[str, tuple[str, ...]]:
        """The SQL as PostgreSQL itself has it, with ``$1``, and the names of its parameters in the order of their places."""
        if self._numbered is None:
            from sqlalchemy.dialects import postgresql

            dialect = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
            made: Any = text(_AMONG.sub(r"\1 = ANY(:\2)", self._sql)).compile(dialect=dialect)
            self._numbered = made.string, tuple(made.positiontup)
        return self._numbered

    def bound(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """*values* with lists as SQLite can take them."""
        if not self._lists:
            return values
        return {k: msgspec.json.encode(v).decode() if k in self._lists else v for k, v in values.items()}


class Insertion:
    """SQLite's own way to add many rows of so many columns, a block of them in a statement: this takes two thirds of the time
    of one by one, and lets go of the interpreter a fiftieth as often."""

    __slots__ = ("block", "one")

    BLOCK = 50

    def __init__(self, head: str, columns: int, tail: str) -> None:
        row = f"({', '.join('?' * columns)})"
        self.one = f"{head} VALUES {row} {tail}"
        self.block = f"{head} VALUES {', '.join([row] * self.BLOCK)} {tail}"


class _Holdable:
    """Raise what a driver cannot even send as an ``InvalidError``. (A plain class: this is on the way of every statement.)"""

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: object) -> None:
        if isinstance(fault, OverflowError | UnicodeEncodeError):
            raise InvalidError(f"the catalog cannot hold a value: {fault}") from fault


_HOLDABLE = _Holdable()


class Session:
    """What a repository works with. It lives as long as its transaction and belongs to one thread.

    ``core`` is for expressions made on the spot, the methods are for statements."""

    __slots__ = ("_last", "core", "postgres", "raw", "rows", "writes")

    def __init__(self, core: Connection, *, writes: bool) -> None:
        self.core = core
        self.raw: Any = core.connection.driver_connection
        self.postgres = core.dialect.name == "postgresql"
        self.writes = writes
        self._last: list[Callable[[], None]] = []
        self.rows: dict[str, tuple[int, str, int]] = {}
        """Number, scope and time of the rows of jobs that were read in this transaction, by their ids: what was recorded about
        them hangs on those, and they stay as they are."""

    def execute(self, statement: Statement, values: Mapping[str, Any]) -> Any:
        """Run *statement* and return the driver's cursor; raise ``InvalidError`` for values that no database can hold."""
        sql, names = statement.compiled(self)
        with _HOLDABLE:
            if self.postgres:
                return self.raw.execute(sql, values)
            values = statement.bound(values)
            return self.raw.execute(sql, [values[name] for name in names])

    def query(self, expression: Select[Any]) -> Sequence[Any]:
        """The rows of an expression that was made on the spot."""
        with _HOLDABLE:
            return self.core.execute(expression).all()

    def all(self, statement: Statement, /, **values: Any) -> list[Row]:
        """Every row."""
        return cast("list[Row]", self.execute(statement, values).fetchall())

    def first(self, statement: Statement, /, **values: Any) -> Row | None:
        """The first row, or None."""
        return cast("Row | None", self.execute(statement, values).fetchone())

    def run(self, statement: Statement, /, **values: Any) -> int:
        """Execute *statement* and return how many rows it changed."""
        return cast("int", self.execute(statement, values).rowcount)

    def tell(self, statement: Statement, /, **values: Any) -> None:
        """Execute *statement*, of which nobody asks what it did: where the answer is on its way for long, nobody waits for it."""
        self.execute(statement, values)

    def shared(self, table: str, key: Hashable, find: Callable[[], T]) -> T:  # noqa: ARG002 - for sessions that remember
        """What *find* reads of *table*, which several in one transaction may ask for; *key* says what that is."""
        return find()

    def soon(self, statement: Statement, /, **values: Any) -> Callable[[], list[Row]]:
        """What gives every row when it is called: where answers are on their way for long, *statement* leaves at once."""
        return partial(self.all, statement, **values)

    def many(self, statement: Statement, rows: Iterable[Mapping[str, Any]]) -> None:
        """Execute *statement* once for each of *rows*, in one go."""
        sql, names = statement.compiled(self)
        with _HOLDABLE:
            if self.postgres:
                with self.raw.cursor() as cursor:
                    cursor.executemany(sql, list(rows))
            else:
                self.raw.executemany(sql, ([row[name] for name in names] for row in rows))

    def copy(self, table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> bool:
        """Append *rows* by PostgreSQL's COPY, several times as fast as any INSERT; *columns* have the types of the server.

        COPY knows no ON CONFLICT: False, and nothing appended, when one of the rows is there already."""
        from psycopg.errors import UniqueViolation

        sql = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
        try:
            with _HOLDABLE, self.raw.transaction(), self.raw.cursor() as cursor, cursor.copy(sql) as stream:
                stream.set_types(list(columns.values()))
                for row in rows:
                    stream.write_row(row)
        except UniqueViolation:
            return False
        return True

    def gather(self, job: int, metrics: Sequence[Metric]) -> bool:  # noqa: ARG002 - for sessions that share a transaction
        """Have what was measured of the run with the number *job* written together with what others bring; False where it
        has to be written by itself."""
        return False

    def learn(self, job: int, numbers: Mapping[str, int], latest: Mapping[str, Place]) -> None:
        """Remember series of a run, for ``gather``, when this transaction has come to be."""

    def append(self, insertion: Insertion, rows: Sequence[Sequence[Any]]) -> None:
        """Add *rows*: the fastest way into SQLite."""
        size = Insertion.BLOCK
        whole = len(rows) - len(rows) % size
        blocks = ([*chain.from_iterable(rows[at : at + size])] for at in range(0, whole, size))
        with _HOLDABLE:
            if whole:
                self.raw.executemany(insertion.block, blocks)
            self.raw.executemany(insertion.one, rows[whole:])

    def before_commit(self, step: Callable[[], None]) -> None:
        """Have *step* done as the last thing of the transaction, where it holds others up for the shortest time.

        On SQLite, where nobody else writes meanwhile, that is now."""
        if self.postgres:
            self._last.append(step)
        else:
            step()

    def finish(self) -> None:
        """Do what was left for the end."""
        for step in self._last:
            step()
        self._last.clear()


def insert(table: Table, *, returning: str = "") -> Statement:
    """Add a row of *table*; where a key is taken nothing happens, and the count of changed rows is 0."""
    tail = f" RETURNING {returning}" if returning else ""
    return Statement(f"{_insertion(table)} ON CONFLICT DO NOTHING{tail}")


def upsert(table: Table, *keys: str, keep: Sequence[str] = (), returning: str = "") -> Statement:
    """Add a row of *table*, or replace the one with the same *keys*, all columns but those of *keep*."""
    replaced = [name for name in _columns(table) if name not in {*keys, *keep}]
    change = ", ".join(f"{name} = excluded.{name}" for name in replaced)
    action = f"DO UPDATE SET {change}" if change else "DO NOTHING"
    tail = f" RETURNING {returning}" if returning else ""
    return Statement(f"{_insertion(table)} ON CONFLICT ({', '.join(keys)}) {action}{tail}")


def _columns(table: Table) -> list[str]:
    """What a caller fills in: the database itself numbers the rows."""
    return [column.name for column in table.columns if column.name != "seq"]


def _insertion(table: Table) -> str:
    names = _columns(table)
    places = ", ".join(f":{name}" for name in names)
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({places})"
