"""Work that keeps the interpreter busy, by threads that take it in turns."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from regista.dialects.threads import Threads

T = TypeVar("T")
_Turn = asyncio.Future[None]

PATIENCE = 0.2
"""Seconds after which whoever is next no longer waits for the one before."""


class Relay:
    """One after another: the next begins when the one before is done, or beside it when that takes long.

    Side by side they would only hand the interpreter to and fro, at every row that the database gives: eight searches at once
    take more than twice the time of eight in a row."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._waiting: deque[_Turn] = deque()
        self._before: _Turn | None = None
        """Who began last, while the next has to wait for it."""

    async def run(self, work: Callable[..., T], *arguments: object) -> T:
        """What *work* returns or raises, as ``Threads.run``."""
        loop = asyncio.get_running_loop()
        mine: _Turn = loop.create_future()
        self._waiting.append(mine)
        self._next()
        overdue: asyncio.TimerHandle | None = None
        try:
            await mine
            overdue = loop.call_later(PATIENCE, self._over, mine)
            return await self._threads.run(work, *arguments)
        finally:
            if overdue is not None:
                overdue.cancel()
            self._over(mine)

    def _over(self, one: _Turn) -> None:
        """Nobody waits for *one* any more."""
        if self._before is one:
            self._before = None
            self._next()

    def _next(self) -> None:
        """Let the first who waits begin, unless the one before has just begun."""
        while self._before is None and self._waiting:
            first = self._waiting.popleft()
            if not first.done():
                self._before = first
                first.set_result(None)
