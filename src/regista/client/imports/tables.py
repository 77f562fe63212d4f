"""The tables of MLflow's database, opened for reading alone: whatever version of MLflow made them, what is missing is empty."""

# ruff: noqa: S608 - statements are put together from constants alone; values are always bound

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from regista.client.imports.records import Row
from regista.errors import InvalidError, NotFoundError, UnavailableError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_PAGE = 200
_STREAM = 5000


class Tables:
    """Of the database at *url*. ``columns`` are those of each table that there is."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self.name = self._engine.url.render_as_string(hide_password=True)
        self.columns = self._found()

    def rows(self, query: str, table: str, **given: Any) -> Iterator[Row]:
        """The rows of a query, read as they are used; none where there is no such table, or no id."""
        from sqlalchemy import bindparam, text
        from sqlalchemy.exc import SQLAlchemyError

        if table not in self.columns or given.get("ids") == []:
            return
        statement = text(query)
        if "ids" in given:
            statement = statement.bindparams(bindparam("ids", expanding=True))
        given = {name: value for name, value in given.items() if f":{name}" in query}
        try:
            with self._reading() as connection:
                yield from connection.execution_options(yield_per=_STREAM).execute(statement, given).mappings()
        except SQLAlchemyError as failure:
            raise self._unreadable(failure) from failure

    def by(self, query: str, table: str, ids: Sequence[str] | None = None, **given: Any) -> dict[str, dict[str, str]]:
        """Key and value of each id."""
        found: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for row in self.rows(query, table, **given, **({} if ids is None else {"ids": ids})):
            if row["key"] is not None:
                found[str(row["id"])][str(row["key"])] = "" if row["value"] is None else str(row["value"])
        return found

    def pages(self, table: str, experiment: str, time: str, key: str) -> Iterator[Sequence[Row]]:
        """All rows of an experiment, by *time* and *key*, so many at once that what belongs to them is asked for together."""
        at, last = -1, ""
        query = (
            f"SELECT *, {time} AS at_ms FROM {table} WHERE experiment_id = :experiment"
            f" AND ({time} > :at OR ({time} = :at AND {key} > :last)) ORDER BY {time}, {key} LIMIT {_PAGE}"
        )
        while page := [*self.rows(query, table, experiment=int(experiment), at=at, last=last)]:
            yield page
            at, last = page[-1]["at_ms"], page[-1][key]

    def _found(self) -> dict[str, set[str]]:
        from sqlalchemy import inspect
        from sqlalchemy.exc import SQLAlchemyError

        with self._reading() as connection:
            try:
                found = inspect(connection)
                return {table: {one["name"] for one in found.get_columns(table)} for table in found.get_table_names()}
            except SQLAlchemyError as failure:
                raise self._unreadable(failure) from failure

    @contextmanager
    def _reading(self) -> Iterator["Connection"]:
        from sqlalchemy import text
        from sqlalchemy.exc import SQLAlchemyError

        try:
            connection = self._engine.connect()
        except SQLAlchemyError as failure:
            told = str(failure.__cause__ or failure).splitlines()[0][:300]
            raise UnavailableError(f"{self._engine.url.render_as_string()} cannot be opened: {told}") from failure
        with connection:
            if self._engine.dialect.name == "postgresql":
                connection.execute(text("SET TRANSACTION READ ONLY"))
            yield connection

    def _unreadable(self, failure: Exception) -> UnavailableError:
        return UnavailableError(f"{self.name} cannot be read: {str(failure.__cause__ or failure)[:300]}")


def _engine(url: str) -> "Engine":
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parts = make_url(url)
    except ArgumentError as wrong:
        raise InvalidError(
            "the address of the database cannot be read", hint="Such as sqlite:////srv/mlflow.db"
        ) from wrong
    if parts.get_backend_name() == "sqlite":
        return create_engine("sqlite://", creator=_opened(Path(parts.database or "")), poolclass=_pool())
    if parts.get_backend_name() == "postgresql":
        try:
            return create_engine(parts.set(drivername="postgresql+psycopg"))
        except ModuleNotFoundError as missing:
            raise NotFoundError("PostgreSQL needs psycopg", hint="pip install 'regista[postgres]'") from missing
    raise InvalidError(
        f"databases of {parts.get_backend_name()} cannot be imported from", hint="Import from the running server."
    )


def _pool() -> Any:
    from sqlalchemy.pool import NullPool

    return NullPool


def _opened(path: Path) -> Callable[[], Any]:
    """Opens the file for reading alone: SQLite itself refuses to write then."""
    import sqlite3

    if not path.is_file():
        raise NotFoundError(f"there is no database {str(path)!r}")
    address = f"file:{quote(str(path.absolute()))}?mode=ro"
    return lambda: sqlite3.connect(address, uri=True, check_same_thread=False)
