"""Lists come in pages, by key and never by offset."""

from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")

MAX_PAGE = 1000

LONG_PAGE = 25_000
"""Of small things that are read by the thousand, such as measurements."""


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some items and, when there are more, the cursor of the next page (opaque; a foreign one is an ``InvalidError``)."""

    items: tuple[T, ...] = ()
    next: str | None = None


class PageRequest(msgspec.Struct, frozen=True):
    """How many at most, and where to go on."""

    limit: int = 100
    cursor: str | None = None
