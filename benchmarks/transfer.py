"""Moving bytes: a large file up and down beside `cp`, and promotion of sizes."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import patch

from benchmarks.places import regista
from benchmarks.table import Row, median_of, row
from regista.client import Regista, connect

SIZE = int(os.environ.get("REGISTA_BENCH_BYTES") or 2_000_000_000)


def rows(folder: Path) -> list[Row]:
    """Upload and download of 2 GB, and promotion of a large version against one of 1 KB."""
    big = folder / "big.bin"
    with big.open("wb") as file:
        block = os.urandom(1 << 22)
        for _ in range(SIZE >> 22):
            file.write(block[:-8] + os.urandom(8))
    copied = median_of(lambda: _copy(big, folder / "copy.bin"), 3)
    with regista(folder / "home", "--workers", "0") as served:
        client = _client(folder, served.url)
        client.workspaces.create(name="bench")
        client.registries.create(name="shelf")
        workspace = client.bound(workspace="bench")
        shared = _seconds(lambda: workspace.models.create(name="big", path=str(big)))
        sent = _sent_seconds(workspace, big)
        down = _seconds(lambda: workspace.models.download("big", "1", folder / "down"))
        found = [
            _speed("upload of 2 GB, client and store on one disk", shared, copied, 0.8),
            _speed("upload of 2 GB over HTTPS", sent, copied, 0.25),
            _speed("download of 2 GB over HTTPS", down, copied, 0.8),
            _promotion(workspace, folder),
        ]
    for leftover in ("big.bin", "copy.bin"):
        (folder / leftover).unlink(missing_ok=True)
    shutil.rmtree(folder / "down", ignore_errors=True)
    shutil.rmtree(folder / "home", ignore_errors=True)
    return found


def _client(folder: Path, url: str) -> Regista:
    key = (folder / "home" / "keys" / "owner.key").read_text().strip()
    return connect(url, key=key, ca=folder / "home" / "tls" / "ca.pem")


def _copy(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    subprocess.run(["cp", str(source), str(target)], check=True)
    descriptor = os.open(target, os.O_RDONLY)
    os.fsync(descriptor)  # Regista's answers are durable; cp alone is not
    os.close(descriptor)


def _seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _sent_seconds(workspace: Regista, big: Path) -> float:
    """The same over the connection: another file, and no drop folder."""
    with big.open("r+b") as file:
        file.write(os.urandom(16))
    with patch("regista.client.upload.open_drop", lambda *_: nullcontext()):
        return _seconds(lambda: workspace.models.create(name="sent", path=str(big)))


def _speed(what: str, ours: float, copied: float, least: float) -> Row:
    return row(what, SIZE / ours / 1e6, SIZE / copied / 1e6, "MB/s", least=least, higher=True, peer_name="cp and fsync")


def _promotion(workspace: Regista, folder: Path) -> Row:
    small = folder / "small.bin"
    small.write_bytes(b"x" * 1000)
    workspace.models.create(name="small", path=str(small))
    numbers = iter(range(1000))

    def promote(name: str) -> float:
        return median_of(
            lambda: workspace.models.share(name, "1", registry="shelf", share_with_version=f"v{next(numbers)}"), 9
        )

    little, much = promote("small"), promote("big")
    return row(
        "promote 2 GB inside one store", much * 1000, little * 1000, "ms", least=1 / 1.2, higher=False, peer_name="1 KB"
    )
