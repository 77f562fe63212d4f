"""Moving bytes by the blob protocol: a large file up and down with azure-storage-blob, beside Azurite, both over TLS, one after
the other in turn. (It is what azure-ai-ml sends and fetches files with; Azurite has no control plane for the rest of it.)"""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.places import CACHE, free_port, peer, regista
from benchmarks.table import Row, row
from regista.client import connect
from regista.entities.datastore import files_container

SIZE = int(os.environ.get("REGISTA_BENCH_BYTES") or 2_000_000_000)
CLIENT = "azure-storage-blob==12.31.1"
AZURITE = "azurite@3.37.0"

_PAIRS = 3

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
with open(told["file"], "rb") as file:
    start = time.perf_counter()
    container.upload_blob("big.bin", file, max_concurrency=16, overwrite=True)
    took["up"] = time.perf_counter() - start
with open(told["file"] + ".down", "wb") as file:
    start = time.perf_counter()
    container.download_blob("big.bin", max_concurrency=4).readinto(file)
    took["down"] = time.perf_counter() - start
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
        with _azurite(folder / "azurite", tls) as url:
            peers = {"url": url, "container": "bench", "account": _ACCOUNT, "account_key": _KEY}
            pairs = [_pair(big, tls / "ca.pem", told, peers) for _ in range(_PAIRS)]
    for leftover in ("home", "azurite"):
        shutil.rmtree(folder / leftover, ignore_errors=True)
    return [
        _speed(
            f"{what} of {SIZE / 1e9:g} GB by azure-storage-blob", [(ours[way], theirs[way]) for ours, theirs in pairs]
        )
        for what, way in (("upload", "up"), ("download", "down"))
    ]


def _pair(big: Path, ca: Path, *each: dict[str, object]) -> list[dict[str, float]]:
    """A turn: the same new file to and from each."""
    with big.open("r+b") as file:
        file.write(os.urandom(1 << 12))
    return [_timed(big, ca, told) for told in each]


def _timed(big: Path, ca: Path, told: dict[str, object]) -> dict[str, float]:
    python = peer("azure-storage", CLIENT) / "bin" / "python"
    environment = {**os.environ, "REQUESTS_CA_BUNDLE": str(ca)}
    given = json.dumps({**told, "file": str(big)})
    done = subprocess.run(
        [str(python), "-c", _SCRIPT, given], env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    took: dict[str, float] = json.loads(done.stdout)
    return took


def _speed(what: str, pairs: list[tuple[float, float]]) -> Row:
    """The pair in the middle: what else the machine does meets both of a pair alike, and not all pairs."""
    ours, theirs = sorted(pairs, key=lambda pair: pair[1] / pair[0])[len(pairs) // 2]
    note = f"The middle one of {len(pairs)} turns. Regista hashes every byte and answers after fsync; Azurite does neither."
    return row(
        what, SIZE / ours / 1e6, SIZE / theirs / 1e6, "MB/s", least=1, higher=True, peer_name="Azurite", note=note
    )


@contextmanager
def _azurite(folder: Path, tls: Path) -> Iterator[str]:
    """Microsoft's emulator of the same protocol, with our certificate."""
    port = free_port()
    folder.mkdir()
    options = ["--silent", "--skipApiVersionCheck", "--disableTelemetry", "--location", str(folder)]
    options += ["--blobHost", "127.0.0.1", "--blobPort", str(port)]
    options += ["--cert", str(tls / "server.pem"), "--key", str(tls / "server.key")]
    process = subprocess.Popen([str(_program()), *options], stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        _wait_for(port, process)
        yield f"https://127.0.0.1:{port}/{_ACCOUNT}"
    finally:
        process.terminate()
        process.wait(20)


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
    raise RuntimeError("azurite did not start")
