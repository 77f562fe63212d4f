"""When a call is repeated, and how long one waits before."""

import email.utils
import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from regista.client.problems import lost, never_sent, untrusted
from regista.errors import RegistaError

T = TypeVar("T")

_LONGEST_PAUSE = 10.0
_LONGEST_WISH = 60.0


class BusyError(Exception):
    """The server asks to come again; inside this package only. *refusal* is what to raise when patience ends."""

    def __init__(self, refusal: RegistaError, retry_after: str) -> None:
        super().__init__(refusal.message)
        self.refusal, self.retry_after = refusal, retry_after


class Patience:
    """Repeats up to *attempts* times, first after *pause* seconds. *met* is set once the server answered anything:
    before that, a refused connection means that there is no server, and nobody likes to wait for that."""

    def __init__(self, url: str, attempts: int, pause: float, met: threading.Event) -> None:
        self._url, self._attempts, self._pause, self._met = url, max(1, attempts), pause, met

    def repeat(self, once: Callable[[], T], *, repeatable: bool) -> T:
        """Return what *once* returns; *repeatable* says that doing it twice does no harm."""
        from urllib3.exceptions import HTTPError

        failures = 0
        while True:
            try:
                return once()
            except BusyError as busy:
                failures += 1
                if not repeatable or failures >= self._attempts:
                    raise busy.refusal from None
                time.sleep(_wish(busy.retry_after) or self._backoff(failures))
            except (HTTPError, OSError) as failure:
                failures += 1
                self.after_failure(failure, failures, repeatable=repeatable)

    def after_failure(self, failure: Exception, failures: int, *, repeatable: bool) -> None:
        """Wait before the next attempt after the connection failed for the *failures*-th time, or raise."""
        from urllib3.exceptions import ProtocolError

        harmless = repeatable or never_sent(failure)
        # A connection that broke was to somebody; one that was refused or never answered may be to nobody.
        hopeless = untrusted(failure) or not (self._met.is_set() or isinstance(failure, ProtocolError))
        if not harmless or hopeless or failures >= self._attempts:
            raise lost(self._url, failure) from failure
        time.sleep(self._backoff(failures))

    def _backoff(self, failures: int) -> float:
        # Half of it by chance, so that many clients of one server do not come back all at once.
        return min(_LONGEST_PAUSE, self._pause * 2.0 ** (failures - 1)) * random.uniform(0.5, 1.0)  # noqa: S311 (no secret)


def _wish(retry_after: str) -> float:
    """The seconds that a Retry-After header (RFC 9110, 10.2.3: seconds or a date) asks for, 0 when it says nothing."""
    if retry_after.strip().isdecimal():
        seconds = float(retry_after)
    else:
        try:
            seconds = email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time()
        except (TypeError, ValueError, OverflowError):
            return 0.0
    return min(max(seconds, 0.0), _LONGEST_WISH)
