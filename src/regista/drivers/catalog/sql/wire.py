"""A connection to PostgreSQL as an event loop has it: whoever waits for an answer is a greenlet, and the loop goes on.

    greenlet ── send ──> what is sent in one turn of the loop leaves together ──> server
    greenlet <── wait ── answers come in the order of the statements <─────────── server

The work is written as for a thread, and is a thread's work elsewhere: ``greenlets`` let it stand still in the middle without
one. Statements that leave together cost the server a third and this side a quarter of what they cost one after another.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar, cast

from greenlet import GreenletExit, getcurrent, greenlet
from psycopg import Connection, OperationalError
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult

from regista.drivers.catalog.sql.columns import Column, Joined
from regista.interfaces.catalog import WouldWaitError

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds without an answer after which a connection is given up."""

SHORT = 1000
"""Rows that are read in no time: a millisecond."""

_INT, _FLOAT, _TEXT = 20, 701, 25
_ARRAYS = {int: 1016, float: 1022, str: 1009}
_LEAST, _MOST = -(2**63), 2**63
_PACKED = {Column, Joined}
"""What is sent in the server's own form."""
_GOOD = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


class Reply:
    """What a statement was answered, when it was."""

    __slots__ = ("error", "known", "result", "then")

    def __init__(self) -> None:
        self.known = False
        self.result: PGresult | None = None
        self.error: Exception | None = None
        self.then: Callable[[], object] | None = None
        """Called when it is known, by the loop."""


class Wire:
    """One connection, which from now on belongs to *loop*; *lost* is called when it is gone."""

    def __init__(
        self, connection: Connection[Any], loop: asyncio.AbstractEventLoop, lost: Callable[["Wire"], None]
    ) -> None:
        self._connection, self._loop, self._on_loss = connection, loop, lost
        self._pg = connection.pgconn
        self._pg.nonblocking = 1
        self._pg.enter_pipeline_mode()
        self._socket = self._pg.socket
        self._transformer = Transformer(connection)
        self._prepared: dict[tuple[str, tuple[int, ...]], bytes] = {}
        self._names = 0
        self._expected: deque[Reply] = deque()
        self._answer: PGresult | None = None
        self._fault: Exception | None = None
        self._flushing = False
        self._receiving = False
        self._ready: deque[Callable[[], object]] = deque()
        """Who goes on when all answers that have come are taken in."""
        self._heard = loop.time()
        self._watch: asyncio.TimerHandle | None = None
        self.sent = 0
        """How often something left: what is not yet counted leaves together."""
        self.lost: Exception | None = None
        loop.add_reader(self._socket, self._receive)

    def send(self, sql: str, values: Sequence[Any] = ()) -> Reply:
        """Have *sql* with its ``$1`` run after what was sent before. Raise ``WouldWaitError`` when the connection is lost, or
        for a value that only a thread's connection knows how to send, or how to refuse."""
        if self.lost is not None:
            raise WouldWaitError from self.lost
        texts, types = [], []
        for value in values:
            text, kind = dumped(value)
            texts.append(text)
            types.append(kind)
        forms = None
        if not _PACKED.isdisjoint(map(type, values)):
            forms = [Format.BINARY if type(value) in _PACKED else Format.TEXT for value in values]
        key = (sql, tuple(types))
        try:
            name = self._prepared.get(key) or self._prepare(key)
            self._pg.send_query_prepared(name, texts, forms, result_format=1)
        except OperationalError as fault:
            self._loop.call_soon(self._lose, fault)
            raise WouldWaitError from fault
        return self._expect()

    def later(self, go_on: Callable[[], object]) -> None:
        """Have a greenlet that stands still called back by the loop: what it asks leaves with what others ask now."""
        if self._receiving:
            self._ready.append(go_on)
        elif not self._loop.is_closed():
            self._loop.call_soon(go_on)

    def part(self) -> None:
        """Let what failed before this have no effect on what comes after it."""
        if self.lost is None:
            self._flush()

    def wait(self, reply: Reply) -> PGresult:
        """The answer, for which the greenlet that asks stands still; raise what the server said instead."""
        if not reply.known:
            here = getcurrent()
            reply.then = here.switch
            self._watched()
            _loop_of(here).switch()
        if reply.error is not None:
            raise reply.error
        return cast("PGresult", reply.result)

    def rows(self, result: PGresult) -> list[tuple[Any, ...]]:
        """The rows of an answer; ``WouldWaitError`` when they are so many that the loop would stand still for them."""
        count = result.ntuples
        if not count:
            return []
        if count > SHORT:
            raise WouldWaitError
        self._transformer.set_pgresult(result)
        return self._transformer.load_rows(0, count, tuple)

    @property
    def is_idle(self) -> bool:
        """Whether the server has answered all that it was asked."""
        return not self._expected

    def close(self) -> None:
        """Let go; who waits is told that the connection is lost."""
        self._lose(OperationalError("the connection was closed"))

    def _prepare(self, key: tuple[str, tuple[int, ...]]) -> bytes:
        sql, types = key
        self._names += 1
        name = self._prepared[key] = b"s%d" % self._names
        self._pg.send_prepare(name, sql.encode(), types)
        reply = self._expect()
        reply.then = partial(self._was_prepared, key, reply)
        return name

    def _was_prepared(self, key: tuple[str, tuple[int, ...]], reply: Reply) -> None:
        if reply.error is not None:  # as a rule because of what failed before it
            self._prepared.pop(key, None)

    def _expect(self) -> Reply:
        reply = Reply()
        self._expected.append(reply)
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._leave)
        return reply

    def _leave(self) -> None:
        if self._flushing and self.lost is None:
            self._flush()

    def _flush(self) -> None:
        self._flushing = False
        self.sent += 1
        self._expected.append(Reply())
        try:
            self._pg.pipeline_sync()
            self._write()
        except OperationalError as fault:
            self._loop.call_soon(self._lose, fault)

    def _write(self) -> None:
        """Hand over to the kernel what it takes; the rest when it takes more."""
        if self.lost is None:
            if self._pg.flush():
                self._loop.add_writer(self._socket, self._write)
            else:
                self._loop.remove_writer(self._socket)

    def _receive(self) -> None:
        """Take in the answers that have come, then let those go on who waited for them."""
        self._receiving = True
        try:
            self._pg.consume_input()
            self._heard = self._loop.time()
            while self._expected and not self._pg.is_busy():
                self._take(self._pg.get_result())
        except Exception as fault:  # noqa: BLE001 - whatever it is, nothing that this connection says can be believed
            self._lose(fault)
        try:
            while self._ready:
                self._ready.popleft()()
        finally:
            self._receiving = False
            while self._ready:  # one of them failed; the others go on all the same
                self._loop.call_soon(self._ready.popleft())
        self._leave()  # what they ask next; a turn of the loop less to wait for

    def _take(self, result: PGresult | None) -> None:
        """One part of an answer: a result, the end of one, or the end of what left together."""
        if result is not None and result.status != ExecStatus.PIPELINE_SYNC:
            self._answer = result
            return
        if result is not None:
            self._fault = None
        elif self._answer is None:
            raise OperationalError("the server and this side have lost count of their statements")
        reply = self._expected.popleft()
        reply.known, reply.result, self._answer = True, self._answer, None
        if reply.result is not None and reply.result.status not in _GOOD:
            if reply.result.status == ExecStatus.FATAL_ERROR or self._fault is None:
                self._fault = error_from_result(reply.result)
            reply.error = self._fault
        if reply.then is not None:
            self._ready.append(reply.then)

    def _watched(self) -> None:
        if self._watch is None:
            self._watch = self._loop.call_later(PATIENCE, self._look)

    def _look(self) -> None:
        """Give up a server that has been silent for too long."""
        self._watch = None
        if self._expected and self.lost is None:
            if self._loop.time() - self._heard >= PATIENCE:
                self._lose(OperationalError(f"the server has said nothing for {PATIENCE:.0f} seconds"))
            else:
                self._watched()

    def _lose(self, fault: Exception) -> None:
        if self.lost is not None:
            return
        self.lost = fault
        if self._watch is not None:
            self._watch.cancel()
        if not self._loop.is_closed():
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
        self._pg.finish()
        waiting, self._expected = self._expected, deque()
        for reply in waiting:
            reply.known, reply.error = True, fault
            if reply.then is not None and not self._loop.is_closed():
                self._loop.call_soon(reply.then)
        self._on_loss(self)


