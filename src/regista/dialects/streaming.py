"""Bytes on their way between a connection and a store: the next are received while some are written, the next read while
some are sent. What arrives in small pieces is put together before it is written: to copy it takes less than the lock, the
look and the wait for Python that each piece would take. Nothing else is copied on the way."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Generator, Iterator
from typing import Any

from regista.dialects import http

Run = Callable[..., Awaitable[Any]]
"""Does blocking work in a thread."""

BATCH = 1 << 20
"""So many bytes are worth a thread's turn."""

AHEAD = 4 << 20
"""So many are received, at most, while others are written: a disk that hesitates holds up no client. Bodies that come at the
same time share them: it hesitates for all, and what is in memory must not grow with the connections of a client."""

LEAST = 256 << 10
"""What each body has of that, however many there are."""


class Arriving:
    """The chunks of a request's body, each once. ``ended`` tells whether all have come: a client may be gone before."""

    def __init__(self, receive: http.Receive) -> None:
        self._receive = receive
        self._held: list[bytes] = []
        self._left = False
        self.ended = False

    async def whole(self, most: int) -> bytes | None:
        """The body, when all of it has come and is no more than *most* bytes; else None, and the chunks are still to be had."""
        size = 0
        while not self.ended and size <= most and (chunk := await self._next()) is not None:
            self._held.append(chunk)
            size += len(chunk)
        return b"".join(self._held) if self.ended and size <= most else None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self._held:
            yield self._held.pop(0)
        while not self.ended and (chunk := await self._next()) is not None:
            yield chunk

    async def _next(self) -> bytes | None:
        """The next chunk; None when the client is gone."""
        if self._left:
            return None
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._left = True
            return None
        self.ended = not message.get("more_body", False)
        chunk: bytes = message.get("body", b"")
        return chunk

    async def gone(self) -> None:
        """Return when the client is gone."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


async def write_all(chunks: AsyncIterable[bytes], write: Callable[[bytes], None], run: Run) -> None:
    """Hand all of *chunks* to *write*, in their order and put together, in threads; when it returns or raises nothing is being
    written any more."""
    waiting: list[bytes] = []
    size = 0
    writing: asyncio.Future[None] | None = None
    _bodies.add(me := object())
    try:
        async for chunk in chunks:
            waiting.append(chunk)
            size += len(chunk)
            if size >= _share() or (size >= BATCH and (writing is None or writing.done())):
                if writing is not None:
                    await writing
                writing = asyncio.ensure_future(run(_write, write, waiting))
                waiting, size = [], 0
    finally:
        _bodies.discard(me)
        if writing is not None:
            await asyncio.wait([writing])
    if writing is not None:
        writing.result()
    if size:
        await run(_write, write, waiting)


async def read_ahead(chunks: Iterator[bytes], run: Run) -> AsyncGenerator[bytes]:
    """*chunks*, which are read in threads, the next one while one is sent. Closed, it closes them."""
    reading = asyncio.ensure_future(run(next, chunks, None))
    try:
        while (chunk := await reading) is not None:
            reading = asyncio.ensure_future(run(next, chunks, None))
            yield chunk
    finally:
        await asyncio.wait([reading])
        if isinstance(chunks, Generator):
            await run(chunks.close)


async def send_all(send: http.Send, arriving: Arriving, chunks: Iterator[bytes], run: Run) -> None:
    """Send *chunks* as the rest of an answer that has begun; stop when the client is gone."""
    gone = asyncio.ensure_future(arriving.gone())
    ahead = read_ahead(chunks, run)
    try:
        async for chunk in ahead:
            if gone.done():
                break
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    finally:
        gone.cancel()
        await ahead.aclose()
    await send({"type": "http.response.body", "body": b""})


_bodies: set[object] = set()
"""One for each body that is being received."""


def _share() -> int:
    return max(LEAST, AHEAD // len(_bodies))


def _write(write: Callable[[bytes], None], chunks: list[bytes]) -> None:
    joined = b"".join(chunks)
    chunks.clear()  # or each byte would be held twice for as long as the disk takes
    write(joined)
