"""Taking what is due: pipelines are carried on at once, a command is for a worker to run."""

import msgspec

from regista.entities.job import Job, JobStatus, JobType, Lease
from regista.entities.names import now
from regista.errors import NotFoundError
from regista.interfaces.catalog import Transaction
from regista.services.jobs.pipelines import advance

_MOST = 20
_NET = 5_000
"""Milliseconds after which a pipeline is looked at again even if no step told that it has ended."""

Taken = tuple[Lease, Job]


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """A command that was *taken*, if there was one, and whether there is *more* that is due, for others."""

    taken: Taken | None = None
    more: bool = False


class Claims:
    """What one worker takes, under leases that live *life* milliseconds."""

    def __init__(self, worker: str, life: int) -> None:
        self._worker = worker
        self._life = life

    def take(self, tx: Transaction) -> Claimed:
        """Carry on every pipeline that is due and claim the first command behind them, in one transaction."""
        for _ in range(_MOST):
            at = now()
            lease = tx.leases.claim(self._worker, at, at + self._life)
            if lease is None:
                return Claimed()
            job = _job_of(tx, lease)
            if job is not None and job.type is JobType.COMMAND and not job.status.is_final:
                if job.status in {JobStatus.QUEUED, JobStatus.NOT_STARTED}:
                    job = msgspec.structs.replace(job, status=JobStatus.PREPARING, updated_at=at)
                    tx.jobs.put(job)
                due = tx.leases.next_due()
                return Claimed(taken=(lease, job), more=due is not None and due <= at)
            if job is not None and job.type is JobType.PIPELINE:
                job = advance(tx, job)
            ended = job is None or job.status.is_final
            tx.leases.release(lease, due=None if ended else now() + _NET)
        return Claimed(more=True)


def _job_of(tx: Transaction, lease: Lease) -> Job | None:
    try:
        return tx.jobs.by_id(lease.job_id)
    except NotFoundError:
        return None
