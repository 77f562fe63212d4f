"""The folder of one attempt at running a job, and the log that all attempts at a job make up.

<work>/<job id>/<number>/
    code/              where the command runs; code/outputs/ becomes the output `artifacts`
    inputs/NAME/       what is read
    scratch/NAME/      inputs that may be written to (mode rw_mount)
    outputs/NAME/      what is made
    log/std_log.txt    stdout and stderr
    staged             exists when everything above was put there: before it, nothing was started
"""

import contextlib
import shutil
from pathlib import Path

from regista.entities.graph import ARTIFACTS
from regista.entities.job import Job


class AttemptFolder:
    """Names the places; makes and removes the whole."""

    def __init__(self, work: Path, job_id: str, number: int) -> None:
        self.root = work / job_id / str(number)
        self.code = self.root / "code"
        self.artifacts = self.code / "outputs"
        self.inputs = self.root / "inputs"
        self.scratch = self.root / "scratch"
        self.outputs = self.root / "outputs"
        self.log = self.root / "log" / "std_log.txt"
        self._staged = self.root / "staged"

    @property
    def is_staged(self) -> bool:
        """Whether ``mark_staged`` was called: only then may something have been started here."""
        return self._staged.exists()

    def output(self, name: str) -> Path:
        """Where an output is written. ``./outputs`` is one, also for a job that declares it."""
        return self.artifacts if name == ARTIFACTS else self.outputs / name

    def make(self) -> None:
        """An empty folder, in place of what a worker left that died while it filled it."""
        if self.root.exists():
            shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir(parents=True)
        for folder in (self.code, self.outputs, self.log.parent):
            folder.mkdir()

    def mark_staged(self) -> None:
        """Note that everything is in its place."""
        self._staged.touch()

    def say(self, line: str) -> None:
        """Put a line of Regista's own before what the command prints."""
        with self.log.open("a") as log:
            log.write(f"[regista] {line}\n")

    def say_at_end(self, line: str) -> None:
        """Put a line of Regista's own below what the command printed, once however often it is said."""
        text = f"[regista] {line}\n".encode()
        with self.log.open("ab+") as log:
            size = log.tell()
            log.seek(max(0, size - len(text)))
            end = log.read()
            if end != text:
                log.write(text if not end or end.endswith(b"\n") else b"\n" + text)


def attempts(work: Path, job_id: str) -> list[AttemptFolder]:
    """The attempts at a job that have a folder here, the first one first."""
    try:
        numbers = sorted(int(entry.name) for entry in (work / job_id).iterdir() if entry.name.isdigit())
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [AttemptFolder(work, job_id, number) for number in numbers]


def remove_attempts(work: Path, job_id: str) -> None:
    """Remove everything of a job; quiet when there is nothing."""
    shutil.rmtree(work / job_id, ignore_errors=True)


class LiveLogs:
    """What a job has printed so far: the logs of its attempts, one after the other."""

    def __init__(self, work: Path) -> None:
        self._work = work

    def size(self, job: Job) -> int:
        """How many bytes there are now."""
        size = 0
        for attempt in attempts(self._work, job.id):
            with contextlib.suppress(FileNotFoundError):
                size += attempt.log.stat().st_size
        return size

    def read(self, job: Job, offset: int, limit: int) -> bytes:
        """At most *limit* bytes from *offset*; empty when there are no more yet."""
        found = b""
        for attempt in attempts(self._work, job.id):
            try:
                with attempt.log.open("rb") as log:
                    size = log.seek(0, 2)
                    if offset < size:
                        log.seek(offset)
                        found += log.read(limit - len(found))
                    offset = max(0, offset - size)
            except FileNotFoundError:
                continue
        return found
