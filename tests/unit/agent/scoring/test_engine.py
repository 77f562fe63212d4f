"""Threads, time limits and merged calls."""

import asyncio
import threading
import time
from typing import Any

import pytest

from regista.agent.scoring import engine as engines
from regista.agent.scoring.engine import Engine
from regista.agent.scoring.faults import BadRequestError, ModelError, OvertimeError
from regista.agent.scoring.payload import Payload
from regista.agent.scoring.prediction import Prediction, plain


class Recorder:
    """A model that doubles its rows, takes a while and remembers how many it was given at one time."""

    def __init__(self, seconds: float = 0.002) -> None:
        self.seconds = seconds
        self.sizes: list[int] = []

    def __call__(self, payload: Payload) -> Prediction:
        time.sleep(self.seconds)
        self.sizes.append(len(payload.rows))
        if any(row[0] == "bad" for row in payload.rows):
            raise ValueError("a bad row")
        return plain([row[0] * 2 for row in payload.rows])


def engine(call: Any, **options: Any) -> Engine:
    return Engine(call, **{"concurrent": 1, "timeout": 5.0, "batching": "auto", **options})


def table(*cells: Any, columns: tuple[str, ...] | None = ("x",)) -> Payload:
    return Payload([[cell] for cell in cells], columns)


async def ask_all(served: Engine, payloads: list[Payload]) -> list[Any]:
    return await asyncio.gather(*(served.answer(one) for one in payloads), return_exceptions=True)


async def warmed(served: Engine) -> None:
    for number in range(3):
        await served.answer(table(number))


def run(call: Any, payloads: list[Payload], **options: Any) -> list[Any]:
    async def inside() -> list[Any]:
        served = engine(call, **options)
        await warmed(served)
        for _ in range(4):  # the first merged calls are only proofs
            await ask_all(served, [table(1), table(2), table(3)])
        if isinstance(call, Recorder):
            call.sizes.clear()
        return await ask_all(served, payloads)

    return asyncio.run(inside())


def test_what_arrived_together_is_asked_together_and_split_correctly() -> None:
    model = Recorder()
    answers = run(model, [table(*range(number, number + 1 + number % 3)) for number in range(60)])
    for number, answer in enumerate(answers):
        assert answer.values == [2 * cell for cell in range(number, number + 1 + number % 3)]
    assert max(model.sizes) > 8
    assert max(model.sizes) <= 64
    assert len(model.sizes) < 12


def test_calls_that_are_not_worth_it_are_not_merged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "WORTH", 10.0)
    model = Recorder()
    run(model, [table(number) for number in range(60)])
    assert set(model.sizes) == {1}


@pytest.mark.parametrize("batching", ["off", "on"])
def test_batching_is_a_choice(batching: str) -> None:
    model = Recorder()
    run(model, [table(number) for number in range(30)], batching=batching)
    assert (max(model.sizes) == 1) == (batching == "off")


def test_other_columns_and_params_keep_requests_apart() -> None:
    model = Recorder()
    other = [Payload([[1]], ("y",)), Payload([[2]], ("x",), {"depth": 1}), Payload([[3]], None), Payload([["a"]], None)]
    answers = run(model, [table(1), *other, table(4)])
    assert [answer.values for answer in answers] == [[2], [2], [4], [6], ["aa"], [8]]


def test_one_bad_request_fails_alone() -> None:
    answers = run(Recorder(), [table(1), table("bad"), table(3)])
    assert answers[0].values == [2]
    assert answers[2].values == [6]
    assert isinstance(answers[1], ModelError)
    assert answers[1].message == "ValueError: a bad row"


def test_a_model_that_looks_at_its_neighbours_is_not_batched() -> None:
    def ranked(payload: Payload) -> Prediction:
        time.sleep(0.002)
        cells = [row[0] for row in payload.rows]
        return plain([cell - min(cells) for cell in cells])

    answers = run(ranked, [table(number) for number in range(20)])
    assert [answer.values for answer in answers] == [[0]] * 20


def test_an_answer_that_is_not_by_row_is_not_split() -> None:
    def summed(payload: Payload) -> Prediction:
        time.sleep(0.002)
        return plain({"sum": sum(row[0] for row in payload.rows)})

    answers = run(summed, [table(number) for number in range(20)], batching="on")
    assert [answer.values["sum"] for answer in answers] == list(range(20))


