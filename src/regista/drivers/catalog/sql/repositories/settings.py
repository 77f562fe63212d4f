"""The installation's small values."""

from regista.drivers.catalog.sql import tables
from regista.drivers.catalog.sql.session import Session, Statement, insert, upsert

_FIND = Statement("SELECT value FROM settings WHERE key = :key")
_PUT = upsert(tables.settings, "key")
_ADD = insert(tables.settings)


class SettingRows:
    """Rows of ``settings``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, key: str) -> str | None:
        row = self._session.first(_FIND, key=key)
        return row[0] if row else None

    def put(self, key: str, value: str) -> None:
        self._session.run(_PUT, key=key, value=value)

    def add(self, key: str, value: str) -> str:
        self._session.run(_ADD, key=key, value=value)
        found = self.find(key)
        return value if found is None else found
