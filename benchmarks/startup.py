"""Starting: the server, its memory, the command line."""

import subprocess
import sys
import time
from pathlib import Path

from benchmarks.places import memory, mlflow, regista
from benchmarks.table import Row, limit, median_of


def rows(folder: Path) -> list[Row]:
    """Cold start and idle memory beside MLflow's server; help and import beside a bare interpreter."""
    bare = median_of(lambda: subprocess.run([sys.executable, "-c", ""], check=True))
    helped = median_of(
        lambda: subprocess.run([sys.executable, "-m", "regista", "--help"], check=True, capture_output=True)
    )
    imported = median_of(lambda: subprocess.run([sys.executable, "-c", "import regista"], check=True))
    with regista(folder / "home"):
        pass  # the first start makes keys, certificates and the catalog
    with regista(folder / "home") as ours, mlflow(folder / "mlflow") as theirs:
        time.sleep(2)
        ours_memory, theirs_memory = memory(ours.pid), memory(theirs.pid)
        ours_start, theirs_start = ours.seconds, theirs.seconds
    return [
        limit(
            "server, cold start to first answer", ours_start, "s", most=1.5, note=f"mlflow server: {theirs_start:.1f} s"
        ),
        limit("idle memory of the server", ours_memory, "MB", most=120, note=f"mlflow server: {theirs_memory:,.0f} MB"),
        limit("regista --help, more than a bare interpreter", helped - bare, "s", most=0.2),
        limit("import regista, more than a bare interpreter", imported - bare, "s", most=0.2),
    ]
