"""An upload that is a file, so that it survives the process.

The bytes are appended under a lock of the operating system, which also says no to a second writer that fell behind. What
``offset`` counts survives the death of the process; after a power cut ``resume`` tells how much the disk has kept.
"""

import fcntl
import os
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Self

from regista.drivers.blobs.local.failures import in_our_words, translated
from regista.drivers.blobs.local.layout import BLOB_MODE, STAGED_MODE, Layout
from regista.drivers.blobs.local.running import BATCH, KeptHashes, LateHash, RunningHash
from regista.entities.digest import Digest
from regista.errors import ConflictError, DigestMismatchError, NotFoundError, RegistaError


class LocalUpload:
    """One writer's hold on an upload. Another one may exist: whoever wrote last goes on, the other gets
    ``ConflictError``."""

    def __init__(
        self, layout: Layout, kept: KeptHashes, upload_id: str, *, new: bool = False, late: bool = False
    ) -> None:
        self._layout = layout
        self._kept = kept
        self._id = upload_id
        self._path = layout.upload(upload_id)
        self._gone = False
        with translated(layout.root):
            self._file = FileIO(_create(self._path) if new else _reopen(self._path), "r+")
        self._offset = os.fstat(self._file.fileno()).st_size
        self._running = LateHash() if late else kept.take(upload_id)

    @property
    def id(self) -> str:
        return self._id

    @property
    def offset(self) -> int:
        return self._offset

    def write(self, chunk: bytes | bytearray | memoryview, *, helper: Executor | None = None) -> None:
        """As in the interface; a *helper* hashes meanwhile, and not always at once: see ``RunningHash.write``."""
        view = memoryview(chunk).cast("B")
        with self._held() as file:
            try:
                for at in range(0, len(view), BATCH):
                    self._running.write(file, view[at : at + BATCH], self._offset + at, helper)
            except BaseException:
                self._running = RunningHash()
                os.ftruncate(file, self._offset)
                raise
            self._offset += len(view)

    def commit(self, expected: Digest | None = None) -> Digest:
        with self._held() as file:
            digest = self._running.digest(file, self._offset)
            if expected is not None and digest != expected:
                self.abort()
                raise DigestMismatchError(expected, digest)
            self._bring_to_disk(file)
            self._publish(digest)
        self._gone = True
        self.close()
        return digest

    def abort(self) -> None:
        with translated(self._layout.root):
            self._path.unlink(missing_ok=True)
        self._gone = True
        self.close()

    def close(self) -> None:
        if not self._file.closed:
            self._file.close()
            self._running.settle()
            if not self._gone and self._running.upto:
                self._kept.keep(self._id, self._running)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _bring_to_disk(self, file: int) -> None:
        try:
            os.fchmod(file, BLOB_MODE)
            os.fsync(file)
        except OSError as failure:
            # After a failed fsync nobody knows what is on the disk, and a second one would claim that all is well.
            self.abort()
            raise in_our_words(self._layout.root, failure) from failure

    def _publish(self, digest: Digest) -> None:
        try:
            self._layout.publish(self._path, self._offset, digest)
        except FileNotFoundError as missing:
            if self._path.exists():
                raise
            raise _no_upload(self._id) from missing  # aborted by somebody else while we were at it

    @contextmanager
    def _held(self) -> Iterator[int]:
        """Hold the file against other writers, commits and sweeps while it is what this writer thinks it is."""
        if self._gone:
            raise _no_upload(self._id)
        if self._file.closed:
            raise ConflictError(f"the upload {self._id} is closed", hint="Resume it.")
        file = self._file.fileno()
        with translated(self._layout.root):
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                self._check_place(file)
                yield file
            finally:
                if not self._file.closed:
                    fcntl.flock(file, fcntl.LOCK_UN)

    def _check_place(self, file: int) -> None:
        if not is_at(self._path, file):
            self._gone = True
            raise _no_upload(self._id)
        if (size := os.fstat(file).st_size) != self._offset:
            raise ConflictError(
                f"the upload {self._id} is at {size}, not at {self._offset}: somebody else wrote to it",
                hint="Resume it and go on from its offset.",
            )


def is_at(path: Path, file: int) -> bool:
    """Whether the open *file* still lies at *path*: not after a commit (it is a blob now), an abort or a sweep."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(file))
    except FileNotFoundError:
        return False


def _create(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, STAGED_MODE)


def _reopen(path: Path) -> int:
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        try:
            return os.open(path, flags)
        except PermissionError:
            _unseal(path)
            return os.open(path, flags)
    except FileNotFoundError as missing:
        raise _no_upload(path.name) from missing


def _unseal(path: Path) -> None:
    """Make an upload writable again whose process died in its commit, after it was made read-only."""
    sealed = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(sealed, fcntl.LOCK_EX)
        if is_at(path, sealed):
            os.fchmod(sealed, STAGED_MODE)
    finally:
        os.close(sealed)


def _no_upload(upload_id: str) -> RegistaError:
    return NotFoundError(f"there is no upload {upload_id}", hint="Begin a new one.")
