"""Small writes of an event loop over PostgreSQL: one connection, and one COMMIT for all who come meanwhile.

    BEGIN … SERIALIZABLE
      the first caller's work     reads and waits for the answers; writes and does not
      the second caller's work    …  up to 64
      their events
    COMMIT                        only now are the callers told; the next group has begun behind it

As in ``group_commit``, but without savepoints, each of which would be a transaction to the server: callers that fail have, as
a rule, written nothing yet, and then nobody notices. Where one fails that has, or the server refuses a statement, the whole
group is undone, and threads do it again, each for itself. A group that collided with another server is tried again as it is.
"""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from greenlet import GreenletExit

from regista.drivers.catalog.sql.faults import is_retryable, translated
from regista.drivers.catalog.sql.group_commit import BATCH, Item
from regista.drivers.catalog.sql.session import Session
from regista.drivers.catalog.sql.wire import Reply, Wire
from regista.drivers.catalog.sql.wire_session import WireSession
from regista.interfaces.catalog import WouldWaitError

T = TypeVar("T")

_BEGIN = "BEGIN ISOLATION LEVEL SERIALIZABLE"
_TRIES = 3
"""How often in a row groups may collide before threads take over."""


class Turns:
    """The writing connection of an event loop; *enter* makes a greenlet that serves."""

    def __init__(self, wire: Wire, enter: Callable[["Turns"], None]) -> None:
        self.wire, self._enter = wire, enter
        self._items: deque[Item] = deque()
        self._serving = False
        self._session = WireSession(wire, writes=True)
        self._collisions = 0

    def turn(self, work: Callable[[], T], done: Callable[[T | None, BaseException | None], None]) -> None:
        """Have *work* done, and *done* told what came of it when that is durable: ``WouldWaitError`` when nothing did."""
        self._items.append(Item(work, done))
        self._begin()

    def write(self, work: Callable[[Session], T]) -> T:
        """Do *work* as part of the turn in hand: all of it, or nothing."""
        session = self._session
        changes, steps = session.changes, len(session._last)  # noqa: SLF001
        try:
            return work(session)
        except Exception as fault:
            if session.changes != changes:
                raise WouldWaitError from fault
            del session._last[steps:]  # noqa: SLF001
            raise

    def read(self, work: Callable[[Session], T]) -> T:
        """Do *work*, which writes nothing, as part of the turn in hand."""
        self._session.writes = False
        try:
            return work(self._session)
        finally:
            self._session.writes = True

    def close(self) -> None:
        """Let go: who waits is told."""
        self.wire.close()
        self._refuse(self._items)

    def _begin(self) -> None:
        if self._items and not self._serving:
            self._serving = True
            self._enter(self)

    def serve(self) -> None:
        """Do what waits, group by group: a greenlet's work."""
        try:
            while self._items:
                self._group()
        finally:
            self._serving = False

    def _group(self) -> None:
        """Do the work of those who wait, and of those who come meanwhile, and have it committed."""
        self._session = session = WireSession(self.wire, writes=True)
        group: list[Item] = []
        try:
            self.wire.send(_BEGIN)
            while self._items and len(group) < BATCH:
                group.append(self._items.popleft())
                self._attempt(group[-1], session)
            session.finish()
            self.wire.part()  # COMMIT has to be answered even when what came before it was refused
            reply = self.wire.send("COMMIT")
            self.wire.part()
        except WouldWaitError:
            self._undo(group, session)
        else:
            reply.then = partial(self._committed, group, session, reply)

    def _attempt(self, item: Item, session: WireSession) -> None:
        """Do one item; ``WouldWaitError`` when the group cannot go on."""
        changes = session.changes
        item.result = item.error = None
        try:
            item.result = item.work()
        except GreenletExit:
            raise
        except BaseException as fault:  # it belongs to whose item it is
            if isinstance(fault, WouldWaitError) and session.changes != changes:
                raise
            item.error = fault
        if session.fault is not None or self.wire.lost is not None:
            raise WouldWaitError

    def _undo(self, group: list[Item], session: WireSession) -> None:
        if self.wire.lost is not None:
            self._refuse(deque(group))
            self._refuse(self._items)
            return
        self.wire.part()
        self.wire.send("ROLLBACK")
        self._again(group, session.fault)

    def _committed(self, group: list[Item], session: WireSession, reply: Reply) -> None:
        """Tell everybody what the answer to COMMIT means."""
        status = reply.result.command_status if reply.result is not None and reply.error is None else None
        if status == b"COMMIT":
            self._collisions = 0
            for item in group:
                item.tell(item.result, item.error)
        elif self.wire.lost is not None and session.changes:
            fault = translated(self.wire.lost)
            for item in group:
                item.tell(None, fault)
        else:
            self._again(group, session.fault or reply.error)

    def _again(self, group: list[Item], fault: Exception | None) -> None:
        """Nothing of *group* has come to be."""
        self._collisions += 1
        if fault is not None and is_retryable(fault) and self._collisions <= _TRIES and self.wire.lost is None:
            self._items.extendleft(reversed(group))
            self._begin()
        else:
            self._collisions = 0
            self._refuse(deque(group))

    @staticmethod
    def _refuse(items: deque[Item]) -> None:
        while items:
            items.popleft().tell(None, WouldWaitError())
