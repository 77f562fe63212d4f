"""PostgreSQL through psycopg: many servers, many writers, the same promises.

A write runs SERIALIZABLE, as everything does on SQLite, where there is one writer: a work function that looks first and
then acts needs no locks of its own. The price is that the server may undo a transaction because of its neighbours; then
the work function is run again from the start, so it must have no effect but through its session.
"""

import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import URL, Engine, create_engine, event

from regista.drivers.catalog.sql.columns import introduce
from regista.drivers.catalog.sql.faults import is_lost_connection, is_retryable, translating
from regista.drivers.catalog.sql.session import Session
from regista.errors import UnavailableError, UnsupportedError
from regista.interfaces.catalog import WouldWaitError

T = TypeVar("T")

CONNECTIONS = 16
PATIENCE = 30.0
"""Seconds a caller waits for a connection, and for its turn among colliding writers."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.1
_PLANNING = "SET random_page_cost = 1.1; SET jit = off"
"""Questions go by their indexes. PostgreSQL's defaults are for disks with heads, which it spares by reading whole tables, and to
compile a plan takes longer than what it is used for here. (Said by a statement: a pooler may know no options at the start.)"""


def postgres_engine(url: URL) -> Engine:
    """A pool of connections; raise ``UnsupportedError`` when psycopg is not installed."""
    try:
        introduce()
        engine = create_engine(
            url,
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_timeout=PATIENCE,
            pool_use_lifo=True,
            connect_args={"connect_timeout": 10, "application_name": "regista"},
        )
    except ImportError as missing:
        raise UnsupportedError(
            "a catalog in PostgreSQL needs psycopg, which is not installed", hint="Run: pip install 'regista[postgres]'"
        ) from missing
    event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    connection.execute(_PLANNING)
    connection.commit()


class Postgres:
    """A database on a server, shared with any number of other processes."""

    def __init__(self, url: URL, prepare: Callable[[Session], None]) -> None:
        """Connect to *url*; *prepare* sees a transaction of its own first."""
        self._closed = False
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
        with translating():
            return self._persist(lambda: self._attempt(work))

    def read(self, work: Callable[[Session], T]) -> T:
        """Do *work* on one snapshot, which sees every write that returned before."""
        with translating():
            return self._persist(lambda: self._look(work))

    def at_once(self, work: Callable[[], T]) -> T:  # noqa: ARG002 - as of the protocol
        """The server is asked over a network: every answer has to be waited for."""
        raise WouldWaitError

    def in_turn(self, work: Callable[[], T], done: Callable[[T | None, BaseException | None], None]) -> None:  # noqa: ARG002
        """There are many who write, and no turns."""
        raise WouldWaitError

    def close(self) -> None:
        """Close the connections that are not in use; those in use close when their callers are done."""
        self._closed = True
        self._engine.dispose()

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
                self._engine.dispose()
                reconnected = True
            except Exception as fault:
                if not is_retryable(fault) or time.monotonic() > deadline:
                    raise
                time.sleep(pause * random.random())  # noqa: S311 - not a secret, only uneven
                pause = min(pause * 2, _LONGEST_PAUSE)


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
