"""Requests that are signed with an account key: what is signed, from the request as it came.

The rules are those of "Authorize with Shared Key" in the reference of Azure Storage, version 2009-09-19 and later.
"""

import base64
import binascii
from email.utils import parsedate_to_datetime

from regista.dialects import http
from regista.dialects.azureblob.errors import ProtocolError
from regista.entities.names import now

_FIELDS = (
    b"content-encoding",
    b"content-language",
    b"content-length",
    b"content-md5",
    b"content-type",
    b"date",
    b"if-modified-since",
    b"if-match",
    b"if-none-match",
    b"if-unmodified-since",
    b"range",
)
_FRESH_MILLISECONDS = 15 * 60_000


def signed_by(header: str) -> tuple[str, bytes]:
    """The account and the signature in an Authorization header behind ``SharedKey``."""
    account, _, signature = header.strip().partition(":")
    try:
        return account, base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise ProtocolError(403, "AuthenticationFailed", "the signature is not base64") from wrong


def string_to_sign(scope: http.Scope, account: str, query: dict[str, str]) -> bytes:
    """What the client has signed; raise ``ProtocolError`` for a request that was made too long ago, or may be replayed."""
    headers = http.headers(scope)
    _require_fresh(headers)
    lines = [scope["method"].encode(), *(headers.get(name, b"") for name in _FIELDS)]
    if lines[3] == b"0":
        lines[3] = b""
    if b"x-ms-date" in headers:
        lines[6] = b""
    extended = sorted((name, value) for name, value in headers.items() if name.startswith(b"x-ms-"))
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    resource = [b"/" + account.encode() + path, *(f"{name}:{query[name]}".encode() for name in sorted(query))]
    return b"\n".join([*lines, *(name + b":" + value.strip() for name, value in extended), *resource])


def _require_fresh(headers: dict[bytes, bytes]) -> None:
    try:
        said = parsedate_to_datetime((headers.get(b"x-ms-date") or headers.get(b"date", b"")).decode("latin-1"))
        fresh = abs(said.timestamp() * 1000 - now()) <= _FRESH_MILLISECONDS
    except (ValueError, OverflowError, TypeError):
        fresh = False
    if not fresh:
        raise ProtocolError(403, "AuthenticationFailed", "the request's date is missing, or not of these minutes")
