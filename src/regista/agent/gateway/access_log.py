"""One JSON line per request: what was asked of whom, and how it ended. Never a key, a query string or a body."""

import asyncio
import contextlib
import functools
import os
import time
from pathlib import Path

import msgspec

from .log import log

FLUSH_SECONDS = 0.1


@functools.lru_cache(maxsize=4)
def _second(unix: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(unix))


def instant(unix: float) -> str:
    """A time in UTC, to the millisecond."""
    return f"{_second(int(unix))}.{int(unix % 1 * 1000):03d}Z"


class Entry(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One request. ``time`` is when it began (UTC), ``ms`` how long it took, ``received`` and ``sent`` are bytes of bodies.
    ``aborted`` says that the caller or the worker went away in the middle, ``mirror`` that this was a copy."""

    time: str
    request_id: str
    client: str
    method: str
    path: str
    status: int
    ms: float
    endpoint: str = ""
    deployment: str = ""
    received: int = 0
    sent: int = 0
    aborted: bool = False
    mirror: bool = False
    client_request_id: str = ""


class AccessLog:
    """Appends to *path*, a tenth of a second's lines at one time; without a path lines are dropped. A disk that is full
    costs lines, never requests. A file of *limit* bytes is put aside as ``PATH.1``, in place of the one before."""

    def __init__(self, path: Path | None, limit: int | None = None) -> None:
        self._path = path
        self._limit = limit
        self._lines: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._encode = msgspec.json.Encoder().encode
        self._file = self._open()

    def write(self, entry: Entry) -> None:
        if self._path is None:
            return
        self._lines.append(self._encode(entry))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)

    def flush(self) -> None:
        self._timer = None
        if not self._lines:
            return
        lines, self._lines = b"\n".join(self._lines) + b"\n", []
        try:
            self._make_room(len(lines))
            self._file = self._open() if self._file is None else self._file
            while lines and self._file is not None:
                lines = lines[os.write(self._file, lines) :]
        except OSError as error:
            log.warning("the access log loses lines: %s", error.strerror)

    def _make_room(self, size: int) -> None:
        if self._path is None or self._file is None or self._limit is None:
            return
        there = os.fstat(self._file).st_size
        if there and there + size > self._limit:
            with contextlib.suppress(FileNotFoundError):  # somebody else has moved it
                self._path.replace(self._path.with_name(f"{self._path.name}.1"))
            os.close(self._file)
            self._file = None

    def reopen(self) -> None:
        """Write into a new file from now on, after the old one was moved away."""
        self.flush()
        if self._file is not None:
            os.close(self._file)
        self._file = self._open()

    def _open(self) -> int | None:
        if self._path is None:
            return None
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
