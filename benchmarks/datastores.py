"""Moving bytes by the blob protocol: a large file up and down with azure-storage-blob, beside Azurite, beside a bare program that
keeps nothing (``bare_blobs``) and beside `cp`, one after the other in turn, all but `cp` over TLS. (It is what azure-ai-ml sends
and fetches files with; Azurite has no control plane for the rest of it.)

What the client reaches against the bare program no server can exceed by much: the rest is the client's, and TLS.
"""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.places import CACHE, Served, free_port, peer, regista, running
from benchmarks.table import Row, row, unpromised
from benchmarks.transfer import CP, copy, sync
from regista.client import connect
from regista.entities.datastore import files_container

SIZE = int(os.environ.get("REGISTA_BENCH_BYTES") or 2_000_000_000)
CLIENT = "azure-storage-blob==12.31.1"
AZURITE = "azurite@3.37.0"

_TURNS = 3

OURS, PEER, BARE, COPY = "Regista", "Azurite", "a bare program that keeps nothing", CP

_ACCOUNT = "devstoreaccount1"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Azurite's own, which its documentation prints."""

_SCRIPT = """
import json, os, sys, time
from azure.core.credentials import AccessToken
from azure.storage.blob import ContainerClient

told = json.loads(sys.argv[1])
class Key:
    def get_token(self, *_scopes, **_options):
        return AccessToken(told["key"], int(time.time()) + 3600)
    def close(self):
        pass
credential = Key() if "key" in told else {"account_name": told["account"], "account_key": told["account_key"]}
container = ContainerClient(told["url"], told["container"], credential=credential, read_timeout=300)
if "account" in told and not container.exists():
    container.create_container()
took = {}
def served():
    with open(f"/proc/{told['pid']}/stat") as stat:
        return sum(map(int, stat.read().rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")
def timed(way, action):
    seconds, own, server = time.perf_counter(), time.process_time(), served()
    action()
    took[way] = time.perf_counter() - seconds, time.process_time() - own, served() - server
with open(told["file"], "rb") as file:
    timed("up", lambda: container.upload_blob("big.bin", file, max_concurrency=16, overwrite=True))
with open(told["file"] + ".down", "wb") as file:
    timed("down", lambda: container.download_blob("big.bin", max_concurrency=4).readinto(file))
assert os.path.getsize(told["file"] + ".down") == os.path.getsize(told["file"])
os.unlink(told["file"] + ".down")
container.delete_blob("big.bin")
print(json.dumps(took))
"""


def rows(folder: Path) -> list[Row]:
    """The same file, by the same client, to and from each."""
    big = folder / "big.bin"
    with big.open("wb") as file:
        for _ in range(SIZE >> 22):
            file.write(os.urandom(1 << 22))
    with regista(folder / "home", "--workers", "0") as served:
        tls = folder / "home" / "tls"
        key = (folder / "home" / "keys" / "owner.key").read_text().strip()
        workspace = connect(served.url, key=key, ca=tls / "ca.pem").workspaces.create(name="bench")
        told = {"url": f"{served.url}/acct.blob.bench", "container": files_container(workspace.id), "key": key}
        with _azurite(folder / "azurite", tls) as azurite, _bare(tls, big.stat().st_size) as bare:
            peers = {"container": "bench", "account": _ACCOUNT, "account_key": _KEY}
            sides = {
                OURS: {**told, "pid": served.pid},
                PEER: {**peers, "url": f"{azurite.url}/{_ACCOUNT}", "pid": azurite.pid},
                BARE: {**told, "url": f"{bare.url}/{_ACCOUNT}", "pid": bare.pid},
            }
            turns = [_turn(big, tls / "ca.pem", sides) for _ in range(_TURNS)]
    for leftover in ("home", "azurite"):
        shutil.rmtree(folder / leftover, ignore_errors=True)
    return [
        one
        for way in ("up", "down")
        for one in _rows(f"{way}load of {SIZE / 1e9:g} GB by azure-storage-blob", way, turns)
    ]


