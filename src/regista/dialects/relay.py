"""Work that keeps the interpreter busy, by threads that take it in turns."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from regista.dialects.threads import Threads

T = TypeVar("T")

PATIENCE = 0.05
"""Seconds after which whoever is next no longer waits for the one before."""


class Relay:
    """One after another: the next begins when one is done, and beside it when it takes long.

    Side by side they would only hand the interpreter to and fro, at every row that the database gives: eight searches at once
    take twice the time of eight in a row."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._working = 0
        self._began = 0.0
        """When the last one did."""

    async def run(self, work: Callable[..., T], *arguments: object) -> T:
        """What *work* returns or raises, as ``Threads.run``."""
        loop = asyncio.get_running_loop()
        if self._working and (self._waiting or loop.time() - self._began < PATIENCE):
            await self._turn(loop)
        self._working, self._began = self._working + 1, loop.time()
        try:
            return await self._threads.run(work, *arguments)
        finally:
            self._working -= 1
            self._next()

    async def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wait until somebody is done, or patience ends."""
        mine: asyncio.Future[None] = loop.create_future()
        self._waiting.append(mine)
        overdue = loop.call_at(self._began + PATIENCE * len(self._waiting), self._next)
        try:
            await mine
        finally:
            overdue.cancel()

    def _next(self) -> None:
        while self._waiting:
            first = self._waiting.popleft()
            if not first.done():
                first.set_result(None)
                return
