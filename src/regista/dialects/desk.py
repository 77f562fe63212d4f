"""Where the work of requests is done: by a thread that may wait, or, when the route says that it is small, by the event loop
itself or by the one who writes.

    LONG     loop ──> thread ──> loop            whatever waits: for bytes, a network, another service
    SEARCH   loop ──> one thread ──> loop        much read out of a catalog in this process: one after another (``relay``)
    GLANCE   loop                                one small thing read out of it
    ENTRY    loop ──> who writes ──> loop        a few rows written into it; told when they are durable

To a thread and back costs more than to read one small thing, and the more the more clients there are: all of them want the
interpreter, which is one thread's at a time. What turns out to be larger than its route says is done again by a thread.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from functools import partial
from typing import TypeVar

from regista.dialects.relay import Relay
from regista.dialects.threads import Threads, tell
from regista.interfaces.catalog import Catalog, WouldWaitError

T = TypeVar("T")

_SMALL_THREADS = 3
"""Small things of a catalog elsewhere that the loop could not do have threads of their own: few, for more would only wait for
one another, and not those behind a long search."""


_SHORT, _SHORT_ON_LOOP = 1 << 20, 128 << 10
"""Bytes of a request that are read in no time, by who writes and where the loop itself does it."""


class Pace(Enum):
    """What a route says about its work, where it is declared."""

    LONG = auto()
    SEARCH = auto()
    """Reads much, of the catalog alone."""
    GLANCE = auto()
    """Reads one small thing of the catalog."""
    ENTRY = auto()
    """Reads and writes a few rows of the catalog, and has no other effect: what it wrote may not come to be."""


class Desk:
    """Does work of any pace over *catalog*, by at most *count* threads."""

    def __init__(self, catalog: Catalog, count: int, name: str) -> None:
        self._catalog = catalog
        self.threads = Threads(count, name)
        self._small = Threads(_SMALL_THREADS, f"{name}-small")
        self._relay = Relay(self.threads)

    @property
    def short(self) -> int:
        """Bytes up to which a request may be small; a longer one is a thread's work, whatever its route says."""
        return _SHORT if self._catalog.near else _SHORT_ON_LOOP

    async def do(self, pace: Pace, work: Callable[..., T], *arguments: object) -> T:
        """What *work* returns or raises, or why what it wrote is not durable. It may be begun twice, and is done once."""
        if pace is Pace.GLANCE or pace is Pace.ENTRY:
            with suppress(WouldWaitError):
                return await self._told(pace, partial(work, *arguments))
            if not self._catalog.near:
                return await self._small.run(work, *arguments)
        if pace is Pace.LONG or not self._catalog.near:
            return await self.threads.run(work, *arguments)
        return await self._relay.run(work, *arguments)

    async def _told(self, pace: Pace, work: Callable[[], T]) -> T:
        loop, here = asyncio.get_running_loop(), threading.get_ident()
        told: asyncio.Future[T] = loop.create_future()

        def done(result: T | None, error: BaseException | None) -> None:
            if threading.get_ident() == here:
                tell(told, result, error)
            else:
                with suppress(RuntimeError):  # the loop is closed: nobody waits
                    loop.call_soon_threadsafe(tell, told, result, error)

        ask = self._catalog.at_once if pace is Pace.GLANCE else self._catalog.in_turn
        ask(work, done)
        return await told
