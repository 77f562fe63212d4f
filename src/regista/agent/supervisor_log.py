"""An attempt's log, kept within a bound: the supervisor reads what the attempt writes from a pipe, and keeps it in a file.

    log            what was written last; everything, while that is not more than the limit
    log.<end>      only where the log rotates: what was written before, up to byte <end> of all that was ever written

A log that does not rotate ends with a line that says so when its limit is reached; what comes after is not kept, and the
attempt goes on. Like the supervisor, this imports the standard library alone.
"""

import os
import threading
from pathlib import Path

_BLOCK = 1 << 16
_PATIENCE = 5.0


class Log:
    """Reads until the last writer has gone. What was in the file before counts."""

    def __init__(self, reader: int, path: str, limit: int | None, *, rotates: bool) -> None:
        """Raise ``OSError`` for a file that cannot be opened. *reader* is the end of the pipe; *limit* is in bytes; of a log
        that rotates twice as much is kept. None bounds nothing."""
        self._path, self._limit, self._rotates = Path(path), limit, rotates
        self._most = min(_BLOCK, limit) if rotates and limit else _BLOCK  # what is read at once fits into an empty file
        self._file = self._open()
        self._size = os.fstat(self._file).st_size
        self._rotated = 0
        self._cut = False
        self._lost, self._reason = 0, ""
        self._reader = reader
        self._thread = threading.Thread(target=self._pump, name="log", daemon=True)

    def start(self) -> None:
        """Begin to read, in the process that keeps no end to write to."""
        self._thread.start()

    def finish(self) -> None:
        """Wait until everything that was written has been kept; the last writer has ended, or soon will."""
        if self._thread.ident is not None:
            self._thread.join(_PATIENCE)

    def _pump(self) -> None:
        while block := os.read(self._reader, self._most):
            try:
                self._take(block)
            except OSError as error:  # a full disk costs lines of the log, not the attempt
                self._lost += len(block)
                self._reason = str(error.strerror)
        os.close(self._reader)

    def _take(self, block: bytes) -> None:
        if self._cut:
            return
        if self._lost:
            self._write(f"\n[regista] {self._lost} bytes of the log were lost: {self._reason}\n".encode())
            self._lost = 0
        if self._limit is None or self._size + len(block) <= self._limit:
            self._write(block)
        elif self._rotates:
            self._rotate()
            self._write(block)
        else:
            self._write(block[: max(0, self._limit - self._size)])
            self._cut = True
            self._write(
                f"\n[regista] the log was cut here: it has reached {self._limit} bytes, the most that is kept of it "
                "(REGISTA_JOB_LOG_BYTES)\n".encode()
            )

    def _write(self, block: bytes) -> None:
        while block:
            written = os.write(self._file, block)
            self._size += written
            block = block[written:]

    def _rotate(self) -> None:
        """Put the file aside, and remove the one that was put aside before."""
        before = list(self._path.parent.glob(f"{self._path.name}.*"))
        self._rotated += self._size
        self._path.rename(self._path.with_name(f"{self._path.name}.{self._rotated}"))
        os.close(self._file)
        self._file, self._size = self._open(), 0
        for old in before:
            old.unlink(missing_ok=True)

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(self._path, flags, 0o600)
