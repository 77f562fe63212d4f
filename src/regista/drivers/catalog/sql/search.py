"""Clauses and orders as SQL.

A clause holds only for what has a value to compare (``!=`` and ``NOT IN`` too): to ask for what has none there is
``IS NULL``. Text compares by its bytes, ``LIKE`` minds the case, ``ILIKE`` does not mind that of ASCII letters.

The text is put together from names of this package alone, and every value is bound: what was asked in the same shape before
is the same text, which is compiled once and which the databases remember. (To make expressions of SQLAlchemy took longer than
to find a page of runs.)
"""

# ruff: noqa: S608 - statements are put together from constants alone; values are always bound

import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Column, Table

from regista.drivers.catalog.sql.ordering import Sorting, later_than
from regista.drivers.catalog.sql.paging import cursor_of, key_of, size_of
from regista.drivers.catalog.sql.session import Row, Session, Statement
from regista.drivers.catalog.sql.tables import (
    HEAD,
    asset_tags,
    datasets,
    experiment_tags,
    metrics,
    params,
    run_tags,
    version_tags,
)
from regista.entities.page import PageRequest
from regista.entities.run import CONTEXT
from regista.entities.search import Clause, Field, Order
from regista.errors import InvalidError

MAX_CLAUSES = 100
MAX_PATTERN = 5000
_SETS = {"IN", "NOT IN"}
_COMPARE = {"=", "!=", "<", "<=", ">", ">="}
_NEVER = "1 = 0"
_MANY = 2000
"""Up to so many rows are counted to find the rarer of two tags."""
_COUNTED = "SELECT 1 FROM {tags} WHERE place = :place AND key = :key AND head = :head LIMIT :most"
_COUNTS = {
    tags.name: Statement(f"SELECT count(*) FROM ({_COUNTED.format(tags=tags.name)}) AS counted")
    for tags in (asset_tags, version_tags, run_tags, experiment_tags)
}
_statement = lru_cache(maxsize=512)(Statement)


class Attribute(msgspec.Struct, frozen=True):
    """What is searched and sorted by of the thing itself: as SQL says it, of which type, and whether rows may lack it."""

    sql: str
    kind: type
    nullable: bool = False

    @classmethod
    def of(cls, column: Column[Any]) -> "Attribute":
        """A column."""
        return cls(f"{column.table.name}.{column.name}", column.type.python_type, bool(column.nullable))


class Subject(msgspec.Struct, frozen=True):
    """What is searched: a table, what its attributes are called, and where its tags are. Only runs have measurements."""

    name: str
    table: Table
    attributes: Mapping[str, Attribute]
    tags: Table
    measured: bool = False


def attributes(**columns: Column[Any]) -> dict[str, Attribute]:
    """Columns by the names that they have in a search."""
    return {name: Attribute.of(column) for name, column in columns.items()}


