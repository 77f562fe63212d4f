"""Histories of metrics as a whole: thinned out for plots, and in blocks for who reads them all."""

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

STEPS = 100_000
"""Steps, of all histories together, that are read at once: they are small without what was measured at them."""


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
        size = max(1, STEPS // (len(ids) or 1))
        histories = [Steps(self._steps(job_id, key, first, last, size)) for job_id in ids.values()]
        common = chosen(histories, most)
        steps = sorted({*common, *(end for history in histories for end in history.ends)})

        def work(tx: Transaction) -> dict[str, list[Metric]]:
            return {name: tx.histories.values_at(job_id, key, steps, MOST_SAMPLED) for name, job_id in ids.items()}

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

    def _steps(self, job_id: str, key: str, first: int, last: int, size: int) -> Iterator[list[int]]:
        while True:
            block = self._catalog.read(lambda tx, first=first: tx.histories.steps(job_id, key, first, last, size))  # type: ignore[misc]
            yield block
            if len(block) < size or block[-1] == last:
                return
            first = block[-1] + 1

    def _blocks(self, job_id: str, key: str, after: Metric | None = None) -> Iterator[list[Metric]]:
        """A transaction a block: a reader that is slow holds nobody up."""
        while True:
            block = self._catalog.read(lambda tx, after=after: tx.histories.points(job_id, key, after, BLOCK))  # type: ignore[misc]
            yield block
            if len(block) < BLOCK:
                return
            after = block[-1]


def _measured(tx: Transaction, caller: Caller, address: ScopeAddress, name: str) -> str:
    """The id of the job that measured what the one of that name stands for."""
    return measured_in(tx, readable(tx, caller, resolve_scope(tx, caller, address), name)).id
