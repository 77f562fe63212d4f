"""SQLite: one process, one writing thread, a few readers. In memory: one connection which they take in turns.

    catalog.db        the database      write-ahead log, fsync at every commit
    catalog.db-wal    SQLite's own
    catalog.db.lock   who owns it       ``lockfile.py``

The file system has to be a local one: SQLite's log does not work across a network.
"""

import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, Engine, NullPool, create_engine

from regista.drivers.catalog.sql.faults import translating
from regista.drivers.catalog.sql.group_commit import GroupCommit
from regista.drivers.catalog.sql.lockfile import LockFile
from regista.drivers.catalog.sql.session import Session
from regista.errors import UnavailableError

T = TypeVar("T")

READERS = 8
PATIENCE = 30.0
"""Seconds a read waits for one of the readers."""

_SETTINGS = (
    "PRAGMA busy_timeout = 5000",  # only a backup or a curious human can be in the way
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -16384",
)
_DURABLE = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    # Pages are folded into the file when 32 MB have gathered, not 4: a batch of a thousand metrics touches as many pages
    # again and again, and would fold them, with two more fsyncs, at every commit.
    "PRAGMA wal_autocheckpoint = 8192",
)
_READING = ("PRAGMA query_only = ON",)


def sqlite_engine(path: Path | None) -> Engine:
    """Connections without a pool and without hidden BEGINs: this package says when a transaction starts."""
    return create_engine(
        URL.create("sqlite", database=str(path) if path else None),
        poolclass=NullPool,
        connect_args={"check_same_thread": False, "isolation_level": None, "cached_statements": 512},
    )


class SqliteFile:
    """A database file, owned by this process until ``close``."""

    def __init__(self, path: Path, prepare: Callable[[Session], None]) -> None:
        """Lock and open *path*; *prepare* sees the writing connection first, before anybody else is let in."""
        self._lock = LockFile(path)
        self._engine = sqlite_engine(path)
        self._readers: queue.LifoQueue[Session | None] = queue.LifoQueue()
        try:
            with translating():
                self._writing = _session(self._engine, *_DURABLE, writes=True)
                prepare(self._writing)
        except BaseException:
            self._lock.release()
            raise
        self._writer = GroupCommit(self._writing)
        for _ in range(READERS):
            self._readers.put(None)

    def write(self, work: Callable[[Session], T]) -> T:
        """Do *work* in a transaction of its own; return when it is durable."""
        return self._writer.write(work)

    def read(self, work: Callable[[Session], T]) -> T:
        """Do *work* on one snapshot, which sees every write that returned before."""
        with self._reader() as session, _snapshot(session):
            return work(session)

    def close(self) -> None:
        """Finish the writes that were accepted, fold the log into the file, let go of the lock."""
        self._writer.close()
        if not self._lock.held:
            return
        with suppress(queue.Empty):
            for _ in range(READERS):
                reader = self._readers.get(timeout=PATIENCE)
                if reader is not None:
                    reader.core.close()
        with suppress(sqlite3.Error):
            self._writing.raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._writing.core.close()
        self._lock.release()

    @contextmanager
    def _reader(self) -> Iterator[Session]:
        if self._writer.closed:
            raise UnavailableError("the catalog is closed")
        try:
            session = self._readers.get(timeout=PATIENCE)
        except queue.Empty:
            raise UnavailableError("every reader of the catalog is busy", hint="Try again.") from None
        try:
            session = session or _session(self._engine, *_READING, writes=False)
            yield session
        finally:
            self._readers.put(session)


class SqliteMemory:
    """A database in memory, for tests and trials: the promises of the file, but for surviving the process."""

    def __init__(self, prepare: Callable[[Session], None]) -> None:
        self._session = _session(sqlite_engine(None), writes=True)
        prepare(self._session)
        self._turn = threading.Lock()
        self._writer = GroupCommit(self._session, self._turn)

    def write(self, work: Callable[[Session], T]) -> T:
        """Do *work* in a transaction of its own."""
        return self._writer.write(work)

    def read(self, work: Callable[[Session], T]) -> T:
        """Do *work* between two batches of writes."""
        with self._turn:
            if self._writer.closed:
                raise UnavailableError("the catalog is closed")
            self._session.raw.execute("PRAGMA query_only = ON")
            self._session.writes = False
            try:
                with _snapshot(self._session):
                    return work(self._session)
            finally:
                self._session.raw.execute("PRAGMA query_only = OFF")
                self._session.writes = True

    def close(self) -> None:
        """Forget everything."""
        self._writer.close()
        self._session.core.close()


def _session(engine: Engine, *settings: str, writes: bool) -> Session:
    session = Session(engine.connect(), writes=writes)
    for setting in (*_SETTINGS, *settings):
        session.raw.execute(setting)
    return session


@contextmanager
def _snapshot(session: Session) -> Iterator[None]:
    """A read transaction, so that all of its statements see the same moment."""
    session.raw.execute("BEGIN")
    try:
        with translating():
            yield
    finally:
        if session.raw.in_transaction:
            session.raw.execute("ROLLBACK")
