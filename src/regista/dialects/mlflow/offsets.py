"""Pages of what was found and sorted in memory. The token is opaque to clients; a foreign one is an ``InvalidError``."""

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from regista.errors import InvalidError

T = TypeVar("T")


class _Token(msgspec.Struct):
    offset: int


def page_by_offset(items: Sequence[T], limit: int, token: str) -> tuple[Sequence[T], str | None]:
    """The page that *token* asks for ("": the first), and the token of the next."""
    start = _offset(token) if token else 0
    end = start + limit
    more = base64.b64encode(msgspec.json.encode(_Token(end))).decode() if end < len(items) else None
    return items[start:end], more


def _offset(token: str) -> int:
    try:
        found = msgspec.json.decode(base64.b64decode(token, validate=True), type=_Token).offset
    except (binascii.Error, ValueError, msgspec.MsgspecError) as wrong:
        raise InvalidError("Invalid page token, could not base64-decode") from wrong
    if found < 0:
        raise InvalidError(f"Invalid page token, not a place in the list: {found}")
    return found
