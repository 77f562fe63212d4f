"""The hash of a file that grows."""

import hashlib
import os
import threading
from collections import OrderedDict, deque
from concurrent.futures import Executor, Future

from regista.entities.digest import Digest
from regista.errors import ConflictError

BATCH = 4 << 20
BEHIND = 3
"""Batches that may wait to be hashed: a disk that hesitates then does not hold up the hash, nor the hash the disk."""
_AT_ONCE = 256 << 10
"""Bytes in one write: the kernel takes four times as long for those of a write of 4 MiB (measured: Linux 6.18, ext4)."""
_WORTH_A_THREAD = 1 << 20


class RunningHash:
    """The hash of the first ``upto`` bytes; whatever it has not seen is read from the file when the digest is asked for."""

    def __init__(self) -> None:
        self._hasher = hashlib.sha256()
        self._hashing: deque[Future[None]] = deque()
        self.upto = self._hurried = 0

    def write(self, file: int, piece: memoryview, at: int, helper: Executor | None = None) -> None:
        """Write *piece* at *at* and hash it; after a failure this hash is of no more use.

        A *helper* (of one thread, for the order) may still be hashing the last ``BEHIND`` pieces on return: until they are
        hashed they must not change."""
        if at == self.upto:
            if helper and len(piece) >= _WORTH_A_THREAD:
                self._hashing.append(helper.submit(self._hasher.update, piece))
            else:
                self.settle()
                self._hasher.update(piece)
        _write_all(file, piece, at)
        self.settle(BEHIND)
        if at == self.upto:
            self.upto += len(piece)
        if at + len(piece) - self._hurried >= BATCH:
            # Starts writing back what is dirty (it drops nothing that is): the fsync at the end then finds little to do.
            os.posix_fadvise(file, self._hurried, at + len(piece) - self._hurried, os.POSIX_FADV_DONTNEED)
            self._hurried = at + len(piece)

    def settle(self, behind: int = 0) -> None:
        """Wait until what was written is hashed, all but the last pieces."""
        while len(self._hashing) > behind:
            self._hashing.popleft().result()

    def digest(self, file: int, size: int) -> Digest:
        """The digest of all *size* bytes of *file*."""
        self.settle()
        while self.upto < size:
            batch = os.pread(file, min(BATCH, size - self.upto), self.upto)
            if not batch:
                raise ConflictError(f"a file was cut to {self.upto} of {size} bytes while it was read")
            self._hasher.update(batch)
            self.upto += len(batch)
        return Digest(f"sha256:{self._hasher.hexdigest()}")


class LateHash(RunningHash):
    """Writes only; nothing is hashed before the digest is asked for, nor hurried to the disk."""

    def write(self, file: int, piece: memoryview, at: int, helper: Executor | None = None) -> None:
        del helper
        _write_all(file, piece, at)


class KeptHashes:
    """The running hashes of uploads that are closed and may be resumed by this process; the oldest are dropped.

    Without them an upload of n requests would be read again at its end, though never more than once."""

    def __init__(self, limit: int = 1024) -> None:
        self._limit = limit
        self._kept: OrderedDict[str, RunningHash] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, upload_id: str, running: RunningHash) -> None:
        """Remember how far an upload is hashed."""
        with self._lock:
            self._kept[upload_id] = running
            if len(self._kept) > self._limit:
                self._kept.popitem(last=False)

    def take(self, upload_id: str) -> RunningHash:
        """What was kept, or a hash that has seen nothing yet. Each is handed out once: two writers share none."""
        with self._lock:
            return self._kept.pop(upload_id, None) or RunningHash()


def _write_all(file: int, piece: memoryview, at: int) -> None:
    done = 0
    while done < len(piece):
        done += os.pwrite(file, piece[done : done + _AT_ONCE], at + done)
