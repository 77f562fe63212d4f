"""A catalog as the event loop of a server has it: each read is a glance, each write a turn, and a thread does what would wait."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from regista.drivers.catalog.sql.catalog import SqlCatalog
from regista.interfaces.catalog import Catalog, Transaction, WouldWaitError

T = TypeVar("T")
Done = Callable[[Any, BaseException | None], None]
Ask = Callable[[Callable[[], Any], Done], None]

PATIENCE = 60


class Looping:
    """*catalog*, asked on an event loop with a thread of its own; *doers* counts who did the work."""

    def __init__(self, catalog: Catalog, doers: "Counter[str] | None" = None) -> None:
        self.catalog = catalog
        self.doers = Counter() if doers is None else doers
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    @property
    def near(self) -> bool:
        return self.catalog.near

    def ready(self) -> None:
        """Wait until the loop has its connections."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with suppress(WouldWaitError):
                self.on_loop(self.catalog.in_turn, lambda: None).result(PATIENCE)
                self.on_loop(self.catalog.at_once, lambda: None).result(PATIENCE)
                return
            time.sleep(0.01)
        raise TimeoutError

    def read(self, work: Callable[[Transaction], T]) -> T:
        return self._ask(self.catalog.at_once, lambda: self.catalog.read(work))

    def write(self, work: Callable[[Transaction], T]) -> T:
        return self._ask(self.catalog.in_turn, lambda: self.catalog.write(work))

    def at_once(self, work: Callable[[], T], done: Done) -> None:
        self.catalog.at_once(work, done)

    def in_turn(self, work: Callable[[], T], done: Done) -> None:
        begun: Future[None] = Future()

        def begin() -> None:
            try:
                self.catalog.in_turn(work, done)
            except BaseException as error:  # noqa: BLE001 - it belongs to who waits
                begun.set_exception(error)
            else:
                begun.set_result(None)

        self.loop.call_soon_threadsafe(begin)
        begun.result(PATIENCE)

    def on_loop(self, ask: Ask, work: Callable[[], T]) -> "Future[T]":
        """What comes of *work*, asked for in the loop by *ask*."""
        told: Future[T] = Future()

        def done(result: Any, error: BaseException | None) -> None:
            if error is None:
                told.set_result(result)
            else:
                told.set_exception(error)

        self.loop.call_soon_threadsafe(_begin, ask, work, done)
        return told

    def close(self) -> None:
        self.catalog.close()

    def stop(self) -> None:
        """End the loop, which the catalog may outlive."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def _ask(self, ask: Ask, work: Callable[[], T]) -> T:
        if threading.current_thread() is self.thread:
            return work()
        try:
            result = self.on_loop(ask, work).result(PATIENCE)
        except WouldWaitError:
            self.doers["thread"] += 1
            return work()
        self.doers["loop"] += 1
        return result


def _begin(ask: Ask, work: Callable[[], Any], done: Done) -> None:
    try:
        ask(work, done)
    except BaseException as error:  # noqa: BLE001 - it belongs to who waits
        done(None, error)


@contextmanager
def opened(url: str) -> Iterator[Looping]:
    """The catalog at *url*, when its loop has its connections."""
    looping = Looping(SqlCatalog.open(url))
    try:
        looping.ready()
        yield looping
    finally:
        looping.close()
        looping.stop()
