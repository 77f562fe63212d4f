"""Preparations that go on while the serving loop ticks: a few at a time, in threads that nobody waits for at the end."""

import threading
import time
from collections.abc import Callable

import msgspec

from regista.entities.endpoint import Deployment
from regista.errors import UnavailableError
from regista.interfaces.serving import ServingKey
from regista.services.serving.deployments import key_of
from regista.services.serving.orders import Prepared, Preparer

_AT_ONCE = 2
_TRIES = 3
_PAUSE_SECONDS = 3.0


class _Running(msgspec.Struct):
    tries: int = 0
    again_at: float = 0.0
    outcome: Prepared | Exception | None = None
    thread: threading.Thread | None = None


class Preparations:
    """By generation. What is lost with the process is begun again by the next one, and finds what was done."""

    def __init__(self, preparer: Preparer, wake: Callable[[], None]) -> None:
        self._preparer = preparer
        self._wake = wake
        self._running: dict[ServingKey, _Running] = {}
        self._places = threading.Semaphore(_AT_ONCE)

    def __contains__(self, key: ServingKey) -> bool:
        return key in self._running

    def __len__(self) -> int:
        return len(self._running)

    def advance(self, deployment: Deployment) -> Prepared | Exception | None:
        """What became of the preparation, once; None while it goes on. It is begun by the first call, and begun again a few
        times where something did not answer."""
        key = key_of(deployment)
        running = self._running.setdefault(key, _Running())
        if running.thread is None:
            if time.monotonic() >= running.again_at:
                self._begin(deployment, running)
            return None
        if running.thread.is_alive():
            return None
        running.thread = None
        if isinstance(running.outcome, UnavailableError) and running.tries < _TRIES:
            running.again_at = time.monotonic() + _PAUSE_SECONDS * running.tries
            return None
        del self._running[key]
        return running.outcome

    def _begin(self, deployment: Deployment, running: _Running) -> None:
        def work() -> None:
            with self._places:
                try:
                    running.outcome = self._preparer.prepare(deployment)
                except Exception as wrong:  # noqa: BLE001 - the loop says what became of it
                    running.outcome = wrong
            self._wake()

        running.tries += 1
        running.thread = threading.Thread(target=work, name=f"prepare {deployment.name}", daemon=True)
        running.thread.start()
