"""``regista KIND alias``: movable names of versions."""

from typing import TYPE_CHECKING

import click

from regista.cli.frame import named, scoped, show
from regista.cli.references import assets_of
from regista.entities.asset import AssetKind

if TYPE_CHECKING:
    from regista.client import Regista


def alias_group(kind: AssetKind) -> click.Group:
    """The verbs for the aliases of *kind*."""

    @click.group("alias", help="Aliases: movable names of versions, such as champion.")
    def alias() -> None:
        pass

    @alias.command(
        "set",
        epilog=f"Example: regista {kind} alias set --name churn --alias champion --version 3 -r central",
        help="Let an alias name a version, instead of the one that it names now.",
    )
    @named
    @click.option("-a", "--alias", "alias_name", required=True)
    @click.option("-v", "--version", required=True)
    @scoped
    def set_alias(client: "Regista", output: str, name: str, alias_name: str, version: str) -> None:
        show(assets_of(client, kind).set_alias(name, alias_name, version), output)

    @alias.command(
        "delete",
        epilog=f"Example: regista {kind} alias delete --name churn --alias champion -r central",
        help="Take an alias away; quiet when there is none. The version stays.",
    )
    @named
    @click.option("-a", "--alias", "alias_name", required=True)
    @scoped
    def delete_alias(client: "Regista", output: str, name: str, alias_name: str) -> None:
        assets_of(client, kind).delete_alias(name, alias_name)
        show({"deleted": f"{name}@{alias_name}"}, output)

    @alias.command("list", epilog=f"Example: regista {kind} alias list churn -r central", help="The aliases of a name.")
    @named
    @scoped
    def list_aliases(client: "Regista", output: str, name: str) -> None:
        found = assets_of(client, kind).get_asset(name)
        rows = {"latest": found.latest_version} | found.aliases if found.latest_version else found.aliases
        show([{"alias": key, "version": value} for key, value in rows.items()], output, ("alias", "version"))

    del set_alias, delete_alias, list_aliases
    return alias
