"""How far the gateway has come: changes of endpoints are counted where they are written, and whoever leads writes down the
last one that the gateway answers by. Both numbers stand in the catalog, so that it holds among several servers too."""

import time

from regista.interfaces.catalog import Catalog, Transaction
from regista.services.jobs.workshop import Bell
from regista.services.serving.leader import is_led

_CHANGED, _REACHED = "serving.changed", "serving.reached"
_PATIENCE_SECONDS = 10.0
_LOOK_SECONDS = 0.1


class Routing:
    """Counts changes and waits for them. *patience* bounds a wait: a gateway that is started again is back before that."""

    def __init__(self, catalog: Catalog, patience: float = _PATIENCE_SECONDS) -> None:
        self.bell = Bell()
        self.tended = False  # whether a serving loop runs in this process
        self._catalog = catalog
        self._patience = patience
        self._moved = Bell()

    @staticmethod
    def change(tx: Transaction) -> int:
        """The number of a change, given in the transaction that makes it: writes are serialized, so whoever reads a number
        sees every change up to it."""
        number = changed(tx) + 1
        tx.settings.put(_CHANGED, str(number))
        return number

    def settle(self, number: int) -> bool:
        """Wait until the gateway answers by change *number*; False when it does not in time, or when nobody leads. The
        change is in force then as soon as a gateway runs."""
        self.bell.ring()
        end = time.monotonic() + self._patience
        while True:
            heard = self._moved.count
            come, led = self._catalog.read(lambda tx: (reached(tx), is_led(tx)))
            left = end - time.monotonic()
            if come >= number or left <= 0 or not (led or self.tended):
                return come >= number
            self._moved.wait(heard, min(_LOOK_SECONDS, left))

    def reach(self, number: int) -> None:
        """The gateway answers by change *number*."""

        def work(tx: Transaction) -> None:
            if reached(tx) < number:
                tx.settings.put(_REACHED, str(number))

        self._catalog.write(work)
        self._moved.ring()


def changed(tx: Transaction) -> int:
    """The number of the last change."""
    return int(tx.settings.find(_CHANGED) or 0)


def reached(tx: Transaction) -> int:
    """The number of the last change that the gateway answers by."""
    return int(tx.settings.find(_REACHED) or 0)
