"""Batches of metrics that the writer of a SQLite catalog writes together: what comes of them is what came of one after another."""

import math
import threading
from collections import defaultdict
from contextlib import contextmanager, suppress
from random import Random

import pytest

from regista.conformance.catalog.examples import added_job
from regista.drivers.catalog.sql.catalog import SqlCatalog
from regista.entities.page import PageRequest
from regista.entities.run import Metric
from regista.errors import InvalidError, NotFoundError, StorageFullError

KEYS = [f"k{number}" for number in range(20)]


@pytest.fixture
def catalog(tmp_path):
    catalog = SqlCatalog.open(f"sqlite:///{tmp_path / 'x.db'}")
    yield catalog
    catalog.close()


@pytest.fixture
def run(catalog):
    """A run whose series the writer knows: value 0.0 at the time 1."""
    run = added_job(catalog)
    catalog.write(lambda tx: tx.runs.log_metrics(run.id, batch(0.0)))
    return run


@contextmanager
def said(catalog):
    """The statements that write, as SQLite saw them meanwhile."""
    found = []
    raw = catalog._database._writing.raw
    raw.set_trace_callback(lambda sql: found.append(sql) if sql.startswith(("INSERT", "COMMIT")) else None)
    try:
        yield found
    finally:
        raw.set_trace_callback(None)


def at_the_same_moment(catalog, works):
    """What comes of *works*, all of which are in one group: they wait while the writer does something else."""
    busy, go_on = threading.Event(), threading.Event()
    told, all_told = {}, threading.Semaphore(0)

    def hold():
        busy.set()
        assert go_on.wait(30)

    def done(at, _, error):
        told[at] = error
        all_told.release()

    catalog.in_turn(hold, lambda *_: None)
    assert busy.wait(30)
    for at, work in enumerate(works):
        catalog.in_turn(lambda work=work: catalog.write(work), lambda result, error, at=at: done(at, result, error))
    go_on.set()
    for _ in works:
        assert all_told.acquire(timeout=60)
    return [told[at] for at in range(len(works))]


def log(run, metrics):
    return lambda tx: tx.runs.log_metrics(run.id, metrics)


def batch(value, at=1, step=0, keys=KEYS):
    return [Metric(key, value, at, step) for key in keys]


def history(catalog, run, key="k0"):
    page = catalog.read(lambda tx: tx.histories.page(run.id, key, PageRequest(1000)))
    return [(one.step, one.timestamp, str(one.value)) for one in page.items]


def latest(catalog, run):
    found = catalog.read(lambda tx: tx.runs.latest_metrics([run.id])).get(run.id, [])
    return {one.key: (one.step, one.timestamp, str(one.value)) for one in found}


def place(metric):
    """As histories are sorted: NaN before any number."""
    is_number = not math.isnan(metric.value)
    return metric.step, metric.timestamp, is_number, metric.value if is_number else 0.0


def shown(places):
    return [(step, at, str(value) if is_number else "nan") for step, at, is_number, value in sorted(places)]


def some(chance, later):
    """A batch of any size, most of it newer than what was before *later*, now and then of a series that is new."""
    keys = [*KEYS, f"n{later}"] if chance.random() < 0.1 else KEYS
    values = (math.nan, math.inf, -math.inf, -0.5, 0.25)
    return [
        Metric(chance.choice(keys), chance.choice(values), chance.randrange(4), later + chance.randrange(-2, 9))
        for _ in range(chance.choice((1, 4, 5, 60, 700)))
    ]


def log_or_fail(run, metrics, luck):
    """Fail behind it with little *luck*, with very little having written something else before."""

    def work(tx):
        if luck < 0.15:
            tx.runs.set_tags(run.id, {"a": "b"})
        tx.runs.log_metrics(run.id, metrics)
        if luck < 0.3:
            raise InvalidError("no")

    return work


