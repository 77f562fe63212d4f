"""Where a request goes: the account, the container and the blob in its address.

/ACCOUNT.blob.SUFFIX/CONTAINER/BLOB      where the account stands in the path
/CONTAINER/BLOB                          where a client has lost the account, or never had one
ACCOUNT.blob.SUFFIX, /CONTAINER/BLOB     where the account is a host of its own
"""

from urllib.parse import parse_qsl, unquote_to_bytes

import msgspec

from regista.dialects import http
from regista.dialects.azureblob.errors import ProtocolError
from regista.entities.datastore import CONTAINER_PREFIX

_MARK = ".blob."


class Place(msgspec.Struct, frozen=True):
    """An address taken apart; ``path`` is the blob's, empty for the container itself."""

    account: str
    container: str
    path: str


def takes(scope: http.Scope) -> bool:
    """Whether the request is this dialect's."""
    first = scope["path"].lstrip("/").partition("/")[0]
    return _MARK in first or first.startswith(CONTAINER_PREFIX) or bool(_account_of_host(scope))


def place_of(scope: http.Scope) -> Place:
    """Take the request's address apart; raise ``ProtocolError`` for one that is not UTF-8."""
    try:
        text = unquote_to_bytes(scope.get("raw_path") or scope["path"].encode()).decode()
    except UnicodeDecodeError as wrong:
        raise ProtocolError(400, "InvalidUri", "the address is not UTF-8") from wrong
    rest = text.removeprefix("/")
    first, _, behind = rest.partition("/")
    if _MARK in first:
        account, rest = first.partition(_MARK)[0], behind
    else:
        account = _account_of_host(scope)
    container, _, path = rest.partition("/")
    return Place(account, container, path)


def query_of(scope: http.Scope) -> dict[str, str]:
    """The query; raise ``ProtocolError`` for one that cannot be read."""
    try:
        pairs = parse_qsl(
            scope.get("query_string", b"").decode("ascii"), keep_blank_values=True, max_num_fields=100, errors="strict"
        )
    except ValueError as wrong:
        raise ProtocolError(400, "InvalidQueryParameterValue", "the query cannot be read") from wrong
    return {name.lower(): value for name, value in pairs}


def _account_of_host(scope: http.Scope) -> str:
    host: bytes = http.headers(scope).get(b"host", b"")
    account, mark, _ = host.decode("latin-1").partition(_MARK)
    return account if mark else ""
