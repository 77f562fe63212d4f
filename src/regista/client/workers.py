"""Doing many small things on a few threads."""

import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def run_all(work: Callable[[T], None], items: Iterable[T], workers: int) -> None:
    """Call *work* with every item on up to *workers* threads and return when all are done.

    The first error (or Ctrl-C) stops the taking of further items, waits for those in hand, and is raised. Items are
    taken one by one: the iterable may be long, lazy, and need not be safe for threads.
    """
    waiting, lock = iter(items), threading.Lock()
    failures: list[BaseException] = []

    def labour() -> None:
        while not failures:
            try:
                with lock:
                    item = next(waiting)
                work(item)
            except StopIteration:
                return
            except BaseException as failure:  # noqa: BLE001 (raised again below, in the caller's thread)
                failures.append(failure)

    threads = [threading.Thread(target=labour, daemon=True) for _ in range(max(1, workers))]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except BaseException as interrupt:
        failures.append(interrupt)
        raise
    if failures:
        raise failures[0]
