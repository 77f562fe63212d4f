"""The worker: takes what is due under a lease, carries pipelines on, and runs commands, several at a time.

    claim ─▶ pipelines:  advanced in the transaction of the claim itself, given back at once
          ─▶ a command:  handed to a thread (``AttemptRun``) when a slot is free
          ─▶ nothing:    sleep until the bell rings, or for a moment

The transaction that ends a command claims what is due then: its thread goes on with the next one, without a commit between
the two and without waking anybody.

Any number of workers share a catalog. A worker keeps nothing in memory that it would be a loss to lose.
"""

import logging
import threading
import uuid

from regista.errors import NotFoundError, RegistaError
from regista.interfaces.catalog import Transaction
from regista.services.jobs.attempt_folder import remove_attempts
from regista.services.jobs.workshop import Workshop
from regista.services.working.attempt_run import AttemptRun
from regista.services.working.claiming import Claimed, Claims, Taken
from regista.services.working.lease_keeper import LeaseKeeper
from regista.services.working.leftovers import Leftovers

_PAUSE = 0.25
_TROUBLE = 1.0
_LAST = 2.0

_log = logging.getLogger("regista.worker")


class Worker:
    """Works until it is told to stop. *slots* commands run at once; a lease lives *lease_seconds*."""

    def __init__(self, workshop: Workshop, *, name: str = "", slots: int = 2, lease_seconds: float = 15.0) -> None:
        self._shop = workshop
        self.name = name or f"worker-{uuid.uuid4().hex[:12]}"
        self._keeper = LeaseKeeper(workshop.catalog, lease_seconds)
        self._claims = Claims(self.name, self._keeper.life)
        self._leftovers = Leftovers(workshop.folder)
        self._slots = threading.Semaphore(slots)
        self._running: set[threading.Thread] = set()
        self._stop = threading.Event()
        self._next = Claimed()

    def run(self, stop: threading.Event) -> None:
        """Work until *stop* is set; then return, leaving processes to run on and their jobs to be taken up again."""
        self._stop = stop
        while not stop.is_set():
            heard = self._shop.bell.count
            if not self._slots.acquire(timeout=_PAUSE):
                continue
            try:
                claimed = self._claim()
            except RegistaError as wrong:
                self._slots.release()
                _log.warning("the catalog does not answer: %s", wrong.message)
                stop.wait(_TROUBLE)
                continue
            if claimed.taken:
                self._spawn(claimed.taken)
                continue
            self._slots.release()
            if not claimed.more:
                self._shop.bell.wait(heard, _PAUSE)

    def run_once(self) -> bool:
        """Take one thing that is due and work on it to its end; False when nothing is due."""
        claimed = self._next if self._next.taken else self._claim()
        self._next = self._work(claimed.taken) if claimed.taken else Claimed()
        return claimed.taken is not None or claimed.more

    def close(self) -> None:
        """Give back what is in hand; for who called ``run_once``, and after ``run`` has returned. Processes run on."""
        self._keeper.close()
        self.join(_LAST)
        self._leftovers.close()

    def join(self, seconds: float) -> None:
        """Wait for the threads of commands in hand."""
        for thread in list(self._running):
            thread.join(seconds)

    def _spawn(self, taken: Taken) -> None:
        def work() -> None:
            claimed = Claimed(taken=taken)
            try:
                while claimed.taken:
                    claimed = self._work(claimed.taken)
            finally:
                self._running.discard(threading.current_thread())
                self._slots.release()
                self._shop.bell.ring()

        thread = threading.Thread(target=work, name=f"regista-job-{taken[1].name}"[:60], daemon=True)
        self._running.add(thread)
        thread.start()

    def _work(self, taken: Taken) -> Claimed:
        """Work on it to its end; return what was taken then."""
        lease, job = taken
        claimed = Claimed()
        try:
            claimed = AttemptRun(self._shop, self._keeper, self._leftovers, taken, self._take).run()
        except RegistaError:
            _log.exception("job %s: not even begun; it will be tried again", job.name)
        finally:
            self._keeper.let_go(lease)
        return self._held(claimed)

    def _claim(self) -> Claimed:
        claimed = self._shop.catalog.write(self._take)
        if claimed.more:
            self._shop.bell.ring()
        return self._held(claimed)

    def _held(self, claimed: Claimed) -> Claimed:
        if claimed.taken:
            self._keeper.hold(claimed.taken[0])
        return claimed

    def _take(self, tx: Transaction) -> Claimed:
        return Claimed() if self._stop.is_set() else self._claims.take(tx)


def sweep_folders(workshop: Workshop) -> int:
    """Remove the folders of jobs that have ended, left by a worker that died before it could; return how many."""
    if not workshop.folder.is_dir():
        return 0
    names = [entry.name for entry in workshop.folder.iterdir() if entry.is_dir()]

    def ended(tx: Transaction) -> list[str]:
        found = []
        for name in names:
            try:
                if tx.jobs.by_id(name).status.is_final:
                    found.append(name)
            except NotFoundError:
                continue
        return found

    gone = workshop.catalog.read(ended)
    for name in gone:
        remove_attempts(workshop.folder, name)
    return len(gone)
