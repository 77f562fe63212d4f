"""``regista gc``: give back the room of bytes that nothing names any more."""

from typing import Any

import click

from regista.cli.access import seconds
from regista.cli.frame import amount, common, connect, moment, say, show

_COLUMNS = ("store", "live", "removed", "bytes", "waiting", "waiting_bytes", "due_at")


@click.command(epilog="Example: regista gc --dry-run")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option("--grace", metavar="TIME", help="How long nothing may have named them: 1h at least.  [default: 24h]")
@common
def collect(dry_run: bool, grace: str | None, output: str, profile: str | None) -> None:
    """Remove bytes that no version, job or run names any more, and uploads that were given up. For owners.

    Nothing goes at once: a run notes what nothing names, and one after the grace removes what still nothing names. The
    server does so by itself once a day; it is safe at any time."""
    from regista.entities.collection import GRACE_SECONDS

    done = connect(profile).collection.run(grace_seconds=seconds(grace) or GRACE_SECONDS, dry_run=dry_run)
    show([_row(one) for one in done] if output == "table" else done, output, _COLUMNS)
    freed, waiting = sum(one.bytes for one in done), sum(one.waiting_bytes for one in done)
    say(f"{'It would free' if dry_run else 'Freed'} {amount(freed)}.")
    if due := min((one.due for one in done if one.due), default=0):
        say(f"{amount(waiting)} more may go from {moment(due)} on, should nothing name them till then.")


def _row(one: Any) -> dict[str, Any]:
    import msgspec

    row: dict[str, Any] = msgspec.to_builtins(one)
    return row | {"due_at": one.due}
