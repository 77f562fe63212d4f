"""SQLite: one process, one writing thread, a few readers. In memory: one connection which they take in turns.

A thread says itself how it wants to be served: ``at_once`` marks it, and its reads go to a connection that nobody waits for;
``in_turn`` takes its work to the writing thread, whose own reads and writes are part of the batch in hand.

    catalog.db        the database      write-ahead log, fsync at every commit
    catalog.db-wal    SQLite's own
    catalog.db.lock   who owns it       ``drivers/lockfile.py``

The file system has to be a local one: SQLite's log does not work across a network.
"""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, Engine, NullPool, create_engine

from regista.drivers.catalog.sql.faults import translating
from regista.drivers.catalog.sql.gathering import GatheringSession
from regista.drivers.catalog.sql.group_commit import GroupCommit
from regista.drivers.catalog.sql.readers import PromptReader, Readers, on_snapshot
from regista.drivers.catalog.sql.session import Session
from regista.drivers.lockfile import LockFile
from regista.errors import UnavailableError
from regista.interfaces.catalog import WouldWaitError

S = TypeVar("S", bound=Session)
T = TypeVar("T")

Done = Callable[[T | None, BaseException | None], None]

_SETTINGS = (
    "PRAGMA busy_timeout = 5000",  # only a backup or a curious human can be in the way
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -16384",
)
_DURABLE = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    # Pages are folded into the file when 64 MB have gathered, not 4: batches of a thousand metrics touch as many pages again
    # and again, and would fold them, with two more fsyncs, at every commit. (With 32 MB eight clients log a tenth less.)
    "PRAGMA wal_autocheckpoint = 16384",
)
_READING = ("PRAGMA query_only = ON",)
_TAKEN = "One server owns a SQLite catalog. Stop that process, or use PostgreSQL for several servers."


def sqlite_engine(path: Path | None) -> Engine:
    """Connections without a pool and without hidden BEGINs: this package says when a transaction starts."""
    return create_engine(
        URL.create("sqlite", database=str(path) if path else None),
        poolclass=NullPool,
        connect_args={"check_same_thread": False, "isolation_level": None, "cached_statements": 512},
    )


class _Haste(threading.local):
    """Whether this thread does not wait."""

    hasty = False

    def during(self, work: Callable[[], T], done: Done[T]) -> None:
        """Do *work* in haste and tell *done*."""
        result: T | None = None
        error: BaseException | None = None
        self.hasty = True
        try:
            result = work()
        except BaseException as fault:  # noqa: BLE001 - it belongs to who is told
            error = fault
        finally:
            self.hasty = False
        done(result, error)


class SqliteFile:
    """A database file, owned by this process until ``close``."""

    near = True

    def __init__(self, path: Path, prepare: Callable[[Session], None]) -> None:
        """Lock and open *path*; *prepare* sees the writing connection first, before anybody else is let in."""
        self._lock = LockFile(path.with_name(path.name + ".lock"), f"the catalog {str(path)!r}", hint=_TAKEN)
        self._engine = sqlite_engine(path)
        try:
            with translating():
                self._writing = _writing(self._engine, *_DURABLE)
                prepare(self._writing)
        except BaseException:
            self._lock.release()
            raise
        opening = partial(_reading, self._engine, *_READING)
        self._readers, self._prompt = Readers(opening), PromptReader(opening)
        self._writer = GroupCommit(self._writing)
        self._haste = _Haste()

    def write(self, work: Callable[[Session], T]) -> T:
        """Do *work* in a transaction of its own; return when it is durable."""
        if self._haste.hasty:
            raise WouldWaitError
        return self._writer.write(work)

    def read(self, work: Callable[[Session], T]) -> T:
        """Do *work* on one snapshot, which sees every write that returned before."""
        if self._writer.is_here:
            return self._writer.look(work)
        if self._writer.closed:
            raise UnavailableError("the catalog is closed")
        if self._haste.hasty:
            return self._prompt.read(work)
        return self._readers.read(work)

    def at_once(self, work: Callable[[], T], done: Done[T]) -> None:
        """Do *work*, whose reads are short, and tell *done*."""
        self._haste.during(work, done)

    def in_turn(self, work: Callable[[], T], done: Done[T]) -> None:
        """Have *work* done by the writing thread."""
        self._writer.turn(work, done)

    def close(self) -> None:
        """Finish the writes that were accepted, fold the log into the file, let go of the lock."""
        self._writer.close()
        if not self._lock.held:
            return
        self._readers.close()
        self._prompt.close()
        with suppress(sqlite3.Error):
            self._writing.raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._writing.core.close()
        self._lock.release()


class SqliteMemory:
    """A database in memory, for tests and trials: the promises of the file, but for surviving the process."""

    near = True

    def __init__(self, prepare: Callable[[Session], None]) -> None:
        self._session = _writing(sqlite_engine(None))
        prepare(self._session)
        self._turn = threading.Lock()
        self._writer = GroupCommit(self._session, self._turn)
        self._haste = _Haste()

    def write(self, work: Callable[[Session], T]) -> T:
        """Do *work* in a transaction of its own."""
        if self._haste.hasty:
            raise WouldWaitError
        return self._writer.write(work)

    def read(self, work: Callable[[Session], T]) -> T:
        """Do *work* between two batches of writes."""
        if self._writer.is_here:
            return self._writer.look(work)
        if not self._turn.acquire(blocking=not self._haste.hasty):
            raise WouldWaitError
        try:
            return self._look(work)
        finally:
            self._turn.release()

    def at_once(self, work: Callable[[], T], done: Done[T]) -> None:
        """Do *work*, unless somebody writes, and tell *done*."""
        self._haste.during(work, done)

    def in_turn(self, work: Callable[[], T], done: Done[T]) -> None:
        """Have *work* done by the writing thread."""
        self._writer.turn(work, done)

    def close(self) -> None:
        """Forget everything."""
        self._writer.close()
        self._session.core.close()

    def _look(self, work: Callable[[Session], T]) -> T:
        if self._writer.closed:
            raise UnavailableError("the catalog is closed")
        self._session.raw.execute("PRAGMA query_only = ON")
        self._session.writes = False
        try:
            return on_snapshot(self._session, work)
        finally:
            self._session.raw.execute("PRAGMA query_only = OFF")
            self._session.writes = True


def _writing(engine: Engine, *settings: str) -> GatheringSession:
    return _set(GatheringSession(engine.connect(), writes=True), *settings)


def _reading(engine: Engine, *settings: str) -> Session:
    return _set(Session(engine.connect(), writes=False), *settings)


def _set(session: S, *settings: str) -> S:
    for setting in (*_SETTINGS, *settings):
        session.raw.execute(setting)
    return session
