"""Batches of metrics that an event loop over PostgreSQL writes together."""

import asyncio
import math
import threading
from concurrent.futures import wait
from random import Random

import pytest

from regista.conformance.catalog.examples import added_job
from regista.dialects.desk import Desk, Pace
from regista.drivers.catalog.sql import turns
from regista.drivers.catalog.sql.catalog import SqlCatalog
from regista.drivers.catalog.sql.sheets import Series
from regista.drivers.catalog.sql.wire import Wire
from regista.entities.page import PageRequest
from regista.entities.run import Metric
from regista.errors import InvalidError, NotFoundError
from regista.interfaces.catalog import WouldWaitError
from tests.support.looping import opened

KEYS = [f"k{number}" for number in range(20)]


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """Let who comes at the same moment be one group, however busy the machine is."""
    monkeypatch.setattr(turns, "_BUSY", 60)


@pytest.fixture
def looping(postgres_database):
    with opened(postgres_database) as looping:
        yield looping


@pytest.fixture
def sent(monkeypatch):
    """The statements that went out by a wire, as they are sent all the same."""
    found = []
    send = Wire.send

    def record(wire, sql, values=()):
        found.append(sql)
        return send(wire, sql, values)

    monkeypatch.setattr(Wire, "send", record)
    return found


def writes(sent, table):
    return [sql for sql in sent if f"INSERT INTO {table} " in sql]


def at_the_same_moment(looping, works):
    """What comes of *works*, all of which are asked for in one turn of the loop."""
    gate = threading.Event()
    looping.loop.call_soon_threadsafe(gate.wait, 30)
    told = [looping.on_loop(looping.catalog.in_turn, work) for work in works]
    gate.set()
    wait(told, 60)
    return [one.exception(0) for one in told]


def log(looping, run, metrics):
    return lambda: looping.catalog.write(lambda tx: tx.runs.log_metrics(run.id, metrics))


def batch(value, at=1, step=0, keys=KEYS):
    return [Metric(key, value, at, step) for key in keys]


def history(looping, run, key="k0"):
    page = looping.catalog.read(lambda tx: tx.histories.page(run.id, key, PageRequest(1000)))
    return [(one.step, one.timestamp, str(one.value)) for one in page.items]


def latest(looping, run):
    found = looping.catalog.read(lambda tx: tx.runs.latest_metrics([run.id])).get(run.id, [])
    return {one.key: (one.step, one.timestamp, str(one.value)) for one in found}


@pytest.fixture
def run(looping):
    """A run whose series the loop knows: value 0.0 at the time 1."""
    run = added_job(looping.catalog)
    looping.write(lambda tx: tx.runs.log_metrics(run.id, batch(0.0)))
    return run


