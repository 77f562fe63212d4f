"""PostgreSQL through psycopg: many servers, many writers, the same promises.

A write runs SERIALIZABLE, as everything does on SQLite, where there is one writer: a work function that looks first and
then acts needs no locks of its own. The price is that the server may undo a transaction because of its neighbours; then
the work function is run again from the start, so it must have no effect but through its session.

A thread has a connection of the pool for the length of its transaction. An event loop has some of its own (``beside``).
"""

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from psycopg import Connection, capabilities
from sqlalchemy import URL, Engine, create_engine, event

from regista.drivers.catalog.sql.beside import Beside
from regista.drivers.catalog.sql.columns import introduce
from regista.drivers.catalog.sql.faults import is_lost_connection, is_retryable, translating
from regista.drivers.catalog.sql.pools import LendingPool
from regista.drivers.catalog.sql.session import Session
from regista.errors import UnavailableError
from regista.interfaces.catalog import WouldWaitError

T = TypeVar("T")

Done = Callable[[T | None, BaseException | None], None]

CONNECTIONS = 16
PATIENCE = 30.0
"""Seconds a caller waits for a connection, and for its turn among colliding writers."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.1
_PLANNING = "SET random_page_cost = 1.1; SET jit = off; SET max_parallel_workers_per_gather = 0"
"""Questions go by their indexes. PostgreSQL's defaults are for disks with heads, which it spares by reading whole tables; to
compile a plan, or to start processes that share the work, takes longer than what is asked here. (Said by a statement: a pooler
may know no options at the start.)"""
_LOCK_MS = 250
"""Milliseconds that the group of an event loop waits for who holds a row."""


def postgres_engine(url: URL) -> Engine:
    """A pool of connections."""
    introduce()
    engine = create_engine(
        url,
        poolclass=LendingPool,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=PATIENCE,
        pool_use_lifo=True,
        connect_args={"connect_timeout": 10, "application_name": "regista"},
    )
    event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    with _closed_on_failure(connection):
        connection.execute(_PLANNING)
        connection.commit()


@contextmanager
def _closed_on_failure(connection: "Connection[Any]") -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


class Postgres:
    """A database on a server, shared with any number of other processes."""

    near = False

    def __init__(self, url: URL, prepare: Callable[[Session], None]) -> None:
        """Connect to *url*; *prepare* sees a transaction of its own first."""
        self._closed = False
        self._beside: Beside | None = None
        self._entry = threading.Lock()
        self._engine = postgres_engine(url)
        self._reading = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._writing = self._engine.execution_options(isolation_level="SERIALIZABLE")
        try:
            with translating(), self._engine.begin() as connection:
                prepare(Session(connection, writes=True))
        except BaseException:
            self._engine.dispose()
            raise

    def write(self, work: Callable[[Session], T]) -> T:
        """Do *work* in a transaction; run it again when its neighbours or a lost connection undid it.

        A connection lost while the commit was under way is an ``UnavailableError``: the change may be there."""
        beside = Beside.of_this_work()
        if beside is not None and beside is self._beside:
            return beside.write(work)
        with translating():
            return self._persist(lambda: self._attempt(work))

    def read(self, work: Callable[[Session], T]) -> T:
        """Do *work* on one snapshot, which sees every write that returned before."""
        beside = Beside.of_this_work()
        if beside is not None and beside is self._beside:
            return beside.read(work)
        with translating():
            return self._persist(lambda: self._look(work))

    def at_once(self, work: Callable[[], T], done: Done[T]) -> None:
        """Do *work* in a greenlet of this event loop, for which the loop does not stand still."""
        self._of_this_loop().at_once(work, done)

    def in_turn(self, work: Callable[[], T], done: Done[T]) -> None:
        """Have *work* done by the one connection with which this event loop writes."""
        self._of_this_loop().in_turn(work, done)

    def close(self) -> None:
        """Close the connections that are not in use; those in use close when their callers are done."""
        self._closed = True
        self._engine.pool.dispose()
        beside, self._beside = self._beside, None
        if beside is None:
            return
        if beside.loop.is_running() and _running() is not beside.loop:
            beside.loop.call_soon_threadsafe(beside.close)
        else:
            beside.close()

    def _of_this_loop(self) -> Beside:
        """What the running loop has of this catalog; ``WouldWaitError`` where none runs, or another one has it."""
        if self._closed:
            raise UnavailableError("the catalog is closed")
        loop, beside = _running(), self._beside
        if loop is None:
            raise WouldWaitError
        if beside is not None and beside.loop is loop:
            return beside
        with self._entry:
            beside = self._beside
            if beside is not None:
                if not beside.loop.is_closed():
                    raise WouldWaitError
                beside.close()
            self._beside = Beside(loop, self._opened)
            return self._beside

    def _opened(self) -> Connection[Any]:
        """A connection out of the pool, for ever. On a lock others wait behind who waits: better a thread does."""
        capabilities.has_pipeline(check=True)
        lent = self._engine.raw_connection()
        connection = cast("Connection[Any]", lent.driver_connection)
        lent.detach()
        with _closed_on_failure(connection):
            connection.autocommit = True
            connection.execute(f"SET lock_timeout = {_LOCK_MS}")
        return connection

    def _look(self, work: Callable[[Session], T]) -> T:
        with self._reading.begin() as connection:  # after a ROLLBACK psycopg forgets what it has prepared
            return _marked(Session(connection, writes=False), work)

    def _attempt(self, work: Callable[[Session], T]) -> T:
        with self._writing.begin() as connection:
            return _marked(Session(connection, writes=True), work)

    def _persist(self, attempt: Callable[[], T]) -> T:
        """Run *attempt* until it comes through, somebody else is at fault, or patience ends."""
        if self._closed:
            raise UnavailableError("the catalog is closed")
        deadline = time.monotonic() + PATIENCE
        pause, reconnected = _FIRST_PAUSE, False
        while True:
            try:
                return attempt()
            except _LostBeforeCommitError as lost:
                if reconnected:
                    raise lost.fault from None
                self._reconnect()
                reconnected = True
            except Exception as fault:
                if not is_retryable(fault) or time.monotonic() > deadline:
                    raise
                time.sleep(pause * random.random())  # noqa: S311 - not a secret, only uneven
                pause = min(pause * 2, _LONGEST_PAUSE)

    def _reconnect(self) -> None:
        """Have new connections from now on, or none if the catalog was closed meanwhile."""
        self._engine.dispose()
        if self._closed:
            self._engine.pool.dispose()


def _running() -> asyncio.AbstractEventLoop | None:
    """The event loop of this thread."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class _LostBeforeCommitError(Exception):
    """The connection went away while nothing was committed yet: starting over is safe."""

    def __init__(self, fault: Exception) -> None:
        super().__init__()
        self.fault = fault


def _marked(session: Session, work: Callable[[Session], T]) -> T:
    """Run *work*; tell a connection that was lost on the way from every other failure."""
    try:
        result = work(session)
        session.finish()
    except Exception as fault:
        if not is_lost_connection(fault):
            raise
        session.core.invalidate()
        raise _LostBeforeCommitError(fault) from fault
    return result
