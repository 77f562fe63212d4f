"""Holding on to what a worker works on: one thread renews all its leases, and says so when one is lost."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from regista.entities.job import Job, Lease
from regista.entities.names import now
from regista.errors import ConflictError, RegistaError
from regista.interfaces.catalog import Catalog, Transaction

T = TypeVar("T")
_log = logging.getLogger("regista.worker")


class LeaseLostError(ConflictError):
    """Another worker has the job now: whatever this one was about to write is refused."""

    def __init__(self, lease: Lease) -> None:
        super().__init__(f"the lease on job {lease.job_id} was lost to another worker")


class LeaseKeeper:
    """Renews the leases it is given every third of their life. A lease that cannot be renewed in time counts as lost."""

    def __init__(self, catalog: Catalog, seconds: float) -> None:
        self._catalog = catalog
        self.life = int(seconds * 1000)
        self._held: dict[str, tuple[Lease, float]] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def hold(self, lease: Lease) -> None:
        """Renew *lease* from now on; give it back where this keeper is closed."""
        with self._lock:
            closed = self._ended.is_set()
            if not closed:
                self._held[lease.job_id] = (lease, time.monotonic() + self.life / 1000)
            if self._thread is None and not closed:
                self._thread = threading.Thread(target=self._run, name="regista-leases", daemon=True)
                self._thread.start()
        if closed:
            self._give_back([lease])

    def let_go(self, lease: Lease) -> None:
        """Renew it no more."""
        with self._lock:
            self._held.pop(lease.job_id, None)

    def has(self, lease: Lease) -> bool:
        """Whether the lease is still this worker's, as far as it knows."""
        with self._lock:
            held = self._held.get(lease.job_id)
        return held is not None and held[0].fence == lease.fence and time.monotonic() < held[1]

    def close(self) -> None:
        """Stop renewing and give back what is held, for others to take up at once. Closing again is quiet."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            leases = [lease for lease, _ in self._held.values()]
            self._held.clear()

        self._give_back(leases)

    def _give_back(self, leases: list[Lease]) -> None:
        def work(tx: Transaction) -> None:
            for lease in leases:
                tx.leases.release(lease, due=now())

        if leases:
            with contextlib.suppress(RegistaError):  # then they run out by themselves
                self._catalog.write(work)

    def _run(self) -> None:
        while not self._ended.wait(self.life / 3000):
            with self._lock:
                leases = [lease for lease, _ in self._held.values()]
            if leases:
                with contextlib.suppress(RegistaError):
                    self._renew(leases)

    def _renew(self, leases: list[Lease]) -> None:
        until = time.monotonic() + self.life / 1000
        lost = self._catalog.write(
            lambda tx: [lease for lease in leases if not tx.leases.renew(lease, now() + self.life)]
        )
        with self._lock:
            for lease in leases:
                held = self._held.get(lease.job_id)
                if held is None or held[0].fence != lease.fence:
                    continue
                if lease in lost:
                    _log.warning("lease on job %s was lost", lease.job_id)
                    del self._held[lease.job_id]
                else:
                    self._held[lease.job_id] = (lease, until)


def fenced(catalog: Catalog, lease: Lease, work: Callable[[Transaction, Job], T]) -> T:
    """Run *work* on the job as it is now, in one transaction, while the lease holds; raise ``LeaseLostError`` otherwise."""

    def checked(tx: Transaction) -> T:
        if not tx.leases.holds(lease, now()):
            raise LeaseLostError(lease)
        return work(tx, tx.jobs.by_id(lease.job_id))

    return catalog.write(checked)
