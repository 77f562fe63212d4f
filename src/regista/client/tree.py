"""The files that are about to become a content: what was found, and reading it only while it stays what it was."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from regista.errors import ConflictError, InvalidError


class FileChangedError(ConflictError):
    """A file is no longer what was scanned."""


class ScannedFile(msgspec.Struct, frozen=True, gc=False):
    """One file. *path* is its name inside the content, *source* where its bytes are (links are already resolved)."""

    path: str
    source: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


class Scan(msgspec.Struct, frozen=True):
    """The files at or below *root*, in the order of their paths."""

    root: Path
    files: tuple[ScannedFile, ...] = ()

    @property
    def size(self) -> int:
        """The bytes of all files together."""
        return sum(file.size for file in self.files)


@contextmanager
def open_unchanged(file: ScannedFile) -> Iterator[BinaryIO]:
    """Open *file* without buffering; raise ``FileChangedError`` when it is not, or after the block no longer, what was
    scanned, and ``InvalidError`` when it cannot be read."""
    handle = _open(file)
    with os.fdopen(handle, "rb", buffering=0) as raw:
        _check(file, handle)
        yield raw
        _check(file, handle)


def read_unchanged(file: ScannedFile) -> bytes:
    """All bytes of *file*, for small ones; raises as ``open_unchanged``."""
    # Bare calls: among 100,000 files, file objects and context managers took longer than reading and hashing.
    handle = _open(file)
    try:
        _check(file, handle)
        content = os.read(handle, file.size + 1)
        while 0 < len(content) < file.size and (more := os.read(handle, file.size - len(content))):
            content += more
        _check(file, handle)
    except OSError as wrong:
        raise unreadable(file.source, wrong) from wrong
    finally:
        os.close(handle)
    if len(content) != file.size:
        raise changed(file)
    return content


def changed(file: ScannedFile) -> FileChangedError:
    """The error for a file that is no longer what was scanned."""
    message = f"{file.source!r} changed while it was being read"
    return FileChangedError(message, hint="Try again when nobody writes to it.")


def unreadable(path: str, wrong: OSError) -> InvalidError:
    """The error for a file or folder that cannot be read."""
    reason = (wrong.strerror or "unknown reason").lower()
    return InvalidError(f"{path!r} cannot be read: {reason}", hint="Make it readable, or add it to .amlignore.")


def _open(file: ScannedFile) -> int:
    try:
        # Without O_NONBLOCK a pipe that took the file's place would block forever.
        return os.open(file.source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise changed(file) from None
    except OSError as wrong:
        raise unreadable(file.source, wrong) from wrong


def _check(file: ScannedFile, handle: int) -> None:
    now = os.fstat(handle)
    same = (now.st_size, now.st_mtime_ns, now.st_ino) == (file.size, file.mtime_ns, file.inode)
    if not same or not stat.S_ISREG(now.st_mode):
        raise changed(file)