class Search:
    """One question about a subject: conditions to filter by, keys to sort by, and the tables they need to be joined.

    The rarest ``tag = value`` leads: its index is sorted as the list is, so that a page of few among many is read alone."""

    def __init__(
        self, session: Session, subject: Subject, place: str, clauses: Sequence[Clause], *, led: bool = True
    ) -> None:
        """Not *led*: no tag leads, because the caller knows of fewer rows than the rarest has."""
        if len(clauses) > MAX_CLAUSES:
            raise InvalidError(f"a search has at most {MAX_CLAUSES} clauses, this one has {len(clauses)}")
        self._session = session
        self._subject = subject
        self._table = subject.table.name
        self._values: dict[str, Any] = {}
        self._names = 0
        self._source = self._table
        self.newest = _newest(f"{self._table}.created_at", f"{self._table}.seq")
        """The order in which everything is listed: newest first."""
        leading = _rarest(session, subject, place, clauses) if led else None
        self.is_led = leading is not None
        """Whether a tag leads, and the place is thereby given."""
        self._conditions = [self._condition(clause) for clause in clauses if clause is not leading]
        if leading is not None:
            self._lead(leading, place)

    def where(self, condition: str, *values: Any) -> None:
        """Narrow the search by SQL of the caller's, in which ``{}`` stands for each of *values*."""
        self._conditions.append(condition.format(*map(self._bind, values)))

    def keys(self, orders: Sequence[Order]) -> list[Sorting]:
        """The keys of *orders*; joins what they need."""
        return [key for order in orders for key in self._sorting(order)]

    def page(
        self, sortings: Sequence[Sorting], request: PageRequest, listing: str, *, apart: bool = False
    ) -> tuple[list[tuple[int, str]], str | None]:
        """The numbers and bodies of a page's rows in the order of *sortings*, which are unique together and end with the number,
        and the cursor of the next page. *apart*: no index lies in that order, and sorting would carry the bodies along."""
        limit = size_of(request)
        if request.cursor is not None:
            key = key_of(request.cursor, listing, [sorting.kind for sorting in sortings])
            self._conditions.append(later_than(sortings, key, self._bind))
        selected = ", ".join([*([] if apart else [f"{self._table}.body"]), *(sorting.sql for sorting in sortings)])
        sql = f"SELECT {selected} FROM {self._source} WHERE {' AND '.join(self._conditions)} ORDER BY "
        sql += ", ".join(sorting.turn for sorting in sortings) + " LIMIT :limit"
        rows = self._session.all(_statement(sql), limit=limit + 1, **self._values)
        cursor = cursor_of(listing, rows[limit - 1][-len(sortings) :]) if len(rows) > limit else None
        return self._bodies(rows[:limit]) if apart else [(row[-1], row[0]) for row in rows[:limit]], cursor

    def _bodies(self, rows: Sequence[Row]) -> list[tuple[int, str]]:
        numbers = [row[-1] for row in rows]
        sql = f"SELECT seq, body FROM {self._table} WHERE seq IN :rows"
        found: dict[int, str] = dict(self._session.all(_statement(sql), rows=numbers)) if numbers else {}
        return [(number, found[number]) for number in numbers]

    def _bind(self, value: Any) -> str:
        """Where *value* stands in the text."""
        name = f"v{len(self._values)}"
        self._values[name] = value
        return f":{name}"

    def _lead(self, clause: Clause, place: str) -> None:
        tags = self._named(self._subject.tags)
        self._source = f"{self._subject.tags.name} AS {tags} JOIN {self._table} ON {self._table}.seq = {tags}.owner"
        self.newest = _newest(f"{tags}.created_at", f"{tags}.owner")
        self.where(f"{tags}.place = {{}} AND {tags}.key = {{}}", place, clause.key)
        self._conditions.append(self._same(tags, _text(clause)))

    def _condition(self, clause: Clause) -> str:
        if clause.field is Field.ATTRIBUTE:
            return self._attribute(clause)
        if clause.field is Field.DATASET:
            return self._dataset(clause)
        table, owner = self._rows(clause.field)
        name = self._named(table)
        there = f"EXISTS (SELECT 1 FROM {table.name} AS {name} WHERE {name}.{owner} = {self._table}.seq"
        there += f" AND {name}.key = {self._bind(clause.key)}"
        if clause.operator in {"IS NULL", "IS NOT NULL"}:
            return f"{there})" if clause.operator == "IS NOT NULL" else f"NOT {there})"
        if clause.field is Field.METRIC:
            return f"{there} AND {self._measured(name, clause)})"
        if clause.operator == "=":
            return f"{there} AND {self._same(name, _text(clause))})"
        return f"{there} AND {self._compared(Attribute(f'{name}.value', str), clause)})"

    def _attribute(self, clause: Clause) -> str:
        attribute = self._known(clause.key)
        if clause.operator in {"IS NULL", "IS NOT NULL"}:
            empty = f"{attribute.sql} IS NULL" if attribute.kind is not str else f"coalesce({attribute.sql}, '') = ''"
            return empty if clause.operator == "IS NULL" else f"NOT ({empty})"
        return self._compared(attribute, clause)

    def _dataset(self, clause: Clause) -> str:
        """Runs have few data sets: what one was used for is read out of its body."""
        self._need_measured(clause.field)
        name = self._named(datasets)
        context = (
            f"(CAST({name}.body AS json) -> 'tags' ->> '{CONTEXT}')"
            if self._session.postgres
            else f"""json_extract({name}.body, '$."tags"."{CONTEXT}"')"""
        )
        columns = {"name": f"{name}.name", "digest": f"{name}.digest", "context": context}
        if clause.key not in columns:
            raise _wrong(clause, f"a data set has only {', '.join(columns)}")
        compared = self._compared(Attribute(columns[clause.key], str), clause)
        return f"EXISTS (SELECT 1 FROM datasets AS {name} WHERE {name}.job = {self._table}.seq AND {compared})"

    def _compared(self, attribute: Attribute, clause: Clause) -> str:
        numeric = attribute.kind is not str
        if clause.operator in {"LIKE", "ILIKE"} and not numeric:
            return self._like(attribute.sql, clause)
        if clause.operator in _SETS:
            values = _number_set(clause) if numeric else _text_set(clause)
            within = f"{attribute.sql} IN {self._bind(values)}" if values else _NEVER
            return within if clause.operator == "IN" else f"NOT ({within})"
        if clause.operator not in _COMPARE:
            raise _wrong(clause, "knows no such comparison")
        return f"{attribute.sql} {clause.operator} {self._bind(_number(clause) if numeric else _text(clause))}"

    def _like(self, sql: str, clause: Clause) -> str:
        pattern = _text(clause)
        if len(pattern) > MAX_PATTERN:
            raise _wrong(clause, f"takes patterns of at most {MAX_PATTERN} characters")
        if self._session.postgres:
            plain = pattern.replace("\\", "\\\\")
            return f"{sql} {clause.operator} {self._bind(plain)}"
        if clause.operator == "ILIKE":
            return f"{sql} LIKE {self._bind(pattern)}"
        quoted = "".join(f"[{letter}]" if letter in "*?[" else letter for letter in pattern)
        return f"{sql} GLOB {self._bind(quoted.replace('%', '*').replace('_', '?'))}"

    def _measured(self, name: str, clause: Clause) -> str:
        """NaN is unequal to every number, and neither less nor greater."""
        if clause.operator not in _COMPARE:
            raise _wrong(clause, "compares by = != < <= > >= only")
        compared = f"{name}.value {clause.operator} {self._bind(_number(clause))}"
        if clause.operator == "!=":
            return f"({name}.is_number = 0 OR {compared})"
        return f"{name}.is_number = 1 AND {compared}"

    def _same(self, name: str, value: str) -> str:
        """Equality by way of the index, which knows the beginning only."""
        head = f"{name}.head = {self._bind(value[:HEAD])}"
        return head if len(value) < HEAD else f"{head} AND {name}.value = {self._bind(value)}"

    def _rows(self, field: Field) -> tuple[Table, str]:
        """Where what is asked for is recorded, and the column that says of what."""
        if field is Field.TAG:
            return self._subject.tags, "owner"
        self._need_measured(field)
        return (metrics if field is Field.METRIC else params), "job"

    def _named(self, table: Table) -> str:
        """A name for *table* that this search has not used yet."""
        self._names += 1
        return f"{table.name}_{self._names}"

    def _need_measured(self, field: Field) -> None:
        if not self._subject.measured:
            raise InvalidError(f"{self._subject.name} have no {field}s to search by")

    def _known(self, name: str) -> Attribute:
        try:
            return self._subject.attributes[name]
        except KeyError:
            known = ", ".join(sorted(self._subject.attributes))
            raise InvalidError(
                f"{self._subject.name} have no attribute {name[:100]!r} to search by", hint=f"There are: {known}."
            ) from None

    def _sorting(self, order: Order) -> list[Sorting]:
        if order.field is Field.ATTRIBUTE:
            known = self._known(order.key)
            kind = known.kind | None if known.nullable else known.kind
            return [Sorting(known.sql, ascending=order.ascending, kind=kind, nullable=known.nullable)]
        table, owner = self._rows(order.field)
        name = self._named(table)
        joined = f"{name}.{owner} = {self._table}.seq AND {name}.key = {self._bind(order.key)}"
        self._source += f" LEFT JOIN {table.name} AS {name} ON {joined}"
        if order.field is Field.METRIC:
            rank = f"CASE {name}.is_number WHEN 1 THEN 0 WHEN 0 THEN 1 ELSE 2 END"
            return _ranked(rank, f"coalesce({name}.value, 0.0)", float, order)
        return _ranked(f"CASE WHEN {name}.key IS NULL THEN 1 ELSE 0 END", f"coalesce({name}.head, '')", str, order)


