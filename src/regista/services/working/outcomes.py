"""How a job ends whose process has ended: its status, what is said of it, and what its log says below everything else."""

import signal

from regista.entities.job import Job, JobStatus
from regista.interfaces.executors import AttemptStatus

_LIMITS = {
    "SIGKILL": "the system does that when memory runs out",
    "SIGXCPU": "it used more processor time than its limit",
    "SIGXFSZ": "it wrote a file larger than its limit",
}


def outcome_of(job: Job, status: AttemptStatus, timeout: int | None) -> tuple[JobStatus, str, str]:
    """Status, error and the log's last line (each "" where there is nothing to say).

    A job whose time is up is *canceled*, with an error that says so: Azure ML describes ``limits.timeout`` as the duration
    after which the job will be cancelled."""
    match status.reason:
        case "timeout":
            error = f"timeout: it ran longer than its limit of {timeout} seconds"
            return JobStatus.CANCELED, error, f"{error} (limits.timeout) and was ended"
        case "failed_to_start":
            return JobStatus.FAILED, f"its command could not be started: {status.message}", ""
        case "stopped" if job.cancel_requested:
            return JobStatus.CANCELED, "", ""
    if status.exit_code == 0 and not status.reason:
        return JobStatus.COMPLETED, "", ""
    if status.exit_code is not None and status.exit_code > 128:
        error = f"its command was ended by signal {_signal(status.exit_code - 128)}"
        return JobStatus.FAILED, error, error
    return JobStatus.FAILED, f"its command ended with exit code {status.exit_code}", ""


def _signal(number: int) -> str:
    """A signal by number and name, with the limit that it is known for."""
    try:
        name = signal.Signals(number).name
    except ValueError:
        return str(number)
    return f"{number} ({name}{f': {_LIMITS[name]}' if name in _LIMITS else ''})"
