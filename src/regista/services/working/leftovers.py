"""The folders of ended jobs: removed when nothing has ended for a moment.

Removing a folder while the next step is being started doubles what the step costs: both wait for the same journal of the file
system (24 of 81 ms of a step, measured on ext4). What a worker that is killed leaves is swept when the next one starts.
"""

import threading
import time
from collections import deque
from pathlib import Path

from regista.services.jobs.attempt_folder import remove_attempts

_QUIET = 0.5
"""Seconds without an ended job after which removing begins."""

_MOST = 50
"""So many folders at most wait for a moment of quiet: a busy worker must not fill its disk."""


class Leftovers:
    """What is still to be removed below *work*. Safe to use from many threads."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._waiting: deque[str] = deque()
        self._latest = 0.0
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def leave(self, job_id: str) -> None:
        """Have the folders of the attempts at a job removed soon; returns at once."""
        with self._changed:
            self._waiting.append(job_id)
            self._latest = time.monotonic()
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="regista-leftovers", daemon=True)
                self._thread.start()
            if len(self._waiting) == 1 or len(self._waiting) > _MOST:
                self._changed.notify()

    def close(self) -> None:
        """Remove what waits, and return when it is gone. Closing again removes what came later."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
        while self._waiting:
            remove_attempts(self._work, self._waiting.popleft())

    def _run(self) -> None:
        while job_id := self._next():
            remove_attempts(self._work, job_id)

    def _next(self) -> str | None:
        """The one to remove, when its time has come; None at the end."""
        with self._changed:
            while not self._closed:
                quiet_in = self._latest + _QUIET - time.monotonic()
                if self._waiting and (quiet_in <= 0 or len(self._waiting) > _MOST):
                    return self._waiting.popleft()
                self._changed.wait(quiet_in if self._waiting else None)
            return None
