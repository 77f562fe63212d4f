"""Folders that are built once and shared: complete or absent, whoever is killed and however many build at once.

<home>/envs/
    <id>/                      complete; holds MARKER
    <id>.lock                  held while <id> is being built
    <id>.tmp-<pid>/            being built, or left behind by a builder that was killed
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from regista.errors import StorageFullError
from regista.interfaces.runtimes import Report

MARKER = ".regista.json"

Make = Callable[[Path, int], None]
"""Fills the folder it is given; the descriptor is the lock's, to be held open by every program it starts."""


class Marker(msgspec.Struct, frozen=True):
    """Written last into a finished folder: which lock it was built from, on which interpreter."""

    lock: str
    python: str = ""


class Shelf:
    """One folder of such folders."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, name: str, marker: Marker) -> Path | None:
        """Return the finished folder under *name*, None when there is none or it is another one's."""
        root = self._folder / name
        try:
            found = msgspec.json.decode((root / MARKER).read_bytes(), type=Marker)
        except (OSError, msgspec.DecodeError):
            return None
        return root if found == marker else None

    def ensure(self, name: str, marker: Marker, make: Make, report: Report) -> Path:
        """Return the finished folder under *name*, having it made when there is none. One builder works, others wait."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._alone(name, report) as lock:
            return self.find(name, marker) or self._build(name, marker, make, lock)

    def discard(self, name: str, report: Report) -> None:
        """Remove a folder that turned out broken; quiet when it is absent."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._alone(name, report):
            self._sweep(name)
            root = self._folder / name
            if root.exists():
                doomed = self._folder / f"{name}.tmp-{os.getpid()}"
                root.rename(doomed)
                shutil.rmtree(doomed, ignore_errors=True)

    def _build(self, name: str, marker: Marker, make: Make, lock: int) -> Path:
        self._sweep(name)
        root, scratch = self._folder / name, self._folder / f"{name}.tmp-{os.getpid()}"
        try:
            if root.exists():  # without a valid marker: nobody may be running in it
                shutil.rmtree(root)
            make(scratch, lock)
            _write_durably(scratch / MARKER, msgspec.json.encode(marker))
            scratch.rename(root)
            _sync(self._folder)
        except OSError as failed:
            if failed.errno in {28, 122}:  # ENOSPC, EDQUOT
                raise StorageFullError(f"the disk is full while building {root}", hint="Free space there.") from failed
            raise
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return root

    def _sweep(self, name: str) -> None:
        """Remove what killed builders left of *name*: none of them lives, since the lock is ours."""
        for left in self._folder.glob(f"{name}.tmp-*"):
            shutil.rmtree(left, ignore_errors=True)

    @contextmanager
    def _alone(self, name: str, report: Report) -> Iterator[int]:
        """Hold the lock of *name*. It is the kernel's (flock), so it ends with its holders and never goes stale."""
        descriptor = os.open(self._folder / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                report("waiting for another build of the same environment")
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
