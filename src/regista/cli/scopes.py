"""``regista workspace``, ``registry`` and ``subscription``."""

from pathlib import Path
from typing import Any

import click

from regista.cli.frame import common, confirm, connect, maybe_named, named, pairs, show

_COLUMNS = ("name", "location", "subscription", "resource_group", "created_at", "description")


def _scope_group(kind: str, plural: str, example: str) -> click.Group:
    """The verbs of one kind of scope."""

    @click.group(kind, help=f"Create, show, list, update and delete {plural}.", short_help=f"{plural.title()}.")
    def group() -> None:
        pass

    @group.command(
        "create",
        help=f"Make a {kind}, from a file or from options.",
        epilog=f"Example: regista {kind} create {example} --location westeurope",
    )
    @maybe_named
    @click.option("-f", "--file", type=click.Path(dir_okay=False, path_type=Path), help=f"YAML of a {kind}.")
    @click.option("-l", "--location", help="The region.")
    @click.option("-g", "--resource-group", help="The resource group.")
    @click.option("--subscription", help="The subscription: who pays.")
    @click.option("--display-name")
    @click.option("--description")
    @click.option("--tags", multiple=True, metavar="KEY=VALUE", help="May be given several times.")
    @common
    def create(file: Path | None, tags: tuple[str, ...], output: str, profile: str | None, **given: Any) -> None:
        fields = {key: value for key, value in given.items() if value}
        if tags:
            fields["tags"] = pairs(tags, "tags")
        if not (file or fields.get("name")):
            raise click.UsageError("give a name, or a file that holds one")
        show(getattr(connect(profile), plural).create(file, **fields), output)

    @group.command("show", help=f"Show a {kind}.", epilog=f"Example: regista {kind} show {example}")
    @named
    @common
    def show_one(name: str, output: str, profile: str | None) -> None:
        show(getattr(connect(profile), plural).get(name), output)

    @group.command(
        "list", help=f"The {plural} in which you may see anything.", epilog=f"Example: regista {kind} list -o json"
    )
    @common
    def list_all(output: str, profile: str | None) -> None:
        show(list(getattr(connect(profile), plural).list()), output, _COLUMNS)

    @group.command(
        "update",
        help=f"Change what is said about a {kind}.",
        epilog=f"Example: regista {kind} update {example} --tags team=risk",
    )
    @named
    @click.option("--display-name")
    @click.option("--description")
    @click.option("--tags", multiple=True, metavar="KEY=VALUE", help="Replaces all tags.")
    @common
    def update(name: str, tags: tuple[str, ...], output: str, profile: str | None, **given: Any) -> None:
        fields = {key: value for key, value in given.items() if value is not None}
        if tags:
            fields["tags"] = pairs(tags, "tags")
        show(getattr(connect(profile), plural).update(name, **fields), output)

    @group.command(
        "delete",
        help=f"Delete a {kind} with everything in it. What others know of it stays.",
        epilog=f"Example: regista {kind} delete {example} --yes",
    )
    @named
    @click.option("-y", "--yes", is_flag=True, help="Do not ask.")
    @common
    def delete(name: str, yes: bool, output: str, profile: str | None) -> None:
        confirm(f"Delete {kind} {name!r} with everything in it?", yes=yes)
        getattr(connect(profile), plural).delete(name)
        show({"deleted": name}, output)

    del create, show_one, list_all, update, delete
    return group


workspace = _scope_group("workspace", "workspaces", "dev")
registry = _scope_group("registry", "registries", "central")


@click.group()
def subscription() -> None:
    """Create and list subscriptions."""


@subscription.command("list", epilog="Example: regista subscription list")
@common
def list_subscriptions(output: str, profile: str | None) -> None:
    """The subscriptions in which you may see anything."""
    show(connect(profile).subscriptions.list(), output, ("name", "display_name", "created_at"))


@subscription.command("create", epilog="Example: regista subscription create team-risk")
@named
@click.option("--display-name", default="")
@common
def create_subscription(name: str, display_name: str, output: str, profile: str | None) -> None:
    """Make a subscription; the same again changes nothing."""
    show(connect(profile).subscriptions.create(name, display_name=display_name), output)
