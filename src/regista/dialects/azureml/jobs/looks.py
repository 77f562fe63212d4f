"""Who has looked at which job while it ran.

The SDK prints the logs of a job after every look but the first: of a job that has ended when it first looks it prints nothing.
So the first look at a job that has ended sees it finalizing, and the next one sees the end.
"""

import threading
from collections import OrderedDict

_MOST = 10_000


class Looks:
    """Remembers the latest looks that saw no end. What is forgotten, or seen by another server, costs a look more."""

    def __init__(self, most: int = _MOST) -> None:
        self._open: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._most = most
        self._lock = threading.Lock()

    def may_see_end(self, principal: str, job: str, *, ended: bool) -> bool:
        """Note a look of *principal* at *job*, and say whether the one before saw no end, so that this one may see it."""
        key = (principal, job)
        with self._lock:
            before = key in self._open
            if ended and before:
                del self._open[key]
                return True
            self._open[key] = None
            self._open.move_to_end(key)
            if len(self._open) > self._most:
                self._open.popitem(last=False)
            return False


LOOKS = Looks()
