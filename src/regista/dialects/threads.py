"""Threads that do blocking work for an event loop: as little between the two as there can be, for it is on every request."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

_Job = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[..., Any], tuple[Any, ...]]


class Threads:
    """At most *count* threads, started as they are needed; they end with the process."""

    def __init__(self, count: int, name: str) -> None:
        self._count, self._name = count, name
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._started = 0

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """What *work* returns or raises. When the waiting task is cancelled the work is still done."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._jobs.put((loop, done, work, arguments))
        if not self._idle.acquire(blocking=False) and self._started < self._count:
            self._started += 1
            threading.Thread(target=self._serve, name=f"{self._name}-{self._started}", daemon=True).start()
        return await done

    def _serve(self) -> None:
        while True:
            loop, done, work, arguments = self._jobs.get()
            error: BaseException | None = None
            result: Any = None
            try:
                result = work(*arguments)
            except BaseException as fault:  # noqa: BLE001 - it belongs to who waits
                error = fault
            self._idle.release()
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(tell, done, result, error)
            del loop, done, work, arguments, result, error


def tell(done: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    """Let who waits for *done* go on, if anybody still does."""
    if done.done():
        return
    if error is None:
        done.set_result(result)
    elif isinstance(error, StopIteration):
        done.set_exception(RuntimeError("the work ended an iteration"))
    else:
        done.set_exception(error)
