"""``regista trace``: what led to a version, a job or a deployment, and what came of it."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from regista.cli.frame import is_colored, named, scoped, show
from regista.cli.references import assets_of, taken_apart
from regista.entities.asset import AssetKind

if TYPE_CHECKING:
    from rich.tree import Tree

    from regista.cli.trace_tree import Branch
    from regista.client import Regista
    from regista.entities.trace import Trace

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def trace() -> None:
    """Trace back: which job, code, environment and data led to what there is, across workspaces.

    What you may not open, or what is gone, is told by the capsule that travelled along, and marked so."""


def _told(function: F) -> F:
    """``--log``; what the command returns is shown as a tree or, for programs, as it is."""

    @click.option("--log", "log_lines", type=int, is_flag=False, flag_value=20, default=0, metavar="[LINES]",
                  help="The end of each job's log too.  [20 lines]")  # fmt: skip
    @scoped
    @functools.wraps(function)
    def wrapped(output: str, log_lines: int, **kwargs: Any) -> None:
        found: Trace = function(**kwargs)
        if output == "table":
            print_trace(found, log_lines)
        else:
            show(found, output)

    return wrapped  # type: ignore[return-value]


def _downstream(function: F) -> F:
    return click.option("--downstream", is_flag=True, help="What came of it, instead of what led to it.")(function)


def _add_version(kind: AssetKind) -> None:
    @trace.command(
        kind.value,
        epilog=f"Example: regista trace {kind} churn:3 -r central",
        help=f"Trace a version of {kind}: NAME:VERSION, NAME@LABEL, or NAME for the latest.",
    )
    @named
    @_downstream
    @_told
    def trace_version(client: "Regista", name: str, downstream: bool) -> "Trace":
        bare, version, label = taken_apart(name)
        return assets_of(client, kind).trace(bare, version, label=label, downstream=downstream)


for _kind in AssetKind:
    _add_version(_kind)


@trace.command("job", epilog="Example: regista trace job train-7 -w dev --log 50")
@named
@_downstream
@_told
def trace_job(client: "Regista", name: str, downstream: bool) -> "Trace":
    """Trace a job of a workspace."""
    return client.provenance.of_job(name, downstream=downstream)


@trace.command("deployment", epilog="Example: regista trace deployment delays/blue -w prod")
@named
@_told
def trace_deployment(client: "Regista", name: str) -> "Trace":
    """Trace what a deployment, ENDPOINT/DEPLOYMENT, serves now."""
    endpoint, slash, deployment = name.partition("/")
    if not (slash and endpoint and deployment):
        raise click.UsageError(f"a deployment is written ENDPOINT/DEPLOYMENT, not {name!r}")
    return client.provenance.of_deployment(endpoint, deployment)


def print_trace(found: "Trace", log_lines: int) -> None:
    """The tree, and how complete it is: drawn on a terminal, in ASCII elsewhere."""
    from regista.cli.trace_tree import completeness_lines, plain_lines, tree_of

    root = tree_of(found, log_lines=log_lines)
    if is_colored():
        from rich.console import Console

        Console(highlight=False).print(_drawn(root), soft_wrap=True)
    else:
        click.echo("\n".join(plain_lines(root)))
    if found.upstream:
        click.echo("\n" + "\n".join(completeness_lines(found.completeness, truncated=found.truncated)))


def _drawn(branch: "Branch", above: "Tree | None" = None) -> "Tree":
    """The branch for a terminal. Texts are never read as markup: they hold what users and their jobs wrote."""
    from rich.text import Text
    from rich.tree import Tree

    label = Text(branch.title, style="bold")
    for fact in branch.facts:
        label.append(f"\n{fact}", style="not bold dim")
    here = Tree(label) if above is None else above.add(label)
    for inner in branch.below:
        _drawn(inner, here)
    return here
