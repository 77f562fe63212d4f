"""Reading a SQLite file: some connections for threads, which wait for one, and a connection for who does not wait."""

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from regista.drivers.catalog.sql.faults import translated
from regista.drivers.catalog.sql.session import Session
from regista.errors import InternalError, UnavailableError
from regista.interfaces.catalog import WouldWaitError

T = TypeVar("T")
Opening = Callable[[], Session]

READERS = 8
PATIENCE = 30.0
"""Seconds a read waits for one of the readers."""

SHORT = 20
"""A read is short when it takes fewer times so many steps of SQLite's machine: that are some hundred rows, or a millisecond."""
_STEPS = 1000


class Readers:
    """Connections that are opened when they are needed, the one used last first."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._idle: queue.LifoQueue[Session | None] = queue.LifoQueue()
        for _ in range(READERS):
            self._idle.put(None)

    def read(self, work: Callable[[Session], T]) -> T:
        """Do *work* on one snapshot; raise ``UnavailableError`` when no connection becomes free in time."""
        try:
            session = self._idle.get(timeout=PATIENCE)
        except queue.Empty:
            raise UnavailableError("every reader of the catalog is busy", hint="Try again.") from None
        try:
            session = session or self._opening()
            return on_snapshot(session, work)
        finally:
            self._idle.put(session)

    def close(self) -> None:
        """Close them, as far as they become free in time."""
        with suppress(queue.Empty):
            for _ in range(READERS):
                session = self._idle.get(timeout=PATIENCE)
                if session is not None:
                    session.core.close()


class PromptReader:
    """One connection for short reads, of one caller at a time. Raises ``WouldWaitError`` where another would wait."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._session: Session | None = None
        self._taken = threading.Lock()
        self._left = 0

    def read(self, work: Callable[[Session], T]) -> T:
        """Do *work* on one snapshot."""
        if not self._taken.acquire(blocking=False):
            raise WouldWaitError
        try:
            if self._session is None:
                self._session = self._opened()
            self._left = SHORT
            return on_snapshot(self._session, work)
        except (InternalError, UnavailableError) as fault:
            if isinstance(fault, UnavailableError) or self._left < 0:
                raise WouldWaitError from None
            raise
        finally:
            self._taken.release()

    def close(self) -> None:
        """Close the connection when it is free."""
        with self._taken:
            if self._session is not None:
                self._session.core.close()
                self._session = None

    def _opened(self) -> Session:
        session = self._opening()
        session.raw.execute("PRAGMA busy_timeout = 0")
        session.raw.set_progress_handler(self._is_long, _STEPS)
        return session

    def _is_long(self) -> bool:
        """Asked by SQLite after so many steps; it breaks off at a yes."""
        self._left -= 1
        return self._left < 0


def on_snapshot(session: Session, work: Callable[[Session], T]) -> T:
    """Do *work* in a read transaction, so that all of its statements see the same moment."""
    raw = session.raw
    raw.execute("BEGIN")
    try:
        return work(session)
    except BaseException as fault:
        error = translated(fault)
        if error is fault:
            raise
        raise error from fault
    finally:
        if raw.in_transaction:
            raw.execute("ROLLBACK")
