"""A large file on its way down, in ranges that arrive in any order.

    .regista-download/
      <name>.part     the bytes; as long as the file from the beginning
      <name>.state    {"digest", "size", "range", "done": [numbers of the ranges that are there]}

The state is written by rename after each range, so that a killed download goes on with the ranges that lack. It is
believed only until the digest of the whole file is checked.
"""

import errno
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from regista.client.problems import mismatch
from regista.entities.digest import Digest
from regista.entities.manifest import ManifestEntry

RANGE = 32 * 1024 * 1024
_AT_ONCE = 256 * 1024
"""Bytes of one read or write: more of them fall out of the processor's own memory, and the kernel takes longer for each."""

Fetch = Callable[[int, int], Iterator[bytes]]
"""From and up to where: the bytes, in chunks."""


class _State(msgspec.Struct):
    digest: Digest
    size: int
    range: int
    done: list[int]


class PartFile:
    """One such file. Ranges may be fetched by several threads at once; whoever fetched the last one finishes it."""

    def __init__(self, entry: ManifestEntry, stem: Path, fetch: Fetch) -> None:
        self.entry, self._fetch = entry, fetch
        self.path, self._state_path = stem.with_suffix(".part"), stem.with_suffix(".state")
        self._lock, self._hash_lock, self._write_lock = threading.Lock(), threading.Lock(), threading.Lock()
        self._hasher, self._hashed = hashlib.sha256(), 0
        self._buffer = memoryview(bytearray(_AT_ONCE))
        self._count = -(-entry.size // RANGE)
        self._done = self._resume()
        self.resumed = bool(self._done)
        self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        if not self.resumed:
            self._save()
            _allocate(self._handle, entry.size)

    @property
    def present(self) -> int:
        """The bytes that are there from an earlier try."""
        return sum(end - start for start, end in map(self._bounds, self._done))

    def lacking(self) -> list[int]:
        """The numbers of the ranges that have to be fetched."""
        return [number for number in range(self._count) if number not in self._done]

    def fill(self, number: int, advance: Callable[[int], None]) -> bool:
        """Fetch a range; return whether it was the last one that lacked."""
        start, end = self._bounds(number)
        for chunk in self._fetch(start, end):
            with self._write_lock:  # in the kernel each would wait for the others with its processor busy
                _write(self._handle, chunk, start)
            start += len(chunk)
            advance(len(chunk))
        # Starts writing back what is dirty (it drops nothing that is): the disk works while the next range arrives.
        os.posix_fadvise(self._handle, number * RANGE, RANGE, os.POSIX_FADV_DONTNEED)
        with self._lock:
            self._done.add(number)
            self._save()
            complete = len(self._done) == self._count
        # Hashing along the way, whoever happens to be free, leaves little to do at the end.
        if self._hash_lock.acquire(blocking=False):
            try:
                self._hash_on()
            finally:
                self._hash_lock.release()
        return complete

    def finish(self, target: Path) -> None:
        """Give the complete file its name; raise ``DigestMismatchError`` when its bytes are wrong, after which the part
        is gone."""
        with self._hash_lock:
            self._hash_on()
        self.close()
        actual = f"sha256:{self._hasher.hexdigest()}"
        self._state_path.unlink(missing_ok=True)
        if actual != self.entry.digest:
            self.path.unlink(missing_ok=True)
            raise mismatch(repr(self.entry.path), self.entry.digest, actual)
        self.path.replace(target)

    def close(self) -> None:
        """Close the file and keep what is there for the next try; closing twice changes nothing."""
        with self._lock:
            if self._handle >= 0:
                os.close(self._handle)
                self._handle = -1

    def _bounds(self, number: int) -> tuple[int, int]:
        return number * RANGE, min((number + 1) * RANGE, self.entry.size)

    def _hash_on(self) -> None:
        """Hash the ranges that follow upon what is hashed already, out of the page cache where they were just put."""
        while self._hashed < self._count and self._hashed in self._done:
            start, end = self._bounds(self._hashed)
            while start < end and (count := os.preadv(self._handle, [self._buffer[: end - start]], start)):
                self._hasher.update(self._buffer[:count])
                start += count
            self._hashed += 1

    def _resume(self) -> set[int]:
        try:
            state = msgspec.json.decode(self._state_path.read_bytes(), type=_State)
            size = self.path.lstat().st_size
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return set()
        mine = (self.entry.digest, self.entry.size, RANGE)
        if (state.digest, state.size, state.range) != mine or size != self.entry.size:
            return set()
        return {number for number in state.done if 0 <= number < self._count}

    def _save(self) -> None:
        state = _State(self.entry.digest, self.entry.size, RANGE, sorted(self._done))
        new = self._state_path.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(state))
        new.replace(self._state_path)


def _write(handle: int, chunk: bytes, position: int) -> None:
    view = memoryview(chunk)
    while view:
        written = os.pwrite(handle, view[:_AT_ONCE], position)
        view, position = view[written:], position + written


def _allocate(handle: int, size: int) -> None:
    """Take the room now: a full disk is better known before the first byte than after the last."""
    os.ftruncate(handle, 0)
    try:
        os.posix_fallocate(handle, 0, size)
    except OSError as wrong:
        if wrong.errno not in {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}:
            raise
        with suppress(OSError):
            os.ftruncate(handle, size)
