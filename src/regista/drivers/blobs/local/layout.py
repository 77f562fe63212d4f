"""Where the files of a local store lie, and how one becomes a blob.

    <root>/
      blobs/sha256/ab/ab12…    a blob, named by its 64 digits: whole, read-only (0444), never written again
      uploads/5f0c…            what an open upload has received so far, named by its id of 32 digits (0600)

A blob is staged in ``uploads``, brought to the disk (fsync), renamed to its place and only acknowledged when the folder
is on the disk as well. A crash leaves at worst a file in ``uploads``, which ``sweep`` removes, or a blob that nobody was
told about. Between the rename and the end of the folder's fsync another reader may see a blob that a power cut could
still take back; whoever stores the same bytes in that moment waits for an fsync of its own.

Files that are not named like this are not ours: they are neither listed nor removed.
"""

import os
import re
import threading
from collections.abc import Iterator
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

    def publish(self, staged: Path, size: int, digest: Digest) -> None:
        """Make *staged*, which is on the disk already, the blob *digest*; raise ``FileNotFoundError`` when it is gone."""
        place = self.blob(digest)
        if self.holds(place, size):
            staged.unlink()
        else:
            self.prepare(place.parent)
            staged.rename(place)
        sync_folder(place.parent)

    def holds(self, place: Path, size: int) -> bool:
        """Whether a blob lies at *place* with all its bytes: one that a failing disk has cut short is to be replaced."""
        try:
            return place.stat().st_size == size
        except FileNotFoundError:
            return False

    def prepare(self, folder: Path) -> None:
        """Make one of the 256 folders when it is missing; once in the life of a process make sure it is on the disk."""
        with self._lock:
            known = folder in self._ready
        if known and folder.is_dir():
            return
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)
        with self._lock:
            self._ready.add(folder)

    def digests(self) -> Iterator[Digest]:
        """Every blob; those that come or go meanwhile may be missed."""
        for folder in self.blobs.iterdir():
            if len(folder.name) == 2 and folder.is_dir():
                for file in folder.iterdir():
                    if file.name.startswith(folder.name) and _DIGITS.fullmatch(file.name):
                        yield Digest(f"sha256:{file.name}")


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
