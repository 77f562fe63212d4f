"""Jobs as they go over the wire of the native API."""

import math
from typing import Any

import msgspec

from regista.entities.job import Job
from regista.entities.page import Page
from regista.entities.run import Dataset, Metric
from regista.services.tracking.runs import Run


class JobView(Job, frozen=True, kw_only=True):
    """A job with its tags, which are data of the run and stand apart from it in the catalog."""

    tags: dict[str, str]


def view_of(job: Job, tags: dict[str, str]) -> JobView:
    """The job as it is answered."""
    fields = {name: getattr(job, name) for name in job.__struct_fields__}
    return JobView(**fields, tags=tags)


class JobViews(msgspec.Struct, frozen=True):
    """Several jobs, and the cursor of the next page."""

    items: tuple[JobView, ...] = ()
    next: str | None = None


class MetricView(msgspec.Struct, frozen=True):
    """A measurement. JSON has no number for some values: those are ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``."""

    key: str
    value: float | str
    timestamp: int
    step: int


class MetricViews(msgspec.Struct, frozen=True):
    """Measurements in order, and the cursor of the next page."""

    items: tuple[MetricView, ...] = ()
    next: str | None = None


class RecordView(msgspec.Struct, frozen=True, kw_only=True):
    """What a job, step or run recorded: of each metric the latest value. ``step`` is its path below the job asked for."""

    job: str
    step: str
    metrics: tuple[MetricView, ...]
    params: dict[str, str]
    tags: dict[str, str]
    datasets: tuple[Dataset, ...]


class JobRecordView(RecordView, frozen=True, kw_only=True):
    """The same of a job with that of everything that ran in it."""

    steps: tuple[RecordView, ...] = ()


def record_of(found: list[tuple[str, Run]]) -> JobRecordView:
    """The records of a job and of its steps as they are answered."""
    (_, first), *rest = found
    steps = tuple(RecordView(**_recorded(path, run)) for path, run in rest)
    return JobRecordView(**_recorded("", first), steps=steps)


def metrics_of(page: Page[Metric]) -> MetricViews:
    """A page of a metric's history as it is answered."""
    return MetricViews(tuple(map(_metric, page.items)), page.next)


def _recorded(path: str, run: Run) -> dict[str, Any]:
    return {
        "job": run.job.name,
        "step": path,
        "metrics": tuple(map(_metric, run.metrics)),
        "params": dict(run.params),
        "tags": dict(run.tags),
        "datasets": tuple(run.datasets),
    }


def _metric(one: Metric) -> MetricView:
    if math.isfinite(one.value):
        return MetricView(one.key, one.value, one.timestamp, one.step)
    spelled = "NaN" if math.isnan(one.value) else "Infinity" if one.value > 0 else "-Infinity"
    return MetricView(one.key, spelled, one.timestamp, one.step)
