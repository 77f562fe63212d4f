"""Histories of metrics."""

import math
from collections.abc import Sequence

import pytest

from regista.conformance.catalog.case import CatalogCase, every
from regista.conformance.catalog.examples import added_job
from regista.entities.job import Job
from regista.entities.run import Metric
from regista.errors import InvalidError
from regista.interfaces.catalog import Catalog


class HistoryContract(CatalogCase):
    """``tx.histories``."""

    def test_values_are_counted_over_all_metrics_and_runs(self, catalog: Catalog) -> None:
        one, two, none = added_job(catalog), added_job(catalog, "two"), added_job(catalog, "none")
        same = Metric("loss", 0.1, 5, 1)
        catalog.write(
            lambda tx: tx.runs.log_metrics(one.id, [same, same, Metric("loss", 0.2, 5, 1), Metric("a", 1, 1)])
        )
        catalog.write(lambda tx: tx.runs.log_metrics(two.id, [same]))
        assert catalog.read(lambda tx: tx.histories.count([one.id, two.id])) == 4
        assert catalog.read(lambda tx: tx.histories.count([none.id])) == 0
        assert catalog.read(lambda tx: tx.histories.count([])) == 0

    def test_all_points_are_read_in_blocks_of_any_size(self, catalog: Catalog) -> None:
        run = added_job(catalog)
        values = [math.nan, -math.inf, -1.5, 0.0, 1.5, math.inf]
        logged = [Metric("x", value, at, step) for step in (-1, 0, 7) for at in (3, 4) for value in values]
        catalog.write(lambda tx: tx.runs.log_metrics(run.id, [*logged[::-1], Metric("y", 1.0, 1)]))
        for size in (1, 5, 2000):
            found: list[Metric] = []
            while block := catalog.read(
                lambda tx, found=found, size=size: tx.histories.points(run.id, "x", found[-1] if found else None, size)  # type: ignore[misc]
            ):
                assert len(block) <= size
                found += block
            assert str(found) == str(logged)
        assert catalog.read(lambda tx: tx.histories.points(run.id, "absent", None, 10)) == []
        behind = catalog.read(lambda tx: tx.histories.points(run.id, "x", Metric("x", 0.0, 9, 0), 1))
        assert str(behind) == str([Metric("x", math.nan, 3, 7)])

    def test_the_steps_of_a_history_are_told_once_each(self, catalog: Catalog) -> None:
        run = scattered(catalog)
        there = sorted({one.step for one in whole(catalog, run.id, "x")})

        def told(first: int, last: int, most: int) -> list[int]:
            return catalog.read(lambda tx: tx.histories.steps(run.id, "x", first, last, most))

        for first, last in ((-(2**63), 2**63 - 1), (-3, 40), (-2, 39), (7, 7), (41, 44), (9, 8)):
            between = [step for step in there if first <= step <= last]
            for limit in (1, 5, len(between) or 1, 1000):
                assert told(first, last, limit) == between[:limit]
        assert catalog.read(lambda tx: tx.histories.steps(run.id, "absent", 0, 9, 9)) == []
        assert catalog.read(lambda tx: tx.histories.steps("nobody", "x", 0, 9, 9)) == []
        with pytest.raises(InvalidError):
            told(0, 2**70, 9)

    def test_the_values_at_some_steps_are_those_of_the_history(self, catalog: Catalog) -> None:
        run = scattered(catalog)
        history = whole(catalog, run.id, "x")
        there = sorted({one.step for one in history})

        def found(steps: Sequence[int], most: int) -> list[Metric]:
            return catalog.read(lambda tx: tx.histories.values_at(run.id, "x", steps, most))

        for steps in (there, there[::3], [there[0], there[-1]], [-(2**63), 0, 5, 2**63 - 1], [6], []):
            expected = [one for one in history if one.step in steps]
            for limit in (1, 7, 25_000):
                assert str(found(steps, limit)) == str(expected[:limit])
        assert catalog.read(lambda tx: tx.histories.values_at(run.id, "absent", there, 9)) == []


def whole(catalog: Catalog, job_id: str, key: str) -> list[Metric]:
    """All values of a metric, read in pages."""
    return every(lambda request: catalog.read(lambda tx: tx.histories.page(job_id, key, request)))


def scattered(catalog: Catalog) -> Job:
    """A run whose metric ``x`` has one value at most steps of some, several at others, among them what is no number."""
    run = added_job(catalog)
    steps = [-(2**62), *range(-3, 40, 3), *range(0, 40, 7), 41, 2**62]
    values = (math.nan, math.inf, -math.inf, -0.5, 0.25)
    logged = [Metric("x", values[(step + at) % 5], at, step) for step in steps for at in range(1 + step % 4)]
    catalog.write(lambda tx: tx.runs.log_metrics(run.id, [*logged[::-1], Metric("y", 1.0, 1, 8)]))
    return run
