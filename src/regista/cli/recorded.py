"""What jobs measured: ``regista job metrics``, and the lines of ``regista job show`` about it."""

import math
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from regista.cli.frame import named, show
from regista.cli.options import in_workspace, max_results
from regista.errors import NotFoundError

if TYPE_CHECKING:
    from regista.client import Regista
    from regista.client.records import JobRecord, StepRecord
    from regista.entities.run import Metric

_COLUMNS = ("metric", "value", "step", "timestamp")


@click.command("metrics", epilog="Example: regista job metrics train-7 --metric loss -w dev")
@named
@click.option("-m", "--metric", default="", help="All values of this one.  [default: the latest of each]")
@max_results
@in_workspace
def metrics(client: "Regista", output: str, name: str, metric: str, max_results: int | None) -> None:
    """Show what a job and its steps measured: the latest values, or all values of one metric in order."""
    record = client.jobs.record(name)
    rows = _history(client, record, metric) if metric else _latest(record)
    found = list(islice(rows, max_results))
    # Only where steps measured something does it matter who did.
    show(found, output, ("node", *_COLUMNS) if any(row["node"] for row in found) else _COLUMNS)


def _latest(record: "JobRecord") -> Iterator[dict[str, Any]]:
    for one in (record, *record.steps):
        yield from (_row(one.step, value) for value in one.metrics)


def _history(client: "Regista", record: "JobRecord", metric: str) -> Iterator[dict[str, Any]]:
    """The history of a metric in the job and in every step that has it."""
    everywhere: tuple[StepRecord, ...] = (record, *record.steps)
    having = [one for one in everywhere if any(value.key == metric for value in one.metrics)]
    if not having:
        known = sorted({value.key for one in everywhere for value in one.metrics})
        raise NotFoundError(
            f"job {record.job!r} has not measured {metric!r}",
            hint=f"It has measured: {', '.join(known[:20]) or 'nothing yet'}.",
        )
    for one in having:
        yield from (_row(one.step, value) for value in client.jobs.history(one.job, metric))


def _row(node: str, one: "Metric") -> dict[str, Any]:
    return {
        "node": node,
        "metric": one.key,
        "value": number(one.value),
        "step": one.step,
        "timestamp": one.timestamp,
    }


def number(value: float) -> float | str:
    """A value as JSON can hold it: NaN and the infinities are words."""
    return value if math.isfinite(value) else str(value).replace("nan", "NaN").replace("inf", "Infinity")


def values(one: "StepRecord") -> dict[str, float | str]:
    """The latest value of each metric by name."""
    return {metric.key: number(metric.value) for metric in one.metrics}


def in_short(one: "StepRecord") -> dict[str, str]:
    """The same for people: six digits are enough to see by."""
    return {metric.key: f"{metric.value:.6g}" for metric in one.metrics}
