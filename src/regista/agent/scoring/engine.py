"""Calling the model: in threads, within a time limit, and several requests at once where that pays.

Adaptive micro-batching takes what has arrived while the model was busy, and waits for nobody: where requests come together it
only lets the loop read on for as long as that brings more. It is used when one call costs more than 100 microseconds (below that,
merging costs more than it saves), for payloads whose columns are the same. The first merged calls of ``auto`` are checked against
calls one by one: a model for which the company of other rows changes the answer is never batched again. Calls that cost little are
not merged but made several at a time, one millisecond's worth.

The way to a thread and back takes half as much of the processor as scikit-learn takes for one row (measured), and where
others want the processors, it waits for its turn twice more. Where the calls are *brief*, and few rows are asked for, they are made
on the event loop itself for as long as that has stood still for less than two milliseconds a time."""

# ruff: noqa: B905 - zip(strict=) came with Python 3.10, models may be older

from __future__ import annotations

import asyncio
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from .faults import Fault, ModelError, OvertimeError, explain
from .logs import log
from .payload import Payload
from .prediction import Prediction, same

WORTH = 100e-6
PROOFS = 3
HANDFUL = 1e-3
STANDSTILL = 2e-3


class _Mean:
    """A mean that forgets. The first value is left out: libraries do their late imports in it."""

    __slots__ = ("_seen", "value")

    def __init__(self) -> None:
        self._seen = 0
        self.value = 0.0

    @property
    def is_known(self) -> bool:
        return self._seen > 1

    def learn(self, value: float) -> None:
        self._seen += 1
        if self._seen > 1:
            self.value = value if self._seen == 2 else 0.9 * self.value + 0.1 * value


class _Request:
    __slots__ = ("answer", "expires", "kin", "subject")

    def __init__(self, subject: Any, kin: object, answer: asyncio.Future[Any], expires: float) -> None:
        self.subject = subject
        self.kin = kin
        self.answer = answer
        self.expires = expires


