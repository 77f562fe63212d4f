"""HTTP by ASGI, as much as the dialects without a framework need."""

import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl

from regista.errors import InvalidError, UnauthenticatedError

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

JSON = b"application/json"
TEXT = b"text/plain; charset=utf-8"

MAX_BODY = 64 << 20
"""Bytes of a request that is no file: the largest there is carries the profiles of data sets."""


def headers(scope: Scope) -> dict[bytes, bytes]:
    """The headers by their names, in lower case."""
    return dict(scope["headers"])


def query(scope: Scope) -> dict[str, str]:
    """The fields of the query string; of one that is given several times the last."""
    return dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True))


def secret(header: bytes, hint: str) -> str:
    """The key in an Authorization header: behind ``Bearer``, or the password of ``Basic``; *hint* tells how to give one."""
    scheme, _, given = header.decode("latin-1").partition(" ")
    if scheme.lower() == "bearer" and given.strip():
        return given.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(given.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, ValueError) as wrong:
            raise UnauthenticatedError("the Authorization header cannot be read") from wrong
    raise UnauthenticatedError("this needs a key", hint=hint)


async def body(receive: Receive) -> bytes | None:
    """The whole body; None when the client is gone. Raise ``InvalidError`` when it is too large."""
    message = await receive()
    if message["type"] == "http.disconnect":
        return None
    content: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return content
    pieces, size = [content], len(content)
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > MAX_BODY:
            raise InvalidError(f"a request has at most {MAX_BODY:,} bytes")
    return b"".join(pieces)


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """The half-open range that *header* asks of *size* bytes; None for no or several ranges, which are answered whole.

    Raise ``InvalidError`` for one that lies beyond the end."""
    match = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", header.strip())
    if not match or not any(match.groups()):
        return None
    first, last = match.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last) + 1, size) if first and last else size
    if start >= end:
        raise InvalidError(f"the range {header!r} lies beyond the {size} bytes of the file")
    return start, end


async def respond(
    send: Send, status: int, content: bytes, media: bytes = JSON, more: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Answer with *content*, whole."""
    fields = [(b"content-type", media), (b"content-length", str(len(content)).encode()), *more]
    if status == 401:
        fields.append((b"www-authenticate", b'Basic realm="regista"'))
    if status in {429, 503}:
        fields.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": content})
