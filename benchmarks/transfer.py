"""Moving bytes: a large file up and down beside `cp`, and promotion of sizes.

Three turns; in each `cp`, both uploads, both downloads and the bare sockets, one after the other; the middle one counts. All
work on one disk, read a file that is in the page cache, begin with nothing left to write and end when their bytes are on the
disk: uploads by themselves, the others by an fsync. Every file is new to the server and to the client's memory of digests.
"""

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import psutil

from benchmarks.floor import hashed
from benchmarks.places import Served, regista
from benchmarks.table import Row, median_of, row, unpromised
from regista.client import Regista, connect

SIZE = int(os.environ.get("REGISTA_BENCH_BYTES") or 2_000_000_000)
TURNS = 3

CP = "cp and fsync"
COPY, HASH, SOCKETS, SOCKETS_ONLY = "cp", "sha256", "hashed and sent", "sent"
UP, UP_HTTPS = "upload of 2 GB, client and store on one machine", "upload of 2 GB over HTTPS"
DOWN, DOWN_HTTPS = "download of 2 GB, client and store on one machine", "download of 2 GB over HTTPS"
LEAST = {UP: 0.8, UP_HTTPS: 0.25, DOWN: 0.8, DOWN_HTTPS: 0.8}


class Took(NamedTuple):
    """The seconds of one turn, and those of the processors, for the server and for everybody else."""

    seconds: float
    server: float = 0.0
    others: float = 0.0


def rows(folder: Path) -> list[Row]:
    """Upload and download of 2 GB, and promotion of a large version against one of 1 KB."""
    os.environ["REGISTA_CACHE"] = str(folder / "cache")
    big = folder / "big.bin"
    with big.open("wb") as file:
        block = os.urandom(1 << 22)
        for _ in range(SIZE >> 22):
            file.write(block[:-8] + os.urandom(8))
    turns: dict[str, list[Took]] = defaultdict(list)
    promoted: list[Row] = []
    for number in range(TURNS):
        home = folder / f"home-{number}"
        with regista(home, "--workers", "0") as served:
            _turn(_Bench(folder, home, served, big), turns)
            if number == TURNS - 1:
                promoted.append(_promotion(_bound(home, served.url), folder))
        shutil.rmtree(home)
    big.unlink()
    return [*(_moved(what, turns) for what in LEAST), *_floors(turns), *promoted]


class _Bench:
    """One turn's places, and how each thing in it is measured."""

    def __init__(self, folder: Path, home: Path, served: Served, big: Path) -> None:
        self.folder, self.home, self.big = folder, home, big
        self.client = _bound(home, served.url)
        self._server, self._own = psutil.Process(served.pid), psutil.Process()

    def took(self, action: Callable[[], object]) -> Took:
        """What *action* takes, from nothing left to write."""
        os.sync()
        server, own, start = _busy(self._server), _busy(self._own), time.perf_counter()
        action()
        seconds = time.perf_counter() - start
        return Took(seconds, _busy(self._server) - server, _busy(self._own) - own)

    def renew(self) -> None:
        """Give the file other bytes."""
        with self.big.open("r+b") as file:
            file.write(os.urandom(16))


def _turn(bench: _Bench, turns: dict[str, list[Took]]) -> None:
    models, twin, down = bench.client.models, bench.folder / "copy.bin", bench.folder / "down"

    def fetched(name: str) -> Took:
        took = bench.took(lambda: (models.download(name, "1", down), sync(down / "big.bin")))
        shutil.rmtree(down)
        return took

    bench.renew()
    turns[COPY].append(bench.took(lambda: copy(bench.big, twin)))
    twin.unlink()
    turns[CP].append(bench.took(lambda: (copy(bench.big, twin), sync(twin))))
    twin.unlink()
    bench.renew()
    turns[UP].append(bench.took(lambda: models.create(name="big", path=str(bench.big))))
    turns[DOWN].append(fetched("big"))
    with ExitStack() as stack:  # the way that a client on another machine goes
        stack.enter_context(patch("regista.client.upload.bringing", lambda *_: nullcontext()))
        stack.enter_context(patch("regista.client.download.fetch", lambda *_: None))
        bench.renew()
        turns[UP_HTTPS].append(bench.took(lambda: models.create(name="sent", path=str(bench.big))))
        turns[DOWN_HTTPS].append(fetched("sent"))
    turns[HASH].append(bench.took(lambda: hashed(bench.big)))
    for what in (SOCKETS, SOCKETS_ONLY):
        turns[what].append(bench.took(lambda what=what: _send(what == SOCKETS, bench.big, twin, bench.home / "tls")))
        twin.unlink()


def _send(hash_first: bool, *places: Path) -> None:
    options = ["--hash-first"] if hash_first else []
    subprocess.run([sys.executable, "-m", "benchmarks.floor", *map(str, places), *options], check=True)


def copy(source: Path, target: Path) -> None:
    """What `cp` does."""
    subprocess.run(["cp", str(source), str(target)], check=True)


def sync(file: Path) -> None:
    """Wait until the file is on the disk."""
    descriptor = os.open(file, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _busy(process: psutil.Process) -> float:
    """The processors' time of a process and of those that it waited for."""
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def _middle(turns: dict[str, list[Took]], what: str) -> Took:
    return Took(*(statistics.median(each) for each in zip(*turns[what], strict=True)))


def _speed(took: Took) -> float:
    return SIZE / took.seconds / 1e6


def _moved(what: str, turns: dict[str, list[Took]]) -> Row:
    took, gigabytes = _middle(turns, what), SIZE / 1e9
    note = f"a gigabyte takes {took.others / gigabytes:.2f} s of the client's processor, {took.server / gigabytes:.2f} of the server's"
    return row(
        what, _speed(took), _speed(_middle(turns, CP)), "MB/s",
        least=LEAST[what], higher=True, peer_name=CP, note=note,
    )  # fmt: skip


def _floors(turns: dict[str, list[Took]]) -> list[Row]:
    """What no program that does the same could be faster than, and `cp` when nobody waits for the disk."""
    against = _speed(_middle(turns, CP))
    words = {
        HASH: "SHA-256 of 2 GB, by one thread: it cannot be divided",
        SOCKETS: "two bare Python programs: 2 GB hashed, then sent by TLS, hashed and written",
        SOCKETS_ONLY: "two bare Python programs: 2 GB sent by TLS, hashed and written",
        COPY: "cp without fsync",
    }
    return [unpromised(text, _speed(_middle(turns, what)), against, "MB/s", CP) for what, text in words.items()]


def _bound(home: Path, url: str) -> Regista:
    key = (home / "keys" / "owner.key").read_text().strip()
    client = connect(url, key=key, ca=home / "tls" / "ca.pem")
    client.workspaces.create(name="bench")
    client.registries.create(name="shelf")
    return client.bound(workspace="bench")


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
