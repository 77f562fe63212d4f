"""``regista why``: what was behind an endpoint, at any time, and where that came from."""

import datetime as dt
import re
from typing import TYPE_CHECKING

import click

from regista.cli.asset_card import version_of
from regista.cli.frame import moment, named, show
from regista.cli.options import in_workspace

if TYPE_CHECKING:
    from regista.client import Regista
    from regista.entities.why import Behind, WhyReport

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@click.command(epilog='Example: regista why flights --at "2026-11-17 14:03" -w prod')
@named
@click.option("--at", help="2026-11-17 14:03 or 14:03 (today), in local time; 2h ago; milliseconds since 1970.  [now]")
@click.option("--log", "log_lines", type=int, is_flag=False, flag_value=20, default=0, metavar="[LINES]",
              help="The end of each job's log too.  [20 lines]")  # fmt: skip
@in_workspace
def why(client: "Regista", output: str, name: str, at: str | None, log_lines: int) -> None:
    """Tell which deployments served at a time, with what share, and trace each back to data, code and environment."""
    found = client.online_endpoints.why(name, parse_moment(at) if at else None)
    if output == "table":
        print_why(found, log_lines)
    else:
        show(found, output)


def parse_moment(text: str, now: dt.datetime | None = None) -> int:
    """Milliseconds since 1970 of a time as people write it; a time of day without a date is today's."""
    here = (now or dt.datetime.now(dt.UTC)).astimezone()
    if match := re.fullmatch(r"(\d+)\s*([smhdw])\w*(?:\s+ago)?", text.strip()):
        return int((here.timestamp() - int(match[1]) * _UNITS[match[2]]) * 1000)
    if re.fullmatch(r"\d{12,}", text.strip()):
        return int(text)
    try:
        if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", text.strip()):
            clock = dt.time.fromisoformat(text.strip().zfill(5))
            found = dt.datetime.combine(here.date(), clock)
        else:
            found = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        raise click.UsageError(f"{text!r} is not a time: write 2026-11-17 14:03, 14:03 or '2h ago'") from None
    return int((found if found.tzinfo else found.astimezone()).timestamp() * 1000)


def print_why(found: "WhyReport", log_lines: int = 0) -> None:
    """The traffic in force, and below it the trace of each deployment that got requests."""
    until = f"until {moment(found.until)}" if found.until else "and still"
    click.echo(f"Endpoint {found.endpoint} at {moment(found.at)}: in force since {moment(found.since)}, {until}")
    click.echo(f"  because: {found.reason or 'no reason was given'} (by {found.by})")
    for behind in found.deployments:
        click.echo()
        _print_behind(behind, log_lines)


def _print_behind(behind: "Behind", log_lines: int) -> None:
    mirrored = f", {behind.mirror} % mirrored" if behind.mirror else ""
    click.echo(f"{behind.deployment}: {behind.traffic} % of the requests{mirrored}, generation {behind.generation}")
    if behind.trace is not None:
        from regista.cli.trace import print_trace

        print_trace(behind.trace, log_lines)
        return
    for name in ("model", "environment", "code"):
        if node := getattr(behind, name):
            click.echo(f"  {name}: {version_of(node)}")
