"""Bringing a database to the schema that this Regista works with, before anybody else sees it.

An empty database gets today's tables at once. An older one is migrated by Alembic, which takes 0.8 s to import and so is
imported then only. A test holds the two ways to the same schema. A newer database is refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import inspect, text

from regista.drivers.catalog.sql.drawing import metadata
from regista.drivers.catalog.sql.session import Session
from regista.drivers.catalog.sql.tables import REVISION
from regista.errors import InternalError, UnsupportedError

MIGRATIONS = Path(__file__).with_name("migrations")

_LOCK = 0x7265676973746131
"""The number under which servers that start at once on one PostgreSQL take turns."""

_STAMP = (
    "CREATE TABLE alembic_version"
    " (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)


def prepare(session: Session) -> None:
    """Bring the schema up to date, all or nothing; doing it again changes nothing.

    Raise ``UnsupportedError`` for a database that a newer Regista has made."""
    if revision(session) == REVISION:
        return
    with _alone(session):
        found = revision(session)
        if found is None:
            metadata.create_all(session.core, checkfirst=False)
            session.core.execute(text(_STAMP))
            session.core.execute(text("INSERT INTO alembic_version VALUES (:number)"), {"number": REVISION})
        elif found > REVISION:
            raise UnsupportedError(
                f"the catalog has the schema {found}, this Regista knows {REVISION} at most",
                hint="The catalog was made by a newer Regista: upgrade this one.",
            )
        elif found < REVISION:
            migrate(session)


def revision(session: Session) -> str | None:
    """The revision that the database says it has; None when it says nothing."""
    if not inspect(session.core).has_table("alembic_version"):
        return None
    found: str | None = session.core.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def migrate(session: Session) -> None:
    """Run the migrations that are missing, in the transaction that is open."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = session.core
    command.upgrade(config, "head")


@contextmanager
def _alone(session: Session) -> Iterator[None]:
    """A transaction that no other server is in; on SQLite one that may rebuild tables without their children noticing."""
    if session.postgres:
        session.core.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        yield
        return
    session.raw.execute("PRAGMA foreign_keys = OFF")
    session.raw.execute("BEGIN IMMEDIATE")
    try:
        yield
        if session.raw.execute("PRAGMA foreign_key_check").fetchone():
            raise InternalError("the migration would leave rows that refer to nothing", hint="Please report this.")
        session.raw.execute("COMMIT")
    finally:
        if session.raw.in_transaction:
            session.raw.execute("ROLLBACK")
        session.raw.execute("PRAGMA foreign_keys = ON")
