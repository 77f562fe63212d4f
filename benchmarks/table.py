"""One row a measurement: ours, the peer's, their ratio, and what was promised."""

import statistics
import time
from collections.abc import Callable

import msgspec

NOT_MEASURED = "not measured"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """``ratio`` says how many times better than the peer (or than the base) ours is; ``budget`` the least that was promised."""

    what: str
    ours: str
    peer: str
    ratio: float | None
    budget: str
    met: bool | None
    note: str = ""


def row(
    what: str, ours: float, peer: float, unit: str, *, least: float, higher: bool, peer_name: str, note: str = ""
) -> Row:
    """A row that compares two figures; *least* is the promised ratio, *higher* whether more is better."""
    ratio = (ours / peer if higher else peer / ours) if ours and peer else None
    met = ratio is not None and ratio >= least
    return Row(
        what=what,
        ours=show(ours, unit),
        peer=f"{show(peer, unit)} ({peer_name})",
        ratio=ratio,
        budget=f"≥ {least:g} times",
        met=met,
        note=note,
    )


def compared(
    what: str, ours: float, peer: float, unit: str, *, least: float | None = None, higher: bool = True, note: str = ""
) -> Row:
    """A row that compares two figures; without *least* nothing is promised."""
    found = row(what, ours, peer, unit, least=least or 0, higher=higher, peer_name="mlflow server", note=note)
    return found if least else msgspec.structs.replace(found, budget="", met=None)


def unpromised(what: str, ours: float, peer: float, unit: str, peer_name: str) -> Row:
    """A row that is there to be compared with the others."""
    found = row(what, ours, peer, unit, least=0, higher=True, peer_name=peer_name)
    return msgspec.structs.replace(found, budget="", met=None)


def limit(what: str, ours: float, unit: str, *, most: float, note: str = "") -> Row:
    """A row with a limit of its own, without a peer."""
    return Row(
        what=what,
        ours=show(ours, unit),
        peer="",
        ratio=None,
        budget=f"≤ {show(most, unit)}",
        met=ours <= most,
        note=note,
    )


def figure(what: str, ours: float, unit: str, note: str = "") -> Row:
    """A row of which nothing was promised."""
    return Row(what=what, ours=show(ours, unit), peer="", ratio=None, budget="", met=None, note=note)


def not_measured(what: str, fault: object) -> Row:
    """A row for what could not be measured, and why: it makes the whole run fail in the end."""
    return Row(what=what, ours=NOT_MEASURED, peer="", ratio=None, budget="", met=None, note=str(fault)[:300])


def show(value: float, unit: str) -> str:
    """A figure with its unit, with as many digits as it is worth."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 4
    return f"{value:,.{digits}f} {unit}".strip()


def median_of(action: Callable[[], object], times: int = 5, *, warm: int = 1) -> float:
    """The median of the seconds that *action* takes."""
    for _ in range(warm):
        action()
    took = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        took.append(time.perf_counter() - start)
    return statistics.median(took)


def render(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| what | Regista | against | ratio | budget | |", "|---|---|---|---|---|---|"]
    for one in rows:
        ratio = f"{one.ratio:,.2f}" if one.ratio is not None else ""
        met = {True: "met", False: "**missed**", None: ""}[one.met]
        lines.append(f"| {one.what} | {one.ours} | {one.peer} | {ratio} | {one.budget} | {met} |")
    lines += ["", *[f"- {one.what}: {one.note}" for one in rows if one.note]]
    return "\n".join(lines)
