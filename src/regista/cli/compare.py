"""``regista compare``: jobs of any workspaces side by side, with a verdict."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from regista.cli.frame import common, connect, is_colored, printable, show

if TYPE_CHECKING:
    from regista.entities.comparison import Comparison, MetricRow

_COLORS = {"holds": "green", "better": "green", "does not hold": "red"}


@click.command(epilog="Example: regista compare dev/train-7 prod/train-9 --tolerance 0.05 --lower-is-better rmse")
@click.argument("jobs", nargs=-1, metavar="WORKSPACE/JOB...")
@click.option("-w", "--workspace-name", "workspace", envvar="REGISTA_WORKSPACE", help="Of jobs written without one.")
@click.option("--tolerance", type=click.FloatRange(min=0), default=0.1, show_default=True,
              help="The share by which a result may be worse and still hold.")  # fmt: skip
@click.option("--lower-is-better", multiple=True, metavar="METRIC", help="May be given several times.")
@click.option("--higher-is-better", multiple=True, metavar="METRIC", help="May be given several times.")
@common
def compare(
    jobs: tuple[str, ...],
    workspace: str | None,
    tolerance: float,
    lower_is_better: tuple[str, ...],
    higher_is_better: tuple[str, ...],
    output: str,
    profile: str | None,
) -> None:
    """Compare jobs: metrics, what they differ in by digest and, for two, whether the result of the first holds in the second."""
    if len(jobs) < 2:
        raise click.UsageError("name two jobs or more, as WORKSPACE/JOB")
    if both := set(lower_is_better) & set(higher_is_better):
        raise click.UsageError(f"{min(both)!r} cannot be better both ways")
    client = connect(profile)
    found = client.provenance.compare(
        [addressed(one, workspace or client.workspace or "") for one in jobs],
        tolerance=tolerance,
        lower_is_better=lower_is_better,
        higher_is_better=higher_is_better,
    )
    if output == "table":
        print_comparison(found)
    else:
        show(found, output)


def addressed(text: str, workspace: str) -> tuple[str, str]:
    """Workspace and job of ``WORKSPACE/JOB``, or of ``JOB`` in *workspace*."""
    where, slash, job = text.rpartition("/")
    if not job or "/" in where or not (where or workspace) or (slash and not where):
        raise click.UsageError(f"a job is written WORKSPACE/JOB, not {text!r}")
    return where or workspace, job


def print_comparison(found: "Comparison") -> None:
    """Three parts for people: the metrics, what differs, and the verdict in words."""
    titles = [f"{one.workspace}/{one.name}" for one in found.runs]
    pair = len(found.runs) == 2
    _print_rows(["metric", *titles, *(("difference", "", "95% interval", "verdict") if pair else ())],
                [_metric_cells(row, pair=pair) for row in found.metrics], "The runs logged no metrics.")  # fmt: skip
    for basis in dict.fromkeys(row.basis for row in found.metrics if row.basis):
        click.echo(f"Interval: {basis}.")
    click.echo()
    kinds = [[one.what, one.name, *(value or "-" for value in one.values)] for one in found.differences]
    _print_rows(["differs in", "", *titles], kinds, "They do not differ in data, environment, code or parameters.")
    unfinished = [f"{title} is {one.status}" for title, one in zip(titles, found.runs, strict=True)
                  if one.status and one.status != "Completed"]  # fmt: skip
    if unfinished:
        click.echo(f"\nNot completed: {', '.join(unfinished)}.")
    if found.verdict is not None:
        word = str(found.verdict)
        shown = click.style(word, fg=_COLORS.get(word, "yellow"), bold=True) if is_colored() else word
        click.echo(f"\nVerdict: {shown}. {found.explanation}")


def _metric_cells(row: "MetricRow", *, pair: bool) -> list[str]:
    cells = [row.metric, *map(number, row.values)]
    if pair:
        cells += [
            number(row.difference, sign="+"),
            "" if row.relative is None else f"{row.relative:+.1%}",
            "" if row.interval is None else f"[{row.interval[0]:+.4g}, {row.interval[1]:+.4g}]",
            str(row.verdict or ""),
        ]
    return cells


def number(value: float | None, sign: str = "") -> str:
    """A measurement in few digits; a dash where there is none."""
    return "-" if value is None else f"{value:{sign}.6g}"


def _print_rows(titles: Sequence[str], rows: Iterable[Sequence[Any]], otherwise: str) -> None:
    lines = [list(titles), *([printable(str(one)) for one in row] for row in rows)]
    if len(lines) == 1:
        click.echo(otherwise)
        return
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for index, line in enumerate(lines):
        text = "  ".join(one.ljust(width) for one, width in zip(line, widths, strict=True)).rstrip()
        click.echo(click.style(text, bold=True) if index == 0 and is_colored() else text)
