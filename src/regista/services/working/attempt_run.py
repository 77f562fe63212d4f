"""One worker's work on one command job, from wherever another worker may have left it.

    nothing known            prepare: environment, code, inputs ─▶ submit ─▶ watch ─▶ finish
    prepared, not submitted  submit (the executor starts an attempt once, whoever asks) ─▶ watch ─▶ finish
    submitted                watch ─▶ finish
    lost                     a new attempt, at most three
    submitted elsewhere      leave it to the workers there for a minute, then it counts as lost

What is known stands in the lease's handle, written under its fence. A worker that lost its lease stops writing and leaves
the process to the one that has it now.
"""

import contextlib
import logging
import time
from collections.abc import Callable
from functools import partial

import msgspec

from regista.entities.job import Job, JobStatus
from regista.entities.names import now
from regista.errors import RegistaError, StorageFullError, UnavailableError
from regista.interfaces.catalog import Transaction
from regista.interfaces.executors import AttemptState, AttemptStatus, Handle
from regista.services.jobs import keys as job_keys
from regista.services.jobs.attempt_folder import AttemptFolder, attempts
from regista.services.jobs.ends import tell_end
from regista.services.jobs.lineage import add_edges
from regista.services.jobs.plans import command_plan
from regista.services.jobs.reuse import find_reusable, reuse_key, reused
from regista.services.jobs.workshop import WaitingExecutor, Workshop
from regista.services.working.alarm import Alarm
from regista.services.working.claiming import Claimed, Taken
from regista.services.working.finishing import Ending, Left, collect, collect_log, finish
from regista.services.working.launch import Ground, Launch
from regista.services.working.lease_keeper import LeaseKeeper, LeaseLostError, fenced
from regista.services.working.leftovers import Leftovers
from regista.services.working.outcomes import outcome_of

ATTEMPTS = 3
"""How often a process that was lost without a trace is started, at most."""

_PATIENCE = 5
_ORPHANED = 60_000
_ELSEWHERE = 2_000
_LOOK = 0.4
_GRACE = 10.0
_lasting = Alarm(0.1)
_log = logging.getLogger("regista.worker")


class Progress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far the work on a job has come: what the lease's handle holds."""

    attempt: int = 1
    lost: int = 0
    troubles: int = 0
    keys: tuple[str, ...] = ()
    place: str = ""
    """Where the attempt was prepared: its process can be seen from there alone."""
    orphaned_at: int = 0
    """When a worker of another place first found it without one of its own; 0 while it has one."""
    handle: Handle | None = None


class _CanceledError(RegistaError):
    """Somebody wants the job to end before its process was started."""


