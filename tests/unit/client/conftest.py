import os

import pytest

from regista.client.transport import Transport
from tests.support.blob_server import KEY, BlobServer


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """Nothing of the client's may reach the user's own cache folder."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("REGISTA_CACHE", str(folder))
    return folder


@pytest.fixture
def server(tmp_path_factory):
    with BlobServer(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def transport(server):
    made = Transport(server.url, KEY, ca=server.ca, pause=0.01, timeout=20)
    yield made
    made.close()


@pytest.fixture
def tree(tmp_path):
    """Write files below a fresh folder: ``tree({"a/b": b"x"})``."""

    def write(files, folder="content"):
        root = tmp_path / folder
        root.mkdir(exist_ok=True)
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
        return root

    return write


@pytest.fixture
def settled():
    """Make a file look as if it had been written long ago, which is when its digest may be remembered. (Its ctime
    cannot be set, so the cache's own idea of now is what moves.)"""

    def age(path, seconds=100):
        found = path.stat()
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns - seconds * 10**9))

    return age
