"""Collecting garbage once a day, from a thread of the server: one server of the installation, whichever comes first."""

import logging
import threading

from regista.entities.names import now
from regista.errors import RegistaError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.access.access import SYSTEM
from regista.services.collection.collection import CollectionService

EVERY_MS = 24 * 3_600_000
_LOOK_SECONDS = 600.0
_PATIENCE = 5.0
_KEY = "collection.last"
_log = logging.getLogger("regista.collection")


class CollectionRounds:
    """Looks every ten minutes whether the last round was a day ago. The first round is a day after the installation was
    made: a server that is started again and again does not begin with one."""

    def __init__(self, catalog: Catalog, collection: CollectionService) -> None:
        self._catalog = catalog
        self._collection = collection
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="regista-collection", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End. A round that is under way is not waited for: it may be broken off at any point."""
        self._ended.set()
        self._thread.join(_PATIENCE)

    def look(self) -> bool:
        """Have a round when it is time for one; whether there was one. Failures are for the log."""
        try:
            if not self._catalog.write(_take_turn):
                return False
            done = self._collection.collect(SYSTEM)
        except RegistaError as failure:
            _log.warning("garbage could not be collected: %s %s", failure.message, failure.hint)
            return False
        if removed := sum(one.removed for one in done):
            _log.info("collected %d blobs, %d bytes", removed, sum(one.bytes for one in done))
        return True

    def _serve(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            self.look()


def _take_turn(tx: Transaction) -> bool:
    """Whether it is time; then it is this server's turn, and no other's for a day."""
    at = now()
    last = int(tx.settings.add(_KEY, str(at)))
    if at - last < EVERY_MS:
        return False
    tx.settings.put(_KEY, str(at))
    return True
