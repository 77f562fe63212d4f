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
    might have come to name something else. Raise ``ConflictError`` when it changed while it was read; its mode is given
    back unless it became the blob."""
    before = given_up(layout, file)
    if before is None:
        return None
    linked = False
    try:
        digest = hash_given_up(source, file, before, expected)
        if layout.renew(digest, before.st_size):
            return digest
        os.fsync(file)
        linked = link(layout, file, digest)
        return digest if linked else None
    finally:
        if not linked:
            give_back(file, before)


def given_up(layout: Layout, file: int) -> os.stat_result | None:
    """How the open *file* is now; None for one that has to be copied: it lies elsewhere, has a second name or is of another
    user. Whoever uses the other name has given up nothing, and the other user could make it writable again."""
    before = os.fstat(file)
    here = before.st_dev == layout.uploads.stat().st_dev
    return before if here and before.st_nlink == 1 and before.st_uid == os.geteuid() else None


def hash_given_up(source: Path, file: int, before: os.stat_result, expected: Digest | None = None) -> Digest:
    """Make *file* read-only and hash it; raise ``ConflictError`` when it changed meanwhile."""
    os.fchmod(file, BLOB_MODE)
    digest = RunningHash().digest(file, before.st_size)
    after = os.fstat(file)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise ConflictError(f"the file {str(source)!r} changed while it was read", hint="Add it when it is complete.")
    if expected is not None and digest != expected:
        raise DigestMismatchError(expected, digest)
    return digest


def give_back(file: int, before: os.stat_result) -> None:
    """Give a file that did not become a blob its mode back."""
    os.fchmod(file, before.st_mode & 0o7777)


def link(layout: Layout, file: int, digest: Digest, *, durable: bool = True) -> bool:
    """Make *file*, which is on the disk, the blob *digest*; False when that cannot be, and it has to be copied."""
    try:
        layout.link(file, digest, durable=durable)
    except FileExistsError:
        return False  # stored by somebody else just now, or cut short by a failing disk: a copy settles both
    except OSError as refused:
        if refused.errno in _NOT_HERE:
            return False
        raise
    return True
