"""``regista subscription`` and ``resource-group``."""

from typing import Any

import click

from regista.cli.frame import common, confirm, connect, named, pairs, show
from regista.cli.options import tagged, unasked

in_subscription = click.option("--subscription", default="default", show_default=True, help="In this subscription.")


def _given(tags: tuple[str, ...], **fields: str | None) -> dict[str, Any]:
    """What was said, and nothing else."""
    said: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
    return said | ({"tags": pairs(tags, "tags")} if tags else {})


@click.group()
def subscription() -> None:
    """Subscriptions: who pays."""


@subscription.command("create", epilog="Example: regista subscription create team-risk")
@named
@click.option("--display-name")
@tagged("May be given several times.")
@common
def create_subscription(
    name: str, display_name: str | None, tags: tuple[str, ...], output: str, profile: str | None
) -> None:
    """Make a subscription; the same again changes nothing."""
    show(connect(profile).subscriptions.create(name, **_given(tags, display_name=display_name)), output)


@subscription.command("show", epilog="Example: regista subscription show team-risk")
@named
@common
def show_subscription(name: str, output: str, profile: str | None) -> None:
    """Show a subscription."""
    show(connect(profile).subscriptions.get(name), output)


@subscription.command("list", epilog="Example: regista subscription list")
@common
def list_subscriptions(output: str, profile: str | None) -> None:
    """The subscriptions in which you may see anything."""
    show(connect(profile).subscriptions.list(), output, ("name", "display_name", "tags", "created_at"))


@subscription.command("update", epilog="Example: regista subscription update team-risk --tags cost-center=4711")
@named
@click.option("--display-name")
@tagged("Replaces all tags.")
@common
def update_subscription(
    name: str, display_name: str | None, tags: tuple[str, ...], output: str, profile: str | None
) -> None:
    """Change what is said about a subscription."""
    show(connect(profile).subscriptions.update(name, **_given(tags, display_name=display_name)), output)


@subscription.command("delete", epilog="Example: regista subscription delete team-risk --yes")
@named
@unasked
@common
def delete_subscription(name: str, yes: bool, output: str, profile: str | None) -> None:
    """Delete a subscription in which no resource group is, and the roles that were given in it."""
    confirm(f"Delete subscription {name!r}?", yes=yes)
    connect(profile).subscriptions.delete(name)
    show({"deleted": name}, output)


@click.group("resource-group")
def resource_group() -> None:
    """Resource groups: what belongs together in a subscription."""


@resource_group.command("create", epilog="Example: regista resource-group create risk --subscription team-risk")
@named
@in_subscription
@click.option("-l", "--location", help="The region that it is kept for.")
@tagged("May be given several times.")
@common
def create_group(
    name: str, subscription: str, location: str | None, tags: tuple[str, ...], output: str, profile: str | None
) -> None:
    """Make a resource group; the same again changes nothing. A workspace makes the one that it names itself."""
    show(connect(profile).resource_groups.create(name, subscription, **_given(tags, location=location)), output)


@resource_group.command("show", epilog="Example: regista resource-group show risk --subscription team-risk")
@named
@in_subscription
@common
def show_group(name: str, subscription: str, output: str, profile: str | None) -> None:
    """Show a resource group."""
    show(connect(profile).resource_groups.get(name, subscription), output)


@resource_group.command("list", epilog="Example: regista resource-group list --subscription team-risk")
@in_subscription
@common
def list_groups(subscription: str, output: str, profile: str | None) -> None:
    """The resource groups in which you may see anything."""
    found = connect(profile).resource_groups.list(subscription)
    show(found, output, ("name", "subscription", "location", "tags", "created_at"))


@resource_group.command("update", epilog="Example: regista resource-group update risk --tags team=risk")
@named
@in_subscription
@tagged("Replaces all tags.")
@common
def update_group(name: str, subscription: str, tags: tuple[str, ...], output: str, profile: str | None) -> None:
    """Change what is said about a resource group."""
    show(connect(profile).resource_groups.update(name, subscription, **_given(tags)), output)


@resource_group.command("delete", epilog="Example: regista resource-group delete risk --subscription team-risk --yes")
@named
@in_subscription
@unasked
@common
def delete_group(name: str, subscription: str, yes: bool, output: str, profile: str | None) -> None:
    """Delete a resource group in which nothing is, and the roles that were given in it."""
    confirm(f"Delete resource group {name!r} of subscription {subscription!r}?", yes=yes)
    connect(profile).resource_groups.delete(name, subscription)
    show({"deleted": name}, output)
