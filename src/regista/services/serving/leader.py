"""One of many servers at a time keeps deployments running."""

import time
from collections.abc import Callable

import msgspec

from regista.entities.names import now
from regista.interfaces.catalog import Catalog, Transaction

_KEY = "serving.leader"
_SECONDS = 15.0


class _Claim(msgspec.Struct):
    holder: str
    until: int


class Leadership:
    """A claim in the catalog that runs out. *holder* names the machine and its home, so that a server that comes back
    after ``kill -9`` goes on at once with the workers that it left."""

    def __init__(self, catalog: Catalog, holder: str, clock: Callable[[], int] = now) -> None:
        self._catalog = catalog
        self._holder = holder
        self._clock = clock
        self._asked = 0.0
        self._leads = False

    def holds(self) -> bool:
        """Whether this server leads; the claim is made or renewed when a third of it has passed."""
        if time.monotonic() - self._asked > _SECONDS / 3:
            self._leads = self._catalog.write(self._claim)
            self._asked = time.monotonic()
        return self._leads

    def _claim(self, tx: Transaction) -> bool:
        claim, at = _find(tx), self._clock()
        if claim and claim.holder != self._holder and claim.until > at:
            return False
        mine = _Claim(self._holder, at + int(_SECONDS * 1000))
        tx.settings.put(_KEY, msgspec.json.encode(mine).decode())
        return True


def is_led(tx: Transaction) -> bool:
    """Whether some server leads."""
    claim = _find(tx)
    return claim is not None and claim.until > now()


def _find(tx: Transaction) -> _Claim | None:
    text = tx.settings.find(_KEY)
    return msgspec.json.decode(text, type=_Claim) if text else None
