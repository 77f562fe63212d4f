"""Who has brought which blob into which scope."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from regista.drivers.catalog.sql import tables
from regista.drivers.catalog.sql.session import Session, Statement, insert, upsert
from regista.entities.digest import Digest

_ADD = upsert(tables.blob_claims, "digest", "scope_id", "principal_id", keep=("size",))
_ADD_FOR_ALL = insert(tables.blob_claims)
"""A claim of a scope as a whole does not grow old. To leave it as it is keeps two that bring the same bytes at once, as two runs
do with their lists of requirements, out of each other's way."""
_SIZES = Statement(
    "SELECT digest, size FROM blob_claims WHERE digest IN :digests AND scope_id IN :scopes"
    " AND principal_id = :principal"
)
_CLAIMED = Statement("SELECT DISTINCT digest FROM blob_claims WHERE digest IN :digests AND principal_id <> ''")
_FORGET = Statement("DELETE FROM blob_claims WHERE digest IN :digests AND principal_id = ''")
_SWEEP = Statement("DELETE FROM blob_claims WHERE at < :before AND principal_id <> ''")


class BlobClaimRows:
    """Rows of ``blob_claims``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, scope_id: str, principal_id: str, blobs: Mapping[Digest, int], at: int) -> None:
        rows = [
            {"digest": digest, "scope_id": scope_id, "principal_id": principal_id, "size": size, "at": at}
            for digest, size in blobs.items()
        ]
        self._session.many(_ADD if principal_id else _ADD_FOR_ALL, rows)

    def sizes(self, scope_ids: Sequence[str], principal_id: str, digests: Iterable[Digest]) -> dict[Digest, int]:
        found: dict[Digest, int] = {}
        rest = iter(digests)
        while some := list(islice(rest, 5000)):
            rows = self._session.all(_SIZES, digests=some, scopes=list(scope_ids), principal=principal_id)
            found.update((Digest(digest), size) for digest, size in rows)
        return found

    def claimed(self, digests: Iterable[Digest]) -> set[Digest]:
        rest = iter(digests)
        found: set[Digest] = set()
        while some := list(islice(rest, 5000)):
            found.update(Digest(digest) for (digest,) in self._session.all(_CLAIMED, digests=some))
        return found

    def forget(self, digests: Iterable[Digest]) -> None:
        rest = iter(digests)
        while some := list(islice(rest, 5000)):
            self._session.run(_FORGET, digests=some)

    def sweep(self, before: int) -> int:
        return self._session.run(_SWEEP, before=before)
