"""Bodies of HTTP/1.1 messages: sized, chunked, or until the connection ends. They are read block by block and never whole."""

import re
from typing import Protocol

from .channel import Channel
from .faults import malformed
from .head import Head

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[^\x00-\x08\x0a-\x1f\x7f]*)?")
MAX_SIZE_LINE = 1024
MAX_TRAILER = 8 * 1024


class Body(Protocol):
    """Blocks of a message's body."""

    done: bool

    async def block(self) -> bytes:
        """The next bytes; empty at the end. Raise ``ConnectionResetError`` if the other side stops before that."""


class Sized:
    """A body of a stated length."""

    def __init__(self, channel: Channel, length: int) -> None:
        self._channel = channel
        self._left = length
        self.done = length == 0

    async def block(self) -> bytes:
        if self.done:
            return b""
        buffer = self._channel.buffer
        if not buffer and not await self._channel.more():
            raise ConnectionResetError
        taken = bytes(buffer[: self._left])
        del buffer[: len(taken)]
        self._left -= len(taken)
        self.done = self._left == 0
        return taken


class Chunked:
    """A body in chunks (RFC 9112, 7.1). Extensions and trailers are dropped."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._left = 0
        self._first = True
        self.done = False

    async def block(self) -> bytes:
        if self.done:
            return b""
        if self._left == 0 and not await self._next():
            return b""
        buffer = self._channel.buffer
        if not buffer and not await self._channel.more():
            raise ConnectionResetError
        taken = bytes(buffer[: self._left])
        del buffer[: len(taken)]
        self._left -= len(taken)
        return taken

    async def _next(self) -> bool:
        """Read the next chunk's size; false after the last."""
        if not self._first and await self._line(2) != b"":
            raise malformed("a chunk is longer than it said")
        self._first = False
        found = _SIZE.fullmatch(await self._line(MAX_SIZE_LINE))
        if found is None:
            raise malformed("a chunk has no size")
        self._left = int(found[1], 16)
        if self._left == 0:
            await self._trailer()
            self.done = True
        return not self.done

    async def _trailer(self) -> None:
        read = 0
        while line := await self._line(MAX_TRAILER):
            read += len(line)
            if read > MAX_TRAILER or b":" not in line:
                raise malformed("the trailer is not a few header lines")

    async def _line(self, limit: int) -> bytes:
        buffer = self._channel.buffer
        while (end := buffer.find(b"\n", 0, limit + 2)) < 0:
            if len(buffer) >= limit + 2:
                raise malformed("a chunk is longer than it said" if limit == 2 else "a line between chunks is too long")
            if not await self._channel.more():
                raise ConnectionResetError
        line = bytes(buffer[: end + 1])
        del buffer[: end + 1]
        if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
            raise malformed("a line between chunks holds a bare CR or LF")
        return line[:-2]


class UntilEnd:
    """An answer's body that ends with its connection."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.done = False

    async def block(self) -> bytes:
        buffer = self._channel.buffer
        if not buffer and not await self._channel.more():
            self.done = True
            return b""
        taken = bytes(buffer)
        buffer.clear()
        return taken


def of_request(channel: Channel, head: Head) -> Body:
    """The body of a request; one that says nothing of its length has none."""
    return Chunked(channel) if head.chunked else Sized(channel, head.length or 0)


def of_answer(channel: Channel, head: Head, method: bytes) -> Body:
    """The body of an answer to *method* (RFC 9112, 6.3)."""
    if method == b"HEAD" or head.status in (204, 304):
        return Sized(channel, 0)
    if head.chunked:
        return Chunked(channel)
    return UntilEnd(channel) if head.length is None else Sized(channel, head.length)


def chunk(block: bytes) -> bytes:
    """*block* as one chunk; the empty block is the last."""
    return b"%x\r\n%s\r\n" % (len(block), block)
