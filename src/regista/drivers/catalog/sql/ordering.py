"""The order of a search: its keys, and what comes after a row."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec


class Sorting(msgspec.Struct, frozen=True):
    """One key of an order: its SQL, its direction, and what type its values have in a cursor."""

    sql: str
    ascending: bool
    kind: Any
    nullable: bool = False
    """Whether rows may lack it; those come last, whichever the direction."""

    @property
    def turn(self) -> str:
        """As in ORDER BY."""
        direction = "ASC" if self.ascending else "DESC"
        return f"{self.sql} {direction} NULLS LAST" if self.nullable else f"{self.sql} {direction}"

    @property
    def sign(self) -> str:
        """How values compare with those before them."""
        return ">" if self.ascending else "<"


def later_than(sortings: Sequence[Sorting], key: Sequence[Any], bind: Callable[[Any], str]) -> str:
    """What comes after the row with *key*, each key in its own direction; *bind* gives a value its place.

    An index leads to it where it can: directly when all go in one direction, else by the first key."""
    places = [None if value is None else bind(value) for value in key]
    first = sortings[0]
    if all(one.ascending is first.ascending and not one.nullable for one in sortings):
        return f"({', '.join(one.sql for one in sortings)}) {first.sign} ({', '.join(map(str, places))})"
    steps = []
    for depth, sorting in enumerate(sortings):
        same = [_equal(earlier, place) for earlier, place in zip(sortings[:depth], places, strict=False)]
        steps.append(" AND ".join([*same, _follows(sorting, places[depth])]))
    later = f"({' OR '.join(f'({step})' for step in steps)})"
    return later if first.nullable else f"{first.sql} {first.sign}= {places[0]} AND {later}"


def _equal(sorting: Sorting, place: str | None) -> str:
    return f"{sorting.sql} IS NULL" if place is None else f"{sorting.sql} = {place}"


def _follows(sorting: Sorting, place: str | None) -> str:
    if place is None:
        return "1 = 0"
    later = f"{sorting.sql} {sorting.sign} {place}"
    return f"({later} OR {sorting.sql} IS NULL)" if sorting.nullable else later
