"""Taking out the garbage, from the client's side."""

from regista.client.transport import Transport
from regista.entities.collection import GRACE_SECONDS, Collected

_PATIENCE = 3600.0
"""Seconds: a store of many millions of files is looked through as a whole."""


class CollectionClient:
    """For owners of the installation."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def run(self, *, grace_seconds: float = GRACE_SECONDS, dry_run: bool = False) -> list[Collected]:
        """Remove what nothing has named for so long, in every store; *dry_run* only says what would go."""
        body = {"grace_seconds": grace_seconds, "dry_run": dry_run}
        return self._transport.call("POST", "/api/v1/gc", body=body, type=list[Collected], timeout=_PATIENCE)
