"""Threads that take work in turns."""

import asyncio
import threading

import pytest

from regista.dialects import relay
from regista.dialects.relay import Relay
from regista.dialects.threads import Threads


def side_by_side(works):
    """What *works* came to, all asked for at once."""

    async def ask():
        turns = Relay(Threads(8, "work"))
        return await asyncio.gather(*(turns.run(work) for work in works), return_exceptions=True)

    return asyncio.run(ask())


def test_what_is_short_is_done_one_after_another_in_its_order(monkeypatch):
    monkeypatch.setattr(relay, "PATIENCE", 60)
    inside, order = [], []

    def work(number):
        inside.append(number)
        order.append((number, len(inside)))
        inside.remove(number)
        return number

    assert side_by_side([lambda number=number: work(number) for number in range(50)]) == list(range(50))
    assert order == [(number, 1) for number in range(50)]


def test_nobody_waits_for_what_takes_long():
    over = threading.Event()

    def long():
        assert over.wait(30)
        return "long"

    assert side_by_side([long, long, lambda: "short", over.set]) == ["long", "long", "short", None]


def test_who_fails_or_leaves_holds_nobody_up(monkeypatch):
    monkeypatch.setattr(relay, "PATIENCE", 60)
    go_on = threading.Event()

    async def ask():
        turns = Relay(Threads(8, "work"))
        first = asyncio.ensure_future(turns.run(go_on.wait, 30))
        failing = asyncio.ensure_future(turns.run(lambda: 1 // 0))
        leaving = asyncio.ensure_future(turns.run(lambda: "never asked for"))
        last = asyncio.ensure_future(turns.run(lambda: "last"))
        await asyncio.sleep(0)
        leaving.cancel()
        go_on.set()
        assert await first
        with pytest.raises(ZeroDivisionError):
            await failing
        return await last

    assert asyncio.run(ask()) == "last"