class Engine:
    """Answers requests with *call*. With *batching* or *brief* the subjects are payloads, with *batching* the answers
    predictions. *brief* promises that a call for few rows ends by itself and waits for nothing: nobody can give it up."""

    def __init__(
        self,
        call: Callable[[Any], Any],
        *,
        concurrent: int,
        timeout: float,
        batching: str = "off",
        max_batch: int = 64,
        brief: bool = False,
    ) -> None:
        self._call = call
        self._timeout = timeout
        self._batching = batching
        self._max_batch = max_batch
        self._proofs = PROOFS if batching == "auto" else 0
        self._brief = brief
        self._cost = _Mean()  # of one call
        self._held = _Mean()  # of what is done at one time
        self._waiting: deque[_Request] = deque()
        self._open: dict[_Request, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._concurrent = concurrent
        self._busy = 0
        self._woken = False
        self._arrived = 0  # of those that wait, at the last look
        self._last = 0  # how many went into the last call
        self._threads = ThreadPoolExecutor(concurrent, thread_name_prefix="model")

    async def answer(self, subject: Any) -> Any:
        """What *call* returns for *subject*; raise its ``Fault``, or ``OvertimeError`` after the time limit. A call that has
        begun cannot be stopped and keeps its thread; one that has not is not begun any more."""
        loop = asyncio.get_running_loop()
        kin = subject.kinship() if self._batching != "off" else None
        request = _Request(subject, kin, loop.create_future(), loop.time() + self._timeout)
        self._open[request] = None
        if self._timer is None:
            self._timer = loop.call_at(request.expires, self._expire)
        self._waiting.append(request)
        self._wake()
        try:
            return await request.answer
        finally:
            del self._open[request]

    def close(self) -> bool:
        """Begin nothing more; say whether no call is running. Called when no request is left, so one that runs overran."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        return self._busy == 0

    def _expire(self) -> None:
        """One timer for all, set for the oldest: to set and cancel one for each request would cost more than reading it."""
        self._timer = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        for request in self._open:
            if request.expires > now:
                self._timer = loop.call_at(request.expires, self._expire)
                return
            if not request.answer.done():
                request.answer.set_exception(OvertimeError(f"no answer within {self._timeout * 1000:.0f} ms"))

    def _merges(self) -> bool:
        if self._batching == "auto":
            return self._cost.is_known and self._cost.value > WORTH
        return self._batching == "on"

    def _dispatch(self) -> None:
        self._woken = False
        merging = self._merges()
        slots = 1 if merging else self._concurrent
        if merging and self._busy < slots and self._gathers():
            self._wake()
            return
        while self._waiting and self._busy < slots:
            batch = self._mergeable(self._max_batch) if merging else self._handful()
            if not batch:
                continue
            self._last = len(batch)
            self._busy += 1
            work = partial(self._work, self._together if merging and len(batch) > 1 else self._apart, batch)
            if self._is_brief(batch):
                self._settle(batch, work())
                self._wake()  # those that wait come after what the loop has to do meanwhile
                return
            running = asyncio.get_running_loop().run_in_executor(self._threads, work)
            running.add_done_callback(partial(self._finish, batch))

    def _gathers(self) -> bool:
        """Whether the loop is to read once more before the next call: it goes on to bring requests, and some came together
        before. A request that is alone does not wait."""
        arrived = len(self._waiting)
        more = self._arrived < arrived < self._max_batch and max(arrived, self._last) > 1
        self._arrived = arrived if more else 0
        return more

    def _wake(self) -> None:
        if self._waiting and not self._woken:
            self._woken = True
            asyncio.get_running_loop().call_soon(self._dispatch)

    def _is_brief(self, batch: list[_Request]) -> bool:
        if not self._brief or not self._held.is_known or self._held.value >= STANDSTILL:
            return False
        return sum(len(request.subject.rows) for request in batch) <= self._max_batch

    def _handful(self) -> list[_Request]:
        size = max(1, min(self._max_batch, int(HANDFUL / max(self._cost.value, 1e-6)))) if self._cost.is_known else 1
        taken = [self._waiting.popleft() for _ in range(min(size, len(self._waiting)))]
        return [request for request in taken if not request.answer.done()]

    def _mergeable(self, limit: int) -> list[_Request]:
        batch: list[_Request] = []
        rows = 0
        while self._waiting and len(batch) < limit:
            request = self._waiting[0]
            if not request.answer.done():
                size = len(request.subject.rows)
                if batch and (request.kin is None or request.kin != batch[0].kin or rows + size > limit):
                    break
                rows += size
                batch.append(request)
            self._waiting.popleft()
        return batch

    def _finish(self, batch: list[_Request], done: asyncio.Future[Any]) -> None:
        self._settle(batch, done.result())
        if self._waiting:
            self._dispatch()

    def _settle(self, batch: list[_Request], outcomes: list[Any]) -> None:
        self._busy -= 1
        for request, outcome in zip(batch, outcomes):
            if request.answer.done():
                continue
            if isinstance(outcome, BaseException):
                request.answer.set_exception(outcome)
            else:
                request.answer.set_result(outcome)

    def _work(self, how: Callable[[list[_Request]], list[Any]], batch: list[_Request]) -> list[Any]:
        start = time.perf_counter()
        outcomes = how(batch)
        took = time.perf_counter() - start
        self._held.learn(min(took, 5 * STANDSTILL))  # one long pause may be the machine's, several are the model's
        return outcomes

    def _apart(self, batch: Sequence[_Request]) -> list[Any]:
        outcomes = []
        for request in batch:
            start = time.perf_counter()
            outcomes.append(self._one(request))
            self._cost.learn(time.perf_counter() - start)
        return outcomes

    def _together(self, batch: Sequence[_Request]) -> list[Any]:
        merged = self._merged(batch)
        if merged is None or self._proofs:
            return self._prove(batch, merged)
        return merged

    def _one(self, request: _Request) -> Any:
        try:
            return self._call(request.subject)
        except Fault as fault:
            return fault
        except BaseException as error:  # SystemExit of a script must not end the thread
            log.error("the model failed: %s\n%s", error, traceback.format_exc().rstrip())
            return ModelError(explain(error))

    def _merged(self, batch: Sequence[_Request]) -> list[Any] | None:
        rows: list[Any] = []
        ends = []
        for request in batch:
            rows.extend(request.subject.rows)
            ends.append(len(rows))
        try:
            whole: Prediction = self._call(Payload(rows, batch[0].subject.columns))
        except BaseException:  # one of them is to blame: asked one by one, only that one fails
            return None
        if whole.rows != len(rows):
            return None
        return [whole.part(start, end) for start, end in zip([0, *ends], ends)]

    def _prove(self, batch: Sequence[_Request], merged: list[Any] | None) -> list[Any]:
        alone = [self._one(request) for request in batch]
        if any(isinstance(outcome, BaseException) for outcome in alone):
            return alone
        if merged is not None and all(same(one.values, other.values) for one, other in zip(merged, alone)):
            self._proofs = max(0, self._proofs - 1)
        else:
            log.warning("batching is off: this model does not answer row by row")
            self._batching = "off"
        return alone
