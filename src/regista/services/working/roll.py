"""Which workers of this machine live: each holds the lock on a file of its own, which the kernel takes from whoever dies.

    <roll>/worker-1f0c…     locked: it lives;  free: it was killed, and what it had in hand is anybody's

A worker elsewhere has to wait until the leases of a dead one run out. One that starts beside them need not. What the dead one
sent to the database in its last moment may still arrive, as it may after a lease that ran out, and is refused by the fence.
"""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from regista.entities.names import now
from regista.interfaces.catalog import Catalog


class Roll:
    """The entry of one worker, *name*, in the roll that is *folder*."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._path = folder / name
        self._lock = -1

    def enter(self) -> None:
        """Live from now on, for all to see. To be called before the first lease is claimed.

        Where the file system knows no locks nobody is on the roll, and leases run out as those of other machines do."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        while self._lock < 0:
            lock = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if not _locked(lock, fcntl.LOCK_EX):
                self._path.unlink(missing_ok=True)
                os.close(lock)
                return
            if _is(lock, self._path):
                self._lock = lock
            else:  # somebody looked before it was locked, and removed it as a dead one's
                os.close(lock)

    def leave(self) -> None:
        """Be no more; whoever has given back its leases need not be found. Again is quiet."""
        if self._lock >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = -1

    def free_the_dead(self, catalog: Catalog) -> None:
        """Let everybody claim what those had in hand who died without a word."""
        for name in self._dead():
            catalog.write(lambda tx, name=name: tx.leases.void(name, now()))  # type: ignore[misc]

    def _dead(self) -> Iterator[str]:
        """Each is struck off when what has to be done about it is done."""
        for path in list(self._folder.iterdir()):
            try:
                lock = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            try:
                if _locked(lock, fcntl.LOCK_EX | fcntl.LOCK_NB) and _is(lock, path):
                    yield path.name
                    path.unlink(missing_ok=True)
            finally:
                os.close(lock)


def _locked(opened: int, how: int) -> bool:
    try:
        fcntl.flock(opened, how)
    except OSError:  # another has it, or there are no locks
        return False
    return True


def _is(opened: int, path: Path) -> bool:
    """Whether that is what still stands there."""
    try:
        return os.path.samestat(os.fstat(opened), path.stat())
    except FileNotFoundError:
        return False
