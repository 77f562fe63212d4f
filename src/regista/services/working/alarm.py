"""Doing something when something else lasts: one thread for all, which sleeps through what is over in time."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class _Call:
    """What is to be done at *due*, unless it was called off."""

    __slots__ = ("action", "due", "off")

    def __init__(self, due: float, action: Callable[[], None]) -> None:
        self.due, self.action, self.off = due, action, False


class Alarm:
    """Calls what lasts longer than *seconds*. Safe to use from many threads."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._calls: deque[_Call] = deque()
        self._changed = threading.Condition()
        self._idle = False
        self._thread: threading.Thread | None = None

    @contextmanager
    def unless_over(self, action: Callable[[], None]) -> Iterator[None]:
        """Have *action* done in another thread when the block lasts too long, perhaps while it ends. It must not raise."""
        call = _Call(time.monotonic() + self._seconds, action)
        with self._changed:
            self._calls.append(call)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="regista-alarm", daemon=True)
                self._thread.start()
            elif self._idle:
                self._changed.notify()
        try:
            yield
        finally:
            call.off = True

    def _run(self) -> None:
        while True:
            self._next().action()

    def _next(self) -> _Call:
        """The first call whose time has come."""
        with self._changed:
            while True:
                while self._calls and self._calls[0].off:
                    self._calls.popleft()
                self._idle = not self._calls
                left = self._calls[0].due - time.monotonic() if self._calls else None
                if left is not None and left <= 0:
                    return self._calls.popleft()
                self._changed.wait(left)
