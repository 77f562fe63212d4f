"""``regista webhook``: who outside is told of what happens in a workspace or a registry."""

from typing import IO, TYPE_CHECKING, Any

import click

from regista.cli.frame import confirm, named, say, scoped, show
from regista.cli.options import described, unasked

if TYPE_CHECKING:
    from regista.client import Regista

_COLUMNS = ("name", "id", "url", "events", "state", "has_secret", "created_at")
_LOG = ("at", "event", "state", "attempts", "status", "error", "next_at", "id")
_EVENTS = (
    "NOUN.VERB (model.promote), NOUN.*, * for all, or MLflow's name (model_version.created). Several times for more."
)

_asked = click.option("-e", "--event", "events", multiple=True, metavar="NAME", help=_EVENTS)
_secret = click.option(
    "--secret-file", type=click.File(), help="Sign what is sent with what stands in this file; - reads standard input."
)


@click.group()
def webhook() -> None:
    """Webhooks: receivers outside that are told, by https, of what happens in a scope."""


@webhook.command(
    "create", epilog="Example: regista webhook create ci --url https://ci.example.com/hook -e 'model.*' -r central"
)
@named
@click.option("--url", required=True, help="Where to tell: https alone.")
@_asked
@_secret
@described
@scoped
def create(
    client: "Regista",
    output: str,
    name: str,
    url: str,
    events: tuple[str, ...],
    secret_file: IO[str] | None,
    description: str | None,
) -> None:
    """Make a webhook. It is told of what happens from now on, until each message was taken."""
    if not events:
        raise click.UsageError("say of what it is to be told: --event")
    show(client.webhooks.create(name, url, events, secret=_read(secret_file), description=description), output)


@webhook.command("list", epilog="Example: regista webhook list -r central")
@scoped
def list_them(client: "Regista", output: str) -> None:
    """List the webhooks of a scope."""
    show(client.webhooks.list(), output, _COLUMNS)


@webhook.command("show", epilog="Example: regista webhook show ci -r central")
@named
@scoped
def show_one(client: "Regista", output: str, name: str) -> None:
    """Show a webhook, by its name or its id. Its secret is never shown."""
    show(client.webhooks.get(name), output)


@webhook.command("update", epilog="Example: regista webhook update ci --state disabled -r central")
@named
@click.option("--new-name")
@click.option("--url")
@_asked
@_secret
@click.option("--state", type=click.Choice(["active", "disabled"]), help="Whether it is told anything.")
@described
@scoped
def update(
    client: "Regista",
    output: str,
    name: str,
    new_name: str | None,
    events: tuple[str, ...],
    secret_file: IO[str] | None,
    state: str | None,
    **fields: Any,
) -> None:
    """Change a webhook. An empty secret file takes the signature away."""
    fields |= {"name": new_name, "events": events or None, "secret": _read(secret_file)}
    show(client.webhooks.update(name, state=state.upper() if state else None, **fields), output)


@webhook.command("delete", epilog="Example: regista webhook delete ci -r central --yes")
@named
@unasked
@scoped
def delete(client: "Regista", output: str, name: str, yes: bool) -> None:
    """Delete a webhook with its log, and with what was not sent yet."""
    confirm(f"Delete webhook {name!r}?", yes=yes)
    client.webhooks.delete(name)
    show({"deleted": name}, output)


@webhook.command("test", epilog="Example: regista webhook test ci -r central")
@named
@click.option("-e", "--event", default="", help="Of what; the first that it asked for when nothing is said.")
@scoped
def test(client: "Regista", output: str, name: str, event: str) -> None:
    """Send an example now, once. Exits with 1 when it was not taken."""
    sent = client.webhooks.test(name, event)
    show(sent, output)
    if not sent.is_good:
        say(f"It was not taken: {sent.error or f'the receiver answered {sent.status}'}")
        raise SystemExit(1)


@webhook.command("deliveries", epilog="Example: regista webhook deliveries ci --state failed -r central")
@named
@click.option("--state", type=click.Choice(["waiting", "delivered", "failed"]), default=None)
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="At most so many.")
@scoped
def deliveries(client: "Regista", output: str, name: str, state: str | None, limit: int) -> None:
    """The log of a webhook: what was sent, is to be sent and could not be, newest first."""
    from itertools import islice

    show(list(islice(client.webhooks.deliveries(name, state=state or ""), limit)), output, _LOG)


def _read(file: IO[str] | None) -> str | None:
    return file.read().strip() if file is not None else None
