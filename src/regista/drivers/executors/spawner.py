"""A warm process that starts supervisors, so that an attempt costs a fork and not an interpreter's start."""

import contextlib
import os
import subprocess
import threading
import weakref
from pathlib import Path
from typing import IO

import msgspec

import regista.agent
from regista.errors import InternalError, UnavailableError

SUPERVISOR = Path(regista.agent.__file__ or "").with_name("supervisor.py")


class Spawner:
    """Starts the agent's supervisor for attempts' folders. Holds nothing that matters: attempts outlive it, and it is
    started at the first launch, again when it was killed, and anew in a process forked from this one."""

    def __init__(self, python: str) -> None:
        self._python = python
        self._mutex = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._finalizer: weakref.finalize[..., Spawner] | None = None

    def launch(self, directory: Path) -> None:
        """Return once the supervisor of *directory* has recorded that it runs; at once if it was started before."""
        request = os.fsencode(directory) + b"\0"
        with self._mutex:
            answer = self._ask(request) or self._ask(request)  # the first may find a spawner that was killed
        if not answer:
            raise UnavailableError(
                f"the supervisor's spawner ({self._python}) does not answer",
                hint="Look for out-of-memory kills in the system's log, and try again.",
            )
        said = msgspec.json.decode(answer, type=str)
        if said:
            raise InternalError(f"the attempt could not be started: {said}", hint="See supervisor.log in its folder.")

    def close(self) -> None:
        """End the spawner; attempts go on. A later launch starts another."""
        with self._mutex:
            self._drop()

    def _ask(self, request: bytes) -> bytes:
        if self._process is None or self._owner != os.getpid():
            self._start()
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return b""
        answer = b""
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(request)
            answer = process.stdout.readline()
        if not answer.endswith(b"\n"):
            self._drop()
            return b""
        return answer

    def _start(self) -> None:
        try:
            process = subprocess.Popen(
                [self._python, "-I", "-S", str(SUPERVISOR), "--serve"],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={"PATH": os.defpath, "LANG": "C.UTF-8"},
                start_new_session=True,
            )
        except OSError as error:
            raise UnavailableError(f"{self._python} cannot be started: {error.strerror}") from error
        self._process, self._owner = process, os.getpid()
        self._finalizer = weakref.finalize(self, _end, process, process.stdin, process.stdout)

    def _drop(self) -> None:
        if self._finalizer is not None and self._owner == os.getpid():
            self._finalizer()
        self._process = None


def _end(process: subprocess.Popen[bytes], *pipes: IO[bytes] | None) -> None:
    for pipe in pipes:
        if pipe is not None:
            pipe.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
