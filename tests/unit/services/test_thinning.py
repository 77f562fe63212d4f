"""A long history in few points."""

import itertools
import math

from hypothesis import given, strategies as some

from regista.entities.run import Metric
from regista.services.tracking.thinning import FEWEST, Thinning

VALUES = some.one_of(
    some.floats(allow_nan=True), some.sampled_from([0.0, 1.0, -0.0, math.inf, -math.inf]), some.just(math.nan)
)


def history(values):
    return [Metric("m", value, 1, step) for step, value in enumerate(values)]


def thinned(points, most, size=7):
    thinning = Thinning(most)
    for start in range(0, len(points), size):
        thinning.add(points[start : start + size])
        assert len(thinning.points()) <= most
    return thinning.points()


@given(some.lists(VALUES, max_size=300), some.integers(FEWEST, 40), some.integers(1, 50))
def test_never_more_and_always_the_first_the_last_and_the_extremes(values, most, size):
    points = history(values)
    kept = thinned(points, most, size)
    assert len(kept) <= most
    steps = [one.step for one in kept]
    assert steps == sorted(set(steps))
    assert all(one is points[one.step] for one in kept)
    if points:
        assert kept[0] is points[0]
        assert kept[-1] is points[-1]
    numbers = [one.value for one in points if not math.isnan(one.value)]
    if numbers:
        found = [one.value for one in kept if not math.isnan(one.value)]
        assert (min(found), max(found)) == (min(numbers), max(numbers))
    if len(points) <= most:
        assert kept == points


@given(some.integers(100, 400), some.integers(3, 60))
def test_no_stretch_of_a_history_goes_without_a_point(count, pairs):
    most = 2 * pairs + 2
    steps = [one.step for one in thinned(history(math.sin(n) for n in range(count)), most)]
    widest = max(1, 4 * math.ceil(count / pairs))
    assert all(after - before <= widest for before, after in itertools.pairwise(steps))


@given(some.lists(VALUES, max_size=200), some.integers(FEWEST, 30), some.integers(1, 50), some.integers(1, 50))
def test_the_size_of_the_blocks_makes_no_difference(values, most, one, other):
    points = history(values)
    assert [p.step for p in thinned(points, most, one)] == [p.step for p in thinned(points, most, other)]


def test_a_gap_stays_a_gap():
    kept = thinned(history([0.0] * 500 + [math.nan] * 500 + [1.0] * 500), 40)
    assert any(math.isnan(one.value) for one in kept)


def test_a_peak_among_a_million_is_kept_in_little_time():
    thinning = Thinning(1000)
    for start in range(0, 300_000, 10_000):
        thinning.add([Metric("m", 9.0 if n == 123_456 else n % 7 / 7, n, n) for n in range(start, start + 10_000)])
    assert 400 < len(thinning.points()) <= 1000
    assert 123_456 in {one.step for one in thinning.points()}
