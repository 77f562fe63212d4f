"""Small writes of an event loop over PostgreSQL: one connection, and one COMMIT for all who come meanwhile.

    BEGIN … SERIALIZABLE
      the callers' work      they read beside one another and write one after another (``wire_session``), up to 64
      their events
    COMMIT                   only now are the callers told; the next group has begun behind it

As in ``group_commit``, but without savepoints, each of which would be a transaction to the server: callers that fail have, as
a rule, written nothing yet, and then nobody notices. Where one fails that has, or the server refuses a statement, the whole
group is undone, and threads do it again, each for itself. A group that collided with another server is tried again as it is.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from time import thread_time
from typing import TypeVar

from psycopg.errors import UniqueViolation

from regista.drivers.catalog.sql.faults import is_retryable, translated
from regista.drivers.catalog.sql.group_commit import BATCH, Item
from regista.drivers.catalog.sql.session import Session
from regista.drivers.catalog.sql.sheets import Series, Sheets
from regista.drivers.catalog.sql.wire import Reply, Wire, begin
from regista.drivers.catalog.sql.wire_session import BeginAgainError, Joint, WireSession
from regista.interfaces.catalog import WouldWaitError

T = TypeVar("T")

_BEGIN = "BEGIN ISOLATION LEVEL SERIALIZABLE"
_BUSY = 0.005
"""Seconds of processor that a group may take of the loop to be begun. Who comes later goes into the next one, of which the loop
reads while the server writes this one."""
_TRIES = 3
"""How often in a row groups may collide before threads take over."""


class Turn:
    """One caller's part of a group: what it reads and writes is part of the group's transaction."""

    def __init__(self, transaction: Joint) -> None:
        self.session = WireSession(transaction, writes=True)
        self.steps: list[Callable[[], None]] = []
        """What its writes have left for the end of the transaction."""

    def write(self, work: Callable[[Session], T]) -> T:
        """Do *work*: all of it, or nothing."""
        session = self.session
        changes = session.changes
        try:
            result = work(session)
        except Exception as fault:
            if session.changes != changes:
                raise WouldWaitError from fault
            session.taken()
            session.check()
            raise
        session.check()
        self.steps += session.taken()
        return result

    def read(self, work: Callable[[Session], T]) -> T:
        """Do *work*, which writes nothing."""
        try:
            with self.session.reading():
                result = work(self.session)
        except Exception:
            self.session.check()
            raise
        self.session.check()
        return result


IN_TURN: ContextVar[Turn | None] = ContextVar("in_turn", default=None)
"""The turn that this greenlet does."""


class _Group:
    """Those who share a transaction."""

    def __init__(self, wire: Wire, series: Series) -> None:
        self.sheets = Sheets(series)
        self.transaction = Joint(wire, self.sheets)
        self.items: list[Item] = []
        self.steps: list[Callable[[], None]] = []
        self.changed = False
        self.spoiled = False
        self.running = 0
        self.busy = 0.0
        """Seconds that the loop was busy to begin their work."""

    @property
    def is_open(self) -> bool:
        """Whether one more may come."""
        return len(self.items) < BATCH and self.busy < _BUSY and not self.is_over

    @property
    def is_over(self) -> bool:
        """Whether it can only be undone."""
        return self.spoiled or self.transaction.is_over


class Turns:
    """The writing connection of *loop*."""

    def __init__(self, wire: Wire, loop: asyncio.AbstractEventLoop) -> None:
        self.wire, self._loop = wire, loop
        self._waiting: deque[Item] = deque()
        self._group: _Group | None = None
        self._collisions = 0
        self._series = Series()

    def turn(self, work: Callable[[], T], done: Callable[[T | None, BaseException | None], None]) -> None:
        """Have *work* done, and *done* told what came of it when that is durable: ``WouldWaitError`` when nothing did."""
        self._waiting.append(Item(work, done))
        self._go_on()

    def close(self) -> None:
        """Let go: who waits is told."""
        self.wire.close()

    def _go_on(self) -> None:
        """Begin the work of those who wait, as far as they may. Only the loop calls this, and no greenlet."""
        while self._waiting:
            if self._group is None:
                self._group = _Group(self.wire, self._series)
                try:
                    self._group.transaction.begin(_BEGIN)
                except WouldWaitError:  # the connection is lost: nobody will be served by it
                    self._group = None
                    refused, self._waiting = self._waiting, deque()
                    self._refuse(refused)
                    return
            if not self._group.is_open:
                return  # it will be called again when the group has ended
            self._begin(self._group, self._waiting.popleft())

    def _begin(self, group: _Group, item: Item) -> None:
        group.items.append(item)
        group.running += 1
        start = thread_time()
        begin(partial(self._attempt, group, item), partial(self._ended, group))
        group.busy += thread_time() - start

    def _attempt(self, group: _Group, item: Item) -> None:
        """Do one item, and note what came of it."""
        item.result = item.error = None
        turn = Turn(group.transaction)
        IN_TURN.set(turn)
        try:
            item.result = _persistent(turn, item.work)
        except WouldWaitError as fault:
            item.error = fault
            group.spoiled = group.spoiled or turn.session.changes > 0
        except Exception as fault:  # noqa: BLE001 - it belongs to whose item it is
            item.error = fault
        finally:
            group.transaction.leave(turn.session)
        group.steps += turn.steps
        group.changed = group.changed or turn.session.changes > 0

    def _ended(self, group: _Group, _: None, error: BaseException | None) -> None:
        group.spoiled = group.spoiled or error is not None
        group.running -= 1
        if group.running:
            return
        self._group = None
        self._loop.call_soon(self._go_on)
        if group.is_over:
            self._undo(group)
            return
        try:
            self._commit(group)
        except WouldWaitError:
            self._undo(group)

    def _commit(self, group: _Group) -> None:
        group.transaction.ending = True
        group.transaction.finish()
        for step in group.steps:
            step()
        self.wire.part()  # COMMIT has to be answered even when what came before it was refused
        reply = self.wire.send("COMMIT")
        self.wire.part()
        reply.then = partial(self._committed, group, reply)

    def _undo(self, group: _Group) -> None:
        with suppress(WouldWaitError):  # where the connection is lost, the server does it
            self.wire.part()
            self.wire.send("ROLLBACK")
        self._again(group, group.transaction.fault)

    def _committed(self, group: _Group, reply: Reply) -> None:
        """Tell everybody what the answer to COMMIT means."""
        status = reply.result.command_status if reply.result is not None and reply.error is None else None
        if status == b"COMMIT":
            self._collisions = 0
            group.sheets.came_to_be()
            for item in group.items:
                item.tell(item.result, item.error)
        elif self.wire.lost is not None and group.changed:
            fault = translated(self.wire.lost)
            for item in group.items:
                item.tell(None, fault)
        else:
            self._again(group, group.transaction.fault or reply.error)
            self._loop.call_soon(self._go_on)

    def _again(self, group: _Group, fault: Exception | None) -> None:
        """Nothing of *group* has come to be."""
        self._collisions += 1
        if self.wire.lost is None and self._collisions <= _TRIES and self._may_come_to_be(group, fault):
            self._waiting.extendleft(reversed(group.items))
        else:
            self._collisions = 0
            self._refuse(group.items)

    @staticmethod
    def _may_come_to_be(group: _Group, fault: Exception | None) -> bool:
        """Whether *group* may come through as it is where *fault* undid it."""
        if isinstance(fault, UniqueViolation) and group.sheets.were_there():
            return True
        return fault is not None and is_retryable(fault)

    @staticmethod
    def _refuse(items: Iterable[Item]) -> None:
        for item in items:
            item.tell(None, WouldWaitError())


def _persistent(turn: Turn, work: Callable[[], T]) -> T:
    """Do *work*; once more when another has changed what it read."""
    try:
        return work()
    except BeginAgainError:
        turn.steps.clear()
        turn.session.begin_again()
        return work()
