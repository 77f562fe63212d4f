"""``regista audit`` and ``regista event``: what was done and read, and what changed."""

from typing import TYPE_CHECKING, Any

import click

from regista.cli.frame import common, connect, moment, place, say, show
from regista.cli.roles import placed
from regista.entities.journal import Reads

if TYPE_CHECKING:
    from regista.client import Regista
    from regista.entities.journal import AuditRecord, Event

_COLUMNS = ("at", "principal", "action", "where", "outcome", "count", "address")
_OUTCOMES = ("done", "forbidden", "not_found", "unauthenticated")
_SHOWN = 100


@click.group()
def audit() -> None:
    """The audit: who did or read what, from where, and what was refused."""


@audit.command("list", epilog="Example: regista audit list -w prod --action 'model.*' --since 7d")
@click.option("--principal", default="", help="Only what this one did.")
@click.option("--action", default="", metavar="ACTION", help="Such as model.create, model.get, or 'model.*' for all.")
@click.option("--outcome", type=click.Choice(_OUTCOMES), help="How it ended.")
@click.option("--since", default="", metavar="TIME", help="2h (ago), 14:03, 2026-11-17 or 2026-11-17 14:03.")
@click.option("--until", default="", metavar="TIME", help="The same.")
@click.option(
    "--max-results",
    "--limit",
    "limit",
    type=click.IntRange(1, 1000),
    default=_SHOWN,
    show_default=True,
    help="No more than so many.",
)
@click.option("--cursor", default="", help="Go on where the page before ended.")
@placed
def list_records(
    client: "Regista",
    path: str,
    output: str,
    since: str,
    until: str,
    cursor: str,
    limit: int,
    **question: str | None,
) -> None:
    """What happened at a place and everywhere below it, newest first. Without a place: wherever you may read the audit.

    What the same principal read again and again within a minute is one line with a count."""
    from regista.cli.why import parse_moment

    times = {name: parse_moment(text) for name, text in (("since", since), ("until", until)) if text}
    given = {name: text for name, text in question.items() if text}
    page = client.audit.page(limit=limit, cursor=cursor or None, path=path, **times, **given)
    show([_row(one) for one in page.items] if output == "table" else page.items, output, _COLUMNS)
    if page.next:
        say(f"There is more: the same with --cursor {page.next}")


def _row(one: "AuditRecord") -> dict[str, Any]:
    import msgspec

    row: dict[str, Any] = msgspec.to_builtins(one)
    return row | {"where": short(one.path), "count": one.count if one.count > 1 else ""}


def short(path: str) -> str:
    """A path as people read it: ``workspace dev: models/churn/versions/1``."""
    match path.split("/"):
        case ["", "subscriptions", _, "resourceGroups", _, "workspaces" | "registries", _, *rest]:
            scope = place("/".join(path.split("/")[:7]))
            return f"{scope}: {'/'.join(rest)}" if rest else scope
    return path


@audit.command("settings", epilog="Example: regista audit settings --reads sensitive --retention-days 30")
@click.option(
    "--reads",
    type=click.Choice([one.value for one in Reads]),
    help="Which reads are written down: all, those of bytes, logs and keys, or none.",
)
@click.option("--retention-days", type=click.IntRange(0), help="How long reads are kept; 0 is for ever.")
@common
def settings(reads: str | None, retention_days: int | None, output: str, profile: str | None) -> None:
    """Show, or change, what is written down of reads. Changes are always written down, and kept."""
    import msgspec

    client = connect(profile).audit
    found = client.settings()
    if reads is not None:
        found = msgspec.structs.replace(found, reads=Reads(reads))
    if retention_days is not None:
        found = msgspec.structs.replace(found, retention_days=retention_days)
    show(client.configure(found) if (reads, retention_days) != (None, None) else found, output)


@click.group()
def event() -> None:
    """Events: what changed, in the order in which it did."""


@event.command("list", epilog="Example: regista event list --follow --type 'model.*'")
@click.option("--after", type=click.IntRange(0), help="Only after this sequence number.  [some of the last 100]")
@click.option("--type", "kind", default="", metavar="TYPE", help="Such as model.create, or 'model.*' for all.")
@click.option("-f", "--follow", is_flag=True, help="Go on, with each new one as it comes.")
@common
def list_events(after: int | None, kind: str, follow: bool, output: str, profile: str | None) -> None:
    """What changed, of which you may know, oldest first. With --follow and -o json: one event a line."""
    client = connect(profile).events
    if not follow:
        shown = [one for one in client.list(-_SHOWN if after is None else after) if _is_of(one, kind)]
        show(
            [_event_row(one) for one in shown] if output == "table" else shown,
            output,
            ("sequence", "at", "type", "where"),
        )
        return
    for one in client.follow(-_SHOWN if after is None else after):
        if _is_of(one, kind):
            _print(one, output)


def _is_of(one: "Event", kind: str) -> bool:
    return one.type.startswith(kind[:-1]) if kind.endswith("*") else kind in {"", one.type}


def _event_row(one: "Event") -> dict[str, Any]:
    import msgspec

    row: dict[str, Any] = msgspec.to_builtins(one)
    return row | {"where": short(one.path)}


def _print(one: "Event", output: str) -> None:
    if output == "json":
        import msgspec

        click.echo(msgspec.json.encode(one).decode())
    elif output == "yaml":
        show([one], output)
    else:
        click.echo(f"{one.sequence:<8}  {moment(one.at)}  {one.type:<20}  {short(one.path)}")
