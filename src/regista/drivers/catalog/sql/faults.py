"""What the database drivers raise, in our words. Nothing above this package sees ``sqlite3``, ``psycopg`` or SQLAlchemy.

    unique, primary key           AlreadyExistsError
    foreign key                   InUseError
    other broken constraints      InvalidError
    disk or quota full            StorageFullError
    locked, lost, shut down, I/O  UnavailableError
    everything else               InternalError      (a fault of ours: bad SQL, a write inside a read)

A message carries the first line of what the driver said, and never the statement or its parameters.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError, TimeoutError as PoolTimeoutError

from regista.errors import (
    AlreadyExistsError,
    InternalError,
    InUseError,
    InvalidError,
    RegistaError,
    StorageFullError,
    TooLargeError,
    UnavailableError,
)

_FULL_HINT = "Free some space, then try again: nothing of this change was kept."
_LATER_HINT = "The same call may work later; the server's log names the cause."

_SQLITE_UNIQUE = {
    sqlite3.SQLITE_CONSTRAINT_UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    sqlite3.SQLITE_CONSTRAINT_ROWID,
}
_SQLITE_AWAY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
}
_POSTGRES_AWAY = ("08", "53", "55P03", "57", "58", "25P03", "25P04")
_LOST = ("OperationalError", "InterfaceError")
_POSTGRES_AGAIN = ("40001", "40P01")


def translated(fault: BaseException) -> BaseException:
    """The error of ours for *fault*, chained to it; a fault that no database driver raised is returned as it is."""
    error = _named(fault)
    if error is None:
        return fault
    error.__cause__ = fault
    return error


@contextmanager
def translating() -> Iterator[None]:
    """Raise what the block's database driver raises as an error of ours; let everything else pass."""
    try:
        yield
    except BaseException as fault:
        error = _named(fault)
        if error is None:
            raise
        raise error from fault


def is_retryable(fault: BaseException) -> bool:
    """Whether the server undid the transaction only because of its neighbours: run again, it may well succeed."""
    return (_sqlstate(_driver_fault(fault)) or "") in _POSTGRES_AGAIN


def is_lost_connection(fault: BaseException) -> bool:
    """Whether the server went away while it was asked."""
    if isinstance(fault, DBAPIError) and fault.connection_invalidated:
        return True
    cause = _driver_fault(fault)
    state = _sqlstate(cause)
    return state is not None and (state.startswith(("08", "57P")) or (not state and _is_a(cause, *_LOST)))


def _driver_fault(fault: BaseException) -> BaseException:
    return fault.orig if isinstance(fault, DBAPIError) and fault.orig is not None else fault


def _sqlstate(fault: BaseException) -> str | None:
    """The five characters of a PostgreSQL error, ``""`` when the server could not say, None for other errors."""
    if type(fault).__module__.split(".", 1)[0] != "psycopg":
        return None
    return str(getattr(fault, "sqlstate", None) or "")


def _is_a(fault: BaseException, *names: str) -> bool:
    """Whether *fault* is of a class of psycopg, which is imported only where PostgreSQL is used."""
    return any(kind.__name__ in names for kind in type(fault).__mro__)


def _named(fault: BaseException) -> RegistaError | None:
    if isinstance(fault, PoolTimeoutError):
        return UnavailableError("every connection to the catalog is in use", hint=_LATER_HINT)
    cause = _driver_fault(fault)
    if isinstance(cause, sqlite3.Error):
        return _of_sqlite(cause)
    state = _sqlstate(cause)
    if state is not None:
        return _of_postgres(state, cause)
    if isinstance(fault, SQLAlchemyError):
        return InternalError(f"the catalog was asked wrongly: {_first_line(fault)}")
    return None


def _of_sqlite(fault: sqlite3.Error) -> RegistaError:
    code = getattr(fault, "sqlite_errorcode", 0)
    primary = code & 0xFF
    if primary == sqlite3.SQLITE_FULL:
        return StorageFullError("the disk of the catalog is full", hint=_FULL_HINT)
    if code in _SQLITE_UNIQUE:
        return AlreadyExistsError(f"that name is taken: {_first_line(fault)}")
    if code in {sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY, sqlite3.SQLITE_CONSTRAINT_TRIGGER}:
        return InUseError("something else in the catalog needs this, or what it refers to is gone")
    if primary == sqlite3.SQLITE_CONSTRAINT:
        return InvalidError(f"the catalog refuses the value: {_first_line(fault)}")
    if primary in _SQLITE_AWAY:
        return UnavailableError(f"the catalog does not answer: {_first_line(fault)}", hint=_LATER_HINT)
    if isinstance(fault, sqlite3.DataError):
        return InvalidError(f"the catalog refuses the value: {_first_line(fault)}")
    return InternalError(f"the catalog was asked wrongly: {_first_line(fault)}")


def _of_postgres(state: str, fault: BaseException) -> RegistaError:
    if state in {"53100", "53400"}:
        return StorageFullError("the disk of the catalog is full", hint=_FULL_HINT)
    if state == "23505":
        return AlreadyExistsError(f"that name is taken: {_constraint(fault)}")
    if state == "54000":
        return TooLargeError("a name or a path is longer than the catalog can index")
    if state == "23503":
        return InUseError("something else in the catalog needs this, or what it refers to is gone")
    if state.startswith(("22", "23")) or (not state and _is_a(fault, "DataError")):
        return InvalidError(f"the catalog refuses the value: {_first_line(fault)}")
    if state in _POSTGRES_AGAIN:
        return UnavailableError("too many writers changed the same thing at once", hint="Try again.")
    if state.startswith(_POSTGRES_AWAY) or (not state and _is_a(fault, *_LOST)):
        return UnavailableError(f"the catalog does not answer: {_first_line(fault)}", hint=_LATER_HINT)
    return InternalError(f"the catalog was asked wrongly: {_first_line(fault)}")


def _constraint(fault: BaseException) -> str:
    return str(getattr(getattr(fault, "diag", None), "constraint_name", None) or _first_line(fault))


def _first_line(fault: BaseException) -> str:
    """The message without SQL and parameters, which may hold what nobody should read in a log."""
    return (str(_driver_fault(fault)).splitlines() or [type(fault).__name__])[0][:200]
