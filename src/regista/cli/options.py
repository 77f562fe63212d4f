"""Options that several nouns have, each written once: a decorator takes its place where ``click.option`` would stand."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from regista.cli.frame import scoped

if TYPE_CHECKING:
    from regista.client import Regista

F = TypeVar("F", bound=Callable[..., Any])

described = click.option("--description")
max_results = click.option("--max-results", type=click.IntRange(min=1), help="No more than so many.")
unasked = click.option("-y", "--yes", is_flag=True, help="Do not ask.")


def yaml_file(like: str, *, required: bool = False) -> Callable[[F], F]:
    """``--file``: the command gets ``file``, a path or None. *like* is the noun of ``az ml`` that the file is for."""
    where = click.Path(dir_okay=False, path_type=Path)
    return click.option("-f", "--file", type=where, required=required, help=f"YAML as for az ml {like}.")


def overriding(words: str = "Changes a field of the file.") -> Callable[[F], F]:
    """``--set PATH=VALUE``, any number of times: the command gets ``overrides``."""
    return click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE", help=words)


def tagged(words: str) -> Callable[[F], F]:
    """``--tags KEY=VALUE``, any number of times: the command gets ``tags``, for ``frame.pairs``."""
    return click.option("--tags", multiple=True, metavar="KEY=VALUE", help=words)


def shown(function: F) -> F:
    """``--archived-only`` and ``--include-archived``: the command gets ``which``, as the client's lists take it."""

    @click.option("--archived-only", is_flag=True, help="Only those that are archived.")
    @click.option("--include-archived", is_flag=True, help="Those that are archived too.")
    @functools.wraps(function)
    def wrapped(*args: Any, archived_only: bool, include_archived: bool, **kwargs: Any) -> Any:
        if archived_only and include_archived:
            raise click.UsageError("give --archived-only or --include-archived, not both")
        which = "archived" if archived_only else "all" if include_archived else "active"
        return function(*args, which=which, **kwargs)

    return wrapped  # type: ignore[return-value]


def downloading(function: F) -> F:
    """``--download-path`` and ``--overwrite``: the command gets both."""

    @click.option("-p", "--download-path", type=click.Path(file_okay=False, path_type=Path), default=".")
    @click.option("--overwrite", is_flag=True, help="Replace other files of the same names.")
    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapped  # type: ignore[return-value]


def in_workspace(function: F) -> F:
    """As ``scoped``, for what only a workspace has."""

    @scoped
    @functools.wraps(function)
    def wrapped(*args: Any, client: "Regista", **kwargs: Any) -> Any:
        if client.registry:
            raise click.UsageError("only workspaces have that: give --workspace-name")
        return function(*args, client=client, **kwargs)

    return wrapped  # type: ignore[return-value]
