import hashlib
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from regista.client.scan import hash_files, scan
from regista.client.transfer import Uploader, upload
from regista.client.upload import MAX_PUT
from regista.errors import (
    ConflictError,
    DigestMismatchError,
    ForbiddenError,
    StorageFullError,
    UnauthenticatedError,
    UnavailableError,
)
from tests.support.blob_server import KEY, Fault

SCOPE = "workspaces/dev"
MIB = 1024 * 1024


class Counting:
    """A progress that adds up."""

    def __init__(self):
        self.total = self.moved = self.ended = 0

    def start(self, total_bytes, files):
        self.total, self.moved = total_bytes, 0

    def advance(self, count):
        self.moved += count

    def done(self):
        self.ended += 1


class Adding(Counting):
    """One for a whole call: what is left to do is told anew for each part of it."""

    def start(self, total_bytes, files):
        self.total += total_bytes


@pytest.fixture
def large(tmp_path):
    """A file that needs two parts of a resumable upload, without two equal MiB."""
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        for number in range(MAX_PUT // MIB + 6):
            file.write(hashlib.sha256(str(number).encode()).digest() * (MIB // 32))
        file.write(b"end")
    return path


def arrived(server, path):
    stored = server.blobs / hashlib.sha256(path.read_bytes()).hexdigest()
    return stored.exists() and stored.read_bytes() == path.read_bytes()


class TestEverySize:
    def test_each_file_goes_the_way_that_fits_its_size(self, server, transport, tree, large):
        root = tree({"empty": b"", "small": b"s", "edge": b"e" * MIB, "middle": b"m" * (MIB + 1)})
        (root / "large").hardlink_to(large)
        progress = Counting()
        manifest = upload(transport, SCOPE, root, progress=progress)
        assert [entry.path for entry in manifest.files] == ["edge", "empty", "large", "middle", "small"]
        assert all(arrived(server, root / entry.path) for entry in manifest.files)
        assert server.asked("PUT", "/blobs/") == 1
        assert server.asked("PATCH", "/uploads/") == 2
        assert progress.moved == progress.total == manifest.size
        assert progress.ended > 0

    def test_the_same_again_sends_nothing(self, server, transport, tree):
        root = tree({"a": b"1", "b": b"2" * (2 * MIB)})
        first = upload(transport, SCOPE, root)
        before = server.asked("POST", "/blobs/pack"), server.asked("PUT", "/blobs/")
        assert upload(transport, SCOPE, root) == first
        assert (server.asked("POST", "/blobs/pack"), server.asked("PUT", "/blobs/")) == before

    def test_the_same_bytes_under_many_names_travel_once(self, server, transport, tree):
        progress = Counting()
        upload(transport, SCOPE, tree({f"copy{number}": b"x" * 2 * MIB for number in range(5)}), progress=progress)
        assert server.asked("PUT", "/blobs/") == 1
        assert progress.moved == progress.total == 2 * MIB

    def test_thousands_of_small_files_travel_in_few_packs(self, server, transport, tree):
        root = tree({f"f{number:04}": str(number).encode() for number in range(4_500)})
        manifest = upload(transport, SCOPE, root)
        assert len(list(server.blobs.iterdir())) == len(manifest.files) == 4_500
        assert 3 <= server.asked("POST", "/blobs/pack") <= 6

    def test_more_files_than_one_question_may_name_are_asked_for_in_turns(self, server, transport, tree, monkeypatch):
        monkeypatch.setattr("regista.client.upload._ASKED_AT_ONCE", 50)
        upload(transport, SCOPE, tree({f"f{number}": str(number).encode() for number in range(101)}))
        assert server.asked("POST", "/blobs/missing") == 3
        assert len(list(server.blobs.iterdir())) == 101

    def test_a_single_file_keeps_its_name(self, server, transport, tree):
        manifest = upload(transport, SCOPE, tree({"model.pkl": b"p"}) / "model.pkl")
        assert [entry.path for entry in manifest.files] == ["model.pkl"]
        assert server.holds(b"p")

    def test_an_empty_folder_is_an_empty_manifest(self, server, transport, tree):
        assert upload(transport, SCOPE, tree({})).files == ()


class TestFaults:
    def test_a_pack_that_is_cut_or_refused_for_the_moment_is_sent_again(self, server, transport, tree):
        server.faults += [
            Fault("POST", "/blobs/missing", "status", times=2, headers={"Retry-After": "0"}),
            Fault("POST", "/blobs/pack", "cut", after=10),
            Fault("POST", "/blobs/pack", "lose"),
        ]
        upload(transport, SCOPE, tree({"a": b"alpha" * 100}))
        assert server.holds(b"alpha" * 100)
        assert server.asked("POST", "/blobs/pack") == 3

    def test_a_put_that_is_cut_in_the_middle_is_sent_again_and_counted_once(self, server, transport, tree):
        server.faults.append(Fault("PUT", "/blobs/", "cut", after=3 * MIB, times=2))
        root, progress = tree({"m": os.urandom(8 * MIB)}), Counting()
        upload(transport, SCOPE, root, progress=progress)
        assert arrived(server, root / "m")
        assert progress.moved == progress.total

    def test_an_upload_goes_on_behind_what_arrived(self, server, transport, large):
        server.faults += [
            Fault("PATCH", "/uploads/", "cut", after=40 * MIB),
            Fault("PATCH", "/uploads/", "status", times=2),
            Fault("PATCH", "/uploads/", "lose"),
        ]
        progress = Counting()
        upload(transport, SCOPE, large, progress=progress)
        assert arrived(server, large)
        assert progress.moved == progress.total == large.stat().st_size
        assert server.asked("POST", "/uploads") == 2, "one to begin, one to commit"

    def test_a_commit_whose_answer_was_lost_counts_as_done(self, server, transport, large):
        server.faults.append(Fault("POST", "/commit", "lose"))
        upload(transport, SCOPE, large)
        assert arrived(server, large)
        assert server.asked("POST", "/commit") == 2

    def test_a_server_that_stays_away_is_an_unavailable_one(self, server, transport, tree):
        server.faults.append(Fault("POST", "/blobs/pack", "status", times=100))
        with pytest.raises(UnavailableError):
            upload(transport, SCOPE, tree({"a": b"1"}))

    @pytest.mark.slow
    def test_an_upload_without_any_headway_gives_up(self, server, transport, large):
        server.faults.append(Fault("PATCH", "/uploads/", "status", times=100))
        with pytest.raises(UnavailableError):
            upload(transport, SCOPE, large)
        assert server.asked("PATCH", "/uploads/") == 6

    def test_a_refused_key_ends_it_at_once(self, server, transport, tree):
        transport._key = "another"
        with pytest.raises(UnauthenticatedError):
            upload(transport, SCOPE, tree({"a": b"1"}))
        assert len(server.requests) == 1

    @pytest.mark.parametrize("size", [10, 2 * MIB, MAX_PUT + 10], ids=["pack", "put", "upload"])
    def test_a_file_that_changes_after_hashing_is_named(self, server, transport, tree, size):
        root = tree({"f": b"1" * size})
        found = scan(root)
        manifest = hash_files(found)
        (root / "f").write_bytes(b"2" * (size + 1))
        with pytest.raises(ConflictError, match=r"content/f' changed"):
            Uploader(transport, SCOPE).send(found, manifest)
        assert list(server.blobs.iterdir()) == []

    def test_a_file_that_changed_without_a_trace_is_refused_by_the_server(self, server, transport, tree):
        root = tree({"f": b"1" * (2 * MIB)})
        found = scan(root)
        manifest = hash_files(found)
        kept = (root / "f").stat()
        (root / "f").write_bytes(b"2" * (2 * MIB))
        os.utime(root / "f", ns=(kept.st_atime_ns, kept.st_mtime_ns))
        with pytest.raises(ConflictError, match="changed"):
            Uploader(transport, SCOPE).send(found, manifest)

    def test_a_wrong_digest_in_a_pack_is_a_mismatch(self, server, transport, tree):
        root = tree({"f": b"1"})
        found = scan(root)
        manifest = hash_files(found)
        kept = (root / "f").stat()
        (root / "f").write_bytes(b"2")
        os.utime(root / "f", ns=(kept.st_atime_ns, kept.st_mtime_ns))
        with pytest.raises(DigestMismatchError):
            Uploader(transport, SCOPE).send(found, manifest)


CLIENT = """
    import sys
    from pathlib import Path
    from regista.client.transfer import upload
    from regista.client.transport import Transport
    url, key, ca, path = sys.argv[1:]
    upload(Transport(url, key, ca=Path(ca)), "workspaces/dev", Path(path))
"""


class TestKilledClient:
    def test_the_next_client_goes_on_where_the_killed_one_stopped(self, server, transport, large, cache):
        command = [sys.executable, "-c", textwrap.dedent(CLIENT), server.url, KEY, str(server.ca), str(large)]
        victim = subprocess.Popen(command, env={**os.environ, "REGISTA_CACHE": str(cache)})
        deadline = time.monotonic() + 60
        while not any(file.stat().st_size > 8 * MIB for file in server.uploads.iterdir()):
            assert victim.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.001)
        victim.send_signal(signal.SIGKILL)
        assert victim.wait() == -signal.SIGKILL, "it was over before it could be killed"
        (left,) = server.uploads.iterdir()
        server.requests.clear()
        upload(transport, SCOPE, large)
        assert arrived(server, large)
        assert server.asked("GET", f"/uploads/{left.name}") == 1
        assert server.asked("POST", "/uploads") == 1, "only the commit: nothing is begun anew"
        first = next(path for method, path in server.requests if method == "PATCH")
        assert int(first.rpartition("=")[2]) > 8 * MIB

    def test_an_upload_that_the_server_swept_is_begun_anew(self, server, transport, large, cache):
        self.interrupt(server, transport, large)
        for left in server.uploads.iterdir():
            left.unlink()
        upload(transport, SCOPE, large)
        assert arrived(server, large)

    def test_a_damaged_first_part_is_sent_again(self, server, transport, large, cache):
        self.interrupt(server, transport, large)
        (left,) = server.uploads.iterdir()
        with left.open("r+b") as file:
            file.write(b"damage")
        upload(transport, SCOPE, large)
        assert arrived(server, large)

    @pytest.mark.parametrize("note", [b"", b"\xff\xfe", b"../../x", b"x" * 1000])
    def test_a_damaged_note_is_as_good_as_none(self, server, transport, large, cache, note):
        self.interrupt(server, transport, large)
        (file,) = (cache / "uploads").iterdir()
        file.write_bytes(note)
        upload(transport, SCOPE, large)
        assert arrived(server, large)
        assert list((cache / "uploads").iterdir()) == []

    def test_a_cache_folder_that_cannot_be_written_costs_nothing_but_the_memory(
        self, server, transport, large, cache, monkeypatch
    ):
        monkeypatch.setenv("REGISTA_CACHE", str(large))  # a file: nothing can be made below it
        upload(transport, SCOPE, large)
        assert arrived(server, large)

    def interrupt(self, server, transport, large):
        server.faults.append(Fault("PATCH", "offset=67108864", "echo"))
        with pytest.raises(ForbiddenError):
            upload(transport, SCOPE, large)
        (left,) = server.uploads.iterdir()
        assert left.stat().st_size == MAX_PUT


class TestHandover:
    """Large files as open files, to a server on the same machine."""

    @pytest.fixture(autouse=True)
    def here(self, server):
        server.handovers.here = True

    def sent(self, server):
        return server.asked("PUT", "") + server.asked("PATCH", "")

    def test_large_files_are_handed_over_and_small_ones_sent(self, server, transport, tree, large):
        root, progress = tree({"small": b"s", "middle": b"m" * (2 * MIB)}), Counting()
        (root / "large").hardlink_to(large)
        manifest = upload(transport, SCOPE, root, progress=progress)
        assert all(arrived(server, root / entry.path) for entry in manifest.files)
        assert self.sent(server) == 0
        assert server.handovers.taken == 2
        assert manifest == hash_files(scan(root))

    def test_equal_files_are_told_apart(self, server, transport, tree):
        root = tree({"a": b"1" * 2 * MIB, "b": b"2" * 2 * MIB, "c": b"1" * 2 * MIB})
        assert upload(transport, SCOPE, root) == hash_files(scan(root))
        assert self.sent(server) == 0

    def test_many_files_go_with_one_ticket(self, server, transport, tree):
        root = tree({str(number): bytes([number]) * (MIB + 1) for number in range(20)})
        assert upload(transport, SCOPE, root) == hash_files(scan(root))
        assert server.asked("POST", "/handover") == 1

    def test_what_is_known_by_digest_is_asked_for_first(self, server, transport, tree):
        found = scan(tree({"middle": b"m" * (2 * MIB)}))
        manifest = hash_files(found)
        Uploader(transport, SCOPE).send(found, manifest)
        Uploader(transport, SCOPE).send(found, manifest)
        assert server.handovers.taken == 1

    def test_the_progress_reaches_the_size_once(self, server, transport, large):
        progress = Adding()
        upload(transport, SCOPE, large, progress=progress)
        assert progress.moved == progress.total == large.stat().st_size
        assert server.handovers.taken == 1

    @pytest.mark.parametrize("name", ["regista-" + "0" * 32, "/run/other.sock", "", "regista-x"])
    def test_a_server_on_another_machine_is_sent_the_bytes(self, server, transport, tree, name):
        server.handovers.socket = name
        root = tree({"m": b"m" * (2 * MIB), "n": b"n" * (2 * MIB)})
        upload(transport, SCOPE, root)
        assert arrived(server, root / "m")
        assert server.asked("PUT", "/blobs/") == 2
        assert server.asked("POST", "/handover") <= 2, "asked when there is something new, and not for each file"

    def test_a_server_without_a_hatch_is_sent_the_bytes(self, server, transport, tree):
        server.handovers.here = False
        root = tree({"m": b"m" * (2 * MIB)})
        upload(transport, SCOPE, root)
        assert arrived(server, root / "m")

    def test_when_the_server_fails_meanwhile_the_files_take_the_long_way(self, server, transport, tree):
        server.handovers.refusals += [UnavailableError("not now"), UnavailableError("not now")]
        root, progress = tree({"m": b"m" * (2 * MIB)}), Counting()
        upload(transport, SCOPE, root, progress=progress)
        assert arrived(server, root / "m")
        assert server.asked("PUT", "/blobs/") == 1
        assert progress.moved == progress.total

    @pytest.mark.parametrize("refusal", [StorageFullError("full"), ForbiddenError("no"), UnauthenticatedError("ended")])
    def test_another_refusal_is_the_answer(self, server, transport, tree, refusal):
        server.handovers.refusals.append(refusal)
        progress = Counting()
        with pytest.raises(type(refusal), match=refusal.message):
            upload(transport, SCOPE, tree({"m": b"m" * (2 * MIB)}), progress=progress)
        assert self.sent(server) == 0
        assert progress.ended, "a bar that is not ended keeps the terminal's cursor hidden"

    def test_a_file_of_another_digest_than_was_said_is_refused(self, server, transport, tree):
        root = tree({"m": b"m" * (2 * MIB)})
        found = scan(root)
        manifest = hash_files(found)
        kept = (root / "m").stat()
        with (root / "m").open("r+b") as file:
            file.write(b"other")
        os.utime(root / "m", ns=(kept.st_atime_ns, kept.st_mtime_ns))
        with pytest.raises(DigestMismatchError):
            Uploader(transport, SCOPE).send(found, manifest)
        assert list(server.blobs.iterdir()) == []

    def test_a_file_that_changes_meanwhile_is_said_to_change(self, server, transport, tree, monkeypatch):
        root = tree({"m": b"m" * (2 * MIB)})
        take = server.handovers.take

        def slowly(*given):
            with (root / "m").open("ab") as file:
                file.write(b"more")
            return take(*given)

        monkeypatch.setattr(server.handovers, "take", slowly)
        with pytest.raises(ConflictError, match="changed"):
            upload(transport, SCOPE, root)
