import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from regista.client import landing, parts
from regista.client.transfer import download
from regista.errors import (
    AlreadyExistsError,
    ConflictError,
    DigestMismatchError,
    InternalError,
    InvalidError,
    NotFoundError,
    StorageFullError,
)
from tests.support.blob_server import KEY, Fault

PLACE = "registries/acme/models/churn/versions/1"
MIB = 1024 * 1024
LARGE = 70 * MIB


@pytest.fixture
def here(tmp_path):
    return tmp_path / "here"


@pytest.fixture(scope="session")
def large(tmp_path_factory):
    """A file of three ranges, without two equal MiB."""
    path = tmp_path_factory.mktemp("large") / "large.bin"
    path.write_bytes(b"".join(hashlib.sha256(bytes([n])).digest() * (MIB // 32) for n in range(LARGE // MIB)))
    return path


def found(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if not path.is_dir()}


class Counting:
    def __init__(self):
        self.total = self.moved = 0

    def start(self, total_bytes, files):
        self.total = total_bytes

    def advance(self, count):
        self.moved += count

    def done(self):
        pass


FILES = {"MLmodel": b"flavors", "data/a b#?%.bin": b"x" * 3 * MIB, "data/ümlaut": b"", "empty": b""}


class TestWhatArrives:
    def test_every_file_arrives_and_nothing_else(self, server, transport, here):
        server.offer(PLACE, FILES)
        progress = Counting()
        manifest = download(transport, PLACE, here, progress=progress)
        assert found(here) == FILES
        assert [entry.path for entry in manifest.files] == sorted(FILES)
        assert progress.moved == progress.total == manifest.size
        assert not (here / landing.WORK).exists()

    def test_a_folder_of_it_arrives_with_paths_relative_to_it(self, server, transport, here):
        server.offer(PLACE, FILES)
        download(transport, PLACE, here, below="data")
        assert set(found(here)) == {"a b#?%.bin", "ümlaut"}

    def test_one_file_of_it_arrives_under_its_name(self, server, transport, here):
        server.offer(PLACE, {"data/deep/a": b"1", "b": b"2"})
        download(transport, PLACE, here, below="data/deep/a")
        assert found(here) == {"a": b"1"}

    def test_what_is_not_there_is_not_found(self, server, transport, here):
        server.offer(PLACE, FILES)
        with pytest.raises(NotFoundError, match="nope"):
            download(transport, PLACE, here, below="nope")
        assert not here.exists()

    def test_a_large_file_arrives_in_ranges(self, server, transport, here, large):
        server.offer(PLACE, {"large": large, "small": b"s"})
        progress = Counting()
        download(transport, PLACE, here, progress=progress)
        assert (here / "large").read_bytes() == large.read_bytes()
        assert server.asked("GET", "/files/large") == 3
        assert progress.moved == progress.total
        assert set(found(here)) == {"large", "small"}

    def test_thousands_of_files_arrive(self, server, transport, here):
        files = {f"d{number % 10}/{number}": str(number).encode() for number in range(1_500)}
        server.offer(PLACE, files)
        download(transport, PLACE, here)
        assert found(here) == files


class TestWhatIsThere:
    def test_identical_files_are_left_alone(self, server, transport, here):
        server.offer(PLACE, {"a": b"1", "b": b"2"})
        download(transport, PLACE, here)
        before = {path: path.stat().st_mtime_ns for path in here.iterdir()}
        (here / "b").unlink()
        server.requests.clear()
        download(transport, PLACE, here)
        assert found(here) == {"a": b"1", "b": b"2"}
        assert (here / "a").stat().st_mtime_ns == before[here / "a"]
        assert server.asked("GET", "/files/") == 1

    def test_other_files_are_refused_before_anything_is_written(self, server, transport, here):
        server.offer(PLACE, {"a": b"1", "b": b"2"})
        here.mkdir()
        (here / "b").write_bytes(b"mine")
        with pytest.raises(AlreadyExistsError, match="'b'"):
            download(transport, PLACE, here)
        assert found(here) == {"b": b"mine"}
        assert server.asked("GET", "/files/") == 0

    def test_other_files_are_replaced_where_that_is_wished(self, server, transport, here):
        server.offer(PLACE, {"a": b"1", "b": b"2"})
        here.mkdir()
        (here / "b").write_bytes(b"mine")
        (here / "unrelated").write_bytes(b"kept")
        download(transport, PLACE, here, overwrite=True)
        assert found(here) == {"a": b"1", "b": b"2", "unrelated": b"kept"}

    def test_a_second_download_into_the_same_folder_waits_its_turn(self, server, transport, here):
        server.offer(PLACE, {"a": b"1"})
        download(transport, PLACE, here)
        (here / "a").unlink()
        with landing.Landing(here).open([]), pytest.raises(ConflictError, match="another download"):
            download(transport, PLACE, here)


class TestHostility:
    def hostile(self, server, files):
        entries = [{"digest": "sha256:" + "0" * 64, "path": path, "size": 1} for path in files]
        text = json.dumps({"files": entries, "schema": "regista.manifest/1"}, separators=(",", ":"))
        server.contents[PLACE] = (text.encode(), dict.fromkeys(files, b"!"))

    @pytest.mark.parametrize("path", ["../out", "/etc/x", "a/../../out", "a//b", "a\\b", "a\x00b", "", ".", "a\nb"])
    def test_a_path_that_leaves_the_folder_is_refused(self, server, transport, here, path):
        self.hostile(server, [path])
        with pytest.raises(InvalidError):
            download(transport, PLACE, here)
        assert not here.exists()
        assert not (here.parent / "out").exists()

    def test_a_path_into_the_folder_of_parts_is_refused(self, server, transport, here):
        self.hostile(server, [f"{landing.WORK}/x"])
        with pytest.raises(InvalidError, match="keep for themselves"):
            download(transport, PLACE, here)

    def test_nothing_is_written_through_a_link_to_a_folder(self, server, transport, here, tmp_path):
        server.offer(PLACE, {"sub/deep/a": b"1"})
        (tmp_path / "outside" / "deep").mkdir(parents=True)
        here.mkdir()
        (here / "sub").symlink_to(tmp_path / "outside")
        for overwrite in (False, True):
            with pytest.raises(InvalidError, match="is a link"):
                download(transport, PLACE, here, overwrite=overwrite)
        assert found(tmp_path / "outside") == {}

    def test_a_link_in_a_files_place_is_replaced_and_not_followed(self, server, transport, here, tmp_path):
        server.offer(PLACE, {"a": b"1"})
        (tmp_path / "precious").write_bytes(b"kept")
        here.mkdir()
        (here / "a").symlink_to(tmp_path / "precious")
        with pytest.raises(AlreadyExistsError):
            download(transport, PLACE, here)
        download(transport, PLACE, here, overwrite=True)
        assert (tmp_path / "precious").read_bytes() == b"kept"
        assert not (here / "a").is_symlink()
        assert (here / "a").read_bytes() == b"1"

    def test_a_linked_folder_of_parts_is_refused(self, server, transport, here, tmp_path):
        server.offer(PLACE, {"a": b"1"})
        (tmp_path / "outside").mkdir()
        here.mkdir()
        (here / landing.WORK).symlink_to(tmp_path / "outside")
        with pytest.raises(InvalidError):
            download(transport, PLACE, here)
        assert list((tmp_path / "outside").iterdir()) == []

    def test_a_folder_where_a_file_belongs_is_named(self, server, transport, here):
        server.offer(PLACE, {"a": b"1"})
        (here / "a").mkdir(parents=True)
        with pytest.raises(InvalidError, match="is a folder"):
            download(transport, PLACE, here, overwrite=True)

    def test_a_manifest_other_than_the_expected_one_is_refused(self, server, transport, here):
        digest = server.offer(PLACE, {"a": b"1"})
        download(transport, PLACE, here, expected=digest)
        server.offer(PLACE, {"a": b"2"})
        with pytest.raises(DigestMismatchError, match="manifest"):
            download(transport, PLACE, here, overwrite=True, expected=digest)

    def test_an_answer_to_another_range_is_refused(self, server, transport, here):
        server.offer(PLACE, {"a": b"12345"})
        manifest, _ = server.contents[PLACE]
        server.contents[PLACE] = (manifest, {"a": b"123"})
        with pytest.raises((InternalError, DigestMismatchError)):
            download(transport, PLACE, here)
        assert found(here) == {}

    def test_more_than_the_disk_holds_is_refused_before_the_first_byte(self, server, transport, here):
        entries = [{"digest": "sha256:" + "0" * 64, "path": "a", "size": 2**61}]
        text = json.dumps({"files": entries, "schema": "regista.manifest/1"}, separators=(",", ":"))
        server.contents[PLACE] = (text.encode(), {"a": b"!"})
        with pytest.raises(StorageFullError, match="do not fit"):
            download(transport, PLACE, here)
        assert server.asked("GET", "/files/") == 0


class TestFaults:
    def test_a_cut_connection_is_taken_up_where_it_broke(self, server, transport, here):
        content = os.urandom(5 * MIB)
        server.offer(PLACE, {"a": content})
        server.faults += [Fault("GET", "/files/a", "cut", after=2 * MIB, times=2), Fault("GET", "/manifest", "cut")]
        progress = Counting()
        download(transport, PLACE, here, progress=progress)
        assert found(here) == {"a": content}
        assert server.asked("GET", "/files/a") == 3
        assert progress.moved == progress.total

    def test_a_busy_server_is_asked_again(self, server, transport, here):
        server.offer(PLACE, {"a": b"1"})
        server.faults.append(Fault("GET", "/files/a", "status", times=3, headers={"Retry-After": "0"}))
        download(transport, PLACE, here)
        assert found(here) == {"a": b"1"}

    def test_a_bit_that_flipped_once_is_fetched_again(self, server, transport, here):
        server.offer(PLACE, {"a": b"precious"})
        server.faults.append(Fault("GET", "/files/a", "corrupt"))
        progress = Counting()
        download(transport, PLACE, here, progress=progress)
        assert found(here) == {"a": b"precious"}
        assert progress.moved == progress.total

    def test_wrong_bytes_never_get_the_name(self, server, transport, here):
        server.offer(PLACE, {"a": b"precious", "b": b"fine"})
        server.faults.append(Fault("GET", "/files/a", "corrupt", times=9))
        with pytest.raises(DigestMismatchError, match="'a'"):
            download(transport, PLACE, here)
        assert set(found(here)) <= {"b"}

    def test_wrong_bytes_of_a_large_file_never_get_the_name_and_are_not_kept(self, server, transport, here, large):
        content = bytearray(large.read_bytes())
        content[-1] ^= 1
        server.offer(PLACE, {"a": large})
        manifest, _ = server.contents[PLACE]
        server.contents[PLACE] = (manifest, {"a": bytes(content)})
        with pytest.raises(DigestMismatchError, match="'a'"):
            download(transport, PLACE, here)
        assert found(here) == {}

    def test_a_download_that_stopped_goes_on_with_the_ranges_that_lack(self, server, transport, here, large):
        server.offer(PLACE, {"large": large})
        self.interrupt(server, transport, here)
        assert {path.suffix for path in (here / landing.WORK).iterdir()} == {".part", ".state"}
        server.requests.clear()
        progress = Counting()
        download(transport, PLACE, here, progress=progress)
        assert (here / "large").read_bytes() == large.read_bytes()
        assert server.asked("GET", "/files/large") == 1
        assert progress.moved == progress.total

    def test_a_part_that_was_damaged_meanwhile_is_fetched_anew(self, server, transport, here, large):
        server.offer(PLACE, {"large": large})
        self.interrupt(server, transport, here)
        (part,) = (here / landing.WORK).glob("*.part")
        with part.open("r+b") as file:
            file.write(b"damage")
        progress = Counting()
        download(transport, PLACE, here, progress=progress)
        assert (here / "large").read_bytes() == large.read_bytes()
        assert progress.moved == progress.total

    @pytest.mark.parametrize("state", [b"", b"{}", b"[1]", b"\xff", b'{"digest":"x","size":1,"range":1,"done":[-5,9]}'])
    def test_a_damaged_state_is_as_good_as_none(self, server, transport, here, large, state):
        server.offer(PLACE, {"large": large})
        self.interrupt(server, transport, here)
        (file,) = (here / landing.WORK).glob("*.state")
        file.write_bytes(state)
        download(transport, PLACE, here)
        assert (here / "large").read_bytes() == large.read_bytes()
        assert set(found(here)) == {"large"}

    def interrupt(self, server, transport, here):
        """Stop at the last of three ranges."""
        server.faults.append(Fault("GET", "/files/large", "echo", times=0))
        fault = server.faults[-1]
        asked = threading.Event()
        original = parts.PartFile.fill

        def fill(part, number, advance):
            if number == 2:
                fault.times = 1
                asked.set()
            return original(part, number, advance)

        parts.PartFile.fill = fill
        try:
            with pytest.raises(Exception, match="may not do this"):
                download(transport, PLACE, here, workers=1)
        finally:
            parts.PartFile.fill = original
        assert asked.is_set()
        server.faults.clear()


CLIENT = """
    import sys
    from pathlib import Path
    from regista.client.transfer import download
    from regista.client.transport import Transport
    url, key, ca, place, target = sys.argv[1:]
    download(Transport(url, key, ca=Path(ca)), place, Path(target), workers=1)
"""


def test_a_killed_download_leaves_no_half_file_and_is_resumed(server, transport, here, large, cache):
    server.offer(PLACE, {"large": large})
    command = [sys.executable, "-c", textwrap.dedent(CLIENT), server.url, KEY, str(server.ca), PLACE, str(here)]
    victim = subprocess.Popen(command, env={**os.environ, "REGISTA_CACHE": str(cache)})
    deadline = time.monotonic() + 60
    while not any(b'"done":[0' in state.read_bytes() for state in here.glob(f"{landing.WORK}/*.state")):
        assert victim.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.001)
    victim.send_signal(signal.SIGKILL)
    assert victim.wait() == -signal.SIGKILL, "it was over before it could be killed"
    assert not (here / "large").exists()
    server.requests.clear()
    download(transport, PLACE, here)
    assert (here / "large").read_bytes() == large.read_bytes()
    assert server.asked("GET", "/files/large") <= 2
    assert set(found(here)) == {"large"}


class TestHandover:
    """The server's own file, open for reading, where it is on the same machine."""

    @pytest.fixture(autouse=True)
    def on_this_machine(self, server):
        server.handovers.here = True

    def test_large_files_are_copied_and_small_ones_sent(self, server, transport, here, large):
        server.offer(PLACE, {"large": large, "a/middle": b"m" * 2 * MIB, "small": b"s", "empty": b""})
        progress = Counting()
        download(transport, PLACE, here, progress=progress)
        assert found(here) == {"large": large.read_bytes(), "a/middle": b"m" * 2 * MIB, "small": b"s", "empty": b""}
        assert server.handovers.handed == 2
        assert server.asked("GET", "/files/") == 1, "an empty file needs no bytes"
        assert progress.moved == progress.total

    def test_the_copy_is_its_owners(self, server, transport, here, large):
        server.offer(PLACE, {"large": large})
        download(transport, PLACE, here)
        mine = here / "large"
        assert (mine.stat().st_ino, mine.stat().st_nlink) != (large.stat().st_ino, 2)
        before = hashlib.sha256(large.read_bytes()).digest()
        with mine.open("r+b") as file:
            file.write(b"mine")
        assert hashlib.sha256(large.read_bytes()).digest() == before
        assert mine.stat().st_mode & 0o777 == 0o666 & ~umask()

    def test_one_file_below_a_path(self, server, transport, here):
        server.offer(PLACE, {"a/b": b"b" * 2 * MIB, "c": b"c"})
        download(transport, PLACE, here, below="a/b")
        assert found(here) == {"b": b"b" * 2 * MIB}
        assert server.handovers.handed == 1

    @pytest.mark.parametrize("name", ["regista-" + "0" * 32, "/run/other.sock", "", "regista-x"])
    def test_a_server_on_another_machine_sends_the_bytes_and_is_asked_once(self, server, transport, here, large, name):
        server.handovers.socket = name
        server.offer(PLACE, {"large": large, "m": b"m" * 2 * MIB, "n": b"n" * 2 * MIB})
        download(transport, PLACE, here)
        assert found(here) == {"large": large.read_bytes(), "m": b"m" * 2 * MIB, "n": b"n" * 2 * MIB}
        assert server.asked("POST", "/handover/") == 1

    @pytest.mark.parametrize("size", [2 * MIB, LARGE])
    def test_wrong_bytes_never_get_the_name(self, server, transport, here, tmp_path, size):
        """Rot in the store: the copy is no good, nor is what comes over the connection."""
        stored = tmp_path / "stored"
        stored.write_bytes(b"x" * size)
        server.offer(PLACE, {"w": stored})
        with stored.open("r+b") as file:
            file.seek(size // 2)
            file.write(b"rot")
        with pytest.raises(DigestMismatchError, match="'w'"):
            download(transport, PLACE, here)
        assert found(here) == {}

    def test_a_file_of_another_size_is_not_copied(self, server, transport, here, tmp_path):
        stored = tmp_path / "stored"
        stored.write_bytes(b"x" * 2 * MIB)
        server.offer(PLACE, {"w": stored})
        with stored.open("ab") as file:
            file.write(b"more")
        download(transport, PLACE, here)
        assert found(here) == {"w": b"x" * 2 * MIB}
        assert server.asked("GET", "/files/") == 1

    def test_nothing_is_written_through_what_lies_in_a_parts_place(self, server, transport, here, tmp_path):
        content, victim = b"m" * 2 * MIB, tmp_path / "victim"
        victim.write_bytes(b"precious")
        server.offer(PLACE, {"m": content})
        work = here / landing.WORK
        work.mkdir(parents=True)
        name = hashlib.sha256(b"m\0" + hashlib.sha256(content).hexdigest().encode()).hexdigest()[:40]
        (work / f"{name}.part").symlink_to(victim)
        download(transport, PLACE, here)
        assert found(here) == {"m": content}
        assert not (here / "m").is_symlink()
        assert victim.read_bytes() == b"precious"

    def test_a_disk_that_fills_up_meanwhile_is_said_to_be_full_and_nothing_is_left(
        self, server, transport, here, monkeypatch
    ):
        server.offer(PLACE, {"m": b"m" * 2 * MIB})

        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "copy_file_range", full)
        with pytest.raises(StorageFullError):
            download(transport, PLACE, here)
        assert found(here) == {}

    def test_where_ranges_cannot_be_copied_the_bytes_are(self, server, transport, here, large, monkeypatch):
        server.offer(PLACE, {"large": large})

        def elsewhere(*_):
            raise OSError(18, "Invalid cross-device link")

        monkeypatch.setattr(os, "copy_file_range", elsewhere)
        download(transport, PLACE, here)
        assert found(here) == {"large": large.read_bytes()}
        assert server.handovers.handed == 1

    def test_the_servers_file_is_closed(self, server, transport, here, large):
        server.offer(PLACE, {"large": large, "m": b"m" * 2 * MIB})
        download(transport, PLACE, here)
        assert large.resolve() not in [file.resolve() for file in Path("/proc/self/fd").iterdir()]

    def test_a_download_that_stopped_over_the_connection_is_ended_by_a_copy(self, server, transport, here, large):
        server.handovers.here = False
        server.offer(PLACE, {"large": large})
        server.faults.append(Fault("GET", "/files/", "echo"))
        with pytest.raises(Exception, match="may not"):
            download(transport, PLACE, here, workers=1)
        server.handovers.here = True
        download(transport, PLACE, here)
        assert found(here) == {"large": large.read_bytes()}


def umask():
    now = os.umask(0o022)
    os.umask(now)
    return now
