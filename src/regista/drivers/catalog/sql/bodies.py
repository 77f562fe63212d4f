"""Entities as JSON text: what a row holds besides the columns that are looked for."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from regista.errors import InvalidError

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode


def encoded(entity: msgspec.Struct) -> str:
    """The text of *entity*; raise ``InvalidError`` when it holds what JSON has no words for."""
    try:
        return _encode(entity).decode()
    except (UnicodeEncodeError, OverflowError, TypeError, ValueError) as impossible:
        raise InvalidError(f"the catalog cannot hold the {type(entity).__name__}: {impossible}") from impossible


def decoder(kind: type[T]) -> Callable[[str], T]:
    """The way back. A field that the text lacks gets its default, one that *kind* lacks is passed over."""
    return msgspec.json.Decoder(kind).decode
