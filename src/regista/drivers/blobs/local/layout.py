"""Where the files of a local store lie, and how one becomes a blob.

    <root>/
      blobs/sha256/ab/ab12…    a blob, named by its 64 digits: whole, read-only (0444), never written again
      uploads/5f0c…            what an open upload has received so far, named by its id of 32 digits (0600)

A blob is staged in ``uploads``, brought to the disk (fsync), renamed to its place and only acknowledged when the folder
is on the disk as well. A crash leaves at worst a file in ``uploads``, which ``sweep`` removes, or a blob that nobody was
told about. Between the rename and the end of the folder's fsync another reader may see a blob that a power cut could
still take back; whoever stores the same bytes in that moment waits for an fsync of its own.

The time of a blob's file is when it was last stored, also when it was there already: what garbage collection goes by.

Files that are not named like this are not ours: they are neither listed nor removed.
"""

import fcntl
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from regista.entities.digest import Digest, hex_of, parse_digest

BLOB_MODE = 0o444
STAGED_MODE = 0o600
_DIGITS = re.compile(r"[0-9a-f]{64}")


class Layout:
    """The paths below one root. Raises plain ``OSError``; the store translates."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.blobs = self.root / "blobs" / "sha256"
        self.uploads = self.root / "uploads"
        self._ready: set[Path] = set()
        self._lock = threading.Lock()

    def create(self) -> None:
        """Make the folders that are missing, durably."""
        for folder in (self.blobs, self.uploads):
            _make_folder(folder)

    def blob(self, digest: Digest) -> Path:
        """The place of a blob, there or not; raise ``InvalidError`` for what is not a digest."""
        digits = hex_of(parse_digest(digest))
        return self.blobs / digits[:2] / digits

    def upload(self, upload_id: str) -> Path:
        """The place of an upload, there or not; the id must have been checked."""
        return self.uploads / upload_id

    def publish(self, staged: Path, size: int, digest: Digest, *, durable: bool = True) -> None:
        """Make *staged*, which is on the disk already, the blob *digest*; raise ``FileNotFoundError`` when it is gone.

        Here and below: who wants it not *durable* brings the blob's folder to the disk by ``sync_folder`` before the blob is
        acknowledged."""
        place = self.blob(digest)
        self.prepare(place.parent)
        with _held(place.parent, fcntl.LOCK_SH) as folder:
            if _renew(place, size):
                staged.unlink()
            else:
                staged.rename(place)
                _renew(place, size)
            if durable:
                os.fsync(folder)

    def link(self, file: int, digest: Digest, *, durable: bool = True) -> None:
        """Make the open *file*, which is on the disk already, the blob *digest*; raise ``FileExistsError`` when one is there."""
        place = self.blob(digest)
        self.prepare(place.parent)
        root = os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with _held(place.parent, fcntl.LOCK_SH) as folder:
                # A folder's descriptor makes Python call linkat, which alone can follow /proc/self/fd to the open file.
                os.link(f"/proc/self/fd/{file}", place, src_dir_fd=root, follow_symlinks=True)
                _renew(place, None)
                if durable:
                    os.fsync(folder)
        finally:
            os.close(root)

    def renew(self, digest: Digest, size: int | None = None, *, durable: bool = True) -> bool:
        """Whether the blob is there; when it is, it counts as stored now.

        Who stores it gives its *size*: one that a failing disk has cut short is to be replaced, and the name of a whole one
        is brought to the disk, for somebody who is not done may have renamed it a moment ago."""
        place = self.blob(digest)
        try:
            with _held(place.parent, fcntl.LOCK_SH) as folder:
                found = _renew(place, size)
                if found and size is not None and durable:
                    os.fsync(folder)
                return found
        except FileNotFoundError:
            return False

    def delete(self, digest: Digest, unless_stored_since: float | None) -> bool:
        """Remove the blob unless it was stored since; whether it was removed."""
        place = self.blob(digest)
        try:
            with _held(place.parent, fcntl.LOCK_EX):
                if unless_stored_since is None or place.stat().st_mtime_ns < int(unless_stored_since * 1e9):
                    place.unlink()
                    return True
                return False
        except FileNotFoundError:
            return False

    def prepare(self, *folders: Path) -> None:
        """Make those of the 256 folders that are missing; once in the life of a process make sure that they are on the disk."""
        with self._lock:
            known = set(self._ready)
        new = [folder for folder in folders if folder not in known or not folder.is_dir()]
        for folder in new:
            folder.mkdir(exist_ok=True)
        if new:
            sync_folder(self.blobs)
            with self._lock:
                self._ready.update(new)

    def digests(self) -> Iterator[Digest]:
        """Every blob; those that come or go meanwhile may be missed."""
        for folder in self.blobs.iterdir():
            if len(folder.name) == 2 and folder.is_dir():
                for file in folder.iterdir():
                    if file.name.startswith(folder.name) and _DIGITS.fullmatch(file.name):
                        yield Digest(f"sha256:{file.name}")


@contextmanager
def _held(folder: Path, lock: int) -> Iterator[int]:
    """The open *folder* under the lock of the operating system: shared by those who store a blob in it, held alone by who
    removes one. Else a blob could be found by the one and removed by the other, and both would be content."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(opened, lock)
        yield opened
    finally:
        os.close(opened)


def _renew(place: Path, size: int | None) -> bool:
    """Set the time of a file that is there and whole; False too for one of another user, which is to be replaced."""
    at = time.time_ns()
    try:
        if size is not None and place.stat().st_size != size:
            return False
        os.utime(place, ns=(at, at))
    except (FileNotFoundError, PermissionError):
        return False
    return True


def sync_folder(folder: Path) -> None:
    """Bring the names in *folder* to the disk."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)
