"""``regista KIND share``: promotion into a registry, and what it would do."""

from typing import TYPE_CHECKING, Any

import click

from regista.cli.asset_card import show_made
from regista.cli.frame import amount, common, connect, place, say, show
from regista.cli.references import assets_of, versioned
from regista.entities.asset import ANONYMOUS, AssetKind

if TYPE_CHECKING:
    from regista.client import Regista
    from regista.entities.promotion import PromotionPlan

_PLAN = ("action", "kind", "name", "version", "file_count", "size", "moved", "from")


def add_share(group: click.Group, kind: AssetKind) -> None:
    """Add the verb to the group of *kind*."""

    @group.command(
        "share",
        epilog=f"Example: regista {kind} share churn:3 -w dev --registry-name central --dry-run",
        help="Promote a version, with all that it needs, into a registry: all or nothing. The same again changes nothing.",
    )
    @versioned
    @click.option("-w", "--workspace-name", "workspace", envvar="REGISTA_WORKSPACE", help="Out of this workspace.")
    @click.option("--source-registry", help="Out of this registry, instead of a workspace.")
    @click.option("-r", "--registry-name", "registry", required=True, help="Into this registry.")
    @click.option("--share-with-name", default="", help="Its name there.  [default: the same]")
    @click.option("--share-with-version", default="", help="Its version there.  [default: the same]")
    @click.option("--dry-run", is_flag=True, help="Only say what would be done.")
    @common
    def share(
        output: str,
        profile: str | None,
        name: str,
        version: str,
        label: str,
        workspace: str | None,
        source_registry: str | None,
        dry_run: bool,
        **options: Any,
    ) -> None:
        options |= {"version": version, "label": label}
        assets = assets_of(_source(profile, workspace, source_registry), kind)
        if dry_run:
            _show_plan(assets.plan(name, **options), output)
        else:
            there = connect(profile).bound(registry=options["registry"])
            show_made(there, assets.share(name, **options), output)


def _source(profile: str | None, workspace: str | None, registry: str | None) -> "Regista":
    given = click.get_current_context().get_parameter_source("workspace")
    if workspace and registry and given is click.core.ParameterSource.COMMANDLINE:
        raise click.UsageError("give --workspace-name or --source-registry, not both")
    return connect(profile).bound(workspace=None if registry else workspace, registry=registry)


def _short(name: str, version: str) -> str:
    """A version as people can take it in: what is anonymous has a digest for one."""
    return version[:12] if name == ANONYMOUS else version


def _show_plan(plan: "PromotionPlan", output: str) -> None:
    """The plan; exit status 1 where the promotion would be refused."""
    if output == "table":
        import msgspec

        rows = [
            msgspec.to_builtins(item) | {"from": place(item.source_scope), "version": _short(item.name, item.version)}
            for item in plan.items
        ]
        show(rows, output, _PLAN)
    else:
        show(plan, output)
    counted = {action: sum(item.action == action for item in plan.items) for action in ("create", "exists", "clash")}
    where = "one store: nothing is copied" if plan.same_store else f"{amount(plan.moved)} to be copied between stores"
    say(
        f"Into {place(plan.target)}: {counted['create']} to make, {counted['exists']} there already; {where}. Nothing was done."
    )
    if counted["clash"]:
        say(
            f"Error: {counted['clash']} of these names and versions are taken there by other content\n"
            "Next:  Give --share-with-name or --share-with-version, or register the changed dependency under a new version."
        )
        click.get_current_context().exit(1)
