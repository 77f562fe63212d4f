"""``regista workspace`` and ``registry``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regista.cli.frame import common, confirm, connect, maybe_named, named, pairs, show
from regista.cli.options import described, tagged, unasked
from regista.entities.scope import ScopeKind

if TYPE_CHECKING:
    from regista.client.scopes import ScopeClient

_COLUMNS = ("name", "location", "subscription", "resource_group", "created_at", "description")
_EXAMPLES = {ScopeKind.WORKSPACE: "dev", ScopeKind.REGISTRY: "central"}


def _scopes(kind: ScopeKind, profile: str | None) -> "ScopeClient":
    client = connect(profile)
    return client.workspaces if kind is ScopeKind.WORKSPACE else client.registries


def _add_create(group: click.Group, kind: ScopeKind) -> None:
    @group.command(
        "create",
        epilog=f"Example: regista {kind} create {_EXAMPLES[kind]} --location westeurope",
        help=f"Make a {kind}, from a file or from options.",
    )
    @maybe_named
    @click.option("-f", "--file", type=click.Path(dir_okay=False, path_type=Path), help=f"YAML as for az ml {kind}.")
    @click.option("-l", "--location", help="The region.")
    @click.option("-g", "--resource-group", help="The resource group.")
    @click.option("--subscription", help="The subscription: who pays.")
    @click.option("--display-name")
    @described
    @tagged("May be given several times.")
    @common
    def create(file: Path | None, tags: tuple[str, ...], output: str, profile: str | None, **given: Any) -> None:
        fields = {key: value for key, value in given.items() if value}
        if tags:
            fields["tags"] = pairs(tags, "tags")
        if not (file or fields.get("name")):
            raise click.UsageError("give a name, or a file that holds one")
        show(_scopes(kind, profile).create(file, **fields), output)


def _add_readers(group: click.Group, kind: ScopeKind, plural: str) -> None:
    @group.command("show", help=f"Show a {kind}.", epilog=f"Example: regista {kind} show {_EXAMPLES[kind]}")
    @named
    @common
    def show_one(name: str, output: str, profile: str | None) -> None:
        show(_scopes(kind, profile).get(name), output)

    @group.command(
        "list", help=f"The {plural} in which you may see anything.", epilog=f"Example: regista {kind} list -o json"
    )
    @common
    def list_all(output: str, profile: str | None) -> None:
        show([*_scopes(kind, profile).list()], output, _COLUMNS)


def _add_update(group: click.Group, kind: ScopeKind) -> None:
    @group.command(
        "update",
        help=f"Change what is said about a {kind}.",
        epilog=f"Example: regista {kind} update {_EXAMPLES[kind]} --tags team=risk",
    )
    @named
    @click.option("--display-name")
    @described
    @tagged("Replaces all tags.")
    @common
    def update(name: str, tags: tuple[str, ...], output: str, profile: str | None, **given: Any) -> None:
        fields = {key: value for key, value in given.items() if value is not None}
        if tags:
            fields["tags"] = pairs(tags, "tags")
        show(_scopes(kind, profile).update(name, **fields), output)


def _add_delete(group: click.Group, kind: ScopeKind) -> None:
    @group.command(
        "delete",
        help=f"Delete a {kind} with everything in it. What others know of it stays.",
        epilog=f"Example: regista {kind} delete {_EXAMPLES[kind]} --yes",
    )
    @named
    @unasked
    @common
    def delete(name: str, yes: bool, output: str, profile: str | None) -> None:
        confirm(f"Delete {kind} {name!r} with everything in it?", yes=yes)
        _scopes(kind, profile).delete(name)
        show({"deleted": name}, output)


def _scope_group(kind: ScopeKind, plural: str, purpose: str) -> click.Group:
    """The verbs of one kind of scope."""
    group = click.Group(kind.value, help=purpose)
    _add_create(group, kind)
    _add_readers(group, kind, plural)
    _add_update(group, kind)
    _add_delete(group, kind)
    return group


workspace = _scope_group(ScopeKind.WORKSPACE, "workspaces", "Workspaces: where work runs, each with its own access.")
registry = _scope_group(ScopeKind.REGISTRY, "registries", "Registries: the shelf that workspaces share.")
