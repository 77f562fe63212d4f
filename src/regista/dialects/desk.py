"""Where the work of requests is done: by a thread that may wait, or, when the route says that it is small, by the event loop
itself or by the one who writes.

    LONG     loop ──> thread ──> loop            whatever waits: for bytes, a network, another service
    SEARCH   loop ──> one thread ──> loop        much read out of a catalog on this machine: one after another (``relay``)
    GLANCE   loop                                one small thing read out of it
    ENTRY    loop ──> writing thread ──> loop    a few rows written into it; told when they are durable

To a thread and back costs more than to read one small thing, and the more the more clients there are: all of them want the
interpreter, which is one thread's at a time. What turns out to be larger than its route says is done again by a thread. Where
the catalog is another machine's, everything waits and is a thread's.
"""

import asyncio
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
"""Small things of a catalog elsewhere have threads of their own: few, for more would only wait for one another (measured: a
third more requests a second than with 32), and not those behind a long search."""


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
        self._near = _is_near(catalog)
        self.threads = Threads(count, name)
        self._small = Threads(_SMALL_THREADS, f"{name}-small")
        self._relay = Relay(self.threads)

    async def do(self, pace: Pace, work: Callable[..., T], *arguments: object) -> T:
        """What *work* returns or raises, or why what it wrote is not durable. It may be begun twice, and is done once."""
        if pace is Pace.LONG or not self._near:
            threads = self.threads if pace in {Pace.LONG, Pace.SEARCH} else self._small
            return await threads.run(work, *arguments)
        if pace is Pace.ENTRY:
            return await self._in_turn(partial(work, *arguments))
        if pace is Pace.GLANCE:
            with suppress(WouldWaitError):
                return self._catalog.at_once(partial(work, *arguments))
        return await self._relay.run(work, *arguments)

    async def _in_turn(self, work: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        told: asyncio.Future[T] = loop.create_future()

        def done(result: T | None, error: BaseException | None) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(tell, told, result, error)

        self._catalog.in_turn(work, done)
        return await told


def _is_near(catalog: Catalog) -> bool:
    """Whether the catalog lies on this machine."""
    try:
        catalog.at_once(lambda: None)
    except WouldWaitError:
        return False
    return True
