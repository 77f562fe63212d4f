"""Short reads of an event loop over PostgreSQL: a few connections, and as many callers on each as come at the same moment.

    BEGIN … READ ONLY   leaves together with the first questions of all who came meanwhile: they share one snapshot
      …                 their next questions, each when it knows what to ask
    COMMIT              leaves with the next BEGIN, or when nobody came for a while

A snapshot is taken when the first question arrives at the server; who comes after that question left has to have another one,
for it may know of a write that this one does not show.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from greenlet import getcurrent

from regista.drivers.catalog.sql.session import Session
from regista.drivers.catalog.sql.wire import Wire, stand_still
from regista.drivers.catalog.sql.wire_session import Joint, WireSession
from regista.interfaces.catalog import WouldWaitError

T = TypeVar("T")

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WHILE = 0.05
"""Seconds that a snapshot is kept which nobody looks at: to end it for itself would cost as much as a question."""


class _Round:
    """A snapshot, and how many look at it."""

    __slots__ = ("lookers", "mark", "transaction", "wire")

    def __init__(self, wire: Wire) -> None:
        self.wire, self.mark = wire, wire.sent
        self.transaction = Joint(wire)
        self.lookers = 0

    @property
    def is_open(self) -> bool:
        """Whether nothing has left yet."""
        return self.wire.sent == self.mark and self.wire.lost is None


class Glances:
    """The reading connections of *loop*."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._wires: set[Wire] = set()
        self._idle: list[Wire] = []
        self._begun: set[Wire] = set()
        """Those of the idle whose last snapshot has not been ended."""
        self._forming: _Round | None = None
        self._waiting: deque[Callable[[], object]] = deque()
        self._tidying = False

    @property
    def count(self) -> int:
        """How many connections there are."""
        return len(self._wires)

    def add(self, wire: Wire) -> None:
        """Use one more."""
        self._wires.add(wire)
        self._idle.append(wire)

    def drop(self, wire: Wire) -> None:
        """Use it no more: it is lost."""
        self._wires.discard(wire)
        self._begun.discard(wire)
        if wire in self._idle:
            self._idle.remove(wire)
        self._wake(wire)

    def read(self, work: Callable[[Session], T]) -> T:
        """Do *work*, which is a greenlet's, on one snapshot."""
        found = self._join()
        found.lookers += 1
        try:
            return work(WireSession(found.transaction, writes=False))
        finally:
            found.lookers -= 1
            if not found.lookers:
                self._end(found)

    def close(self) -> None:
        """Let go of all."""
        for wire in [*self._wires]:
            wire.close()

    def _join(self) -> _Round:
        while True:
            if self._forming is not None and self._forming.is_open:
                return self._forming
            if self._idle:
                return self._begin(self._idle.pop())
            if not self._wires:
                raise WouldWaitError
            self._waiting.append(getcurrent().switch)
            stand_still()

    def _begin(self, wire: Wire) -> _Round:
        if wire in self._begun:
            self._begun.remove(wire)
            wire.send("COMMIT")
        self._forming = _Round(wire)
        self._forming.transaction.begin(_BEGIN)
        return self._forming

    def _end(self, found: _Round) -> None:
        wire = found.wire
        if self._forming is found:
            self._forming = None
        if wire.lost is not None:
            return
        if found.transaction.fault is None:
            self._begun.add(wire)
        else:
            wire.part()
            wire.send("ROLLBACK")
        self._idle.append(wire)
        self._wake(wire)
        if not self._tidying:
            self._tidying = True
            self._loop.call_later(_WHILE, self._tidy)

    def _wake(self, wire: Wire) -> None:
        while self._waiting:
            wire.later(self._waiting.popleft())

    def _tidy(self) -> None:
        """End the snapshots that nobody looks at."""
        self._tidying = False
        begun, self._begun = self._begun, set()
        for wire in begun:
            with suppress(WouldWaitError):  # it is lost
                wire.send("COMMIT")
