"""`make bench`: every measurement, or those named on the command line; `--write` puts their tables into docs/benchmarks.md."""

import datetime as dt
import importlib
import os
import platform
import sys
import tempfile
import traceback
from pathlib import Path

from benchmarks.table import NOT_MEASURED, Row, render

ROOMS = ("startup", "transfer", "datastores", "catalog", "jobs", "tracking", "azureml", "scoring")
_SIZES = ("REGISTA_BENCH_RUNS", "REGISTA_BENCH_POINTS")
"""How much there is to search and to read: as much as was promised where it is to be documented, otherwise less."""
_PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def main(arguments: list[str]) -> int:
    """Measure; a timing never fails the run, a fault does."""
    if "--write" in arguments:
        for name in _SIZES:
            os.environ.setdefault(name, "1000000")  # before a room is imported, which reads it
    wanted = [name for name in arguments if not name.startswith("-")] or list(ROOMS)
    failed: list[str] = []
    for name in wanted:
        print(f"measuring {name} …", flush=True)
        room = importlib.import_module(f"benchmarks.{name}")
        with tempfile.TemporaryDirectory(prefix="regista-bench-") as folder:
            try:
                measured: list[Row] = room.rows(Path(folder))
            except Exception:  # noqa: BLE001 - what else can be measured is worth having
                traceback.print_exc()
                failed.append(name)
                continue
        failed += [one.what for one in measured if one.ours == NOT_MEASURED]
        print(render(measured), flush=True)
        if "--write" in arguments:
            _write(name, render(measured))
    if failed:
        print(f"NOT MEASURED: {', '.join(failed)}")
    return 1 if failed else 0


def _write(room: str, table: str) -> None:
    """Put the table of a room into the page; those of the others stay as they are."""
    begin, end = f"<!-- {room} -->", f"<!-- end of {room} -->"
    before, _, rest = _PAGE.read_text().partition(begin)
    _, _, after = rest.partition(end)
    machine = (
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    )
    head = f"Measured on {dt.date.today().isoformat()}: {machine}."  # noqa: DTZ011 - the day of who measures
    _PAGE.write_text(f"{before}{begin}\n{head}\n\n{table}\n{end}{after}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
