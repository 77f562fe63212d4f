"""One thread writes for everybody, and one COMMIT (one fsync) serves all who are waiting.

    BEGIN IMMEDIATE
      SAVEPOINT item   the first caller's work    RELEASE
      SAVEPOINT item   the second caller's work   ROLLBACK TO, RELEASE    (it raised; the others never notice)
      …                up to 64 items
    COMMIT             only now are the callers told

A commit that fails is everybody's failure. Measured on one machine with 16 callers: four times the transactions per
second of a lock around each transaction, and a tenth of its longest wait.
"""

import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar, cast

from regista.drivers.catalog.sql.faults import translated
from regista.drivers.catalog.sql.session import Session
from regista.errors import UnavailableError

T = TypeVar("T")

BATCH = 64
"""Items that share one commit, at most: what bounds the wait of the first among them."""


class _Item:
    """One caller's work on its way through the writer; ``wait`` is released when its fate is known."""

    __slots__ = ("error", "result", "wait", "work")

    def __init__(self, work: Callable[[Session], Any]) -> None:
        self.work = work
        self.result: Any = None
        self.error: BaseException | None = None
        self.wait = threading.Lock()
        self.wait.acquire()


class GroupCommit:
    """The writer of one SQLite connection. *exclusive* is held while a batch runs, for connections shared with readers."""

    def __init__(self, session: Session, exclusive: AbstractContextManager[Any] | None = None) -> None:
        self._session = session
        self._raw: sqlite3.Connection = session.raw
        self._exclusive = exclusive or nullcontext()
        self._items: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._entry = threading.Lock()
        self.closed = False
        self._ended = False
        self._thread = threading.Thread(target=self._serve, name="regista-catalog-writer", daemon=True)
        self._thread.start()

    def write(self, work: Callable[[Session], T]) -> T:
        """Have *work* done and committed; raise what it raised, or the failure of the commit."""
        item = _Item(work)
        with self._entry:
            if self.closed:
                raise UnavailableError("the catalog is closed")
            self._items.put(item)
        item.wait.acquire()
        try:
            if item.error is not None:
                raise item.error
            return cast("T", item.result)
        finally:
            del item  # the traceback would keep the item, and the item the traceback

    def close(self) -> None:
        """Finish what was accepted, then stop. Closing again is quiet."""
        with self._entry:
            if not self.closed:
                self.closed = True
                self._items.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while not self._ended:
            first = self._items.get()
            if first is None:
                return
            with self._exclusive:
                batch = self._commit(first)
            for item in batch:
                item.wait.release()
            del first, batch

    def _commit(self, first: _Item) -> list[_Item]:
        """Run *first* and those behind it in one transaction; whatever happens, each knows its fate afterwards."""
        batch: list[_Item] = []
        try:
            self._raw.execute("BEGIN IMMEDIATE")
            for item in self._waiting(first):
                batch.append(item)
                self._attempt(item)
            self._raw.execute("COMMIT")
        except BaseException as fault:  # noqa: BLE001 - it belongs to the callers, who wait for it
            if self._raw.in_transaction:
                self._raw.execute("ROLLBACK")
            batch = batch or [first]
            for item in batch:
                item.error = item.error or translated(fault)
        return batch

    def _waiting(self, first: _Item) -> Iterator[_Item]:
        """*first*, then who has come meanwhile, also while the others run."""
        yield first
        for _ in range(BATCH - 1):
            try:
                item = self._items.get_nowait()
            except queue.Empty:
                return
            if item is None:
                self._ended = True
                return
            yield item

    def _attempt(self, item: _Item) -> None:
        """Run one item in its savepoint. Raise only when the whole transaction is lost (SQLite gives up on a full disk)."""
        self._raw.execute("SAVEPOINT item")
        try:
            item.result = item.work(self._session)
        except BaseException as fault:
            if not self._raw.in_transaction:
                raise
            self._raw.execute("ROLLBACK TO item")
            item.error = translated(fault)
        self._raw.execute("RELEASE item")
