"""Copying a file of this machine while it is hashed."""

import errno
import hashlib
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from regista.entities.digest import Digest

_STEP = 8 * 1024 * 1024
_BUFFER = 256 * 1024
_NO_RANGE_COPY = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM}


def copy_hashed(source: int, target: int, size: int, advance: Callable[[int], None]) -> Digest:
    """Copy *size* bytes of the open file *source* to *target*, which is empty; return the digest of the copy.

    The copy is hashed out of the page cache, and on its way to the disk, while the next bytes are copied; a file system
    that can share bytes until one side changes them does not copy any. When *source* has fewer, so has the copy."""
    hasher = hashlib.sha256()
    buffer = memoryview(bytearray(_BUFFER))

    def hash_up_to(start: int, end: int) -> None:
        while start < end and (count := os.preadv(target, [buffer[: end - start]], start)):
            hasher.update(buffer[:count])
            start += count

    hashing: list[Future[None]] = []
    at, by_range = 0, True
    with ThreadPoolExecutor(1) as helper:  # of one thread, so that the order stays
        while at < size:
            count, by_range = _copy_on(source, target, at, min(_STEP, size - at), by_range=by_range)
            if count == 0:
                break
            # Starts writing back what is dirty (it drops nothing that is): the disk has little left to do in the end.
            os.posix_fadvise(target, at, count, os.POSIX_FADV_DONTNEED)
            hashing.append(helper.submit(hash_up_to, at, at + count))
            at += count
            advance(count)
    for one in hashing:
        one.result()
    return Digest(f"sha256:{hasher.hexdigest()}")


def _copy_on(source: int, target: int, at: int, count: int, *, by_range: bool) -> tuple[int, bool]:
    """Copy up to *count* bytes from *at* on; return how many they were, and whether ranges can be copied here."""
    if by_range:
        try:
            return os.copy_file_range(source, target, count, at, at), True
        except OSError as wrong:
            if wrong.errno not in _NO_RANGE_COPY:
                raise
    os.lseek(target, at, os.SEEK_SET)
    return os.sendfile(target, source, at, count), False
