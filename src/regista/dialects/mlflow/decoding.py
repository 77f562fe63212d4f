"""Reading requests: JSON as protobuf writes it, and query strings, into the structs of ``wire``.

A field that is null counts as not given, an unknown one is passed over, an integer may come as text, and a float as
``NaN``, ``Infinity`` and ``-Infinity``, bare or as text. Old clients send the JSON encoded twice.
"""

import json
import re
from typing import Any, TypeVar, get_origin
from urllib.parse import parse_qs

import msgspec

from regista.dialects.mlflow.errors import missing, wrong_type
from regista.errors import InvalidError

T = TypeVar("T", bound=msgspec.Struct)

_MOST_FIELDS = 10_000
_PLACE = re.compile(r"at `\$\.(\w+)")
_ABSENT = re.compile(r"missing required field `(\w+)`")


class Reader:
    """Reads requests of one kind."""

    def __init__(self, kind: type[msgspec.Struct]) -> None:
        self.kind = kind
        self._decode = msgspec.json.Decoder(kind, strict=False).decode
        self._lists = {field.name for field in msgspec.structs.fields(kind) if get_origin(field.type) in {list, tuple}}

    def body(self, content: bytes) -> Any:
        """The request in a JSON body; an empty body is one without fields."""
        try:
            return self._decode(content or b"{}")
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return self._convert(_plain(content))

    def query(self, query: bytes) -> Any:
        """The request in a query string; a key that is given several times is a list."""
        try:
            given = parse_qs(
                query.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"
            )
        except ValueError as wrong:
            raise InvalidError(f"the query cannot be read: {wrong}") from wrong
        return self._convert({key: values if key in self._lists else values[-1] for key, values in given.items()})

    def _convert(self, given: dict[str, Any]) -> Any:
        try:
            return msgspec.convert(given, self.kind, strict=False)
        except (msgspec.ValidationError, RecursionError, OverflowError) as wrong:
            raise _told(given, str(wrong)) from wrong


def _plain(content: bytes) -> dict[str, Any]:
    """The body as it is, without what is null; raise ``InvalidError`` when it is no JSON object."""
    try:
        found = json.loads(content)
        if isinstance(found, str):
            found = json.loads(found)
        json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError) as wrong:
        raise InvalidError(f"the body is not JSON: {str(wrong)[:200]}") from wrong
    if not isinstance(found, dict):
        raise InvalidError("the body is not a JSON object")
    stripped: dict[str, Any] = _without_nulls(found)
    return stripped


def _without_nulls(value: Any) -> Any:
    """Two levels deep is as deep as requests go."""
    if isinstance(value, dict):
        return {key: _without_null_fields(inner) for key, inner in value.items() if inner is not None}
    return value


def _without_null_fields(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_null_fields(one) for one in value]
    if isinstance(value, dict):
        return {key: inner for key, inner in value.items() if inner is not None}
    return value


def _which(given: Any, field: str) -> str:
    """The place in a list of the first that lacks *field*."""
    if not isinstance(given, list):
        return ""
    return next((f"[{at}]" for at, one in enumerate(given) if isinstance(one, dict) and field not in one), "")


def _told(given: dict[str, Any], reason: str) -> InvalidError:
    """The protocol's sentence for what msgspec found wrong."""
    if absent := _ABSENT.search(reason):
        place = _PLACE.search(reason)
        return missing(f"{place[1]}{_which(given.get(place[1]), absent[1])}.{absent[1]}" if place else absent[1])
    if place := _PLACE.search(reason):
        value = given.get(place[1])
        return missing(place[1]) if value in ("", []) else wrong_type(place[1], value)
    return InvalidError(f"the request cannot be read: {reason[:200]}")
