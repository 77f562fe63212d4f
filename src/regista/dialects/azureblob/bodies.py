"""Bytes on their way between a connection and a store, a MiB at a time: receiving and writing, reading and sending overlap."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from typing import Any

from regista.dialects import http
from regista.dialects.azureblob.errors import ProtocolError

Run = Callable[..., Awaitable[Any]]

BATCH = 1 << 20
_HEARD_OUT = 128 << 20


class Body:
    """A request's body, read once. *run* does blocking work."""

    def __init__(self, receive: http.Receive, run: Run) -> None:
        self._receive, self._run = receive, run
        self._ended = False

    async def into(self, write: Callable[[bytearray], None], most: int) -> bool:
        """Write all of it by *write*, which is called in threads, one call at a time; whether all of it came.

        Raise ``ProtocolError`` when it is longer than *most*."""
        batch, size = bytearray(), 0
        writing: asyncio.Future[None] | None = None
        try:
            async for chunk in self._chunks():
                batch += chunk
                size += len(chunk)
                if size > most:
                    raise _too_large(most)
                if len(batch) >= BATCH:
                    if writing is not None:
                        await writing
                    writing = asyncio.ensure_future(self._run(write, batch))
                    batch = bytearray()
        finally:
            if writing is not None:
                await asyncio.wait([writing])
        if writing is not None:
            writing.result()
        if batch and self._ended:
            await self._run(write, batch)
        return self._ended

    async def whole(self, most: int) -> bytes | None:
        """All of it; None when the client is gone. Raise ``ProtocolError`` when it is longer than *most*."""
        pieces: list[bytes] = []
        size = 0
        async for chunk in self._chunks():
            pieces.append(chunk)
            size += len(chunk)
            if size > most:
                raise _too_large(most)
        return b"".join(pieces) if self._ended else None

    async def hear_out(self) -> None:
        """Read what is left before a refusal is answered: a client that is still sending would else see the connection
        break, and not the reason. There is an end to patience."""
        heard = 0
        async for chunk in self._chunks():
            heard += len(chunk)
            if heard > _HEARD_OUT:
                return

    async def gone(self) -> None:
        """Return when the client is gone."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _chunks(self) -> AsyncIterator[bytes]:
        while not self._ended:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return
            self._ended = not message.get("more_body", False)
            yield message.get("body", b"")


async def send_all(send: http.Send, body: Body, chunks: Iterator[bytes], run: Run) -> None:
    """Send *chunks*, which are read in threads, the next one while one is sent; stop when the client is gone."""
    gone = asyncio.ensure_future(body.gone())
    reading = asyncio.ensure_future(run(next, chunks, None))
    try:
        while not gone.done() and (chunk := await reading) is not None:
            reading = asyncio.ensure_future(run(next, chunks, None))
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    finally:
        gone.cancel()
        await asyncio.wait([reading])
        if isinstance(chunks, Generator):
            await run(chunks.close)
    await send({"type": "http.response.body", "body": b""})


def _too_large(most: int) -> ProtocolError:
    return ProtocolError(413, "RequestBodyTooLarge", f"this request carries at most {most:,} bytes")
