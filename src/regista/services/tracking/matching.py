"""Clauses held against values in memory, for what the catalog keeps inside a body; by the same law as the catalog's own.

A clause holds only for what has a value to compare, ``!=`` and ``NOT IN`` too. ``LIKE`` minds the case, ``ILIKE`` that of
ASCII letters not."""

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from regista.entities.search import Clause
from regista.errors import InvalidError

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda value, wanted: value == wanted,
    "!=": lambda value, wanted: value != wanted,
    "<": lambda value, wanted: value < wanted,
    "<=": lambda value, wanted: value <= wanted,
    ">": lambda value, wanted: value > wanted,
    ">=": lambda value, wanted: value >= wanted,
}


def holds(clause: Clause, value: str | float | None) -> bool:
    """Whether *clause* holds for *value*, None being none at all; raise ``InvalidError`` for an operator it cannot have."""
    if clause.operator in {"IS NULL", "IS NOT NULL"}:
        return (value is None) is (clause.operator == "IS NULL")
    if value is None:
        return False
    if clause.operator in {"IN", "NOT IN"}:
        wanted = clause.value if isinstance(clause.value, tuple) else ()
        return (str(value) in wanted) is (clause.operator == "IN")
    if clause.operator in {"LIKE", "ILIKE"}:
        return _like(str(clause.value), str(value), ignore_case=clause.operator == "ILIKE")
    compare = _COMPARE.get(clause.operator)
    if compare is None or isinstance(clause.value, tuple) or clause.value is None:
        raise InvalidError(f"{clause.field} {clause.key[:100]!r} knows no comparison {clause.operator[:20]!r}")
    if isinstance(value, str):
        return compare(value, str(clause.value))
    return compare(value, _number(clause)) and (clause.operator == "!=" or not math.isnan(value))


def _number(clause: Clause) -> float:
    try:
        return float(clause.value)  # type: ignore[arg-type]  # the caller has seen that it is one value
    except ValueError:
        raise InvalidError(f"{clause.field} {clause.key[:100]!r} compares with a number") from None


def _like(pattern: str, text: str, *, ignore_case: bool) -> bool:
    """``%`` stands for any run of characters, ``_`` for one. Between two ``%`` the first place that fits will do, so that
    no pattern takes long."""
    first, *others = _pieces(pattern, ignore_case)
    start = first.match(text)
    if start is None:
        return False
    if not others:
        return start.end() == len(text)
    *middle, last = others
    at = start.end()
    for piece in middle:
        found = piece.search(text, at)
        if found is None:
            return False
        at = found.end()
    tail = len(text) - len(_last_piece(pattern))
    return tail >= at and last.match(text, tail) is not None


@lru_cache(maxsize=64)
def _pieces(pattern: str, ignore_case: bool) -> tuple[re.Pattern[str], ...]:
    """What stands between the ``%``, each as an expression of a fixed length."""
    flags = re.DOTALL | (re.IGNORECASE | re.ASCII if ignore_case else 0)
    return tuple(
        re.compile("".join("." if letter == "_" else re.escape(letter) for letter in piece), flags)
        for piece in pattern.split("%")
    )


def _last_piece(pattern: str) -> str:
    return pattern.rpartition("%")[2]
