"""However large a file is, the server's memory is not: up and down by each door, with the clients of that door.

The everyday size is small. The whole thing is ``REGISTA_BIG_BYTES=20000000000``: each test removes the bytes that it sent,
which are twice on the disk while blocks are put together, and tells with ``--log-cli-level INFO`` what it saw."""

import hashlib
import http.client
import logging
import os
import ssl
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

import pytest

from regista.entities.datastore import files_container
from tests.support import azure_storage_client
from tests.support.memory import Memory
from tests.support.mlflow_client import mlflow_client
from tests.support.server import running_server

SIZE = int(os.environ.get("REGISTA_BIG_BYTES") or 256 << 20)
SMALL = 64 << 20
MOST = 64 << 20
"""What a transfer may take, whatever its size. Connections take it: of sixteen each has a megabyte or two on its way, and between
what is in use the allocator keeps gaps for the next. Of the size there is 1 KB for each staged block in SQLite's caches."""
PART = 8 << 20
"""What is on its way from the server's hands to those of a client that reads nothing is much less."""

SECONDS = 300 + SIZE // 5_000_000

LOG = logging.getLogger(__name__)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS)]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("large") / "home") as server:
        server.client().workspaces.create(name="dev")
        yield server


@pytest.fixture
def container(served):
    return files_container(served.client().workspaces.get("dev").id)


@pytest.fixture
def folder(served, tmp_path):
    """Where the client works; afterwards the disk is as free as before."""
    yield tmp_path
    for file in (*tmp_path.rglob("*"), *blobs(served)):
        if file.is_file() and file.stat().st_size >= PART:
            file.unlink()


@contextmanager
def flat(server, what) -> Iterator[None]:
    """Fail when the server takes more memory in the block than is allowed, or keeps it, or leaves half a file."""
    memory = Memory(server.process.pid)
    before, start = memory.reset(), time.perf_counter()
    yield
    after, took = memory.held(), time.perf_counter() - start
    peak, kept = after.peak - before.resident, after.anonymous - before.anonymous
    told = before.resident >> 20, peak >> 20, kept >> 20
    LOG.info("%s: %.1f s, %d MiB before, at most %d MiB more, %d MiB kept", what, took, *told)
    assert max(peak, kept) < MOST
    assert uploads(server) == []


def blobs(server):
    return [file for file in (server.home / "stores").rglob("blobs/*/*/*") if file.is_file()]


def uploads(server):
    return [file for file in (server.home / "stores").rglob("uploads/*") if file.is_file()]


def big_file(folder: Path) -> tuple[Path, bytes]:
    """A file that takes no room, and its digest."""
    place = folder / "big.bin"
    with place.open("w+b") as file:
        file.write(os.urandom(1 << 20))
        file.truncate(SIZE)
        file.seek(0)
        return place, hashlib.file_digest(file, "sha256").hexdigest().encode()


def test_by_the_blob_protocol(served, container, folder):
    told = {"CONTAINER": container, "KEY": served.owner_key, "SSL_CERT_FILE": str(served.ca)}

    def stream(size):
        return azure_storage_client.run(
            "stream", served.url, folder, ca=served.ca, seconds=SECONDS, **told, BYTES=str(size)
        )

    stream(SMALL)  # threads and their buffers are there then
    with flat(served, "azure-storage-blob"):
        said = stream(SIZE)
    LOG.info(said)
    assert Memory(served.process.pid).heaps() == 0  # or each thread would keep the most that it once had


def test_as_an_artifact_of_mlflow(served, folder):
    told = {"BYTES": str(SIZE), "SSL_CERT_FILE": str(served.ca)}
    with flat(served, "mlflow"):
        said = mlflow_client(3).run("big_artifact", served, folder, workspace="dev", seconds=SECONDS, **told)
    LOG.info(said)


@pytest.mark.parametrize("way", ["https", "one machine"])
def test_by_our_own_client(served, folder, way, monkeypatch):
    source, digest = big_file(folder)
    if way == "https":
        monkeypatch.setattr("regista.client.upload.bringing", lambda *_: nullcontext())
        monkeypatch.setattr("regista.client.download.fetch", lambda *_: None)
    client = served.client(workspace="dev")
    with flat(served, f"regista, {way}"):
        start = time.perf_counter()
        version = client.models.create(name="big", path=str(source)).version
        up = time.perf_counter() - start
        assert digest in client.transport.fetch(f"/api/v1/workspaces/dev/models/big/versions/{version}/manifest")
        client.models.download("big", version, folder / "down")
        down = time.perf_counter() - start - up
        with (folder / "down" / "big.bin").open("rb") as file:
            assert hashlib.file_digest(file, "sha256").hexdigest().encode() == digest
    LOG.info("up %.0f MB/s, down %.0f MB/s", SIZE / up / 1e6, SIZE / down / 1e6)


def test_clients_that_take_their_time_or_go_away_in_the_middle(served, container, folder):
    context = ssl.create_default_context(cafile=str(served.ca))
    key = {"Authorization": f"Bearer {served.owner_key}"}

    def connected():
        return http.client.HTTPSConnection(served.url.partition("://")[2], context=context)

    def put(path, content, claimed):
        asking = connected()
        asking.putrequest("PUT", f"/{container}/{path}")
        for name, value in {**key, "x-ms-blob-type": "BlockBlob", "Content-Length": str(claimed)}.items():
            asking.putheader(name, value)
        asking.endheaders(content)
        return asking

    content = os.urandom(32 << 20)
    with closing(put("whole.bin", content, len(content))) as whole:
        assert whole.getresponse().status == 201
    with flat(served, "slow and gone"):
        gone = [put(path, content[:PART], len(content)) for path in ("half.bin", "half.bin?comp=block&blockid=AAAA")]
        until(lambda: sum(file.stat().st_size for file in uploads(served)) > PART)
        slow = []
        for _ in range(8):
            asking = connected()
            asking.request("GET", f"/{container}/whole.bin", headers=key)
            slow += [asking, answer := asking.getresponse()]
            assert answer.read(1) == content[:1]
        for one in (*gone, *slow):
            one.close()
        until(lambda: uploads(served) == [])


def until(holds, seconds=20):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)
