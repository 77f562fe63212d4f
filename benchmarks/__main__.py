"""`make bench`: every measurement, or those named on the command line; `--write` puts the table into docs/benchmarks.md."""

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
_BEGIN, _END = "<!-- measured -->", "<!-- end -->"


def main(arguments: list[str]) -> int:
    """Measure; a timing never fails the run, a fault does."""
    if "--write" in arguments:
        for name in _SIZES:
            os.environ.setdefault(name, "1000000")  # before a room is imported, which reads it
    wanted = [name for name in arguments if not name.startswith("-")] or list(ROOMS)
    measured: list[Row] = []
    failed: list[str] = []
    for name in wanted:
        print(f"measuring {name} …", flush=True)
        room = importlib.import_module(f"benchmarks.{name}")
        with tempfile.TemporaryDirectory(prefix="regista-bench-") as folder:
            try:
                measured += room.rows(Path(folder))
            except Exception:  # noqa: BLE001 - what else can be measured is worth having
                traceback.print_exc()
                failed.append(name)
    failed += [one.what for one in measured if one.ours == NOT_MEASURED]
    table = render(measured)
    print(table)
    if "--write" in arguments:
        _write(table)
    if failed:
        print(f"NOT MEASURED: {', '.join(failed)}")
    return 1 if failed else 0


def _write(table: str) -> None:
    before, _, rest = _PAGE.read_text().partition(_BEGIN)
    _, _, after = rest.partition(_END)
    machine = (
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} processors."
    )
    _PAGE.write_text(f"{before}{_BEGIN}\n{machine}\n\n{table}\n{_END}{after}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
