"""Heads of HTTP/1.1 messages, read strictly (RFC 9110, 9112): what two parsers could understand differently is refused.

Refused are: bare CR or LF, obsolete line folding, space before a colon, control characters, ``Content-Length`` beside
``Transfer-Encoding``, either of them twice, a length that is not plain digits, any coding but ``chunked``, requests whose
target is not a plain path, and more than 100 headers or 32 KiB."""

import functools
import re
from dataclasses import dataclass
from typing import Any

from .channel import Channel
from .faults import Fault, malformed

MAX_HEAD = 32 * 1024
MAX_LINE = 8 * 1024
MAX_HEADERS = 100
SHORT = 2 * 1024  # longer heads are not remembered
KNOWN = 512

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST = re.compile(rb"(" + _TOKEN + rb") (\S+) HTTP/1\.([01])")
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [^\x00-\x08\x0a-\x1f\x7f]*)?")
_FIELDS = re.compile(rb"(?:" + _TOKEN + rb":[^\x00-\x08\x0a-\x1f\x7f]*\r\n)*")
_TARGET = re.compile(rb"/[!$&'()*+,\-./0-9:;=@A-Z_a-z~%]*(?:\?[!$&'()*+,\-./0-9:;=?@A-Z_a-z~%\[\]{}|\"^`<>]*)?")
_ODD_PATH = re.compile(rb"//|/\.{1,2}(?:/|$)|%(?:2e|2f|5c|00)|%(?![0-9a-f]{2})", re.IGNORECASE)
HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer upgrade expect "
    b"transfer-encoding content-length".split()
)

Fields = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A request's or answer's head. Names in ``fields`` are lower case; ``first`` has the first value of each. The body is
    ``chunked``, or ``length`` bytes, or for an answer with neither it lasts until the connection ends."""

    minor: int
    fields: Fields
    first: dict[bytes, bytes]
    method: bytes = b""
    path: bytes = b""
    query: bytes = b""
    status: int = 0
    length: int | None = None
    chunked: bool = False
    options: frozenset[bytes] = frozenset()

    def get(self, name: bytes) -> bytes | None:
        """The value of the first field called *name*."""
        return self.first.get(name)

    @property
    def keeps_alive(self) -> bool:
        """Whether the connection may be used again after this message."""
        return b"close" not in self.options and (self.minor == 1 or b"keep-alive" in self.options)

    def end_to_end(self, dropped: frozenset[bytes] = HOP_BY_HOP) -> Fields:
        """The fields without *dropped*, which has those that concern one connection only (RFC 9110, 7.6.1) and the framing."""
        if self.options:
            dropped |= self.options
        return [pair for pair in self.fields if pair[0] not in dropped]


UNREAD = Head(1, [], {})
"""In place of a head that could not be read."""


async def read(channel: Channel) -> bytes | None:
    """The next head's bytes without the empty line, or ``None`` if the other side ended before its first byte."""
    searched = 0
    while True:
        end = channel.buffer.find(b"\r\n\r\n", max(0, searched - 3))
        if end >= 0 and end <= MAX_HEAD:
            head = bytes(channel.buffer[:end])
            del channel.buffer[: end + 4]
            return head
        searched = len(channel.buffer)
        if searched > MAX_HEAD:
            raise Fault(431, "HeadTooLarge", f"the request's head is larger than {MAX_HEAD} bytes")
        if not await channel.more():
            if channel.buffer:
                raise ConnectionResetError
            return None


def request(raw: bytes) -> Head:
    """The head of a request; raise a ``Fault`` for what is not beyond doubt."""
    return _known_request(raw) if len(raw) <= SHORT else _request(raw)


def answer(raw: bytes) -> Head:
    """The head of an answer; raise a ``Fault`` (502) for what is not beyond doubt."""
    try:
        return _known_answer(raw) if len(raw) <= SHORT else _answer(raw)
    except Fault as fault:
        raise Fault(502, "BadGateway", "the deployment answered in a way that is not HTTP/1.1") from fault


def _request(raw: bytes) -> Head:
    line, fields = _fields(raw.removeprefix(b"\r\n"))
    found = _REQUEST.fullmatch(line)
    if found is None:
        raise malformed("the request line is not METHOD PATH HTTP/1.1")
    method, target, minor = found.groups()
    if _TARGET.fullmatch(target) is None:
        raise malformed("the request target is not a plain path")
    path, _, query = target.partition(b"?")
    if _ODD_PATH.search(path):
        raise malformed("the path has empty, dotted or encoded segments")
    hosts = sum(name == b"host" for name, _ in fields)
    if hosts > 1 or (hosts == 0 and minor == b"1"):
        raise malformed("a request has exactly one Host")
    return _framed(int(minor), fields, method=method, path=path, query=query)


def _answer(raw: bytes) -> Head:
    line, fields = _fields(raw)
    found = _STATUS.fullmatch(line)
    if found is None:
        raise malformed("no status line")
    return _framed(int(found[1]), fields, status=int(found[2]))


# Callers and workers say the same again and again; a head that was read before is known by its bytes.
_known_request = functools.lru_cache(KNOWN)(_request)
_known_answer = functools.lru_cache(KNOWN)(_answer)


def _fields(raw: bytes) -> tuple[bytes, Fields]:
    line, more, block = raw.partition(b"\r\n")
    if len(line) > MAX_LINE:
        raise Fault(414, "PathTooLong", f"the request line is longer than {MAX_LINE} bytes")
    if not more:
        return line, []
    rest = block.split(b"\r\n")
    if len(rest) > MAX_HEADERS:
        raise Fault(431, "HeadTooLarge", f"there are more than {MAX_HEADERS} headers")
    if _FIELDS.fullmatch(block + b"\r\n") is None:
        raise malformed("a header line is not NAME: VALUE")
    return line, [(name.lower(), value.strip(b" \t")) for name, _, value in [one.partition(b":") for one in rest]]


def _framed(minor: int, fields: Fields, **said: Any) -> Head:
    """A head with its framing, which is read from the fields (RFC 9112, 6)."""
    length: int | None = None
    chunked = False
    options: set[bytes] = set()
    for name, value in fields:
        if name == b"content-length":
            if length is not None or not value.isdigit() or len(value) > 18:
                raise malformed("Content-Length is not one plain number")
            length = int(value)
        elif name == b"transfer-encoding":
            if chunked or value.lower() != b"chunked" or minor == 0:
                raise malformed("Transfer-Encoding is not exactly chunked")
            chunked = True
        elif name == b"connection":
            options.update(one.strip().lower() for one in value.split(b","))
    if chunked and length is not None:
        raise malformed("both Content-Length and Transfer-Encoding are given")
    first = dict(reversed(fields))
    return Head(minor, fields, first, length=length, chunked=chunked, options=frozenset(options), **said)


def lines(first: bytes, fields: Fields) -> bytes:
    """A head as bytes, with its empty line."""
    return b"%s\r\n%s\r\n" % (first, b"".join([b"%s: %s\r\n" % pair for pair in fields]))
