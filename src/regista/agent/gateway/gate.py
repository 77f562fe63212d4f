"""How many requests a deployment has at one time."""

import asyncio
from collections import deque

from .faults import Fault

MAX_WAITING = 1000


class Gate:
    """Lets *limit* requests through at one time; others wait a little, in order, and are then refused."""

    def __init__(self, limit: int | None, patience: float) -> None:
        self.limit = limit
        self.patience = patience
        self.inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def adjust(self, limit: int | None, patience: float) -> None:
        """Take over a new limit; those already inside stay."""
        self.limit, self.patience = limit, patience
        self._admit()

    def try_enter(self) -> bool:
        """Enter if there is room now."""
        if self.limit is not None and self.inside >= self.limit:
            return False
        self.inside += 1
        return True

    async def enter(self) -> None:
        """Enter now or within the patience; raise a ``Fault`` (429) otherwise."""
        if not self._waiting and self.try_enter():
            return
        if self.patience <= 0 or len(self._waiting) >= MAX_WAITING:
            raise self._refusal()
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await asyncio.wait_for(asyncio.shield(turn), self.patience)
        except (TimeoutError, asyncio.CancelledError) as error:
            if turn.done() and not turn.cancelled():
                self.leave()  # the turn came in the same moment
            turn.cancel()
            if isinstance(error, TimeoutError):
                raise self._refusal() from None
            raise

    def leave(self) -> None:
        self.inside -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and (self.limit is None or self.inside < self.limit):
            turn = self._waiting.popleft()
            if not turn.done():
                self.inside += 1
                turn.set_result(None)

    def _refusal(self) -> Fault:
        told = f"the deployment is busy with {self.limit} requests; try again, or give it more instances"
        return Fault(429, "TooManyRequests", told, (b"retry-after", b"1"))
