"""What an event loop does itself with a PostgreSQL catalog: its connections, opened in the background and again when lost.

While there are none the loop is told that it would wait, and its threads do the work.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from typing import Any, Optional, TypeVar

from psycopg import Connection

from regista.drivers.catalog.sql.glances import Glances
from regista.drivers.catalog.sql.session import Session
from regista.drivers.catalog.sql.turns import IN_TURN, Turns
from regista.drivers.catalog.sql.wire import Wire, begin
from regista.interfaces.catalog import WouldWaitError

T = TypeVar("T")

Done = Callable[[T | None, BaseException | None], None]
Opening = Callable[[], "Connection[Any]"]

_READING, _WRITING = 2, 1
_PAUSE = 1.0
"""Seconds between two attempts to open what is missing."""

_HERE: ContextVar[Optional["Beside"]] = ContextVar("beside", default=None)


class Beside:
    """The connections of *loop*, which alone calls it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, opening: Opening) -> None:
        self.loop, self._opening = loop, opening
        self._glances = Glances(loop)
        self._turns: Turns | None = None
        self._missing = _READING + _WRITING
        self._not_before = 0.0
        self._closed = False
        self._handing = threading.Lock()
        self._made: list[Connection[Any]] = []
        """Those that a thread has opened and the loop, which may have ended meanwhile, has not taken."""

    @classmethod
    def of_this_work(cls) -> Optional["Beside"]:
        """Whose greenlet this is, if it is one."""
        return _HERE.get()

    def at_once(self, work: Callable[[], T], done: Done[T]) -> None:
        """Do *work*, whose reads are short, and tell *done*; ``WouldWaitError`` while there is no connection."""
        self._mend()
        if not self._glances.count:
            raise WouldWaitError
        begin(partial(self._here, work), done)

    def in_turn(self, work: Callable[[], T], done: Done[T]) -> None:
        """Do *work* when it is its turn, and tell *done*; ``WouldWaitError`` while there is no connection."""
        self._mend()
        if self._turns is None:
            raise WouldWaitError
        self._turns.turn(partial(self._here, work), done)

    def read(self, work: Callable[[Session], T]) -> T:
        """Do *work*, a greenlet's, on a snapshot."""
        turn = IN_TURN.get()
        return self._glances.read(work) if turn is None else turn.read(work)

    def write(self, work: Callable[[Session], T]) -> T:
        """Do *work*, a greenlet's, as part of its turn; there is no other way to write here."""
        turn = IN_TURN.get()
        if turn is None:
            raise WouldWaitError
        return turn.write(work)

    def close(self) -> None:
        """Let go of the connections; whoever waits for an answer is told."""
        with self._handing:
            self._closed = True
            left, self._made = self._made, []
        for connection in left:
            connection.close()
        self._glances.close()
        if self._turns is not None:
            self._turns.close()

    def _here(self, work: Callable[[], T]) -> T:
        _HERE.set(self)
        return work()

    def _mend(self) -> None:
        """Open what is missing, unless that was tried just now."""
        if self._missing and not self._closed and self.loop.time() >= self._not_before:
            self._not_before = float("inf")
            threading.Thread(
                target=self._open, args=(self._missing,), name="regista-catalog-opening", daemon=True
            ).start()

    def _open(self, count: int) -> None:
        made: list[Connection[Any]] = []
        with suppress(Exception):  # a thread that does the work instead meets the same, and tells it
            made.extend(self._opening() for _ in range(count))
        with self._handing:
            if not self._closed:
                self._made += made
                made = []
        for connection in made:
            connection.close()
        with suppress(RuntimeError):  # the loop is closed, and ``close`` will have them
            self.loop.call_soon_threadsafe(self._opened)

    def _opened(self) -> None:
        self._not_before = self.loop.time() + _PAUSE
        with self._handing:
            made, self._made = self._made, []
        for connection in made:
            wire = Wire(connection, self.loop, self._lost)
            self._missing -= 1
            if self._turns is None:
                self._turns = Turns(wire, self.loop)
            else:
                self._glances.add(wire)

    def _lost(self, wire: Wire) -> None:
        self._missing += 1
        if self._turns is not None and self._turns.wire is wire:
            self._turns = None
        else:
            self._glances.drop(wire)
