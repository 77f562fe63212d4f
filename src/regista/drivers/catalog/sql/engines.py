"""From a URL to a running database.

    sqlite:///relative/path.db   sqlite:////absolute/path.db   a file
    sqlite://                                                  in memory
    postgresql+psycopg://user:secret@host:port/database        a server  (``postgresql://`` is the same)

Whatever follows runs against either without knowing which.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from regista.drivers.catalog.sql.session import Session
from regista.errors import InvalidError, UnsupportedError

T = TypeVar("T")

_FORMS = "Use sqlite:///PATH, sqlite:// (memory) or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE."


class Database(Protocol):
    """Transactions, whichever database it is. All methods may be called from many threads at once."""

    def read(self, work: Callable[[Session], T]) -> T:
        """Do *work* on one snapshot, which sees every write that returned before; a write in it fails."""

    def write(self, work: Callable[[Session], T]) -> T:
        """Do *work* all or nothing and return when it is durable. It may be run more than once."""

    def at_once(self, work: Callable[[], T], done: Callable[[T | None, BaseException | None], None]) -> None:
        """As of the catalog."""

    def in_turn(self, work: Callable[[], T], done: Callable[[T | None, BaseException | None], None]) -> None:
        """As of the catalog."""

    @property
    def near(self) -> bool:
        """As of the catalog."""

    def close(self) -> None:
        """Finish what was accepted and let go; closing again is quiet."""


def open_database(url: str, prepare: Callable[[Session], None]) -> Database:
    """Open the database at *url* after *prepare* (which brings the schema up to date) has seen it.

    Raise ``InvalidError`` for a URL of no known form, ``ConflictError`` when another process owns the file,
    ``UnavailableError`` when a server does not answer."""
    parsed = _parse(url)
    if parsed.get_backend_name() == "postgresql":
        return _postgres(parsed, prepare)
    from regista.drivers.catalog.sql.sqlite import SqliteFile, SqliteMemory

    if parsed.database in {None, "", ":memory:"}:
        return SqliteMemory(prepare)
    return SqliteFile(Path(str(parsed.database)).expanduser().absolute(), prepare)


def _postgres(url: URL, prepare: Callable[[Session], None]) -> Database:
    """A server's; raise ``UnsupportedError`` when what speaks with it is not installed."""
    try:
        from regista.drivers.catalog.sql.postgres import Postgres
    except ImportError as missing:
        raise UnsupportedError(
            "a catalog in PostgreSQL needs psycopg and greenlet, which are not installed",
            hint="Run: pip install 'regista[postgres]'",
        ) from missing
    return Postgres(url, prepare)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise InvalidError("the catalog's URL cannot be read", hint=_FORMS) from None
    if parsed.drivername in {"postgresql", "postgres"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in {"sqlite", "postgresql+psycopg"}:
        raise InvalidError(f"{parsed.drivername!r} is no kind of catalog", hint=_FORMS)
    if parsed.drivername == "sqlite" and (parsed.query or parsed.host):
        raise InvalidError("a SQLite catalog is a path alone: three slashes before it, and nothing after", hint=_FORMS)
    return parsed
