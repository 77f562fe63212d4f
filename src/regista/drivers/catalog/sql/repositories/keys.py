"""Keys of principals."""

from regista.drivers.catalog.sql import tables
from regista.drivers.catalog.sql.bodies import decoder, encoded
from regista.drivers.catalog.sql.session import Session, Statement, upsert
from regista.entities.access import Key, Principal

_principal = decoder(Principal)
_key = decoder(Key)

_PUT = upsert(tables.keys, "id", keep=("created_at",))
_FIND = "SELECT k.body, p.body FROM keys k JOIN principals p ON p.id = k.principal_id WHERE"
_BY_ID = Statement(f"{_FIND} k.id = :id")
_BY_HASH = Statement(f"{_FIND} k.secret_hash = :hash")
_OF = Statement("SELECT body FROM keys WHERE principal_id = :principal ORDER BY created_at DESC, seq DESC")
_DELETE = Statement("DELETE FROM keys WHERE id = :id")


class KeyRows:
    """Rows of ``keys``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, key: Key) -> None:
        self._session.run(
            _PUT,
            id=key.id,
            secret_hash=key.secret_hash,
            principal_id=key.principal_id,
            created_at=key.created_at,
            body=encoded(key),
        )

    def find(self, key_id: str = "", *, secret_hash: str = "") -> tuple[Key, Principal] | None:
        row = self._session.first(_BY_HASH, hash=secret_hash) if secret_hash else self._session.first(_BY_ID, id=key_id)
        return (_key(row[0]), _principal(row[1])) if row else None

    def of(self, principal_id: str) -> list[Key]:
        return [_key(body) for (body,) in self._session.all(_OF, principal=principal_id)]

    def delete(self, key_id: str) -> None:
        self._session.run(_DELETE, id=key_id)