def _rarest(session: Session, subject: Subject, place: str, clauses: Sequence[Clause]) -> Clause | None:
    """The ``tag = value`` that the fewest rows have, as far as a short count tells; None when nothing is asked so."""
    equal = _equal(clauses)
    if len(equal) < 2:
        return equal[0] if equal else None
    return min(equal, key=lambda clause: _count(session, subject, place, clause, _MANY))


def is_rarer(session: Session, subject: Subject, place: str, clauses: Sequence[Clause], than: int) -> bool:
    """Whether fewer than *than* rows have one of the tags that are asked for, of all that there are at *place*, or none is."""
    return not _equal(clauses) or any(
        _count(session, subject, place, clause, than) < than for clause in _equal(clauses)
    )


def _equal(clauses: Sequence[Clause]) -> list[Clause]:
    return [clause for clause in clauses if clause.field is Field.TAG and clause.operator == "="]


def _count(session: Session, subject: Subject, place: str, clause: Clause, most: int) -> int:
    """How many rows have the tag, or *most*."""
    head = _text(clause)[:HEAD]
    found = session.first(_COUNTS[subject.tags.name], place=place, key=clause.key, head=head, most=most)
    return found[0] if found else 0


def fingerprint(name: str, orders: Sequence[Order]) -> str:
    """The listing's name in a cursor: a cursor is of use only under the order it was made in."""
    return f"{name}/{zlib.crc32(msgspec.json.encode(orders)):x}" if orders else name


