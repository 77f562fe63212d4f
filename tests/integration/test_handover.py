"""Files between a server and its neighbours, as open files: the server as users start it, and clients that are other users."""

import hashlib
import json
import os
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from regista.errors import DigestMismatchError, ForbiddenError, NotFoundError, StorageFullError, UnavailableError
from tests.support.server import running_server

MIB = 1 << 20
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be several users")
RUN = {"name": "imported", "started_at": 1}
STRANGER = 65533
"""A user of no name and no rights."""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("handover") / "home") as server:
        server.client().workspaces.create(name="dev")
        yield server


@pytest.fixture
def dev(served):
    return served.client(workspace="dev")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("REGISTA_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def only_by_hand(monkeypatch):
    """Fail where bytes travel."""

    def sent(*_, **__):
        raise AssertionError("bytes travelled")

    monkeypatch.setattr("regista.client.transport.Transport.stream_up", sent)
    monkeypatch.setattr("regista.client.transport.Transport.stream_down", sent)


def made(tmp_path, size=70 * MIB):
    content = os.urandom(size)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "w.bin").write_bytes(content)
    (tmp_path / "folder" / "middle.bin").write_bytes(content[: 2 * MIB])
    return tmp_path / "folder", content


def as_stranger(served, script, *arguments, key=""):
    """What ``work()`` of *script* returns in a process of another user. It runs before that once as this user, for the other
    one may not be able to read Python's own modules."""
    program = f"{CLIENT}\n{textwrap.dedent(script)}\nrehearsed = work()\n{BECOME}\nprint(json.dumps(work()))"
    done = subprocess.run(
        [sys.executable, "-c", program, served.url, str(served.ca), key, *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=120, cwd="/",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


BECOME = f"os.setgroups([]); os.setgid({STRANGER}); os.setuid({STRANGER}); travelled.clear()"
CLIENT = """
import hashlib, json, os, socket, sys, tempfile
from pathlib import Path
import regista.client.transport as transport
from regista.client import connect
from regista.client.handover import fetch

url, ca, key, *rest = sys.argv[1:]
client = connect(url, key=key, ca=ca, workspace="dev")
travelled = []
for name in ("stream_up", "stream_down"):
    def seen(self, *given, name=name, own=getattr(transport.Transport, name), **more):
        travelled.append(name)
        return own(self, *given, **more)
    setattr(transport.Transport, name, seen)

def place():
    made = Path(tempfile.mkdtemp())
    os.environ["REGISTA_CACHE"] = str(made / "cache")
    return made

def refused(action, *given, **more):
    try:
        action(*given, **more)
    except OSError:
        return True
    return False
"""


class TestTheSameUser:
    def test_up_and_down_and_no_byte_travels(self, dev, tmp_path, only_by_hand):
        folder, content = made(tmp_path)
        version = dev.models.create(name="same", path=str(folder)).version
        dev.models.download("same", version, tmp_path / "down")
        assert (tmp_path / "down" / "w.bin").read_bytes() == content
        assert (tmp_path / "down" / "middle.bin").read_bytes() == content[: 2 * MIB]
        assert sorted(path.name for path in (tmp_path / "down").iterdir()) == ["middle.bin", "w.bin"]

    def test_a_blob_that_has_rotted_gets_no_name(self, served, dev, tmp_path):
        folder, content = made(tmp_path)
        version = dev.models.create(name="rotten", path=str(folder)).version
        digits = hashlib.sha256(content).hexdigest()
        (blob,) = served.home.rglob(f"blobs/sha256/*/{digits}")
        blob.chmod(0o644)
        with blob.open("r+b") as file:
            file.seek(MIB)
            file.write(b"rot")
        with pytest.raises(DigestMismatchError, match=r"w\.bin"):
            dev.models.download("rotten", version, tmp_path / "down")
        assert not (tmp_path / "down" / "w.bin").exists()

    def test_what_a_job_left_comes_the_same_way(self, dev, tmp_path, monkeypatch):
        content = os.urandom(3 * MIB)
        dev.transport.call("PUT", "/api/v1/workspaces/dev/imports/experiments", body={"name": "Default"})
        run = dev.transport.call("PUT", "/api/v1/workspaces/dev/imports/runs", body=RUN, type=dict)["name"]
        files = f"/mlflow/workspaces/dev/api/2.0/mlflow-artifacts/artifacts/runs/{run}"
        dev.transport.stream_up("PUT", f"{files}/kept/w.bin", lambda: content, len(content))
        monkeypatch.setattr("regista.client.transport.Transport.stream_down", None)
        dev.jobs.download(run, "artifacts", tmp_path / "down")
        assert (tmp_path / "down" / "kept" / "w.bin").read_bytes() == content

    def test_who_may_not_read_gets_no_ticket(self, served, dev, tmp_path):
        folder, _ = made(tmp_path, 2 * MIB)
        version = dev.models.create(name="secret", path=str(folder)).version
        path = f"/api/v1/workspaces/dev/models/secret/versions/{version}/handover/w.bin"
        owner = served.client()
        owner.principals.create(name="nobody")
        stranger = served.client(key=owner.keys.create("nobody").secret)
        with pytest.raises(NotFoundError):
            stranger.transport.call("POST", path, type=dict)
        with pytest.raises((NotFoundError, ForbiddenError)):
            stranger.transport.call("POST", "/api/v1/workspaces/dev/handover", type=dict)
        assert "token" in dev.transport.call("POST", path, type=dict)

    @AS_ROOT
    def test_a_full_disk_is_left_as_it_was(self, dev, tmp_path, monkeypatch):
        folder, _ = made(tmp_path, 20 * MIB)
        version = dev.models.create(name="wide", path=str(folder)).version
        disk = tmp_path / "disk"
        disk.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip(f"this machine does not let root mount: {done.stderr.decode().strip()}")
        monkeypatch.setattr("regista.client.landing.Landing._check_room", lambda *_: None)  # as if it filled meanwhile
        try:
            with pytest.raises(StorageFullError):
                dev.models.download("wide", version, disk / "down")
            assert [path for path in disk.rglob("*") if path.is_file() and path.name != "middle.bin"] == []
        finally:
            subprocess.run(["umount", "--lazy", disk], check=True)


@AS_ROOT
class TestAnotherUser:
    """The server's folders are closed to it; its own are closed to the server."""

    def key(self, served, name, role):
        owner = served.client()
        owner.principals.create(name=name)
        owner.roles.assign(name, role, workspace_path(served))
        return owner.keys.create(name).secret

    def test_it_brings_and_fetches_its_files(self, served):
        script = """
        def work():
            here = place()
            source = here / "w.bin"
            source.write_bytes(os.urandom(3 << 20))
            source.chmod(0o600)
            version = client.models.create(name="neighbours", path=str(source)).version
            client.models.download("neighbours", version, here / "down")
            found = here / "down" / "w.bin"
            same, mine = found.read_bytes() == source.read_bytes(), found.stat().st_uid == os.getuid()
            return {"same": same, "mine": mine, "travelled": travelled, "user": os.getuid()}
        """
        said = as_stranger(served, script, key=self.key(served, "neighbour", "Contributor"))
        assert said == {"same": True, "mine": True, "travelled": [], "user": STRANGER}

    def test_what_it_is_given_can_be_read_and_opens_no_other_door(self, served, dev, tmp_path):
        folder, content = made(tmp_path, 3 * MIB)
        version = dev.models.create(name="given", path=str(folder)).version
        blob = next(served.home.rglob(f"blobs/sha256/*/{hashlib.sha256(content).hexdigest()}"))
        script = """
        def work():
            version, size, blob = rest
            base = f"/api/v1/workspaces/dev/models/given/versions/{version}/handover"
            file = fetch(client.transport, f"{base}/w.bin", int(size))
            read = hashlib.sha256(os.pread(file, int(size), 0)).hexdigest()
            if os.getuid() == 0:
                return None
            return {
                "read": read,
                "write": refused(os.pwrite, file, b"x", 0),
                "truncate": refused(os.ftruncate, file, 0),
                "mode": refused(os.fchmod, file, 0o777),
                "times": refused(os.utime, file, (1, 1)),
                "again": refused(os.open, f"/proc/self/fd/{file}", os.O_RDWR),
                "path": refused(os.open, blob, os.O_RDONLY),
                "folder": refused(os.listdir, os.path.dirname(blob)),
                "beside": refused(os.open, "..", os.O_RDONLY, dir_fd=file),
            }
        """
        key = self.key(served, "reader", "Reader")
        said = as_stranger(served, script, version, len(content), blob, key=key)
        assert said.pop("read") == hashlib.sha256(content).hexdigest()
        assert all(said.values()), said
        assert blob.read_bytes() == content

    def test_without_a_ticket_it_gets_nothing(self, served, dev):
        """The socket's name can be found out by everybody."""
        name = dev.transport.call("POST", "/api/v1/workspaces/dev/handover", type=dict)["socket"]
        script = """
        def work():
            assert any(line.endswith("@" + rest[0] + chr(10)) for line in open("/proc/net/unix"))
            said = []
            for token in ("", "x" * 32):
                with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as call:
                    call.settimeout(10)
                    call.connect(chr(0) + rest[0])
                    call.send(json.dumps({"token": token}).encode())
                    answer, files, _, _ = socket.recv_fds(call, 65536, 4)
                    said.append([json.loads(answer)["code"], files])
            return said
        """
        assert as_stranger(served, script, name) == [["not_found", []]] * 2


def workspace_path(served) -> str:
    found = served.client().workspaces.get("dev")
    return f"/subscriptions/{found.subscription}/resourceGroups/{found.resource_group}/workspaces/{found.name}"


def test_a_server_that_was_stopped_leaves_no_socket(tmp_path):
    with running_server(tmp_path / "home") as server:
        server.client().workspaces.create(name="dev")
        ticket = server.client().transport.call("POST", "/api/v1/workspaces/dev/handover", type=dict)
        assert f"@{ticket['socket']}" in Path("/proc/net/unix").read_text()
    assert f"@{ticket['socket']}" not in Path("/proc/net/unix").read_text()


@pytest.mark.slow
@pytest.mark.crash
def test_a_server_that_is_killed_in_the_middle_has_what_it_acknowledged_and_the_same_again_goes_well(tmp_path):
    folder, content = made(tmp_path, 200 * MIB)
    with running_server(tmp_path / "home") as server:
        client = server.client(workspace="dev")
        client.workspaces.create(name="dev")
        with ThreadPoolExecutor(1) as pool:
            sent = pool.submit(client.models.create, name="m", path=str(folder))
            until(lambda: any(file.stat().st_size > 20 * MIB for file in server.home.rglob("uploads/*")) or sent.done())
            server.process.kill()
            server.process.wait()
            failed = sent.exception()
            assert failed is None or isinstance(failed, UnavailableError)
    with running_server(tmp_path / "home") as server:
        client = server.client(workspace="dev")
        if failed is None:
            client.models.get("m", "1")
        assert client.models.create(name="m", version="1", path=str(folder)).version == "1"
        client.models.download("m", "1", tmp_path / "down")
        assert (tmp_path / "down" / "w.bin").read_bytes() == content
        assert [file for file in (tmp_path / "down").iterdir() if file.is_dir()] == []


def until(holds, seconds=30):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.001)
