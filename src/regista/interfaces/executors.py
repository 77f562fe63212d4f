"""Running the process of a job. An executor keeps no state of its own: everything it needs is in the attempt's folder."""

from enum import StrEnum
from pathlib import Path
from typing import Protocol

import msgspec


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try at running one job.

    ``directory`` exists and belongs to the attempt alone; ``cwd`` and ``log`` lie below it. ``read_only`` are paths the
    process may read, ``writable`` those it may also write; where confinement is available it sees nothing else of the
    file system beyond the operating system's own folders."""

    id: str
    directory: Path
    argv: tuple[str, ...]
    cwd: Path
    log: Path
    env: dict[str, str] = {}
    read_only: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()
    timeout: float | None = None
    network: bool = True


class AttemptState(StrEnum):
    """Where an attempt stands."""

    RUNNING = "running"
    EXITED = "exited"
    LOST = "lost"
    """Neither running nor with a recorded end: the machine or its supervisor died. It may be tried again."""


class AttemptStatus(msgspec.Struct, frozen=True, kw_only=True):
    """``exit_code`` is the process's own (128 + N for signal N); ``reason`` says who ended it: ``""`` itself,
    ``timeout``, ``stopped`` or ``failed_to_start``; times are Unix seconds; ``usage`` has ``cpu_seconds`` and ``max_rss_bytes``."""

    state: AttemptState
    exit_code: int | None = None
    reason: str = ""
    message: str = ""
    started_at: float | None = None
    ended_at: float | None = None
    usage: dict[str, float] = {}


class Handle(msgspec.Struct, frozen=True):
    """What is kept in the catalog to find an attempt again: the executor's name and its own words."""

    executor: str
    data: dict[str, str]


class Executor(Protocol):
    """Starts, finds again and stops attempts. Drivers are checked by ``regista.conformance.executors.ExecutorContract``."""

    name: str

    def submit(self, attempt: Attempt) -> Handle:
        """Start *attempt* and return at once. Idempotent by ``attempt.id``: submitting it again finds the first."""

    def status(self, handle: Handle) -> AttemptStatus:
        """Where the attempt stands; works in another process and after a restart of the server or the machine."""

    def stop(self, handle: Handle, grace: float = 10.0) -> None:
        """Ask the whole process group to end (SIGTERM), kill it after *grace* seconds. Returns at once; idempotent."""

    def read_log(self, handle: Handle, offset: int = 0, limit: int = 1 << 20) -> bytes:
        """Bytes of stdout and stderr from *offset*, at most *limit*; empty when there are no more yet."""
