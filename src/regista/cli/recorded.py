"""What jobs measured: ``regista job metrics``, and the lines of ``regista job show`` about it."""

import math
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regista.cli.frame import amount, answering, named, say, show
from regista.cli.options import in_workspace, max_results
from regista.errors import InvalidError, NotFoundError

if TYPE_CHECKING:
    from regista.client import Regista
    from regista.client.records import JobRecord, StepRecord
    from regista.entities.run import Metric

_COLUMNS = ("metric", "value", "step", "timestamp")


@click.command(
    "metrics", epilog="Example: regista job metrics train-7 --metric loss -o parquet --file loss.parquet -w dev"
)
@answering("parquet", "arrow")
@named
@click.option("-m", "--metric", default="", help="All values of this one.  [default: the latest of each]")
@max_results
@click.option(
    "-f",
    "--file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where a Parquet file or an Arrow stream goes.  [default: standard output]",
)
@in_workspace
def metrics(client: "Regista", output: str, name: str, metric: str, max_results: int | None, file: Path | None) -> None:
    """Show what a job and its steps measured: the latest values, or all values of one metric in order. As parquet or arrow
    all values of all metrics, or of one, in the columns node, metric, step, timestamp and value."""
    columns = output in {"parquet", "arrow"}
    if file and not columns:
        raise click.UsageError("--file is for --output parquet and --output arrow")
    if columns and max_results:
        raise click.UsageError(f"--output {output} holds all values: leave --max-results out")
    record = client.jobs.record(name)
    if columns:
        _having(record, metric)
        _keep(client.jobs.columns(name, metric, form=output), file)
        return
    rows = _history(client, record, metric) if metric else _latest(record)
    found = list(islice(rows, max_results))
    # Only where steps measured something does it matter who did.
    show(found, output, ("node", *_COLUMNS) if any(row["node"] for row in found) else _COLUMNS)


def _latest(record: "JobRecord") -> Iterator[dict[str, Any]]:
    for one in (record, *record.steps):
        yield from (_row(one.step, value) for value in one.metrics)


def _history(client: "Regista", record: "JobRecord", metric: str) -> Iterator[dict[str, Any]]:
    """The history of a metric in the job and in every step that has it."""
    for one in _having(record, metric):
        yield from (_row(one.step, value) for value in client.jobs.history(one.job, metric))


def _having(record: "JobRecord", metric: str) -> "list[StepRecord]":
    """Where the metric, or with "" any, was measured; raise ``NotFoundError`` when that is nowhere."""
    everywhere: tuple[StepRecord, ...] = (record, *record.steps)
    having = [one for one in everywhere if any(metric in {"", value.key} for value in one.metrics)]
    if not having and metric:
        known = sorted({value.key for one in everywhere for value in one.metrics})
        raise NotFoundError(
            f"job {record.job!r} has not measured {metric!r}",
            hint=f"It has measured: {', '.join(known[:20]) or 'nothing yet'}.",
        )
    return having


def _keep(pieces: Iterator[bytes], file: Path | None) -> None:
    """Write them to the file, which is there when it is whole, or to standard output when that is no terminal."""
    if file is None:
        if sys.stdout.isatty():
            raise click.UsageError("that is nothing to look at: give --file, or send it on to another program")
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        return
    unfinished = file.with_name(f"{file.name}.part")
    try:
        with unfinished.open("wb") as target:
            target.writelines(pieces)
        unfinished.replace(file)
    except OSError as wrong:
        raise InvalidError(f"{file} cannot be written: {wrong.strerror}") from wrong
    finally:
        unfinished.unlink(missing_ok=True)
    say(f"{file}: {amount(file.stat().st_size)}")


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