def _newest(time: str, number: str) -> list[Sorting]:
    return [Sorting(time, ascending=False, kind=int), Sorting(number, ascending=False, kind=int)]


def _ranked(rank: str, value: str, kind: type, order: Order) -> list[Sorting]:
    """What has no value comes last, whichever the direction."""
    return [Sorting(rank, ascending=True, kind=int), Sorting(value, ascending=order.ascending, kind=kind)]


def _number(clause: Clause) -> float:
    """As it is written when that is whole: large times would lose digits as a float."""
    try:
        if isinstance(clause.value, str | int | float):
            number = float(clause.value)
            return int(clause.value) if number.is_integer() and abs(number) < 2**63 else number
    except ValueError:
        pass
    raise _wrong(clause, "compares with a number")


def _text(clause: Clause) -> str:
    if isinstance(clause.value, str):
        return clause.value
    raise _wrong(clause, "compares with a text")


def _text_set(clause: Clause) -> list[str]:
    if isinstance(clause.value, tuple) and all(isinstance(value, str) for value in clause.value):
        return list(clause.value)
    raise _wrong(clause, "compares with a list of texts")


def _number_set(clause: Clause) -> list[float]:
    numbers = [_number(Clause(clause.field, clause.key, "=", value)) for value in _text_set(clause)]
    return numbers if all(isinstance(number, int) for number in numbers) else [*map(float, numbers)]


def _wrong(clause: Clause, law: str) -> InvalidError:
    return InvalidError(f"{clause.field} {clause.key[:100]!r} {clause.operator}: {law}")
