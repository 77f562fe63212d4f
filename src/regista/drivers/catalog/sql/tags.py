"""Tags as rows, so that a list can be narrowed by them without reading every body."""

# ruff: noqa: S608 - statements are put together from constants alone; values are always bound

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table

from regista.drivers.catalog.sql.session import Session, Statement, upsert
from regista.drivers.catalog.sql.tables import HEAD


class Tags:
    """The tags of one kind of owner, in their table."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._put = upsert(table, "owner", "key")
        self._clear = Statement(f"DELETE FROM {table.name} WHERE owner = :owner")
        self._delete = Statement(f"DELETE FROM {table.name} WHERE owner = :owner AND key = :key")

    def put(self, session: Session, owner: int, tags: Mapping[str, str], *, place: str, created_at: int) -> None:
        """Set or replace *tags*, leaving others as they are."""
        rows: list[dict[str, Any]] = [
            {"owner": owner, "key": key, "head": value[:HEAD], "value": value, "place": place, "created_at": created_at}
            for key, value in tags.items()
        ]
        if rows:
            session.many(self._put, rows)

    def clear(self, session: Session, owner: int) -> None:
        """Remove all tags of *owner*."""
        session.run(self._clear, owner=owner)

    def delete(self, session: Session, owner: int, key: str) -> bool:
        """Remove one; whether there was one."""
        return session.run(self._delete, owner=owner, key=key) > 0
