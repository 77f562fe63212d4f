"""Telling that a job has ended, in the transaction that ends it."""

from regista.entities.job import Job, JobStatus, JobType
from regista.entities.journal import Event
from regista.entities.names import new_id
from regista.interfaces.catalog import Transaction
from regista.services.jobs.sources import job_path

_VERBS = {JobStatus.COMPLETED: "completed", JobStatus.FAILED: "failed", JobStatus.CANCELED: "canceled"}


def tell_end(tx: Transaction, job: Job) -> None:
    """*job* has ended: whoever listens to events hears of it, and a worker looks at the pipeline that it is a step of."""
    note_end(tx, job)
    if job.node:
        tx.leases.offer(tx.jobs.get(job.scope_id, job.parent).id)


def note_end(tx: Transaction, job: Job) -> None:
    """An event, and no record for the audit: a job ends by itself, and who asked for that has a record already."""
    noun = "run" if job.type is JobType.RUN else "job"
    told = {"type": job.type} | ({"parent": job.parent} if job.parent else {})
    path = job_path(tx.scopes.get(job.scope_id), job.name)
    at = job.ended_at or job.updated_at
    tx.journal.emit(Event(id=new_id(), at=at, type=f"{noun}.{_VERBS[job.status]}", path=path, data=told))
