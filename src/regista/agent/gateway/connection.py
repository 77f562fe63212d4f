"""One client's connection: requests one after another, until either side has had enough."""

import asyncio

from . import head
from .channel import Channel
from .exchange import Exchange
from .faults import Fault
from .gateway import Gateway
from .log import log

IDLE_SECONDS = 60.0
HEAD_SECONDS = 10.0


class Connections:
    """Every open connection; at most *limit*, further ones are closed at once."""

    def __init__(self, gateway: Gateway, limit: int) -> None:
        self._gateway = gateway
        self._limit = limit
        self._open: dict[asyncio.Task[None], Channel] = {}
        self._idle: set[Channel] = set()

    def accept(self) -> Channel:
        """The protocol for a connection that comes in."""
        return Channel(self._opened)

    def _opened(self, channel: Channel) -> None:
        if len(self._open) >= self._limit:
            channel.abort()
            return
        task = asyncio.get_running_loop().create_task(self._converse(channel))
        self._open[task] = channel
        task.add_done_callback(self._closed)

    def _closed(self, task: asyncio.Task[None]) -> None:
        self._open.pop(task).close()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a connection failed", exc_info=error)

    async def drain(self, seconds: float) -> None:
        """Close idle connections, wait for the others."""
        self._gateway.stopping = True
        for channel in self._idle:
            channel.close()
        if self._open:
            await asyncio.wait(self._open, timeout=seconds)

    async def _converse(self, channel: Channel) -> None:
        try:
            while await self._next(channel):
                pass
        except (OSError, TimeoutError):
            channel.abort()

    async def _next(self, channel: Channel) -> bool:
        """Serve one request; say whether another may follow."""
        if self._gateway.stopping:
            return False
        self._idle.add(channel)
        try:
            channel.deadline(IDLE_SECONDS)
            if not channel.buffer and not await channel.more():
                return False
        finally:
            self._idle.discard(channel)
        try:
            channel.deadline(HEAD_SECONDS)
            raw = await head.read(channel)
            if raw is None:
                return False
            asked = head.request(raw)
        except TimeoutError:
            late = Fault(408, "HeadTooSlow", "the request's head did not arrive in time")
            await Exchange(self._gateway, channel, None).refuse_unread(late)
            return False
        except Fault as fault:
            await Exchange(self._gateway, channel, None).refuse_unread(fault)
            return False
        channel.deadline(None)
        return await Exchange(self._gateway, channel, asked).run()
