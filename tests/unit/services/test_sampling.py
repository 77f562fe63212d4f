"""A few steps of many."""

import itertools

from hypothesis import given, strategies as some

from regista.services.tracking.sampling import Steps, chosen

HISTORY = some.lists(some.integers(-(2**63), 2**63 - 1) | some.integers(0, 300), max_size=200, unique=True).map(sorted)


def blocks(steps, size):
    return [steps[at : at + size] for at in range(0, len(steps), size)]


def of_all(steps, most):
    """Every so many of *steps*, a power of two, and of these the most, evenly."""
    stride = 1
    while len(steps[::stride]) > 2 * most:
        stride *= 2
    kept = steps[::stride]
    return kept if len(kept) <= most else [kept[at * len(kept) // most] for at in range(most)]


@given(some.lists(HISTORY, min_size=1, max_size=4), some.integers(1, 30), some.integers(1, 50))
def test_they_are_of_the_histories_in_order_and_no_more_than_wanted(histories, most, size):
    watched = [Steps(blocks(steps, size)) for steps in histories]
    found = chosen(watched, most)
    there = sorted({step for steps in histories for step in steps})
    assert len(found) <= most
    assert found == sorted(set(found))
    assert set(found) <= set(there)
    assert found[:1] == there[:1]
    assert found == of_all(there, most)
    assert [one.ends for one in watched] == [(steps[0], steps[-1]) if steps else () for steps in histories]


@given(some.integers(2, 30), some.integers(1, 500), some.integers(1, 40))
def test_they_lie_as_far_apart_as_can_be(most, count, size):
    found = chosen([Steps(blocks(list(range(count)), size))], most)
    gaps = [after - before for before, after in itertools.pairwise(found)]
    assert not gaps or max(gaps) <= 2 * max(1, count // (most - 1)) + 2
