"""Pages by key: the cursor says after which row the next page begins, so that any depth costs the same.

A cursor is base64 of MessagePack: the name of the listing it belongs to, then the last row's key. It is not secret and
not trusted: whatever does not decode to a key of the same listing is an ``InvalidError``.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Select, tuple_

from regista.drivers.catalog.sql.session import Session
from regista.entities.page import MAX_PAGE, Page, PageRequest
from regista.errors import InvalidError

T = TypeVar("T")

Key = tuple[Any, ...]

_INTEGERS = range(-(2**63), 2**63)


def cursor_of(listing: str, key: Sequence[Any]) -> str:
    """The cursor of the page that begins after the row with *key*."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode((listing, *key))).decode().rstrip("=")


def key_of(cursor: str, listing: str, kinds: Sequence[Any]) -> Key:
    """The key in *cursor*; raise ``InvalidError`` when it is not one of this listing with values of these *kinds*."""
    try:
        raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        named, *key = msgspec.msgpack.decode(raw, type=tuple.__class_getitem__((str, *kinds)))
        if named == listing and all(value in _INTEGERS for value in key if isinstance(value, int)):
            return tuple(key)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        pass
    raise InvalidError(
        "the page's cursor does not belong to this list",
        hint="Pass the cursor of the page before with the same question, or none for the first page.",
    )


def size_of(request: PageRequest, most: int = MAX_PAGE) -> int:
    """How many rows the page may have; raise ``InvalidError`` for less than one."""
    if request.limit < 1:
        raise InvalidError(f"a page of {request.limit} items is none", hint=f"Ask for 1 to {most} items.")
    return min(request.limit, most)


def page_of(
    session: Session,
    query: Select[Any],
    request: PageRequest,
    listing: str,
    keys: Sequence[ColumnElement[Any]],
    entity: Callable[..., T],
    *,
    kinds: Sequence[Any] = (int, int),
    descending: bool = True,
) -> Page[T]:
    """One page of *query*, whose columns *entity* turns into an item, in the order of *keys* (unique together)."""
    limit = size_of(request)
    if request.cursor is not None:
        place = tuple_(*keys)
        after = tuple_(*key_of(request.cursor, listing, kinds))
        query = query.where(place < after if descending else place > after)
    order = [key.desc() if descending else key.asc() for key in keys]
    rows = session.query(query.add_columns(*keys).order_by(*order).limit(limit + 1))
    items = tuple(entity(*row[: -len(keys)]) for row in rows[:limit])
    more = len(rows) > limit
    return Page(items, cursor_of(listing, rows[limit - 1][-len(keys) :]) if more else None)
