"""Blobs in memory: the reference for what the interface means, and the store of unit tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Self

from regista.drivers.blobs.checks import check_range, check_upload_id, new_upload_id, open_source, remaining
from regista.entities.digest import Digest, digest_of, parse_digest
from regista.errors import ConflictError, DigestMismatchError, NotFoundError, StorageFullError
from regista.interfaces.blobs import CHUNK


class MemoryUpload:
    """An open write whose bytes live in its store, so that ``resume`` finds them while the store lives."""

    def __init__(self, store: MemoryBlobStore, upload_id: str) -> None:
        self._store = store
        self._id = upload_id
        self._open = True
        self._offset = len(store.received(upload_id))

    @property
    def id(self) -> str:
        return self._id

    @property
    def offset(self) -> int:
        return self._offset

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        self._check_open()
        self._offset = self._store.append(self._id, self._offset, bytes(chunk))

    def commit(self, expected: Digest | None = None) -> Digest:
        self._check_open()
        return self._store.finish(self._id, self._offset, expected)

    def abort(self) -> None:
        self._store.forget(self._id)

    def close(self) -> None:
        self._open = False

    def _check_open(self) -> None:
        if not self._open:
            raise ConflictError(f"the upload {self._id} is closed", hint="Resume it.")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class MemoryBlobStore:
    """Keeps everything in dictionaries. With *capacity* it is full at that many bytes, as a disk would be."""

    def __init__(self, capacity: int | None = None) -> None:
        self._capacity = capacity
        self._blobs: dict[Digest, bytes] = {}
        self._stored: dict[Digest, float] = {}
        self._uploads: dict[str, bytearray] = {}
        self._written: dict[str, float] = {}
        self._lock = threading.RLock()

    def begin(self) -> MemoryUpload:
        with self._lock:
            upload_id = new_upload_id()
            self._uploads[upload_id] = bytearray()
            self._written[upload_id] = time.monotonic()
            return MemoryUpload(self, upload_id)

    def resume(self, upload_id: str) -> MemoryUpload:
        with self._lock:
            return MemoryUpload(self, check_upload_id(upload_id))

    def begin_piece(self) -> MemoryUpload:
        return self.begin()

    def join(self, pieces: Sequence[tuple[str, int]]) -> Digest:
        found = [bytes(self.received(check_upload_id(upload_id))) for upload_id, _ in pieces]
        for content, (upload_id, size) in zip(found, pieces, strict=True):
            if len(content) != size:
                raise NotFoundError(f"the upload {upload_id} does not have its {size} bytes", hint="Send them again.")
        return self.put(b"".join(found))

    def put(self, content: bytes, expected: Digest | None = None) -> Digest:
        digest = digest_of(content)
        if expected is not None and digest != expected:
            raise DigestMismatchError(expected, digest)
        with self._lock:
            if digest not in self._blobs:
                self._check_room(len(content))
                self._blobs[digest] = bytes(content)
            self._stored[digest] = time.time()
        return digest

    def add_file(self, source: Path | int, expected: Digest | None = None, *, link: bool = False) -> Digest:
        del link  # there is nothing to link to in memory
        with open_source(source) as file:
            return self.put(file.read(remaining(file.fileno())), expected)

    def gather(self) -> nullcontext[MemoryBlobStore]:
        """As in ``Gathers``: there is nothing to wait for."""
        return nullcontext(self)

    def read(self, digest: Digest, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        content = self._content(digest)
        first, last = check_range(len(content), start, end)
        return (content[at : min(at + CHUNK, last)] for at in range(first, last, CHUNK))

    def get(self, digest: Digest) -> bytes:
        content = self._content(digest)
        if (actual := digest_of(content)) != digest:
            raise DigestMismatchError(digest, actual)
        return content

    def size(self, digest: Digest) -> int:
        return len(self._content(digest))

    def exists(self, digest: Digest) -> bool:
        return parse_digest(digest) in self._blobs

    def renew(self, digest: Digest) -> bool:
        with self._lock:
            if there := parse_digest(digest) in self._blobs:
                self._stored[digest] = time.time()
            return there

    def delete(self, digest: Digest, *, unless_stored_since: float | None = None) -> bool:
        with self._lock:
            stored = self._stored.get(parse_digest(digest), 0.0)
            if unless_stored_since is not None and stored >= unless_stored_since:
                return False
            self._stored.pop(digest, None)
            return self._blobs.pop(digest, None) is not None

    def digests(self) -> Iterator[Digest]:
        with self._lock:
            return iter(list(self._blobs))

    def sweep(self, older_than_seconds: float) -> int:
        with self._lock:
            limit = time.monotonic() - older_than_seconds
            stale = [upload_id for upload_id, written in self._written.items() if written <= limit]
            for upload_id in stale:
                self.forget(upload_id)
            return len(stale)

    def received(self, upload_id: str) -> bytearray:
        """The bytes of an upload; raise ``NotFoundError`` when it was committed, aborted or swept."""
        if (received := self._uploads.get(upload_id)) is None:
            raise NotFoundError(f"there is no upload {upload_id}", hint="Begin a new one.")
        return received

    def append(self, upload_id: str, offset: int, chunk: bytes) -> int:
        """Add *chunk* to an upload that is still at *offset*; return where it is now."""
        with self._lock:
            received = self._at(upload_id, offset)
            self._check_room(len(chunk))
            received += chunk
            self._written[upload_id] = time.monotonic()
            return len(received)

    def finish(self, upload_id: str, offset: int, expected: Digest | None) -> Digest:
        """Turn an upload that is still at *offset* into a blob, and forget it whatever comes."""
        with self._lock:
            content = bytes(self._at(upload_id, offset))
            self.forget(upload_id)
            return self.put(content, expected)

    def forget(self, upload_id: str) -> None:
        """Drop an upload and its bytes; quiet when it is gone."""
        with self._lock:
            self._uploads.pop(upload_id, None)
            self._written.pop(upload_id, None)

    def _at(self, upload_id: str, offset: int) -> bytearray:
        received = self.received(upload_id)
        if len(received) != offset:
            raise ConflictError(
                f"the upload {upload_id} is at {len(received)}, not at {offset}: somebody else wrote to it",
                hint="Resume it and go on from its offset.",
            )
        return received

    def _check_room(self, wanted: int) -> None:
        if self._capacity is None:
            return
        used = sum(map(len, self._blobs.values())) + sum(map(len, self._uploads.values()))
        if used + wanted > self._capacity:
            raise StorageFullError(
                f"the store holds {used} of {self._capacity} bytes, {wanted} more do not fit", hint="Delete something."
            )

    def _content(self, digest: Digest) -> bytes:
        if (content := self._blobs.get(parse_digest(digest))) is None:
            raise NotFoundError(f"there is no blob {digest}")
        return content
