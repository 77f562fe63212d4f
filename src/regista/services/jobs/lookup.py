"""Finding a job that the caller may read: what is hidden and what is absent answer alike."""

from regista.entities.access import Caller, Permission
from regista.entities.job import Job
from regista.entities.scope import Scope
from regista.errors import NotFoundError
from regista.interfaces.catalog import Transaction


def readable_job(tx: Transaction, caller: Caller, scope: Scope, name: str) -> Job:
    """The job of the name; raise ``NotFoundError`` also for one that *caller* may not read."""
    found = tx.jobs.find(scope.id, name) if caller.allows(Permission.JOBS_READ, f"{scope.path}/jobs/{name}") else None
    if found is None:
        raise absent_job(scope, name)
    return found


def absent_job(scope: Scope, name: str) -> NotFoundError:
    """What is said of a job that does not exist for the caller."""
    what = f"there is no job {name[:255]!r}" if name else "there are no jobs for you"
    return NotFoundError(
        f"{what} in {scope.kind} {scope.name!r}", hint=f"See: regista job list --workspace-name {scope.name}"
    )
