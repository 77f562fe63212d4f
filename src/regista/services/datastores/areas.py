"""Upload areas: containers for the files of one version that is about to be registered."""

import secrets

from regista.entities.access import Caller
from regista.entities.datastore import UploadArea
from regista.entities.names import now
from regista.entities.scope import ScopeAddress
from regista.errors import InvalidError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.content.contents import ContentService

DEFAULT_SECONDS = 24 * 3600.0
LONGEST_SECONDS = 7 * 24 * 3600.0
_BLOCKS_KEPT = 7 * 24 * 3600_000
_AT_ONCE = 20


class AreaService:
    """Opens areas, and sweeps those whose time is over."""

    def __init__(self, catalog: Catalog, contents: ContentService) -> None:
        self._catalog = catalog
        self._contents = contents

    def open(
        self, caller: Caller, address: ScopeAddress, purpose: str, *, seconds: float = DEFAULT_SECONDS
    ) -> UploadArea:
        """A new, empty area for files that become *purpose* (``models/churn/3``) of the scope: the caller's alone.

        Each call gives another one; raise ``ForbiddenError`` when the caller may bring nothing into the scope."""
        if not 0 < seconds <= LONGEST_SECONDS:
            raise InvalidError(f"an upload area lives up to {LONGEST_SECONDS / 86400:.0f} days")
        scope = self._contents.require_writer(caller, address)
        at = now()
        area = UploadArea(
            id=secrets.token_hex(16),
            scope_id=scope.id,
            principal_id=caller.principal.id,
            purpose=purpose[:500],
            created_at=at,
            expires_at=at + int(seconds * 1000),
        )

        def work(tx: Transaction) -> UploadArea:
            tx.files.sweep(at, at - _BLOCKS_KEPT, _AT_ONCE)
            tx.files.add_area(area)
            return area

        return self._catalog.write(work)

    def sweep(self) -> int:
        """Remove what has expired and what deleted scopes left behind; return how many rows went. The bytes are garbage
        collection's."""
        gone = 0
        while count := self._catalog.write(lambda tx: tx.files.sweep(now(), now() - _BLOCKS_KEPT)):
            gone += count
        return gone
