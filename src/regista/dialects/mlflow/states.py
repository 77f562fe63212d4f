"""The states of a run in MLflow's words, and those of a job in ours."""

from regista.entities.job import JobStatus
from regista.errors import InvalidError

STATUSES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")

_OF_JOB = {
    JobStatus.NOT_STARTED: "SCHEDULED",
    JobStatus.QUEUED: "SCHEDULED",
    JobStatus.PREPARING: "SCHEDULED",
    JobStatus.RUNNING: "RUNNING",
    JobStatus.FINALIZING: "RUNNING",
    JobStatus.COMPLETED: "FINISHED",
    JobStatus.FAILED: "FAILED",
    JobStatus.CANCELED: "KILLED",
}
_TO_JOB = {
    "RUNNING": JobStatus.RUNNING,
    "SCHEDULED": JobStatus.QUEUED,
    "FINISHED": JobStatus.COMPLETED,
    "FAILED": JobStatus.FAILED,
    "KILLED": JobStatus.CANCELED,
}
_NUMBERS = {"1": "RUNNING", "2": "SCHEDULED", "3": "FINISHED", "4": "FAILED", "5": "KILLED"}
_VIEWS: dict[str, bool | None] = {"ACTIVE_ONLY": False, "DELETED_ONLY": True, "ALL": None}
_VIEW_NUMBERS = {"1": "ACTIVE_ONLY", "2": "DELETED_ONLY", "3": "ALL"}


def status_of(status: JobStatus) -> str:
    """A job's state as MLflow calls it."""
    return _OF_JOB[status]


def job_status(text: str) -> JobStatus:
    """The state that MLflow's word, or the number behind it, means; raise ``InvalidError``."""
    found = _TO_JOB.get(_NUMBERS.get(text, text.upper()))
    if found is None:
        raise InvalidError(
            f"Invalid value {text[:100]!r} for parameter 'status' supplied. Known: {', '.join(STATUSES)}."
        )
    return found


def jobs_of(status: str) -> list[str]:
    """Our states that MLflow's word covers."""
    return [ours.value for ours, theirs in _OF_JOB.items() if theirs == status]


def deleted_of(view: str) -> bool | None:
    """What a view type shows: living ones (False), deleted ones (True), both (None)."""
    name = _VIEW_NUMBERS.get(view, view.upper())
    if name not in _VIEWS:
        raise InvalidError(f"Invalid view type {view[:100]!r}. Known: {', '.join(_VIEWS)}.")
    return _VIEWS[name]
