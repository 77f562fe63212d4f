"""Heads of HTTP/1.1 messages, read strictly (RFC 9110, 9112): what two parsers could understand differently is refused.

Refused are: bare CR or LF, obsolete line folding, space before a colon, control characters, ``Content-Length`` beside
``Transfer-Encoding``, either of them twice, a length that is not plain digits, any coding but ``chunked``, requests whose
target is not a plain path, and more than 100 headers or 32 KiB."""

import re
from dataclasses import dataclass, field

from .channel import Channel
from .faults import Fault, malformed

MAX_HEAD = 32 * 1024
MAX_LINE = 8 * 1024
MAX_HEADERS = 100

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST = re.compile(rb"(" + _TOKEN + rb") (\S+) HTTP/1\.([01])")
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [^\x00-\x08\x0a-\x1f\x7f]*)?")
_FIELDS = re.compile(rb"(?:" + _TOKEN + rb":[^\x00-\x08\x0a-\x1f\x7f]*\r\n)*")
_TARGET = re.compile(rb"/[!$&'()*+,\-./0-9:;=@A-Z_a-z~%]*(?:\?[!$&'()*+,\-./0-9:;=?@A-Z_a-z~%\[\]{}|\"^`<>]*)?")
_ODD_PATH = re.compile(rb"//|/\.{1,2}(?:/|$)|%(?:2e|2f|5c|00)|%(?![0-9a-f]{2})", re.IGNORECASE)
_HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer upgrade expect "
    b"transfer-encoding content-length".split()
)

Fields = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Head:
    """A request's or answer's head. Names in ``fields`` are lower case. The body is ``chunked``, or ``length`` bytes, or for
    an answer with neither it lasts until the connection ends."""

    minor: int
    fields: Fields
    method: bytes = b""
    path: bytes = b""
    query: bytes = b""
    status: int = 0
    length: int | None = None
    chunked: bool = False
    options: frozenset[bytes] = field(default_factory=frozenset)

    def get(self, name: bytes) -> bytes | None:
        """The value of the first field called *name*."""
        for key, value in self.fields:
            if key == name:
                return value
        return None

    @property
    def keeps_alive(self) -> bool:
        """Whether the connection may be used again after this message."""
        return b"close" not in self.options and (self.minor == 1 or b"keep-alive" in self.options)

    def end_to_end(self, dropped: frozenset[bytes] = frozenset()) -> Fields:
        """The fields without those that concern one connection only (RFC 9110, 7.6.1), the framing, and *dropped*."""
        named = self.options
        return [
            pair
            for pair in self.fields
            if pair[0] not in _HOP_BY_HOP and pair[0] not in dropped and pair[0] not in named
        ]


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
    head = Head(int(minor), fields, method=method, path=path, query=query)
    hosts = sum(1 for name, _ in fields if name == b"host")
    if hosts > 1 or (hosts == 0 and head.minor == 1):
        raise malformed("a request has exactly one Host")
    _frame(head)
    return head


def answer(raw: bytes) -> Head:
    """The head of an answer; raise a ``Fault`` (502) for what is not beyond doubt."""
    try:
        line, fields = _fields(raw)
        found = _STATUS.fullmatch(line)
        if found is None:
            raise malformed("no status line")
        head = Head(int(found[1]), fields, status=int(found[2]))
        _frame(head)
    except Fault as fault:
        raise Fault(502, "BadGateway", "the deployment answered in a way that is not HTTP/1.1") from fault
    return head


def _fields(raw: bytes) -> tuple[bytes, Fields]:
    line, *rest = raw.split(b"\r\n")
    if len(line) > MAX_LINE:
        raise Fault(414, "PathTooLong", f"the request line is longer than {MAX_LINE} bytes")
    if len(rest) > MAX_HEADERS:
        raise Fault(431, "HeadTooLarge", f"there are more than {MAX_HEADERS} headers")
    if _FIELDS.fullmatch(b"\r\n".join([*rest, b""])) is None:
        raise malformed("a header line is not NAME: VALUE")
    split = [one.partition(b":") for one in rest]
    return line, [(name.lower(), value.strip(b" \t")) for name, _, value in split]


def _frame(head: Head) -> None:
    """Read the framing from the fields (RFC 9112, 6)."""
    options: set[bytes] = set()
    for name, value in head.fields:
        if name == b"content-length":
            if head.length is not None or not value.isdigit() or len(value) > 18:
                raise malformed("Content-Length is not one plain number")
            head.length = int(value)
        elif name == b"transfer-encoding":
            if head.chunked or value.lower() != b"chunked" or head.minor == 0:
                raise malformed("Transfer-Encoding is not exactly chunked")
            head.chunked = True
        elif name == b"connection":
            options.update(one.strip().lower() for one in value.split(b","))
    if head.chunked and head.length is not None:
        raise malformed("both Content-Length and Transfer-Encoding are given")
    head.options = frozenset(options)


def lines(first: bytes, fields: Fields) -> bytes:
    """A head as bytes, with its empty line."""
    return b"%s\r\n%s\r\n" % (first, b"".join([b"%s: %s\r\n" % pair for pair in fields]))
