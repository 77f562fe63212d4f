"""A search, as values: what every dialect's filter grammar is translated into."""

from enum import StrEnum

import msgspec


class Field(StrEnum):
    """What a clause looks at."""

    ATTRIBUTE = "attribute"
    METRIC = "metric"
    PARAM = "param"
    TAG = "tag"
    DATASET = "dataset"
    """A data set that a run used, by ``name``, ``digest`` or ``context``: the clause holds when it does for one of them."""


class Clause(msgspec.Struct, frozen=True):
    """``field.key operator value``; operators are ``= != < <= > >= LIKE ILIKE IN`` ``NOT IN`` ``IS NULL`` ``IS NOT NULL``.

    A metric's clause compares its latest value. All clauses of a search must hold."""

    field: Field
    key: str
    operator: str
    value: str | float | tuple[str, ...] | None = None


class Order(msgspec.Struct, frozen=True):
    """One key to sort by; what has no value comes last."""

    field: Field
    key: str
    ascending: bool = True
