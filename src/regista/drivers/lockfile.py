"""At most one process has a thing: a second one would starve, be locked out, or write over what the first one says."""

import fcntl
import os
from pathlib import Path

from regista.errors import ConflictError, UnavailableError


class LockFile:
    """An advisory lock on the file *path*, which names its holder. The system lets go of it when the holder dies.

    The file itself stays: removing it would let a third process lock a file that nobody else sees. Raise ``ConflictError``, which
    names *what* it is about and the holder, and has the *hint*, while another process holds it; ``UnavailableError`` where no
    such file can be."""

    def __init__(self, path: Path, what: str, *, hint: str) -> None:
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as failed:
            raise UnavailableError(
                f"{what} cannot be opened: {failed.strerror}",
                hint="Check that its folder exists and may be written to.",
            ) from failed
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise ConflictError(f"{what} is in use by process {holder}", hint=hint) from None
        except OSError as failed:
            os.close(self._descriptor)
            raise UnavailableError(
                f"{what} cannot be locked: {failed.strerror}", hint="Put it on a file system that knows locks (flock)."
            ) from failed
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode("ascii"), 0)

    @property
    def held(self) -> bool:
        """Whether it is still ours."""
        return self._descriptor >= 0

    def release(self) -> None:
        """Let the next process in; releasing again is quiet."""
        if self.held:
            os.close(self._descriptor)
            self._descriptor = -1