def test_a_call_that_takes_too_long_is_given_up_and_what_waits_is_not_begun() -> None:
    begun = []

    def slow(subject: int) -> int:
        begun.append(subject)
        time.sleep(0.4)
        return subject

    async def inside() -> list[Any]:
        served = engine(slow, batching="off", timeout=0.1)
        outcomes = await asyncio.gather(served.answer(1), served.answer(2), return_exceptions=True)
        await asyncio.sleep(0.5)
        return outcomes

    assert all(isinstance(outcome, OvertimeError) for outcome in asyncio.run(inside()))
    assert begun == [1]


def test_each_request_has_its_own_time_limit() -> None:
    async def inside() -> list[Any]:
        served = engine(lambda _subject: time.sleep(0.6), batching="off", timeout=0.2)
        loop = asyncio.get_running_loop()

        async def asked(after: float) -> float:
            await asyncio.sleep(after)
            began = loop.time()
            with pytest.raises(OvertimeError):
                await served.answer(None)
            return loop.time() - began

        return await asyncio.gather(asked(0), asked(0.1), asked(0.3))

    assert all(took >= 0.19 for took in asyncio.run(inside()))


def threads_asked(standstill: float, brief: bool, *payloads: Payload) -> set[str]:
    """The names of the threads in which these payloads are predicted for, after some that are only there to measure."""
    names: list[str] = []

    def named(payload: Payload) -> Prediction:
        names.append(threading.current_thread().name)
        return plain([row[0] for row in payload.rows])

    async def inside() -> None:
        served = engine(named, brief=brief, max_batch=8)
        await warmed(served)
        names.clear()
        answers = await ask_all(served, list(payloads))
        assert [answer.values for answer in answers] == [[row[0] for row in one.rows] for one in payloads]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "STANDSTILL", standstill)
        asyncio.run(inside())
    return set(names)


def test_brief_calls_are_made_on_the_event_loop() -> None:
    assert threads_asked(10.0, True, table(1), table(2), table(3)) == {threading.main_thread().name}


@pytest.mark.parametrize(
    ("standstill", "brief", "cells"),
    [(10.0, False, 1), (0.0, True, 1), (10.0, True, 9)],
    ids=["not said to be brief", "holding up the loop", "many rows"],
)
def test_other_calls_are_made_in_threads(standstill: float, brief: bool, cells: int) -> None:
    assert threads_asked(standstill, brief, table(*range(cells))) == {"model_0"}


def test_what_the_loop_is_still_reading_goes_into_the_same_call_where_some_came_together_before() -> None:
    order: list[Any] = []

    def sized(payload: Payload) -> Prediction:
        order.append(len(payload.rows))
        return plain([row[0] for row in payload.rows])

    async def inside() -> None:
        served = engine(sized, batching="on", brief=True)

        async def after(turns: int) -> None:
            for _ in range(turns):
                await asyncio.sleep(0)
            await served.answer(table(turns))

        async def noted() -> None:
            for _ in range(3):
                await asyncio.sleep(0)
            order.append("later")

        await warmed(served)
        await asyncio.gather(after(0), noted())
        await ask_all(served, [table(1), table(2), table(3)])
        await asyncio.gather(*map(after, range(5)))

    asyncio.run(inside())
    assert order[3:] == [1, "later", 3, 5], "and a request that is alone waits for nobody"


def test_no_more_run_at_one_time_than_said() -> None:
    inside, most, lock = 0, 0, threading.Lock()

    def counted(_subject: int) -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.01)
        with lock:
            inside -= 1

    async def ask() -> None:
        served = engine(counted, batching="off", concurrent=3)
        await asyncio.gather(*(served.answer(number) for number in range(20)))

    asyncio.run(ask())
    assert most == 3


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (KeyError("x"), ModelError),
        (SystemExit(1), ModelError),
        (BadRequestError("no"), BadRequestError),
        (KeyboardInterrupt(), ModelError),
    ],
)
def test_whatever_the_model_raises_the_engine_lives(error: BaseException, kind: type[Exception]) -> None:
    def failing(subject: Any) -> Any:
        if subject == "fail":
            raise error
        return subject

    async def inside() -> None:
        served = engine(failing, batching="off")
        with pytest.raises(kind):
            await served.answer("fail")
        assert await served.answer("fine") == "fine"

    asyncio.run(inside())