Took = dict[str, dict[str, list[float]]]
"""Of each side and way the seconds, and those of the processors for the client and for the server."""


def _turn(big: Path, ca: Path, sides: dict[str, dict[str, object]]) -> Took:
    """The same new file to and from each, and copied."""
    with big.open("r+b") as file:
        file.write(os.urandom(1 << 12))
    took = {name: _timed(big, ca, told) for name, told in sides.items()}
    twin = big.with_suffix(".copy")
    os.sync()
    start = time.perf_counter()
    copy(big, twin)
    sync(twin)
    took[COPY] = {"up": [time.perf_counter() - start], "down": [time.perf_counter() - start]}
    twin.unlink()
    return took


def _timed(big: Path, ca: Path, told: dict[str, object]) -> dict[str, list[float]]:
    python = peer("azure-storage", CLIENT) / "bin" / "python"
    environment = {**os.environ, "REQUESTS_CA_BUNDLE": str(ca)}
    given = json.dumps({**told, "file": str(big)})
    done = subprocess.run(
        [str(python), "-c", _SCRIPT, given], env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    took: dict[str, list[float]] = json.loads(done.stdout)
    return took


def _rows(what: str, way: str, turns: list[Took]) -> list[Row]:
    def speeds(ours: str, theirs: str) -> tuple[float, float, str, str]:
        """Of the pair in the middle: what else the machine does meets both of a pair alike, and not all pairs."""
        pairs = sorted(((one[ours][way][0], one[theirs][way][0]) for one in turns), key=lambda pair: pair[1] / pair[0])
        mine, other = pairs[len(pairs) // 2]
        return SIZE / mine / 1e6, SIZE / other / 1e6, "MB/s", theirs

    ours, theirs, unit, name = speeds(OURS, PEER)
    note = f"The middle one of {len(turns)} turns. Regista hashes every byte and answers after fsync; the others do neither. {{}}"
    note = note.format("; ".join(_processors(name, way, turns) for name in (OURS, BARE))) + "."
    return [
        row(what, ours, theirs, unit, least=1, higher=True, peer_name=name, note=note),
        unpromised(f"the same {way}load", *speeds(OURS, BARE)),
        unpromised(f"the same {way}load", *speeds(OURS, COPY)),
        unpromised(f"the same {way}load, the client and the bare program", *speeds(BARE, COPY)),
    ]


def _processors(name: str, way: str, turns: list[Took]) -> str:
    client, server = (statistics.median(one[name][way][n] for one in turns) / (SIZE / 1e9) for n in (1, 2))
    return f"With {name} a gigabyte takes {client:.2f} s of the client's processor, {server:.2f} of the server's"


@contextmanager
def _bare(tls: Path, size: int) -> Iterator[Served]:
    """The program that does nothing else."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.bare_blobs", str(port), str(tls), str(size)]
    with running(command, f"https://127.0.0.1:{port}", partial(_wait_for, port)) as served:
        yield served


@contextmanager
def _azurite(folder: Path, tls: Path) -> Iterator[Served]:
    """Microsoft's emulator of the same protocol, with our certificate."""
    port = free_port()
    folder.mkdir()
    options = ["--silent", "--skipApiVersionCheck", "--disableTelemetry", "--location", str(folder)]
    options += ["--blobHost", "127.0.0.1", "--blobPort", str(port)]
    options += ["--cert", str(tls / "server.pem"), "--key", str(tls / "server.key")]
    with running([str(_program()), *options], f"https://127.0.0.1:{port}", partial(_wait_for, port)) as served:
        yield served


def _program() -> Path:
    """Installed once by npm."""
    place = CACHE / AZURITE.replace("@", "-")
    program = place / "node_modules" / ".bin" / "azurite-blob"
    if not program.exists():
        place.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", AZURITE], cwd=place, check=True)
    return program


def _wait_for(port: int, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{process.args!r} did not start")
