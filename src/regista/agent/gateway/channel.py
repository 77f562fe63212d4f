"""A socket as bytes that arrive, with back-pressure and one deadline. Less than asyncio's streams, and twice as fast."""

import asyncio
import functools
from asyncio import Protocol as Connected
from collections.abc import Callable
from typing import Any, cast

HIGH_WATER = 256 * 1024


class Channel(Connected):
    """One end of a connection. ``buffer`` holds what arrived and was not yet taken; who takes, deletes it from the front."""

    def __init__(self, opened: "Callable[[Channel], None] | None" = None) -> None:
        self.buffer = bytearray()
        self.ended = False
        self.lost = False
        self.peer: Channel | None = None
        self._opened = opened
        self._transport: asyncio.Transport | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._held_back = False
        self._full = False
        self._expires: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    # what the event loop calls
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if self._opened is not None:
            self._opened(self)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        _wake(self._reader)
        if len(self.buffer) > HIGH_WATER and self._transport is not None and not self._held_back:
            self._held_back = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        self.ended = True
        _wake(self._reader)
        return self._transport is not None and self._transport.get_extra_info("sslcontext") is None

    def connection_lost(self, _error: Exception | None) -> None:
        self.lost = self.ended = True
        _wake(self._reader)
        _wake(self._writer)
        if self._timer is not None:
            self._timer.cancel()
        if self.peer is not None:
            self.peer.abort()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        _wake(self._writer)

    # what we call
    def deadline(self, seconds: float | None) -> None:
        """From *seconds* from now on, waiting on this channel raises ``TimeoutError``; ``None`` takes the limit away."""
        self._expires = None if seconds is None else self._loop.time() + seconds
        if self._expires is None:
            return
        if self._timer is not None and self._timer.when() <= self._expires:
            return  # it fires early and looks again: re-arming for every request would cost more
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._expires, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._expires is None or self.lost:
            return
        if self._loop.time() < self._expires:
            self._timer = self._loop.call_at(self._expires, self._look)
            return
        for waiter in (self._reader, self._writer):
            if waiter is not None and not waiter.done():
                waiter.set_exception(TimeoutError())

    async def more(self) -> bool:
        """Wait until more has arrived; false when nothing will. Raise ``TimeoutError`` at the deadline."""
        before = len(self.buffer)
        while len(self.buffer) == before and not self.ended:
            if self._held_back and len(self.buffer) <= HIGH_WATER and self._transport is not None:
                self._held_back = False
                self._transport.resume_reading()
            self._check()
            self._reader = self._loop.create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        return len(self.buffer) > before

    def _check(self) -> None:
        if self._expires is not None and self._loop.time() >= self._expires:
            raise TimeoutError

    def write(self, data: bytes | bytearray) -> None:
        if self._transport is not None and not self.lost:
            self._transport.write(data)

    @property
    def is_slow(self) -> bool:
        """Whether the other side has yet to take what was written, or has gone."""
        return self._full or self.lost

    async def drained(self) -> None:
        """Wait until the other side has taken most of what was written. Raise ``ConnectionResetError`` when it has gone,
        ``TimeoutError`` at the deadline."""
        while self._full and not self.lost:
            self._check()
            self._writer = self._loop.create_future()
            try:
                await self._writer
            finally:
                self._writer = None
        if self.lost:
            raise ConnectionResetError

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def linger(self, seconds: float = 1.0) -> None:
        """Close after an answer that the other side may still be talking over: an immediate close would take the answer
        from it (RFC 9112, 9.6)."""
        transport = self._transport
        if transport is not None and not self.lost and transport.can_write_eof():
            transport.write_eof()
            self.deadline(seconds)
            try:
                self.buffer.clear()
                while await self.more():
                    self.buffer.clear()
            except TimeoutError:
                pass
        self.close()

    @functools.cached_property
    def remote(self) -> bytes:
        """The other side's address, without its port; ``local`` where it has none."""
        name: Any = None if self._transport is None else self._transport.get_extra_info("peername")
        return str(name[0]).encode() if isinstance(name, tuple) else b"local"

    def now(self) -> float:
        """The event loop's time. (To look up the running loop asks the system for the process's number each time.)"""
        return self._loop.time()


def _wake(waiter: "asyncio.Future[None] | None") -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