class TestTogether:
    def test_what_many_log_to_one_run_is_written_at_once(self, catalog, run):
        with said(catalog) as statements:
            works = [log(run, batch(float(n), 10 + n)) for n in range(8)]
            assert at_the_same_moment(catalog, works) == [None] * 8
        assert len([sql for sql in statements if sql.startswith("INSERT INTO metrics ")]) == 20
        assert statements.count("COMMIT") == 1
        assert history(catalog, run) == [(0, 1, "0.0"), *((0, 10 + n, f"{n}.0") for n in range(8))]
        assert latest(catalog, run) == dict.fromkeys(KEYS, (0, 17, "7.0"))

    def test_what_is_older_than_the_latest_is_history_alone(self, catalog, run):
        catalog.write(log(run, batch(9.0, 99)))
        with said(catalog) as statements:
            assert at_the_same_moment(catalog, [log(run, batch(float(n), 10 + n)) for n in range(4)]) == [None] * 4
        assert not any(sql.startswith("INSERT INTO metrics ") for sql in statements)
        assert len(history(catalog, run)) == 6
        assert latest(catalog, run) == dict.fromkeys(KEYS, (0, 99, "9.0"))

    def test_the_same_batch_many_times_makes_its_points_once(self, catalog, run):
        twice = batch(1.0, 5) + batch(2.0, 6)
        for _ in range(2):
            assert at_the_same_moment(catalog, [log(run, twice)] * 5) == [None] * 5
            assert history(catalog, run) == [(0, 1, "0.0"), (0, 5, "1.0"), (0, 6, "2.0")]
            assert latest(catalog, run) == dict.fromkeys(KEYS, (0, 6, "2.0"))

    def test_any_batches_leave_what_was_in_them(self, catalog):
        chance, runs = Random(7), [added_job(catalog), added_job(catalog, "other")]
        there = defaultdict(set)
        for later in range(0, 60, 3):
            tries = [(chance.choice(runs), some(chance, later), chance.random()) for _ in range(8)]
            told = at_the_same_moment(catalog, [log_or_fail(*one) for one in tries])
            assert [isinstance(one, InvalidError) for one in told] == [luck < 0.3 for _, _, luck in tries]
            for run, metrics, luck in tries:
                for one in metrics if luck >= 0.3 else ():
                    there[run.id, one.key].add(place(one))
            found = {(run.id, key): value for run in runs for key, value in latest(catalog, run).items()}
            assert found == {series: shown(places)[-1] for series, places in there.items()}
        for run in runs:
            for key in latest(catalog, run):
                assert history(catalog, run, key) == shown(there[run.id, key])

    def test_who_looks_at_what_was_kept_sees_it(self, catalog, run):
        seen = []

        def log_and_look(tx):
            seen.append(tx.runs.latest_metrics([run.id])[run.id][0].value)
            tx.runs.log_metrics(run.id, batch(1.0, 5))
            seen.append(tx.runs.latest_metrics([run.id])[run.id][0].value)
            seen.append(len(tx.histories.page(run.id, "k0", PageRequest(10)).items))

        assert at_the_same_moment(catalog, [log(run, batch(0.5, 4)), log_and_look]) == [None] * 2
        assert seen == [0.5, 1.0, 3]

    def test_what_is_written_after_it_is_written_behind_it(self, catalog, run):
        works = [
            log(run, batch(1.0, 5)),
            log(run, batch(3.0, 7)[:1]),
            lambda tx: tx.runs.set_tags(run.id, {"a": "b"}),
            log(run, batch(2.0, 6)),
        ]
        assert at_the_same_moment(catalog, works) == [None] * 4
        assert history(catalog, run) == [(0, 1, "0.0"), (0, 5, "1.0"), (0, 6, "2.0"), (0, 7, "3.0")]
        assert latest(catalog, run) == {**dict.fromkeys(KEYS, (0, 6, "2.0")), "k0": (0, 7, "3.0")}
        assert catalog.read(lambda tx: tx.runs.tags([run.id])) == {run.id: {"a": "b"}}


class TestFaults:
    def test_a_bad_batch_is_its_own_callers_and_nobody_else_notices(self, catalog, run):
        works = [
            log(run, batch(1.0, 5)),
            log(run, [*batch(1.0, 8), Metric("k0", 1.0, 2**63)]),
            lambda tx: tx.runs.log_metrics("nobody", batch(1.0)),
            log(run, batch(2.0, 6)),
        ]
        told = at_the_same_moment(catalog, works)
        assert [type(one) for one in told] == [type(None), InvalidError, NotFoundError, type(None)]
        assert history(catalog, run) == [(0, 1, "0.0"), (0, 5, "1.0"), (0, 6, "2.0")]

    def test_one_that_fails_behind_others_takes_nothing_of_theirs_along(self, catalog, run):
        def spoil(tx):
            tx.runs.log_metrics(run.id, batch(9.0, 9))
            tx.runs.set_tags(run.id, {"a": "b"})
            raise InvalidError("no")

        told = at_the_same_moment(catalog, [log(run, batch(1.0, 5)), spoil, log(run, batch(2.0, 6)), spoil])
        assert [type(one) for one in told] == [type(None), InvalidError, type(None), InvalidError]
        assert history(catalog, run) == [(0, 1, "0.0"), (0, 5, "1.0"), (0, 6, "2.0")]
        assert latest(catalog, run) == dict.fromkeys(KEYS, (0, 6, "2.0"))
        assert catalog.read(lambda tx: tx.runs.tags([run.id])) == {}

    def test_nothing_is_learned_of_what_was_undone(self, catalog):
        run = added_job(catalog)

        def spoil(tx):
            tx.runs.log_metrics(run.id, batch(9.0, 9))
            raise InvalidError("no")

        with suppress(InvalidError):
            catalog.write(spoil)
        assert latest(catalog, run) == {}
        assert at_the_same_moment(catalog, [log(run, batch(2.0, 2))] * 2) == [None] * 2
        assert history(catalog, run) == [(0, 2, "2.0")]

    @pytest.mark.parametrize("looks", [False, True])
    def test_on_a_full_disk_nothing_is_there_and_everybody_is_told(self, catalog, run, looks):
        raw = catalog._database._writing.raw
        keys = [f"n{number}" for number in range(500)]
        catalog.write(log(run, batch(0.0, keys=keys)))
        pages = raw.execute("PRAGMA page_count").fetchone()[0]
        raw.execute(f"PRAGMA max_page_count = {pages}")
        works = [log(run, [*batch(float(n), 10 + n, keys=keys), *batch(0.0, 50 + n, 3, keys)]) for n in range(8)]
        works += [lambda tx: tx.runs.latest_metrics([run.id])] * looks
        told = at_the_same_moment(catalog, works)
        assert [type(one) for one in told] == [StorageFullError] * len(works)
        assert len(history(catalog, run, "n0")) == 1
        raw.execute("PRAGMA max_page_count = 1000000")
        assert at_the_same_moment(catalog, works) == [None] * len(works)
        assert len(history(catalog, run, "n0")) == 17
        assert latest(catalog, run)["n499"] == (3, 57, "0.0")
