"""What the operating system says, in our words."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from regista.errors import RegistaError, StorageFullError, UnavailableError

# EFBIG is the process's own limit on the size of a file (RLIMIT_FSIZE): for whoever writes, the disk ends there.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSED = {errno.EROFS, errno.EACCES, errno.EPERM}


@contextmanager
def translated(root: Path) -> Iterator[None]:
    """Raise an ``OSError`` of the block as the ``RegistaError`` that it means for the store in *root*."""
    try:
        yield
    except OSError as failure:
        raise in_our_words(root, failure) from failure


def in_our_words(root: Path, failure: OSError) -> RegistaError:
    """The error for *failure*, with the next step for whoever looks after the store."""
    reason = os.strerror(failure.errno) if failure.errno else str(failure)
    if failure.errno in _FULL:
        return StorageFullError(
            f"the disk of the blob store {str(root)!r} is full: {reason}",
            hint="Free some space, raise the quota or the limit on file sizes, then do it again.",
        )
    if failure.errno in _REFUSED:
        return UnavailableError(
            f"the blob store {str(root)!r} may not be used: {reason}",
            hint="Give the user that Regista runs as the right to read and write there, and mount it writable.",
        )
    if failure.errno in {errno.ENOENT, errno.ENOTDIR}:
        return UnavailableError(
            f"the folder of the blob store {str(root)!r} is gone", hint="Mount its disk or restore it from a backup."
        )
    return UnavailableError(f"the disk of the blob store {str(root)!r} fails: {reason}", hint="Look at the disk.")
