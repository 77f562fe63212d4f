"""Writes the tables of docs/azureml.md from what the tests of the azure-ai-ml SDK have recorded.

    python -m scripts.azureml_table              fail when the tables are not those of the record
    python -m scripts.azureml_table --update     rewrite them

The record, ``tests/sdk/azureml_record.json``, is written by the tests themselves:

    REGISTA_RECORD=1 python -m pytest tests/sdk/test_azureml.py

It holds every public method of every collection of ``MLClient``, as the SDK itself lists them, and what became of each that a
script called, in a workspace and in a registry. A method that no script has called is a hole, and a hole fails.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "tests" / "sdk" / "azureml_record.json"
PAGE = ROOT / "docs" / "azureml.md"
BEGIN, END = "<!-- tables: python -m scripts.azureml_table --update -->", "<!-- end of tables -->"

SHARED = ("models", "environments", "data", "components", "registries")
"""The collections that a client of a registry has a use for."""

FIRST = ("workspaces", "registries", "models", "environments", "data", "components", "jobs", "schedules", "datastores",
         "compute", "connections", "online_endpoints", "online_deployments", "batch_endpoints", "batch_deployments")  # fmt: skip
"""In this order; what is not named here follows by name."""

_RANK = ("works", "refused", "the SDK's own", "none there", "broken")
_SHORT = 220


class Cell(NamedTuple):
    """What became of a method in one kind of scope: the best of what was seen, and every reason that was given."""

    outcome: str
    why: tuple[str, ...] = ()


Table = dict[str, dict[str, dict[str, Cell]]]
"""Collection, method, scope."""


class HolesError(Exception):
    """There are methods that nobody has tried."""


def read_record(path: Path = RECORD) -> dict[str, Any]:
    """The record; empty when there is none."""
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        found = {"methods": {}, "scripts": {}}
    return found


def table_of(record: dict[str, Any]) -> Table:
    """All methods with what became of them; raise ``HolesError``."""
    table: Table = {name: {method: {} for method in methods} for name, methods in record["methods"].items()}
    for calls in record["scripts"].values():
        for call in calls:
            cells = table[call["collection"]].setdefault(call["method"], {})
            known = cells.get(call["scope"])
            said = Cell(call["outcome"], tuple(call["why"]))
            cells[call["scope"]] = said if known is None else _better(known, said)
    holes = [hole for name, methods in table.items() for hole in _holes(name, methods)]
    if holes:
        raise HolesError("no script of tests/sdk/azureml_scripts calls: " + ", ".join(holes))
    return table


def render(table: Table) -> str:
    """The tables."""
    names = [*FIRST, *sorted(set(table) - set(FIRST))]
    return "\n".join(line for name in names if name in table for line in _section(name, table[name]))


def renewed(page: str, tables: str) -> str:
    """The page with these tables."""
    head, mark, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (mark and end):
        raise ValueError(f"the page has no place for the tables: {BEGIN} … {END}")
    return f"{head}{mark}\n\n{tables}\n{end}{tail}"


def _holes(name: str, methods: dict[str, dict[str, Cell]]) -> Iterator[str]:
    for method, cells in methods.items():
        for scope in ("workspace", "registry") if name in SHARED else ("workspace",):
            if scope not in cells:
                yield f"{name}.{method} ({scope})"


def _better(one: Cell, other: Cell) -> Cell:
    outcome = min(one.outcome, other.outcome, key=_RANK.index)
    kept = ("refused", "works") if outcome == "works" else (outcome,)
    return Cell(outcome, tuple(dict.fromkeys(why for cell in (one, other) if cell.outcome in kept for why in cell.why)))


def _section(name: str, methods: dict[str, dict[str, Cell]]) -> Iterator[str]:
    yield f"### `ml_client.{name}`"
    yield ""
    cells = [cell for one in methods.values() for cell in one.values()]
    if name not in FIRST and not any(cell.outcome == "works" for cell in cells):
        told = sorted((cell for cell in cells if cell.outcome != "broken"), key=lambda cell: _RANK.index(cell.outcome))
        whys = dict.fromkeys(_plain(why) for cell in told for why in cell.why)
        said = ", ".join(f"`{method}`" for method in sorted(methods))
        yield f"Not served: {said}. {' '.join(f'{why.rstrip(chr(46))}.' for why in list(whys)[:1])}".rstrip()
        yield ""
        return
    shared = name in SHARED
    yield "| method | workspace | registry |" if shared else "| method | |"
    yield "|---|---|---|" if shared else "|---|---|"
    for method, found in sorted(methods.items()):
        scopes = ("workspace", "registry") if shared else ("workspace",)
        yield f"| `{method}` | " + " | ".join(_cell(found[scope]) for scope in scopes) + " |"
    yield ""


def _cell(cell: Cell) -> str:
    whys = [_plain(why).rstrip(".") for why in cell.why if why]
    if cell.outcome == "works":
        return "works" + (f"; not: {'; '.join(whys[:3])}" if whys else "")
    if cell.outcome in {"refused", "none there"}:
        return f"no: {'; '.join(whys[:2])}"
    return f"no: the SDK itself fails: {'; '.join(whys[:1]) or 'it does not offer this here'}"


def _plain(why: str) -> str:
    """A message without what differs from run to run, in a table's cell."""
    text = re.sub(r"\s+", " ", why.replace("|", "\\|")).strip()
    text = re.sub(r"'[a-z-]+-13\d[\w-]*'", "'…'", text)
    text = re.sub(r"https://127\.0\.0\.1:\d+", "https://…", text)
    return text if len(text) <= _SHORT else text[: _SHORT - 1].rstrip() + "…"


def main(arguments: list[str] | None = None) -> int:
    """Check or rewrite the page; the exit status."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--update", action="store_true", help="rewrite the tables")
    update = parser.parse_args(arguments).update
    try:
        page = PAGE.read_text()
        wanted = renewed(page, render(table_of(read_record())))
    except HolesError as holes:
        print(holes)
        return 1
    if update:
        PAGE.write_text(wanted)
    elif wanted != page:
        print("docs/azureml.md is not what was recorded; run: python -m scripts.azureml_table --update")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