@pytest.mark.postgres
class TestGathering:
    def test_what_many_log_to_one_run_is_written_at_once(self, looping, run, sent):
        assert at_the_same_moment(looping, [log(looping, run, batch(float(n), 10 + n)) for n in range(8)]) == [None] * 8
        assert len(writes(sent, "metrics")) == 1
        assert len(writes(sent, "metric_points")) == 1
        assert history(looping, run) == [(0, 1, "0.0"), *((0, 10 + n, f"{n}.0") for n in range(8))]
        assert latest(looping, run) == dict.fromkeys(KEYS, (0, 17, "7.0"))

    def test_what_is_older_than_the_latest_is_history_alone(self, looping, run, sent):
        looping.write(lambda tx: tx.runs.log_metrics(run.id, batch(9.0, 99)))
        sent.clear()
        older = [log(looping, run, batch(float(n), 10 + n)) for n in range(4)]
        assert at_the_same_moment(looping, older) == [None] * 4
        assert writes(sent, "metrics") == []
        assert len(history(looping, run)) == 6
        assert latest(looping, run) == dict.fromkeys(KEYS, (0, 99, "9.0"))

    def test_the_same_batch_many_times_makes_its_points_once(self, looping, run):
        twice = batch(1.0, 5) + batch(2.0, 6)
        for _ in range(2):
            assert at_the_same_moment(looping, [log(looping, run, twice)] * 5) == [None] * 5
            assert history(looping, run) == [(0, 1, "0.0"), (0, 5, "1.0"), (0, 6, "2.0")]
            assert latest(looping, run) == dict.fromkeys(KEYS, (0, 6, "2.0"))

    def test_any_batches_at_the_same_moment_are_what_they_are_one_after_another(self, looping, run):
        chance, plain = Random(5), SqlCatalog.open("sqlite://")
        other = added_job(plain)
        plain.write(lambda tx: tx.runs.log_metrics(other.id, batch(0.0)))
        values = (math.nan, math.inf, -math.inf, -0.5, 0.25)
        try:
            for later in range(0, 36, 3):
                batches = [
                    [
                        Metric(
                            chance.choice([*KEYS, "k20", "k21"]),
                            chance.choice(values),
                            chance.randrange(4),
                            later + chance.randrange(-2, 9),
                        )
                        for _ in range(chance.choice((1, 4, 5, 60, 700)))
                    ]
                    for _ in range(6)
                ]
                batches += batches[:2]
                assert at_the_same_moment(looping, [log(looping, run, one) for one in batches]) == [None] * 8
                for one in batches:
                    plain.write(lambda tx, one=one: tx.runs.log_metrics(other.id, one))
                assert latest(looping, run) == latest(Plain(plain), other)
            for key in latest(looping, run):
                assert history(looping, run, key) == history(Plain(plain), other, key)
        finally:
            plain.close()

    def test_runs_have_their_own(self, looping, run, sent):
        other = added_job(looping.catalog, "other")
        looping.write(lambda tx: tx.runs.log_metrics(other.id, batch(0.0)))
        sent.clear()
        works = [log(looping, (run, other)[n % 2], batch(float(n), 10 + n)) for n in range(6)]
        assert at_the_same_moment(looping, works) == [None] * 6
        assert len(writes(sent, "metrics")) == 1
        assert latest(looping, run)["k3"] == (0, 14, "4.0")
        assert latest(looping, other)["k3"] == (0, 15, "5.0")
        assert len(history(looping, run)) == len(history(looping, other)) == 4

    def test_who_looks_at_what_was_gathered_sees_it(self, looping, run):
        seen = []

        def log_and_look():
            def work(tx):
                tx.runs.log_metrics(run.id, batch(1.0, 5))
                seen.append(tx.runs.latest_metrics([run.id])[run.id][0].value)
                seen.append(len(tx.histories.page(run.id, "k0", PageRequest(10)).items))

            looping.catalog.write(work)

        assert at_the_same_moment(looping, [log(looping, run, batch(0.5, 4)), log_and_look]) == [None] * 2
        assert seen == [1.0, 3]

    def test_what_is_written_after_it_is_written_behind_it(self, looping, run):
        works = [
            log(looping, run, batch(1.0, 5)),
            log(looping, run, batch(3.0, 7)[:1]),
            lambda: looping.catalog.write(lambda tx: tx.runs.set_tags(run.id, {"a": "b"})),
            log(looping, run, batch(2.0, 6)),
        ]
        assert at_the_same_moment(looping, works) == [None] * 4
        assert history(looping, run) == [(0, 1, "0.0"), (0, 5, "1.0"), (0, 6, "2.0"), (0, 7, "3.0")]
        assert latest(looping, run) == {**dict.fromkeys(KEYS, (0, 6, "2.0")), "k0": (0, 7, "3.0")}
        assert looping.catalog.read(lambda tx: tx.runs.tags([run.id])) == {run.id: {"a": "b"}}

    def test_a_large_batch_leaves_while_the_next_one_is_read(self, looping, run, sent):
        keys = [f"n{number}" for number in range(600)]
        looping.write(lambda tx: tx.runs.log_metrics(run.id, batch(0.0, keys=keys)))
        sent.clear()
        works = [log(looping, run, batch(float(n), 10 + n, keys=keys)) for n in range(3)]
        assert at_the_same_moment(looping, works) == [None] * 3
        assert len(writes(sent, "metric_points")) == 2
        assert len(writes(sent, "metrics")) == 1
        assert [at for _, at, _ in history(looping, run, "n599")] == [1, 10, 11, 12]


