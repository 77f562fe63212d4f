"""Sharing out, holding back, letting in."""

import asyncio
import hashlib
import json
from collections import Counter

import pytest
from hypothesis import given, strategies as st

from regista.agent.gateway.directory import Directory
from regista.agent.gateway.faults import Fault
from regista.agent.gateway.gate import Gate
from regista.agent.gateway.keys import Keys
from regista.agent.gateway.split import Sample, Split
from regista.agent.gateway.table import TableError, parse


class TestSplit:
    """Weights become counts, exactly."""

    @given(st.integers(0, 100))
    def test_every_hundred_requests_are_split_as_said(self, percent: int) -> None:
        split = Split({"blue": 100 - percent, "green": percent})
        for _ in range(3):
            counts = Counter(split.next() for _ in range(100))
            assert (counts["blue"], counts["green"]) == (100 - percent, percent)

    def test_the_smaller_share_is_spread_out(self) -> None:
        split = Split({"blue": 75, "green": 25})
        turns = "".join(str(split.next())[0] for _ in range(16))
        assert "gg" not in turns
        assert "bbbb" not in turns

    def test_nobody_is_chosen_when_nobody_has_weight(self) -> None:
        assert Split({"blue": 0}).next() is None

    @given(st.integers(0, 100))
    def test_a_sample_takes_its_percent(self, percent: int) -> None:
        sample = Sample({"green": percent})
        assert sum(len(sample.next()) for _ in range(200)) == 2 * percent


class TestKeys:
    """The key, the whole key and nothing but the key."""

    keys = Keys((hashlib.sha256(b"one").hexdigest(), hashlib.sha256(b"two").hexdigest()))

    @pytest.mark.parametrize("sent", [b"Bearer one", b"bearer two", b"Bearer  two "])
    def test_any_of_the_keys_opens(self, sent: bytes) -> None:
        self.keys.check(sent)

    @pytest.mark.parametrize(
        "sent", [None, b"", b"Bearer", b"Bearer ", b"one", b"Basic one", b"Bearer three", b"Bearer one,two"]
    )
    def test_nothing_else_does(self, sent: bytes | None) -> None:
        with pytest.raises(Fault) as refused:
            self.keys.check(sent)
        assert refused.value.status == 401
        assert "three" not in refused.value.message

    def test_an_endpoint_without_keys_stays_shut(self) -> None:
        with pytest.raises(Fault):
            Keys(()).check(b"Bearer ")


class TestGate:
    """At most so many at one time."""

    def test_who_waits_gets_the_place_that_becomes_free_in_order(self) -> None:
        async def run() -> list[str]:
            gate, order = Gate(1, 5.0), []

            async def visit(name: str) -> None:
                inside = await gate.enter()
                order.append(name)
                await asyncio.sleep(0.01)
                inside.release()
                inside.release()

            await asyncio.gather(*(visit(name) for name in "abc"))
            assert gate.inside == 0
            return order

        assert asyncio.run(run()) == ["a", "b", "c"]

    def test_patience_ends(self) -> None:
        async def run() -> None:
            gate = Gate(1, 0.05)
            inside = await gate.enter()
            with pytest.raises(Fault) as refused:
                await gate.enter()
            assert refused.value.status == 429
            assert (b"retry-after", b"1") in refused.value.headers
            inside.release()
            await gate.enter()
            assert gate.inside == 1

        asyncio.run(run())

    def test_a_visitor_who_gives_up_leaves_no_hole(self) -> None:
        async def run() -> None:
            gate = Gate(1, 5.0)
            inside = await gate.enter()
            waiting = asyncio.ensure_future(gate.enter())
            await asyncio.sleep(0)
            inside.release()  # the turn is given in the moment in which the visitor goes
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            assert gate.inside == 0

        asyncio.run(run())


class TestTable:
    """A table is taken as a whole or not at all."""

    def test_workers_survive_a_new_table(self) -> None:
        directory = Directory()
        directory.update(parse(_table(ports=[1, 2])))
        kept = [backend for backend, _ in directory.backends()][1]
        kept.healthy = False
        directory.update(parse(_table(ports=[2, 3])))
        after = [backend for backend, _ in directory.backends()]
        assert after[0] is kept
        assert [one.healthy for one in after] == [False, True]

    def test_the_turn_survives_a_table_with_the_same_traffic(self) -> None:
        directory = Directory()
        directory.update(parse(_table()))
        endpoint, rest = directory.find(b"/endpoints/ws/ep/v2/models/m/infer")
        assert rest == b"/v2/models/m/infer"
        split = endpoint.split
        directory.update(parse(_table(ports=[5])))
        assert directory.find(b"/endpoints/ws/ep/score")[0].split is split

    @pytest.mark.parametrize(
        "path", [b"/", b"/endpoints/ws", b"/endpoints/ws/epx/score", b"/endpoints/ws/e", b"/other"]
    )
    def test_only_whole_names_match(self, path: bytes) -> None:
        directory = Directory()
        directory.update(parse(_table()))
        with pytest.raises(Fault) as refused:
            directory.find(path)
        assert refused.value.status == 404

    @pytest.mark.parametrize(
        "wrong",
        [
            "",
            "[]",
            '{"endpoints": {"ws/ep": {"auth": "maybe"}}}',
            '{"endpoints": {"ws/ep": {"keys": ["plain text"]}}}',
            '{"endpoints": {"ws/ep": {"traffic": {"blue": 100}}}}',
            '{"endpoints": {"ws/ep": {"traffic": {"blue": 101}, "deployments": {"blue": {}}}}}',
            '{"endpoints": {"ws/ep": {"deployments": {"blue": {"backends": [{}]}}}}}',
            '{"endpoints": {"ws/ep": {"deployments": {"a b": {}}}}}',
            '{"endpoints": {"ws/ep": {"deployments": {"a": {"health": "no path"}}}}}',
            '{"endpoints": {"../ep": {}, "x": {}}}',
            '{"endpoints": {}, "surplus": 1}',
        ],
    )
    def test_a_wrong_table_is_refused(self, wrong: str) -> None:
        with pytest.raises(TableError):
            parse(wrong.encode())


def _table(ports: list[int] | None = None) -> bytes:
    backends = [{"host": "127.0.0.1", "port": port} for port in ports or [1]]
    endpoint = {"auth": "none", "traffic": {"blue": 100}, "deployments": {"blue": {"backends": backends}}}
    return json.dumps({"endpoints": {"ws/ep": endpoint}}).encode()
