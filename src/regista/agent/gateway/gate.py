"""How many requests a deployment has at one time."""

import asyncio
from collections import deque

from .faults import Fault

MAX_WAITING = 1000


class Pass:
    """Leave to be inside; given back once, by whoever comes first."""

    __slots__ = ("_gate",)

    def __init__(self, gate: "Gate") -> None:
        self._gate: Gate | None = gate

    def release(self) -> None:
        """Leave. Doing it again changes nothing."""
        gate, self._gate = self._gate, None
        if gate is not None:
            gate.leave()


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

    def try_enter(self) -> Pass | None:
        """Enter if there is room now, and nobody was there before."""
        if self._waiting or (self.limit is not None and self.inside >= self.limit):
            return None
        self.inside += 1
        return Pass(self)

    async def enter(self) -> Pass:
        """Enter now or within the patience; raise a ``Fault`` (429) otherwise."""
        if (free := self.try_enter()) is not None:
            return free
        if self.patience <= 0 or len(self._waiting) >= MAX_WAITING:
            raise self._refusal()
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        timer = loop.call_later(self.patience, self._lose_patience, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.leave()  # the turn came in the moment in which the visitor went
            raise
        finally:
            timer.cancel()
        return Pass(self)

    def leave(self) -> None:
        """Give a place free; called by the pass."""
        self.inside -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and (self.limit is None or self.inside < self.limit):
            turn = self._waiting.popleft()
            if not turn.done():
                self.inside += 1
                turn.set_result(None)

    def _lose_patience(self, turn: asyncio.Future[None]) -> None:
        if not turn.done():
            turn.set_exception(self._refusal())

    def _refusal(self) -> Fault:
        told = f"the deployment is busy with {self.limit} requests; try again, or give it more instances"
        return Fault(429, "TooManyRequests", told, (b"retry-after", b"1"))
