"""One worker as the gateway sees it: its idle connections, how busy it is, whether it may be asked."""

import asyncio

from .channel import Channel
from .gate import Pass
from .log import log
from .table import Address

CONNECT_SECONDS = 2.0
IDLE_SECONDS = 30.0  # shorter than a worker keeps an idle connection (75), so that none is closed under a request
MAX_IDLE = 64
STRIKES = 3


class Backend:
    """``healthy`` turns false when it cannot be connected to, or after three failures of another kind; only a probe that
    succeeds turns it true again."""

    def __init__(self, address: Address, label: str) -> None:
        self.address = address
        self.label = label
        self.healthy = True
        self.retired = False
        self.guests: set[Pass] = set()
        self._strikes = 0
        self._idle: list[tuple[Channel, float]] = []

    @property
    def busy(self) -> int:
        """Requests under way."""
        return len(self.guests)

    def idle(self) -> Channel | None:
        """A connection that was used before and is as good as new."""
        while self._idle:
            channel, since = self._idle.pop()
            if not channel.ended and not channel.buffer and channel.now() - since < IDLE_SECONDS:
                return channel
            channel.close()
        return None

    async def connect(self) -> Channel:
        """A new connection. Raise ``OSError`` or ``TimeoutError``."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECT_SECONDS):
            if self.address.uds is not None:
                _, channel = await loop.create_unix_connection(Channel, self.address.uds)
            else:
                _, channel = await loop.create_connection(Channel, self.address.host, self.address.port or 0)
        return channel

    def keep(self, channel: Channel) -> None:
        """Take back a connection whose answer was read to its end."""
        channel.peer = None
        channel.deadline(None)
        if self.retired or channel.ended or channel.buffer or len(self._idle) >= MAX_IDLE:
            channel.close()
        else:
            self._idle.append((channel, channel.now()))

    def succeeded(self) -> None:
        self._strikes = 0

    def revived(self) -> None:
        """A probe found it ready."""
        self._strikes = 0
        if not self.healthy:
            self.healthy = True
            log.info("%s is back", self.label)

    def failed(self, why: str, *, at_once: bool = False) -> None:
        """Count a failure."""
        self._strikes += 1
        if self.healthy and (at_once or self._strikes >= STRIKES):
            self.healthy = False
            log.warning("%s gets no more requests: %s", self.label, why)

    def retire(self) -> None:
        """It has left the table: nothing new goes there, what is under way finishes, and no longer takes up a place."""
        self.retired = True
        for guest in self.guests:
            guest.release()
        for channel, _ in self._idle:
            channel.close()
        self._idle.clear()
