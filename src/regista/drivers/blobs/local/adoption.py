"""Making a file that somebody gives up a blob, without moving its bytes."""

import errno
import os
from pathlib import Path

from regista.drivers.blobs.local.layout import BLOB_MODE, Layout
from regista.drivers.blobs.local.running import RunningHash
from regista.entities.digest import Digest
from regista.errors import ConflictError, DigestMismatchError

# What says "not here": another file system, no right to link, too many links, no /proc, no links at all.
_NOT_HERE = {errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOENT, errno.EOPNOTSUPP, errno.ENOSYS}


def adopt(layout: Layout, source: Path, file: int, expected: Digest | None) -> Digest | None:
    """Hash the open *file* and link it to its place as a blob; return None when it has to be copied.

    The file is read-only from before it is hashed, and the link is made from what was hashed, not from a path that
    might have come to name something else. A file with a second name or of another user is copied: whoever uses the
    other name has given up nothing, and the other user could make it writable again. Raise ``ConflictError`` when it
    changed while it was read; its mode is given back unless it became the blob."""
    before = os.fstat(file)
    here = before.st_dev == layout.uploads.stat().st_dev
    if not here or before.st_nlink != 1 or before.st_uid != os.geteuid():
        return None
    os.fchmod(file, BLOB_MODE)
    linked = False
    try:
        digest = RunningHash().digest(file, before.st_size)
        after = os.fstat(file)
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise ConflictError(
                f"the file {str(source)!r} changed while it was read", hint="Add it when it is complete."
            )
        if expected is not None and digest != expected:
            raise DigestMismatchError(expected, digest)
        if layout.renew(digest, before.st_size):
            return digest
        linked = _link(layout, file, digest)
        return digest if linked else None
    finally:
        if not linked:
            os.fchmod(file, before.st_mode & 0o7777)


def _link(layout: Layout, file: int, digest: Digest) -> bool:
    os.fsync(file)
    try:
        layout.link(file, digest)
    except FileExistsError:
        return False  # stored by somebody else just now, or cut short by a failing disk: a copy settles both
    except OSError as refused:
        if refused.errno in _NOT_HERE:
            return False
        raise
    return True
