"""Comparing runs: metrics side by side, what differs by digest, and a verdict on whether a result holds elsewhere."""

from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    """Whether what the first run measured holds in the second."""

    HOLDS = "holds"
    BETTER = "better"
    WORSE = "does not hold"
    UNDECIDED = "cannot be decided"


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is compared. ``pipeline`` identifies what was run, whatever it was run on."""

    workspace: str
    name: str
    display_name: str = ""
    status: str = ""
    pipeline: str = ""
    started_at: int | None = None
    ended_at: int | None = None


class MetricRow(msgspec.Struct, frozen=True, kw_only=True):
    """One metric in every run (None where it was not logged): its last value, or its mean where an interval of means is
    given. For two runs also the difference (second minus first), its 95 percent interval where the runs give one, how that
    was computed (``basis``), and the verdict."""

    metric: str
    values: tuple[float | None, ...]
    difference: float | None = None
    relative: float | None = None
    interval: tuple[float, float] | None = None
    basis: str = ""
    verdict: Verdict | None = None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Something by which runs differ: ``what`` is data, environment, code, parameter or pipeline; ``values`` are digests or
    values, one a run."""

    what: str
    name: str
    values: tuple[str, ...]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The whole answer. ``same_pipeline`` is whether all runs ran the same thing; ``verdict`` sums up the decided metrics."""

    runs: tuple[RunSummary, ...]
    metrics: tuple[MetricRow, ...]
    differences: tuple[Difference, ...]
    same_pipeline: bool
    verdict: Verdict | None = None
    explanation: str = ""
