"""One process that is to run, through all its tries: each is an attempt of the executor, in a folder of its own.

<folder>/<number>/            grows by one with every start; the last few are kept, for their logs
    ├── handle.json           how the executor finds it again; absent between being made and being started
    ├── stopping              the executor was asked to end it
    ├── rested                it was, for the time being
    ├── log                   and log.NUMBER: what was written before it
    └── work/                 what the process may write to; ready.json appears there when it answers
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from regista.drivers.serving.folders import read_whole, write_whole
from regista.interfaces.executors import Attempt, AttemptState, AttemptStatus, Executor, Handle

KEPT = 8
SHORT_LIFE = 10.0
_SLOWEST = 60.0
_SAID_LINES = 12
_SAID_BYTES = 2000
_ENDS = {
    2: "its configuration was refused",
    3: "the model or the script did not load",
    4: "it could not listen",
    137: "it was killed, perhaps for want of memory",
}


class Ready(msgspec.Struct, frozen=True):
    """What a process says of itself once it answers; it was written by a stranger's program."""

    pid: int = 0
    host: str = ""
    port: int | None = None
    uds: str | None = None


class Part(NamedTuple):
    """A file with the bytes of a log from ``start`` to ``end``."""

    path: Path
    start: int
    end: int


class Try:
    """One start of a process."""

    def __init__(self, directory: Path, executor: Executor) -> None:
        self.directory = directory
        self.number = int(directory.name)
        self._executor = executor

    @property
    def work(self) -> Path:
        """The folder that the process may write to."""
        return self.directory / "work"

    @property
    def log(self) -> Path:
        """Its stdout and stderr, the newest of it."""
        return self.directory / "log"

    def log_parts(self) -> list[Part]:
        """What is kept of its log, oldest first: the log rotates (``agent/supervisor_log.py``)."""
        ends = sorted(int(one.name[4:]) for one in self.directory.glob("log.*") if one.name[4:].isdecimal())
        old = [self.directory / f"log.{end}" for end in ends]
        parts = [Part(path, end - path.stat().st_size, end) for path, end in zip(old, ends, strict=True)]
        start = ends[-1] if ends else 0
        size = self.log.stat().st_size if self.log.exists() else 0
        return [*parts, Part(self.log, start, start + size)]

    def start(self, attempt: Attempt) -> None:
        """Start *attempt*; again changes nothing."""
        handle = self._executor.submit(attempt)
        write_whole(self.directory / "handle.json", msgspec.json.encode(handle))

    @property
    def handle(self) -> Handle | None:
        """None while it was not started, as far as anybody knows."""
        return read_whole(self.directory / "handle.json", Handle)

    def status(self) -> AttemptStatus | None:
        """How it stands; None when it was not started."""
        handle = self.handle
        return self._executor.status(handle) if handle else None

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        status = self.status()
        return status is not None and status.state is AttemptState.RUNNING

    @property
    def ready(self) -> Ready | None:
        """What it said when it was ready; None before, and for what no worker of ours would say."""
        try:
            with (self.work / "ready.json").open("rb") as file:
                return msgspec.json.decode(file.read(4096), type=Ready)
        except (OSError, msgspec.DecodeError):
            return None

    def stop(self, grace: float) -> bool:
        """Ask it to end within *grace* seconds, once; whether it has ended."""
        handle = self.handle
        if handle is None or self._executor.status(handle).state is not AttemptState.RUNNING:
            return True
        mark = self.directory / "stopping"
        if not mark.exists():
            self._executor.stop(handle, grace)
            mark.touch()
        return False

    def rest(self, grace: float) -> bool:
        """As ``stop``, by somebody who wants it to be started again later: then it counts as no failure."""
        if self.stop(grace):
            return True
        (self.directory / "rested").touch()
        return False

    @property
    def rested(self) -> bool:
        """Whether it was ended by ``rest``."""
        return (self.directory / "rested").exists()

    def tail(self) -> str:
        """The last lines of its log."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - _SAID_BYTES))
                text = file.read().decode(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.strip().splitlines()[-_SAID_LINES:])

    def how_it_ended(self, status: AttemptStatus | None) -> str:
        """In words, with the last lines of its log."""
        if status is None or status.state is AttemptState.LOST:
            why = "it was lost: the machine or its supervisor died"
        elif status.reason == "failed_to_start":
            why = f"it could not be started: {status.message}"
        else:
            why = _ENDS.get(status.exit_code or 0, f"it ended with status {status.exit_code}")
        said = self.tail()
        return f"{why}\n{said}" if said else why


class Tries:
    """All tries of one process."""

    def __init__(self, folder: Path, executor: Executor) -> None:
        self._folder = folder
        self._executor = executor

    def all(self) -> list[Try]:
        """Those that are kept, oldest first."""
        if not self._folder.is_dir():
            return []
        names = sorted(int(one.name) for one in self._folder.iterdir() if one.name.isdecimal())
        return [Try(self._folder / str(name), self._executor) for name in names]

    def latest(self) -> Try | None:
        """The newest, or None."""
        return next(iter(reversed(self.all())), None)

    def next(self) -> Try:
        """A folder for one more try; those too old are removed."""
        known = self.all()
        for old in known[: -KEPT + 1]:
            shutil.rmtree(old.directory, ignore_errors=True)
        made = self._folder / str(known[-1].number + 1 if known else 1)
        (made / "work").mkdir(parents=True, mode=0o700)
        return Try(made, self._executor)

    def failures(self) -> int:
        """How many tries in a row ended before they were ready."""
        return self._in_a_row(lambda one: one.ready is None and not one.rested)

    def pause_left(self) -> float:
        """Seconds until the next try: none after a long life, doubling with each short one."""
        short = self._in_a_row(self._lived_short)
        if not short:
            return 0.0
        latest = self.all()[-1]
        status = latest.status()
        ended = (status.ended_at if status else None) or latest.directory.stat().st_mtime
        pause: float = min(_SLOWEST, 0.5 * 2 ** (short - 1))
        return ended + pause - time.time()

    def _in_a_row(self, holds: Callable[[Try], bool]) -> int:
        count = 0
        for one in reversed(self.all()):
            if not holds(one):
                break
            count += 1
        return count

    @staticmethod
    def _lived_short(one: Try) -> bool:
        status = one.status()
        if one.rested:
            return False
        if status is None or status.started_at is None or one.ready is None:
            return True
        return (status.ended_at or one.directory.stat().st_mtime) - status.started_at < SHORT_LIFE
