"""Who may read and write a run: asked in every transaction that touches one."""

from regista.entities.access import Caller, Permission
from regista.entities.job import Job
from regista.entities.scope import Scope
from regista.errors import AbsentError, InvalidError
from regista.interfaces.catalog import Transaction
from regista.services.access.access import require
from regista.services.jobs.sources import job_path


def allow(caller: Caller, scope: Scope, name: str, permission: Permission) -> None:
    """Let *caller* do *permission* to a run, or raise."""
    require(caller, permission, job_path(scope, name), read=Permission.JOBS_READ, what=f"run {name[:100]!r}")


def readable(tx: Transaction, caller: Caller, scope: Scope, name: str) -> Job:
    """The job of a run that *caller* may read; raise ``NotFoundError``."""
    allow(caller, scope, name, Permission.JOBS_READ)
    job = tx.jobs.find(scope.id, name)
    if job is None:
        message = f"there is no run {name[:100]!r} in {scope.kind} {scope.name!r}"
        raise AbsentError(message, what="run", name=name[:100])
    return job


def writable(tx: Transaction, caller: Caller, scope: Scope, name: str) -> Job:
    """The job of a run that *caller* may write to; raise ``InvalidError`` when it or its experiment is deleted."""
    allow(caller, scope, name, Permission.JOBS_WRITE)
    job = readable(tx, caller, scope, name)
    if job.deleted or is_hidden(tx, job):
        raise InvalidError(
            f"The run {name} must be in the 'active' state; it is deleted", hint="Restore it, or its experiment, first."
        )
    return job


def is_hidden(tx: Transaction, job: Job) -> bool:
    """Whether the run's experiment is deleted."""
    return tx.experiments.get(job.scope_id, job.experiment).deleted