def begin(work: Callable[[], T], done: Callable[[T | None, BaseException | None], object]) -> None:
    """Do *work* in a greenlet of its own, as far as it goes without waiting, and tell *done* at its end."""
    greenlet(partial(_run, work, done)).switch()


def stand_still() -> None:
    """Let the loop go on; it has been told how to call this greenlet back."""
    _loop_of(getcurrent()).switch()


def _run(work: Callable[[], T], done: Callable[[T | None, BaseException | None], object]) -> None:
    result: T | None = None
    error: BaseException | None = None
    try:
        result = work()
    except GreenletExit:  # nobody calls it back any more
        return
    except BaseException as fault:  # noqa: BLE001 - it belongs to who asked for the work
        error = fault
    done(result, error)


def _loop_of(here: greenlet) -> greenlet:
    """The greenlet in which the loop runs, and which makes all others."""
    return cast("greenlet", here.parent)


def dumped(value: Any) -> tuple[bytes | None, int]:
    """*value* as the server reads it, and the number of its type, 0 where the server knows better.

    Raise ``WouldWaitError`` for what a thread's connection has to look at."""
    if value is None:
        return None, 0
    if isinstance(value, str):
        return _text(value), 0
    if isinstance(value, int):
        return _integer(value), _INT
    if isinstance(value, float):
        return repr(value).encode(), _FLOAT
    if isinstance(value, Column | Joined):
        return _packed(value), 0
    if isinstance(value, list):
        return _array(value)
    raise WouldWaitError


def _packed(column: Column | Joined) -> bytes:
    try:
        return column.packed()
    except (OverflowError, UnicodeEncodeError):
        raise WouldWaitError from None


def _text(value: str) -> bytes:
    try:
        text = value.encode()
    except UnicodeEncodeError:
        raise WouldWaitError from None
    if b"\0" in text:
        raise WouldWaitError
    return text


def _integer(value: int) -> bytes:
    if not _LEAST <= value < _MOST:
        raise WouldWaitError
    return b"%d" % value


def _array(values: list[Any]) -> tuple[bytes, int]:
    """A list of one type: text, whole numbers or numbers."""
    if not values:
        return b"{}", 0
    kinds = {type(value) for value in values}
    kind = kinds.pop()
    if kinds or kind not in _ARRAYS:
        raise WouldWaitError
    if kind is str:
        items = [b'"' + _text(value).replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"' for value in values]
    elif kind is int:
        items = [_integer(value) for value in values]
    else:
        items = [repr(value).encode() for value in values]
    return b"{" + b",".join(items) + b"}", _ARRAYS[kind]