@pytest.mark.postgres
class TestWhatIsKnown:
    def test_points_that_another_server_wrote_are_there_once(self, looping, run, postgres_database, sent):
        with opened(postgres_database) as other:
            other.write(lambda tx: tx.runs.log_metrics(run.id, batch(1.0, 5)))
        sent.clear()
        works = [log(looping, run, batch(float(n), 4 + n)) for n in range(3)]
        assert at_the_same_moment(looping, works) == [None] * 3
        assert sum(sql.startswith("BEGIN") and "ONLY" not in sql for sql in sent) == 2  # once what was known was behind
        assert history(looping, run) == [(0, 1, "0.0"), (0, 4, "0.0"), (0, 5, "1.0"), (0, 6, "2.0")]
        assert latest(looping, run) == dict.fromkeys(KEYS, (0, 6, "2.0"))

    def test_a_later_value_of_another_server_stays_the_latest(self, looping, run, postgres_database):
        with opened(postgres_database) as other:
            other.write(lambda tx: tx.runs.log_metrics(run.id, batch(7.0, 70)))
            assert at_the_same_moment(looping, [log(looping, run, batch(1.0, 5))]) == [None]
            other.write(lambda tx: tx.runs.log_metrics(run.id, batch(2.0, 6)))
        assert history(looping, run) == [(0, 1, "0.0"), (0, 5, "1.0"), (0, 6, "2.0"), (0, 70, "7.0")]
        assert latest(looping, run) == dict.fromkeys(KEYS, (0, 70, "7.0"))

    def test_nothing_is_learned_of_what_was_undone(self, looping):
        run = added_job(looping.catalog)

        def spoil():
            def work(tx):
                tx.runs.log_metrics(run.id, batch(9.0, 9))
                raise InvalidError("no")

            looping.catalog.write(work)

        assert [type(one) for one in at_the_same_moment(looping, [log(looping, run, batch(1.0)), spoil])] == [
            WouldWaitError
        ] * 2
        assert latest(looping, run) == {}
        assert at_the_same_moment(looping, [log(looping, run, batch(2.0, 2))] * 2) == [None] * 2
        assert history(looping, run) == [(0, 2, "2.0")]

    def test_so_many_series_are_remembered_and_those_used_last(self, monkeypatch):
        monkeypatch.setattr(Series, "MOST", 10)
        series, place = Series(), (0, 0, 1, 0.0)
        for job in range(5):
            series.learn(job, {str(n): n for n in range(3)}, {str(n): place for n in range(3)})
            series.learn(2, {}, {"0": (1, 0, 1, 0.0)})
        assert [job for job in range(5) if series.find(job)] == [2, 3, 4]
        assert series.find(2).latest == {"0": (1, 0, 1, 0.0), "1": place, "2": place}
        series.learn(0, {}, {"0": place})
        assert series.find(0) is None


@pytest.mark.postgres
class TestFaults:
    def test_a_bad_batch_is_its_own_callers_and_nobody_else_notices(self, looping, run):
        large = [*batch(1.0, 8), Metric("k0", 1.0, 2**63)]
        works = [
            log(looping, run, batch(1.0, 5)),
            log(looping, run, large),
            lambda: looping.catalog.write(lambda tx: tx.runs.log_metrics("nobody", batch(1.0))),
            log(looping, run, batch(2.0, 6)),
        ]
        desk = Desk(looping.catalog, 4, "work")

        async def day():
            return await asyncio.gather(*(desk.do(Pace.ENTRY, work) for work in works), return_exceptions=True)

        told = asyncio.run_coroutine_threadsafe(day(), looping.loop).result(60)
        assert [type(one) for one in told] == [type(None), InvalidError, NotFoundError, type(None)]
        assert history(looping, run) == [(0, 1, "0.0"), (0, 5, "1.0"), (0, 6, "2.0")]

    def test_one_that_fails_after_it_was_gathered_leaves_nothing(self, looping, run):
        def spoil():
            def work(tx):
                tx.runs.log_metrics(run.id, batch(9.0, 9))
                raise InvalidError("no")

            looping.catalog.write(work)

        desk = Desk(looping.catalog, 4, "work")

        async def day():
            works = [log(looping, run, batch(1.0, 5)), spoil, log(looping, run, batch(2.0, 6))]
            return await asyncio.gather(*(desk.do(Pace.ENTRY, work) for work in works), return_exceptions=True)

        told = asyncio.run_coroutine_threadsafe(day(), looping.loop).result(60)
        assert [type(one) for one in told] == [type(None), InvalidError, type(None)]
        assert history(looping, run) == [(0, 1, "0.0"), (0, 5, "1.0"), (0, 6, "2.0")]
        assert latest(looping, run) == dict.fromkeys(KEYS, (0, 6, "2.0"))


class Plain:
    def __init__(self, catalog):
        self.catalog = catalog