class AttemptRun:
    """Works on the job of one lease; ``run`` returns when the job has ended, was given back, or the lease was lost."""

    def __init__(
        self,
        workshop: Workshop,
        keeper: LeaseKeeper,
        leftovers: Leftovers,
        taken: Taken,
        take: Callable[[Transaction], Claimed],
    ) -> None:
        """Work on what was *taken*; *take* is what the last transaction is to take."""
        self._shop = workshop
        self._keeper = keeper
        self._leftovers = leftovers
        self._lease, self._job = taken
        self._take = take
        self._plan = command_plan(self._job)
        self._scope = workshop.catalog.read(lambda tx: tx.scopes.get(self._job.scope_id))
        self._store = workshop.stores.for_scope(self._scope)[1]
        self._progress = msgspec.json.decode(self._lease.handle, type=Progress) if self._lease.handle else Progress()
        self._claimed = Claimed()

    def run(self) -> Claimed:
        """Do the work, and return what was taken with its end. Nothing is raised: what fails is written into the job or, when
        it may pass, tried again."""
        try:
            self._attend()
        except LeaseLostError:
            _log.info("job %s: left to another worker", self._job.name)
        except _CanceledError:
            self._last(lambda: self._end(self._log_alone(), JobStatus.CANCELED))
        except (UnavailableError, StorageFullError) as wrong:
            self._last(partial(self._later, wrong))
        except RegistaError as wrong:
            self._last(partial(self._fail, _said(wrong)))
        except Exception:  # noqa: BLE001 - whatever it is, the job must not hang because of it
            _log.exception("job %s: the worker failed", self._job.name)
            self._last(lambda: self._fail("Regista failed at this job; its server's log has the details"))
        return self._claimed

    def _last(self, work: Callable[[], None]) -> None:
        """The last words about a job. If even they fail, the lease runs out and somebody tries again."""
        try:
            work()
        except LeaseLostError:
            pass
        except Exception:  # noqa: BLE001 - the thread ends here; the lease brings the next try
            _log.exception("job %s: its end could not be written; it will be tried again", self._job.name)

    def _attend(self) -> None:
        if self._is_elsewhere() and self._leaves_it():
            return
        while True:
            if self._progress.handle is None and not self._start():
                return
            status = self._watch()
            if status.state is not AttemptState.LOST:
                break
            if self._progress.lost + 1 >= ATTEMPTS:
                self._fail(f"its process was lost {ATTEMPTS} times: {status.message}")
                return
            self._keep(self._next_attempt(), JobStatus.PREPARING)
        self._conclude(status)

    def _next_attempt(self) -> Progress:
        return Progress(attempt=self._progress.attempt + 1, lost=self._progress.lost + 1, keys=self._progress.keys)

    def _is_elsewhere(self) -> bool:
        return self._progress.place not in {"", self._shop.place}

    def _leaves_it(self) -> bool:
        """Give a process that runs where this worker cannot see it back to the workers there; when none of them has come
        for a minute, take it for lost and return False."""
        at = now()
        since = self._progress.orphaned_at or at
        if at - since > _ORPHANED:
            self._keep(self._next_attempt(), JobStatus.PREPARING)
            return False
        progress = msgspec.structs.replace(self._progress, orphaned_at=since)
        self._give_back(progress, at + _ELSEWHERE)
        return True

    def _start(self) -> bool:
        """Prepare and submit; False when an earlier result was taken instead."""
        if self._job.cancel_requested:
            raise _CanceledError("the job was canceled")
        folder = AttemptFolder(self._shop.folder, self._job.id, self._progress.attempt)
        if not folder.is_staged:
            folder.make()
        launch = Launch(self._shop, self._scope, self._plan, folder)
        ground = launch.ground()
        if self._takes_earlier(ground):
            return False
        self._check_cancel()
        inputs = launch.stage(self._job)
        secret = job_keys.new_secret()
        self._prepared(ground, msgspec.structs.replace(self._job, inputs=inputs), secret)
        attempt = launch.attempt(self._job, self._progress.attempt, ground, secret if self._progress.keys else "")
        if self._job.cancel_requested:
            raise _CanceledError("the job was canceled")
        handle = self._shop.executor.submit(attempt)
        self._keep(msgspec.structs.replace(self._progress, handle=handle), JobStatus.RUNNING)
        return True

    def _prepared(self, ground: Ground, known: Job, secret: str) -> None:
        """Note what the job runs in and on, and its key: from here on the attempt may have been started."""

        def work(tx: Transaction, job: Job) -> tuple[Job, Progress]:
            key = job_keys.issue(tx, job, self._scope, secret) if self._shop.server.url else ""
            keys = (*self._progress.keys, key) if key else self._progress.keys
            progress = msgspec.structs.replace(self._progress, keys=keys, place=self._shop.place, orphaned_at=0)
            tx.leases.keep_handle(self._lease, msgspec.json.encode(progress).decode())
            job = msgspec.structs.replace(
                job,
                lock=ground.lock,
                inputs=known.inputs,
                reuse_key=reuse_key(self._plan, known.inputs, ground.lock) if job.parent else "",
                properties=job.properties | ground.seen,
                updated_at=now(),
            )
            tx.jobs.put(job)
            return job, progress

        self._job, self._progress = fenced(self._shop.catalog, self._lease, work)

    def _takes_earlier(self, ground: Ground) -> bool:
        """End the job with an earlier result where the lock, known only now, shows that there is one."""
        if not self._job.parent or self._job.reuse_key or self._progress.attempt > 1:
            return False
        key = reuse_key(self._plan, self._job.inputs, ground.lock)

        def work(tx: Transaction, job: Job) -> bool:
            job = msgspec.structs.replace(job, reuse_key=key)
            earlier = find_reusable(tx, job)
            if earlier is None:
                return False
            job = reused(job, earlier, now())
            tx.jobs.put(job)
            add_edges(tx, job, job.updated_at)
            tell_end(tx, job)
            tx.leases.release(self._lease, due=None)
            return True

        done = bool(key) and fenced(self._shop.catalog, self._lease, work)
        if done:
            self._shop.bell.ring()
            self._leftovers.leave(self._job.id)
        return done

    def _watch(self) -> AttemptStatus:
        """Stay until the process has ended; have it stopped when somebody wants that."""
        handle = self._progress.handle
        assert handle is not None  # noqa: S101 - the callers have seen to it
        if self._progress.orphaned_at:
            self._keep(msgspec.structs.replace(self._progress, orphaned_at=0), self._job.status)
        stopped, extend_at = False, time.monotonic() + job_keys.LIFE / 3000
        while True:
            status = self._look(handle)
            if status.state is not AttemptState.RUNNING:
                return status
            if not self._keeper.has(self._lease):
                raise LeaseLostError(self._lease)
            if not stopped and self._wants_cancel():
                self._shop.executor.stop(handle, _GRACE)
                stopped = True
            if time.monotonic() > extend_at:
                self._extend_keys()
                extend_at = time.monotonic() + job_keys.LIFE / 3000

    def _look(self, handle: Handle) -> AttemptStatus:
        executor = self._shop.executor
        if isinstance(executor, WaitingExecutor):
            return executor.wait(handle, _LOOK)
        status = executor.status(handle)
        if status.state is AttemptState.RUNNING:
            time.sleep(0.05)
        return status

    def _wants_cancel(self) -> bool:
        return self._shop.catalog.read(lambda tx: tx.jobs.by_id(self._job.id)).cancel_requested

    def _check_cancel(self) -> None:
        if not self._keeper.has(self._lease):
            raise LeaseLostError(self._lease)
        if self._wants_cancel():
            raise _CanceledError("the job was canceled")

    def _extend_keys(self) -> None:
        if self._progress.keys:
            fenced(self._shop.catalog, self._lease, lambda tx, _job: job_keys.extend(tx, self._progress.keys))

    def _conclude(self, status: AttemptStatus) -> None:
        """Take what the process left, and end the job as it ended."""
        if not self._keeper.has(self._lease):
            raise LeaseLostError(self._lease)
        folders = attempts(self._shop.folder, self._job.id)
        self._job = self._shop.catalog.read(lambda tx: tx.jobs.by_id(self._job.id))
        state, error, remark = outcome_of(self._job, status, self._plan.timeout)
        if remark and folders:
            folders[-1].say_at_end(remark)
        with _lasting.unless_over(self._show_finalizing):
            left = collect(self._store, self._plan, folders[-1], folders) if folders else Left()
        usage = {f"regista.usage.{name}": f"{value:.6g}" for name, value in status.usage.items()}
        code = {"regista.exit_code": str(status.exit_code)} if status.exit_code is not None else {}
        self._end(left, state, error, usage | code)

    def _show_finalizing(self) -> None:
        """Write that state, where it lasts long enough to be seen: no take-over needs it, and every write is waited for."""
        with contextlib.suppress(RegistaError):  # whoever has the job now tells how it stands
            fenced(self._shop.catalog, self._lease, _finalizing)

    def _end(self, left: Left, status: JobStatus, error: str = "", properties: dict[str, str] | None = None) -> None:
        ending = Ending(status=status, error=error, properties=properties or {}, keys=self._progress.keys)
        self._claimed = finish(self._shop, self._lease, self._scope, self._plan, left, ending, self._take)
        self._keeper.let_go(self._lease)
        if self._progress.keys:
            self._shop.access.forget()
        if self._claimed.more:
            self._shop.bell.ring()
        self._leftovers.leave(self._job.id)

    def _fail(self, error: str) -> None:
        self._end(self._log_alone(), JobStatus.FAILED, error)

    def _log_alone(self) -> Left:
        return collect_log(self._shop, self._store, self._job)

    def _later(self, wrong: RegistaError) -> None:
        """Give the job back for a while; after a few times it has failed."""
        if self._progress.troubles >= _PATIENCE:
            self._fail(_said(wrong))
            return
        progress = msgspec.structs.replace(self._progress, troubles=self._progress.troubles + 1)
        pause = 500 * 2**progress.troubles
        _log.warning("job %s: %s; again in %d ms", self._job.name, wrong.message, pause)
        self._give_back(progress, now() + pause)

    def _give_back(self, progress: Progress, due: int) -> None:
        def work(tx: Transaction, _: Job) -> None:
            tx.leases.keep_handle(self._lease, msgspec.json.encode(progress).decode())
            tx.leases.release(self._lease, due=due)

        fenced(self._shop.catalog, self._lease, work)

    def _keep(self, progress: Progress, status: JobStatus) -> None:
        """Write how far the work has come."""

        def work(tx: Transaction, job: Job) -> Job:
            if progress != self._progress:
                tx.leases.keep_handle(self._lease, msgspec.json.encode(progress).decode())
            at = now()
            started = job.started_at or (at if status is JobStatus.RUNNING else None)
            job = msgspec.structs.replace(job, status=status, started_at=started, updated_at=at)
            tx.jobs.put(job)
            return job

        self._job = fenced(self._shop.catalog, self._lease, work)
        self._progress = progress


def _finalizing(tx: Transaction, job: Job) -> None:
    tx.jobs.put(msgspec.structs.replace(job, status=JobStatus.FINALIZING, updated_at=now()))


def _said(wrong: RegistaError) -> str:
    return f"{wrong.message} ({wrong.hint})" if wrong.hint else wrong.message
