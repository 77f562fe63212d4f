"""Histories thinned out for plots: the same points from either database, and those that the whole history gives."""

import math

import pytest
from hypothesis import given, settings, strategies as some

from regista.entities.run import Metric
from regista.services.access.access import SYSTEM
from regista.services.tracking import histories
from regista.services.tracking.runs import NewRun
from tests.support.houses import People, open_house

VALUE = some.sampled_from([math.nan, math.inf, -math.inf, -0.5, 0.0, 0.25, 1.0])
POINT = some.tuples(some.integers(-3, 60) | some.sampled_from([-(2**63), 2**63 - 1]), some.integers(0, 2), VALUE)
HISTORY = some.lists(POINT, max_size=60)
BETWEEN = some.none() | some.tuples(some.integers(-5, 65), some.integers(-5, 65))


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory):
    with open_house(tmp_path_factory.mktemp("histories")) as house:
        yield house, People(house).workspace("dev")


@pytest.fixture(scope="module")
def on_postgres(tmp_path_factory, postgres_server):
    name = postgres_server.create_database()
    with open_house(tmp_path_factory.mktemp("histories"), postgres_server.url_of(name)) as house:
        yield house, People(house).workspace("dev")
    postgres_server.drop_database(name)


def of_the_whole(runs, most, between):
    """What is to be drawn of *runs*, by all there is of each: every so many steps of all, and where each begins and ends."""
    first, last = between or (-(2**63), 2**63 - 1)
    steps = [sorted({step for step, _, _ in points if first <= step <= last}) for points in runs]
    there = sorted({step for some in steps for step in some})
    stride = 1
    while len(there[::stride]) > 2 * most:
        stride *= 2
    kept = there[::stride]
    drawn = {*(kept if len(kept) <= most else (kept[at * len(kept) // most] for at in range(most)))}
    drawn |= {end for some in steps if some for end in (some[0], some[-1])}
    return [
        [Metric("m", value, at, step) for step, at, value in sorted({*points}, key=_place) if step in drawn]
        for points in runs
    ]


def _place(point):
    step, at, value = point
    return step, at, not math.isnan(value), value if not math.isnan(value) else 0.0


def sampled(house, scope, runs, most, between):
    names = []
    for points in runs:
        run = house.runs.create(SYSTEM, scope.address, NewRun()).job
        names.append(run.name)
        logged = [Metric("m", value, at, step) for step, at, value in points]
        house.catalog.write(lambda tx, run=run, logged=logged: tx.runs.log_metrics(run.id, logged))
    found = house.histories.sampled(SYSTEM, scope.address, names, "m", most, between)
    return [found[name] for name in names]


PLOT = {
    "runs": some.lists(HISTORY, min_size=1, max_size=3),
    "most": some.integers(1, 30),
    "between": BETWEEN,
    "size": some.integers(1, 70),
}


@settings(max_examples=60)
@given(**PLOT)
def test_the_points_of_a_plot_are_those_that_the_whole_history_gives(on_sqlite, runs, most, between, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(histories, "STEPS", size)
        assert str(sampled(*on_sqlite, runs, most, between)) == str(of_the_whole(runs, most, between))


@pytest.mark.postgres
@settings(max_examples=30)
@given(**PLOT)
def test_they_are_the_same_on_postgresql(on_postgres, runs, most, between, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(histories, "STEPS", size)
        assert str(sampled(*on_postgres, runs, most, between)) == str(of_the_whole(runs, most, between))


def test_more_values_than_are_answered_are_the_first(on_sqlite, monkeypatch):
    monkeypatch.setattr(histories, "MOST_SAMPLED", 7)
    runs = [[(step, at, 0.5) for step in range(3) for at in range(5)]]
    assert sampled(*on_sqlite, runs, 100, None) == [of_the_whole(runs, 100, None)[0][:7]]
