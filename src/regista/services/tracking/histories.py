"""Histories of metrics as a whole: thinned out for plots, and in blocks for who reads them all."""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence

import msgspec

from regista.entities.access import Caller
from regista.entities.run import Metric
from regista.entities.scope import ScopeAddress
from regista.errors import InvalidError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.scopes.scopes import resolve_scope
from regista.services.tracking.rights import readable
from regista.services.tracking.runs import RunService, measured_in
from regista.services.tracking.sampling import Steps, chosen
from regista.services.tracking.thinning import FEWEST, Thinning

MOST_POINTS = 100_000
"""Of a history that is thinned out; a screen has a few thousand dots across."""

LEAST, GREATEST = -(2**63), 2**63 - 1
"""The least and the greatest step and time there can be."""

MOST_SAMPLED = 25_000
"""Values of one run at chosen steps, of which there is one at each as a rule: the first so many."""

BLOCK = 10_000
"""Values that are read at once."""


class Block(msgspec.Struct, frozen=True):
    """Some values of one metric, in order. ``step`` is the path of the step that measured them, "" for the job itself."""

    step: str
    key: str
    metrics: list[Metric]


class HistoryService:
    """Reads histories to their end. What is written meanwhile may be in them or not."""

    def __init__(self, catalog: Catalog, runs: RunService) -> None:
        self._catalog = catalog
        self._runs = runs

    def thinned(self, caller: Caller, address: ScopeAddress, name: str, key: str, most: int) -> list[Metric]:
        """All values of a metric in no more than *most* points, among them the first, the last, the least and the greatest;
        as they are while they are no more than that. See ``thinning``."""
        if not FEWEST <= most <= MOST_POINTS:
            raise InvalidError(f"a history is thinned out to {FEWEST} to {MOST_POINTS} points, not to {most}")
        job_id = self._catalog.read(lambda tx: _measured(tx, caller, address, name))
        thinning = Thinning(most)
        for block in self._blocks(job_id, key):
            thinning.add(block)
        return thinning.points()

    def sampled(
        self,
        caller: Caller,
        address: ScopeAddress,
        names: Sequence[str],
        key: str,
        most: int,
        between: tuple[int, int] | None = None,
    ) -> dict[str, list[Metric]]:
        """The values of a metric in several runs, by their names, at no more than *most* steps, and at the first and the
        last of each run: the same steps for all. *between* are the least and the greatest step that count."""
        ids = self._catalog.read(lambda tx: {name: _measured(tx, caller, address, name) for name in names})
        first, last = between or (LEAST, GREATEST)
        histories = {name: Steps(self._steps(job_id, key, first, last)) for name, job_id in ids.items()}
        common = chosen([*histories.values()], most)
        steps = sorted({*common, *(end for history in histories.values() for end in history.ends)})

        def work(tx: Transaction) -> dict[str, list[Metric]]:
            return {name: _sampled(tx, job_id, key, steps) for name, job_id in ids.items()}

        return self._catalog.read(work)

    def columns(self, caller: Caller, address: ScopeAddress, name: str, key: str = "") -> Iterator[Block]:
        """Every value of one metric, or of all of them, of a living job and of everything that ran in it: read while it is
        gone through, in memory of one block. Who may not read the job is told at once."""
        found = self._runs.with_steps(caller, address, name)
        measured = [(step, run.job.name, one.key) for step, run in found for one in run.metrics if key in {"", one.key}]

        def blocks() -> Iterator[Block]:
            for step, job, metric in measured:
                job_id = self._catalog.read(lambda tx, job=job: _measured(tx, caller, address, job))  # type: ignore[misc]
                for block in self._blocks(job_id, metric):
                    yield Block(step, metric, block)

        return blocks()

    def _steps(self, job_id: str, key: str, first: int, last: int) -> Iterator[list[int]]:
        after = None if first == LEAST else _before(key, first)
        for block in self._blocks(job_id, key, after):
            steps = [one.step for one in block]
            if steps and steps[-1] > last:
                yield steps[: bisect_right(steps, last)]
                return
            yield steps

    def _blocks(self, job_id: str, key: str, after: Metric | None = None) -> Iterator[list[Metric]]:
        """A transaction a block: a reader that is slow holds nobody up."""
        while True:
            block = self._catalog.read(lambda tx, after=after: tx.runs.points(job_id, key, after, BLOCK))  # type: ignore[misc]
            yield block
            if len(block) < BLOCK:
                return
            after = block[-1]


def _sampled(tx: Transaction, job_id: str, key: str, steps: Sequence[int]) -> list[Metric]:
    """The values at *steps*, in their order."""
    found: list[Metric] = []
    for step in steps:
        found += _at(tx, job_id, key, step, MOST_SAMPLED - len(found))
        if len(found) == MOST_SAMPLED:
            break
    return found


def _at(tx: Transaction, job_id: str, key: str, step: int, most: int) -> list[Metric]:
    """The first *most* values at *step*. There is one as a rule, and a plot has thousands of steps."""
    found: list[Metric] = []
    for some in (4, 64, 1000, most):
        limit = min(some, most)
        found = [one for one in tx.runs.points(job_id, key, _before(key, step), limit) if one.step == step]
        if len(found) < limit or limit == most:
            break
    return found


def _before(key: str, step: int) -> Metric:
    """What stands before everything that may be measured at *step*."""
    if step == LEAST:
        return Metric(key, math.nan, LEAST, LEAST)
    return Metric(key, math.inf, GREATEST, step - 1)


def _measured(tx: Transaction, caller: Caller, address: ScopeAddress, name: str) -> str:
    """The id of the job that measured what the one of that name stands for."""
    return measured_in(tx, readable(tx, caller, resolve_scope(tx, caller, address), name)).id
