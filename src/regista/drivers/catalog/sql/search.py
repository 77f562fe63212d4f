"""Clauses and orders as SQL.

A clause holds only for what has a value to compare (``!=`` and ``NOT IN`` too): to ask for what has none there is
``IS NULL``. Text compares by its bytes, ``LIKE`` minds the case, ``ILIKE`` does not mind that of ASCII letters.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import JSON, ColumnElement, Table, and_, case, cast, exists, false, func, not_, or_, type_coerce
from sqlalchemy.sql import FromClause

from regista.drivers.catalog.sql.session import Session, Statement
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
from regista.entities.run import CONTEXT
from regista.entities.search import Clause, Field, Order
from regista.errors import InvalidError

Condition = ColumnElement[bool]

MAX_CLAUSES = 100
MAX_PATTERN = 5000
_SETS = {"IN", "NOT IN"}
_MANY = 2000
"""Up to so many rows are counted to find the rarer of two tags."""
_COUNTED = "SELECT 1 FROM {tags} WHERE place = :place AND key = :key AND head = :head LIMIT :most"
_COUNTS = {
    tags.name: Statement(f"SELECT count(*) FROM ({_COUNTED.format(tags=tags.name)}) AS counted")  # noqa: S608
    for tags in (asset_tags, version_tags, run_tags, experiment_tags)
}
_COMPARE: Mapping[str, Callable[[Any, Any], Condition]] = {
    "=": lambda column, value: column == value,
    "!=": lambda column, value: column != value,
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
}


class Subject(msgspec.Struct, frozen=True):
    """What is searched: a table, what its attributes are called, and where its tags are. Only runs have measurements."""

    name: str
    table: Table
    attributes: Mapping[str, ColumnElement[Any]]
    tags: Table
    measured: bool = False


class Sorting(msgspec.Struct, frozen=True):
    """One key of an order: its expression, its direction, and what type its values have in a cursor."""

    expression: ColumnElement[Any]
    ascending: bool
    kind: Any
    nullable: bool = False
    """Whether rows may lack it; those come last, whichever the direction."""

    @property
    def turn(self) -> ColumnElement[Any]:
        """As in ORDER BY."""
        turned = self.expression.asc() if self.ascending else self.expression.desc()
        return turned.nulls_last() if self.nullable else turned

    def equals(self, value: Any) -> Condition:
        """Whether a row has the same value."""
        return self.expression.is_(None) if value is None else self.expression == value

    def follows(self, value: Any) -> Condition:
        """Whether a row comes after those with *value*."""
        if value is None:
            return false()
        later = self.expression > value if self.ascending else self.expression < value
        return or_(later, self.expression.is_(None)) if self.nullable else later


class Search:
    """One question about a subject: conditions to filter by, keys to sort by, and the tables they need to be joined.

    The rarest ``tag = value`` leads: its index is sorted as the list is, so that a page of few among many is read alone."""

    def __init__(
        self, session: Session, subject: Subject, place: str, clauses: Sequence[Clause], *, led: bool = True
    ) -> None:
        """Not *led*: no tag leads, because the caller knows of fewer rows than the rarest has."""
        if len(clauses) > MAX_CLAUSES:
            raise InvalidError(f"a search has at most {MAX_CLAUSES} clauses, this one has {len(clauses)}")
        self._subject = subject
        self._postgres = session.postgres
        self._names = 0
        self.source: FromClause = subject.table
        self.newest: tuple[ColumnElement[Any], ColumnElement[Any]] = (subject.table.c.created_at, subject.table.c.seq)
        leading = _rarest(session, subject, place, clauses) if led else None
        self.conditions = [self._condition(clause) for clause in clauses if clause is not leading]
        if leading is not None:
            self._lead(leading, place)

    @property
    def is_led(self) -> bool:
        """Whether a tag leads, and the place is thereby given."""
        return self.source is not self._subject.table

    def sortings(self, orders: Sequence[Order]) -> list[Sorting]:
        """The keys of *orders*, then newest first; joins what they need to ``source``."""
        keys = [key for order in orders for key in self._sorting(order)]
        return [*keys, *(Sorting(column, ascending=False, kind=int) for column in self.newest)]

    def _lead(self, clause: Clause, place: str) -> None:
        tags = self._named(self._subject.tags)
        value = _text(clause)
        self.source = tags.join(self._subject.table, self._subject.table.c.seq == tags.c.owner)
        self.newest = (tags.c.created_at, tags.c.owner)
        self.conditions += [tags.c.place == place, tags.c.key == clause.key, *_same(tags, value)]

    def _condition(self, clause: Clause) -> Condition:
        if clause.field is Field.ATTRIBUTE:
            return self._attribute(clause)
        if clause.field is Field.DATASET:
            return self._dataset(clause)
        table, owner = self._rows(clause.field)
        where = and_(owner == self._subject.table.c.seq, table.c.key == clause.key)
        if clause.operator in {"IS NULL", "IS NOT NULL"}:
            there = exists().where(where)
            return there if clause.operator == "IS NOT NULL" else not_(there)
        if clause.field is Field.METRIC:
            return exists().where(where, _measured(table, clause))
        if clause.operator == "=":
            return exists().where(where, *_same(table, _text(clause)))
        return exists().where(where, self._compared(table.c.value, clause))

    def _attribute(self, clause: Clause) -> Condition:
        column = self._column(clause.key)
        if clause.operator in {"IS NULL", "IS NOT NULL"}:
            empty = column.is_(None) if _is_numeric(column) else func.coalesce(column, "") == ""
            return empty if clause.operator == "IS NULL" else not_(empty)
        return self._compared(column, clause)

    def _dataset(self, clause: Clause) -> Condition:
        """Runs have few data sets: what one was used for is read out of its body."""
        self._need_measured(clause.field)
        table = self._named(datasets)
        body = cast(table.c.body, JSON) if self._postgres else type_coerce(table.c.body, JSON)
        columns = {"name": table.c.name, "digest": table.c.digest, "context": body["tags", CONTEXT].as_string()}
        if clause.key not in columns:
            raise _wrong(clause, f"a data set has only {', '.join(columns)}")
        return exists().where(table.c.job == self._subject.table.c.seq, self._compared(columns[clause.key], clause))

    def _compared(self, column: ColumnElement[Any], clause: Clause) -> Condition:
        numeric = _is_numeric(column)
        if clause.operator in {"LIKE", "ILIKE"} and not numeric:
            return self._like(column, clause)
        if clause.operator in _SETS:
            values = _number_set(clause) if numeric else _text_set(clause)
            within = column.in_(values) if values else false()
            return within if clause.operator == "IN" else not_(within)
        if clause.operator not in _COMPARE:
            raise _wrong(clause, "knows no such comparison")
        return _COMPARE[clause.operator](column, _number(clause) if numeric else _text(clause))

    def _like(self, column: ColumnElement[Any], clause: Clause) -> Condition:
        pattern = _text(clause)
        if len(pattern) > MAX_PATTERN:
            raise _wrong(clause, f"takes patterns of at most {MAX_PATTERN} characters")
        if self._postgres:
            plain = pattern.replace("\\", "\\\\")
            return column.like(plain) if clause.operator == "LIKE" else column.ilike(plain)
        if clause.operator == "ILIKE":
            return column.like(pattern)
        quoted = "".join(f"[{letter}]" if letter in "*?[" else letter for letter in pattern)
        return column.op("GLOB", is_comparison=True)(quoted.replace("%", "*").replace("_", "?"))

    def _rows(self, field: Field) -> tuple[FromClause, ColumnElement[Any]]:
        if field is Field.TAG:
            tags = self._named(self._subject.tags)
            return tags, tags.c.owner
        self._need_measured(field)
        table = self._named(metrics if field is Field.METRIC else params)
        return table, table.c.job

    def _named(self, table: Table) -> FromClause:
        """*table* under a name that this search has not used yet."""
        self._names += 1
        return _alias(table, self._names)

    def _need_measured(self, field: Field) -> None:
        if not self._subject.measured:
            raise InvalidError(f"{self._subject.name} have no {field}s to search by")

    def _column(self, name: str) -> ColumnElement[Any]:
        try:
            return self._subject.attributes[name]
        except KeyError:
            known = ", ".join(sorted(self._subject.attributes))
            raise InvalidError(
                f"{self._subject.name} have no attribute {name[:100]!r} to search by", hint=f"There are: {known}."
            ) from None

    def _sorting(self, order: Order) -> list[Sorting]:
        if order.field is Field.ATTRIBUTE:
            column = self._column(order.key)
            nullable = bool(getattr(column, "nullable", False))
            kind = _kind(column) | None if nullable else _kind(column)
            return [Sorting(column, ascending=order.ascending, kind=kind, nullable=nullable)]
        table, owner = self._rows(order.field)
        joined = and_(owner == self._subject.table.c.seq, table.c.key == order.key)
        self.source = self.source.outerjoin(table, joined)
        if order.field is Field.METRIC:
            rank = case((table.c.is_number == 1, 0), (table.c.is_number == 0, 1), else_=2)
            return _ranked(rank, func.coalesce(table.c.value, 0.0), float, order)
        rank = case((table.c.key.is_(None), 1), else_=0)
        return _ranked(rank, func.coalesce(table.c.head, ""), str, order)


@lru_cache(maxsize=1024)
def _alias(table: Table, number: int) -> FromClause:
    """A name for a table. To make one takes longer than to find a page of runs."""
    return table.alias(f"{table.name}_{number}")


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


def after(sortings: Sequence[Sorting], key: Sequence[Any]) -> Condition:
    """What comes after the row with *key*, each key in its own direction."""
    steps = []
    for depth, sorting in enumerate(sortings):
        same = [earlier.equals(value) for earlier, value in zip(sortings[:depth], key, strict=False)]
        steps.append(and_(*same, sorting.follows(key[depth])))
    return or_(*steps)


def _ranked(rank: ColumnElement[Any], value: ColumnElement[Any], kind: type, order: Order) -> list[Sorting]:
    """What has no value comes last, whichever the direction."""
    return [Sorting(rank, ascending=True, kind=int), Sorting(value, ascending=order.ascending, kind=kind)]


def _same(table: FromClause, value: str) -> list[Condition]:
    """Equality by way of the index, which knows the beginning only."""
    head = table.c.head == value[:HEAD]
    return [head] if len(value) < HEAD else [head, table.c.value == value]


def _measured(table: FromClause, clause: Clause) -> Condition:
    """NaN is unequal to every number, and neither less nor greater."""
    if clause.operator not in _COMPARE:
        raise _wrong(clause, "compares by = != < <= > >= only")
    compared = _COMPARE[clause.operator](table.c.value, _number(clause))
    if clause.operator == "!=":
        return or_(table.c.is_number == 0, compared)
    return and_(table.c.is_number == 1, compared)


def _is_numeric(column: ColumnElement[Any]) -> bool:
    return _kind(column) is not str


def _kind(column: ColumnElement[Any]) -> type:
    return column.type.python_type


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
    return [_number(Clause(clause.field, clause.key, "=", value)) for value in _text_set(clause)]


def _wrong(clause: Clause, law: str) -> InvalidError:
    return InvalidError(f"{clause.field} {clause.key[:100]!r} {clause.operator}: {law}")
