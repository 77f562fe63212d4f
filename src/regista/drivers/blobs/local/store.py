"""The blob store on a local disk."""

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

from regista.drivers.blobs.checks import check_range, check_upload_id, new_upload_id, open_source, remaining
from regista.drivers.blobs.local.adoption import adopt
from regista.drivers.blobs.local.failures import translated
from regista.drivers.blobs.local.gathering import LocalBatch
from regista.drivers.blobs.local.layout import BLOB_MODE, STAGED_MODE, Layout
from regista.drivers.blobs.local.pieces import opened_piece
from regista.drivers.blobs.local.running import BATCH, BEHIND, KeptHashes
from regista.drivers.blobs.local.upload import LocalUpload, is_at
from regista.entities.digest import Digest, digest_of
from regista.errors import ConflictError, DigestMismatchError, NotFoundError, RegistaError, UnavailableError
from regista.interfaces.blobs import CHUNK


class LocalBlobStore:
    """Blobs below the folder *root*, which is made when it is missing. Threads and processes may share it; who may
    enter the folder may read every blob in it, so its owner sets its mode.

    ``add_file`` with *link* makes the file itself the blob where both lie on one file system and the file has no other
    name: it stays where it is, read-only from then on."""

    def __init__(self, root: Path) -> None:
        self._layout = Layout(root)
        self._kept = KeptHashes()
        with translated(root):
            self._layout.create()

    def begin(self) -> LocalUpload:
        return LocalUpload(self._layout, self._kept, new_upload_id(), new=True)

    def resume(self, upload_id: str) -> LocalUpload:
        return LocalUpload(self._layout, self._kept, check_upload_id(upload_id))

    def begin_piece(self) -> LocalUpload:
        return LocalUpload(self._layout, self._kept, new_upload_id(), new=True, late=True)

    def join(self, pieces: Sequence[tuple[str, int]]) -> Digest:
        upload, buffers = self.begin(), _buffers()
        try:
            with ThreadPoolExecutor(1) as helper:
                for upload_id, size in pieces:
                    with opened_piece(self._layout, check_upload_id(upload_id), size) as piece:
                        _pour(piece.fileno(), upload, helper, buffers, size)
            return upload.commit()
        except BaseException:
            upload.abort()
            raise

    def put(self, content: bytes, expected: Digest | None = None) -> Digest:
        digest = digest_of(content)
        if expected is not None and digest != expected:
            raise DigestMismatchError(expected, digest)
        with translated(self._layout.root):
            if not self._layout.renew(digest, len(content)):
                self._stage(content, digest)
        return digest

    def add_file(self, source: Path | int, expected: Digest | None = None, *, link: bool = False) -> Digest:
        with open_source(source) as file:
            if link and isinstance(source, Path):
                with translated(self._layout.root):
                    adopted = adopt(self._layout, source, file.fileno(), expected)
                if adopted:
                    return adopted
            return self._copy(file.fileno(), expected, remaining(file.fileno()) if isinstance(source, int) else None)

    @contextmanager
    def gather(self) -> Iterator[LocalBatch]:
        """As in ``Gathers``."""
        gathering = LocalBatch(self._layout, self._write_staged, lambda file: self._copy(file, None, None))
        try:
            yield gathering
            gathering.flush()
        finally:
            gathering.discard()

    def read(self, digest: Digest, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        with translated(self._layout.root):
            file = self._open(digest)
            try:
                first, last = check_range(os.fstat(file).st_size, start, end)
            except BaseException:
                os.close(file)
                raise
        chunks = self._chunks(file, first, last)
        next(chunks)  # now it is inside its ``try``: the file is closed also when nobody ever reads
        return chunks

    def get(self, digest: Digest) -> bytes:
        content = b"".join(self.read(digest))
        if (actual := digest_of(content)) != digest:
            raise DigestMismatchError(digest, actual)
        return content

    def size(self, digest: Digest) -> int:
        with translated(self._layout.root):
            try:
                return self._layout.blob(digest).stat().st_size
            except FileNotFoundError as missing:
                raise self._absence(digest) from missing

    def exists(self, digest: Digest) -> bool:
        with translated(self._layout.root):
            return self._layout.blob(digest).exists()

    def renew(self, digest: Digest) -> bool:
        with translated(self._layout.root):
            return self._layout.renew(digest)

    def delete(self, digest: Digest, *, unless_stored_since: float | None = None) -> bool:
        with translated(self._layout.root):
            return self._layout.delete(digest, unless_stored_since)

    def digests(self) -> Iterator[Digest]:
        with translated(self._layout.root):
            yield from self._layout.digests()

    def sweep(self, older_than_seconds: float) -> int:
        limit = time.time() - older_than_seconds
        with translated(self._layout.root):
            return sum(_sweep_one(upload, limit) for upload in self._layout.uploads.iterdir())

    def path(self, digest: Digest) -> Path:
        """As in ``OnDisk``."""
        place = self._layout.blob(digest)
        with translated(self._layout.root):
            if place.is_file():
                return place
        raise self._absence(digest)

    def _stage(self, content: bytes, digest: Digest) -> None:
        """Write *content* beside the blobs and make it one; leave nothing when that fails."""
        staged, file = self._write_staged(content)
        try:
            os.fsync(file)
            self._layout.publish(staged, len(content), digest)
        except BaseException:
            staged.unlink(missing_ok=True)
            raise
        finally:
            os.close(file)

    def _write_staged(self, content: bytes) -> tuple[Path, int]:
        """A new file in ``uploads`` that holds *content*, open and locked; nothing is left when that fails."""
        staged, file = self._create_staged()
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(file, view) :]
            os.fchmod(file, BLOB_MODE)
        except BaseException:
            staged.unlink(missing_ok=True)
            os.close(file)
            raise
        return staged, file

    def _create_staged(self) -> tuple[Path, int]:
        """A new file in ``uploads`` that is locked, so that no sweep takes it away before it is done."""
        while True:
            staged = self._layout.upload(new_upload_id())
            file = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, STAGED_MODE)
            fcntl.flock(file, fcntl.LOCK_EX)
            if is_at(staged, file):
                return staged, file
            os.close(file)  # a sweep was faster than the lock

    def _copy(self, source: int, expected: Digest | None, size: int | None) -> Digest:
        upload = self.begin()
        try:
            with ThreadPoolExecutor(1) as helper:  # its thread starts with the first batch that is worth one
                _pour(source, upload, helper, _buffers(), size)
            return upload.commit(expected)
        except BaseException:
            upload.abort()
            raise

    def _open(self, digest: Digest) -> int:
        try:
            return os.open(self._layout.blob(digest), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as missing:
            raise self._absence(digest) from missing

    def _chunks(self, file: int, first: int, last: int) -> Iterator[bytes]:
        try:
            yield b""  # taken by ``read``
            with translated(self._layout.root):
                while first < last and (chunk := os.pread(file, min(CHUNK, last - first), first)):
                    first += len(chunk)
                    yield chunk
        finally:
            os.close(file)

    def _absence(self, digest: Digest) -> RegistaError:
        """No blob, or no store: a disk that is not mounted must not look like one that lost everything."""
        if self._layout.blobs.is_dir():
            return NotFoundError(f"there is no blob {digest}")
        return UnavailableError(
            f"the folder of the blob store {str(self._layout.root)!r} is gone", hint="Mount its disk."
        )


def _buffers() -> Iterator[memoryview]:
    """Buffers that are filled in turn: as many as the hash may be behind by, and one. Each is made when it is first wanted, and
    used again: fresh memory costs as much as copying into it."""
    return cycle(memoryview(bytearray(BATCH)) for _ in range(BEHIND + 1))


def _pour(
    source: int, upload: LocalUpload, helper: Executor, buffers: Iterator[memoryview], size: int | None = None
) -> None:
    """Write the bytes of the open file *source* to *upload*: all of them, or *size*, and ``ConflictError`` for less.

    The *helper* hashes what is in the other *buffers* while one is filled and written."""
    copied = 0
    # Of a file of known size no end is looked for: that would take a buffer out of its turn.
    while size is None or copied < size:
        buffer = next(buffers)
        count = _read_into(source, buffer if size is None else buffer[: size - copied])
        if not count:
            break
        upload.write(buffer[:count], helper=helper)
        copied += count
    if size is not None and copied < size:
        raise ConflictError("the file changed while it was read", hint="Add it when nobody writes to it.")


def _read_into(source: int, buffer: memoryview) -> int:
    try:
        return os.readv(source, [buffer])
    except OSError as failure:
        raise UnavailableError(f"the file cannot be read: {os.strerror(failure.errno or 0)}") from failure


def _sweep_one(path: Path, limit: float) -> bool:
    """Remove one upload when nobody holds it and its last write is before *limit*."""
    try:
        check_upload_id(path.name)
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (RegistaError, FileNotFoundError):
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file).st_mtime > limit or not is_at(path, file):
            return False
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(file)
