"""HTTP/1.1 whose answers leave in one write, head and body together, and whose bodies arrive without being copied.

uvicorn writes the head when it has it and the body when that comes. A server that dies between the two leaves a client with
half an answer, which clients do not try again although the same call would be safe (``IncompleteRead``); and every answer
costs two TLS records and two system calls.

Of what it receives it makes two copies, one to collect it and one to hand it on. They cost as much as decrypting it.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_LARGE = 64 << 10
"""Bytes that are worth a write of their own: they are not copied together."""


class OneWriteTransport:
    """A transport that keeps what is written until the event loop's next turn, in which everything goes out at once."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._waiting: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Send *data* after all that was written before it."""
        if len(data) >= _LARGE:
            self._flush()
            self._transport.write(data)
            return
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(data)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting and not self._transport.is_closing():
            self._transport.write(waiting[0] if len(waiting) == 1 else b"".join(waiting))

    def close(self) -> None:
        """Close when all is sent."""
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        """Everything else is the transport's own business."""
        return getattr(self._transport, name)


class OneWriteProtocol(HttpToolsProtocol):
    """uvicorn's protocol over such a transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(OneWriteTransport(transport, self.loop))  # type: ignore[arg-type]  # it is one by delegation

    def on_body(self, body: bytes) -> None:
        if not self.cycle.body:
            self.cycle.body, body = body, b""  # type: ignore[assignment]  # what is added to it, or taken of it, is bytes
        super().on_body(body)
