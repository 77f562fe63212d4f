"""What only a store of files promises: where they lie, whose they are, and what a failing disk does to them."""

import errno
import fcntl
import os
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
from pathlib import Path

import pytest

from regista.drivers.blobs.local import LocalBlobStore
from regista.entities.digest import digest_of, hex_of
from regista.errors import ConflictError, DigestMismatchError, InvalidError, NotFoundError, UnavailableError
from regista.interfaces.blobs import CHUNK, OnDisk

CONTENT = b"content"
DIGEST = digest_of(CONTENT)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def store(root):
    return LocalBlobStore(root)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source"
    path.write_bytes(CONTENT)
    return path


def said_without_privilege(program):
    """What *program* prints about its ``store`` when it is not root, to whom modes mean nothing."""
    preamble = """
import os, pathlib, sys
from regista import errors
from regista.drivers.blobs.local import LocalBlobStore
if os.geteuid() == 0:
    os.setuid(65534)
root = pathlib.Path(sys.argv[1])
store = LocalBlobStore(root)
"""
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() == 0:
            os.chown(folder, 65534, 65534)
        argv = [sys.executable, "-c", preamble + textwrap.dedent(program), f"{folder}/store"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def rot(path, content):
    path.chmod(0o600)
    path.write_bytes(content)


class TestFiles:
    def test_a_blob_lies_where_the_layout_says_and_is_read_only(self, store, root, source):
        digits = hex_of(DIGEST)
        place = root / "blobs" / "sha256" / digits[:2] / digits
        with store.begin() as upload:
            upload.write(CONTENT)
            upload.commit()
        modes = {stat.S_IMODE(place.stat().st_mode)}
        for again in (lambda: store.put(CONTENT), lambda: store.add_file(source)):
            store.delete(DIGEST)
            again()
            modes.add(stat.S_IMODE(place.stat().st_mode))
        assert modes == {0o444}

    def test_a_program_is_told_the_path(self, store):
        assert isinstance(store, OnDisk)
        assert store.path(store.put(CONTENT)).read_bytes() == CONTENT
        with pytest.raises(NotFoundError):
            store.path(digest_of(b"absent"))
        with pytest.raises(InvalidError):
            store.path("sha256:../../x")

    def test_what_others_left_in_the_folders_is_neither_listed_nor_removed(self, store, root):
        store.put(CONTENT)
        foreign = [root / "uploads" / "notes.txt", root / "blobs" / "sha256" / "zz" / "x", root / "blobs/sha256/README"]
        for path in foreign:
            path.parent.mkdir(exist_ok=True)
            path.touch()
        assert list(store.digests()) == [DIGEST]
        assert store.sweep(0) == 0
        assert all(path.exists() for path in foreign)

    def test_a_relative_root_stays_where_it_was(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        store = LocalBlobStore(Path("store"))
        digest = store.put(CONTENT)
        monkeypatch.chdir("/")
        assert store.get(digest) == CONTENT

    def test_two_stores_over_one_folder_are_one_store(self, store, root):
        other = LocalBlobStore(root)
        assert other.get(store.put(CONTENT)) == CONTENT
        store.delete(DIGEST)
        assert other.put(CONTENT) == DIGEST
        assert store.exists(DIGEST)

    def test_a_reader_that_stops_early_or_never_starts_keeps_no_file_open(self, store):
        digest = store.put(b"x" * 2 * CHUNK)
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(10):
            store.read(digest)
            next(store.read(digest))
            with pytest.raises(InvalidError):
                store.read(digest, -1)
        assert len(list(Path("/proc/self/fd").iterdir())) == before

    def test_processes_may_store_the_same_bytes_at_once(self, store, root):
        program = """
import pathlib, random, sys
from regista.drivers.blobs.local import LocalBlobStore
store = LocalBlobStore(pathlib.Path(sys.argv[1]))
for number in random.sample(range(100), 100):
    with store.begin() as upload:
        upload.write(b"%d" % number)
        upload.commit()
"""
        argv = [sys.executable, "-c", program, root]
        writers = [subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) for _ in range(3)]
        assert [writer.communicate()[1] for writer in writers] == ["", "", ""]
        assert sorted(store.digests()) == sorted(digest_of(b"%d" % number) for number in range(100))
        assert store.sweep(0) == 0


class TestGivingUpAFile:
    def test_the_file_itself_becomes_the_blob_and_is_read_only(self, store, source):
        store.add_file(source, link=True)
        assert store.path(DIGEST).samefile(source)
        assert stat.S_IMODE(source.stat().st_mode) == 0o444

    def test_a_symbolic_link_gives_what_it_points_to(self, store, source, tmp_path):
        (tmp_path / "link").symlink_to(source)
        store.add_file(tmp_path / "link", link=True)
        assert store.path(DIGEST).samefile(source)
        assert not store.path(DIGEST).is_symlink()

    def test_a_file_with_a_second_name_is_copied(self, store, source, tmp_path):
        os.link(source, tmp_path / "other")
        store.add_file(source, link=True)
        (tmp_path / "other").write_bytes(b"changed")
        assert store.get(DIGEST) == CONTENT

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file of another user")
    def test_a_file_of_another_user_is_copied(self, store, source):
        os.chown(source, 65534, 65534)
        store.add_file(source, link=True)
        assert not store.path(DIGEST).samefile(source)

    def test_a_file_that_is_refused_keeps_its_mode(self, store, source):
        source.chmod(0o640)
        with pytest.raises(DigestMismatchError):
            store.add_file(source, digest_of(b"other"), link=True)
        assert stat.S_IMODE(source.stat().st_mode) == 0o640
        assert list(store.digests()) == []

    def test_a_file_whose_bytes_are_there_is_left_alone(self, store, source):
        store.put(CONTENT)
        store.add_file(source, link=True)
        assert not store.path(DIGEST).samefile(source)
        source.write_bytes(b"still its owner's")
        assert store.get(DIGEST) == CONTENT

    @pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="there is no second file system")
    def test_a_file_on_another_file_system_is_copied(self, store, tmp_path):
        with tempfile.NamedTemporaryFile(dir="/dev/shm") as elsewhere:
            elsewhere.write(CONTENT)
            elsewhere.flush()
            assert store.add_file(Path(elsewhere.name), link=True) == DIGEST
        assert store.get(DIGEST) == CONTENT

    def test_a_file_that_changes_while_it_is_read_is_refused(self, store, tmp_path):
        source = tmp_path / "growing"
        source.write_bytes(b"x" * (64 << 20))
        done = threading.Event()

        def grow():
            with source.open("ab", buffering=0) as file:
                while not done.is_set():
                    file.write(b"y")

        writer = threading.Thread(target=grow)
        writer.start()
        try:
            with pytest.raises(ConflictError, match="changed while it was read"):
                store.add_file(source, link=True)
        finally:
            done.set()
            writer.join()
        assert list(store.digests()) == []

    def test_a_pipe_is_refused_at_once(self, store, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(InvalidError, match="not a file"):
            store.add_file(tmp_path / "pipe")


class TestUploads:
    def test_a_writer_that_fell_behind_is_told(self, store):
        with store.begin() as slow, store.resume(slow.id) as fast:
            fast.write(b"fast")
            with pytest.raises(ConflictError):
                slow.write(b"slow")
            with pytest.raises(ConflictError):
                slow.commit()
            assert store.get(fast.commit()) == b"fast"

    def test_an_upload_that_is_closed_says_so(self, store):
        upload = store.begin()
        upload.close()
        upload.close()
        with pytest.raises(ConflictError, match="closed"):
            upload.write(b"late")

    def test_an_upload_of_many_requests_is_not_read_again(self, store, root, monkeypatch):
        with store.begin() as upload:
            upload.write(b"one ")
        with store.resume(upload.id) as again:
            again.write(b"two")
        monkeypatch.setattr(os, "pread", lambda *_: pytest.fail("the upload is read again"))
        with store.resume(upload.id) as last:
            assert last.commit() == digest_of(b"one two")

    def test_what_another_process_wrote_is_hashed_too(self, store, root):
        with store.begin() as upload:
            upload.write(b"mine ")
        with LocalBlobStore(root).resume(upload.id) as elsewhere:
            elsewhere.write(b"theirs ")
        with store.resume(upload.id) as again:
            again.write(b"mine")
            assert again.commit() == digest_of(b"mine theirs mine")

    def test_a_file_swapped_for_a_link_is_not_followed(self, store, root, tmp_path):
        with store.begin() as upload:
            pass
        place = root / "uploads" / upload.id
        place.unlink()
        (tmp_path / "victim").write_bytes(b"victim")
        place.symlink_to(tmp_path / "victim")
        with pytest.raises(UnavailableError):
            store.resume(upload.id)

    def test_a_long_write_goes_through_in_one_call(self, store):
        content = os.urandom(9 << 20)
        with store.begin() as upload:
            upload.write(content)
            assert upload.commit() == digest_of(content)
        assert store.get(digest_of(content)) == content

    def test_a_sweep_does_not_take_what_is_being_committed(self, store, root):
        with store.begin() as upload:
            upload.write(b"busy")
        with (root / "uploads" / upload.id).open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            assert store.sweep(0) == 0
        assert store.sweep(0) == 1

    def test_an_upload_whose_process_died_in_its_commit_can_be_resumed(self):
        program = """
            with store.begin() as upload:
                upload.write(b"sealed")
            (root / "uploads" / upload.id).chmod(0o444)
            with store.resume(upload.id) as again:
                again.write(b" and opened")
                print(again.commit())
        """
        assert said_without_privilege(program) == digest_of(b"sealed and opened")


def test_a_folder_that_may_not_be_written_to_says_so():
    program = """
        (root / "uploads").chmod(0o500)
        try:
            store.put(b"content")
        except errors.UnavailableError as refusal:
            print(refusal.message, refusal.hint)
    """
    assert "may not be used" in said_without_privilege(program)


WAYS = ["put", "upload", "copy", "link", "gather put", "gather copy", "gather link"]


class TestDurability:
    @pytest.fixture
    def synced(self, store, monkeypatch):
        """For each fsync: what was synced, and whether the blob was visible by then."""
        calls = []
        fsync = os.fsync

        def recorded(file):
            fsync(file)
            calls.append((str(Path(f"/proc/self/fd/{file}").readlink()), store.exists(DIGEST)))

        monkeypatch.setattr(os, "fsync", recorded)
        return calls

    def ways(self, store, source):
        def upload():
            with store.begin() as upload:
                upload.write(CONTENT)
                upload.commit()

        def gathered(take):
            with store.gather() as gathering:
                take(gathering)

        return {
            "put": lambda: store.put(CONTENT),
            "upload": upload,
            "copy": lambda: store.add_file(source),
            "link": lambda: store.add_file(source, link=True),
            "gather put": lambda: gathered(lambda one: one.put(CONTENT)),
            "gather copy": lambda: gathered(lambda one: one.add_file(source)),
            "gather link": lambda: gathered(lambda one: one.add_file(source, link=True)),
        }

    @pytest.mark.parametrize("way", WAYS)
    def test_a_blob_is_on_the_disk_before_it_is_visible_and_its_folder_before_it_is_acknowledged(
        self, store, root, source, synced, way
    ):
        self.ways(store, source)[way]()
        digits = hex_of(DIGEST)
        folder = str(root / "blobs" / "sha256" / digits[:2])
        staged = {path for path, visible in synced if not visible and ("/uploads/" in path or path == str(source))}
        assert len(staged) == 1
        assert (str(root / "blobs" / "sha256"), False) in synced, "the folder of the folder"
        assert synced[-1] == (folder, True)

    @pytest.mark.parametrize("way", WAYS)
    def test_storing_what_is_there_waits_for_whoever_stored_it(self, store, root, source, synced, way):
        store.put(CONTENT)
        synced.clear()
        self.ways(store, source)[way]()
        assert synced[-1] == (str(store.path(DIGEST).parent), True)

    def test_an_upload_whose_fsync_failed_is_gone(self, store, root, monkeypatch):
        def fails(_):
            raise OSError(errno.EIO, "Input/output error")

        with store.begin() as upload:
            upload.write(CONTENT)
            monkeypatch.setattr(os, "fsync", fails)
            with pytest.raises(UnavailableError, match="disk of the blob store"):
                upload.commit()
        with pytest.raises(UnavailableError):
            store.put(CONTENT)
        assert [path for path in root.rglob("*") if path.is_file()] == []

    def test_what_was_gathered_when_an_fsync_failed_is_no_blob_and_as_it_was(self, store, root, source, monkeypatch):
        def fails(_):
            raise OSError(errno.EIO, "Input/output error")

        mode = source.stat().st_mode
        monkeypatch.setattr(os, "fsync", fails)
        with pytest.raises(UnavailableError, match="disk of the blob"), store.gather() as gathering:  # noqa: PT012 - at its end
            gathering.put(b"something")
            gathering.add_file(source, link=True)
        assert [path for path in root.rglob("*") if path.is_file()] == []
        assert source.stat().st_mode == mode

    def test_blobs_that_are_gathered_are_visible_only_when_all_are_on_the_disk(self, store, root, source, synced):
        with store.gather() as gathering:
            gathering.put(b"something")
            gathering.add_file(source, link=True)
        files = [path for path, _ in synced if "/uploads/" in path or path == str(source)]
        assert len(files) == 2
        assert not any(visible for path, visible in synced if path in files)
        folders = [path for path, visible in synced if visible]
        assert set(folders) == {str(store.path(digest).parent) for digest in store.digests()}


class TestRot:
    def test_a_small_blob_that_rotted_is_not_returned(self, store):
        rot(store.path(store.put(CONTENT)), b"CONTENT")
        with pytest.raises(DigestMismatchError):
            store.get(DIGEST)

    @pytest.mark.parametrize("link", [None, False, True])
    def test_storing_it_again_mends_a_blob_that_was_cut_short(self, store, source, link):
        rot(store.path(store.put(CONTENT)), CONTENT[:3])
        store.put(CONTENT) if link is None else store.add_file(source, link=link)
        assert store.get(DIGEST) == CONTENT


class TestAStoreThatIsGone:
    def test_it_does_not_look_like_one_that_is_empty(self, store, root):
        store.put(CONTENT)
        root.rename(root.with_name("unmounted"))
        for ask in (store.read, store.get, store.size, store.path):
            with pytest.raises(UnavailableError, match="gone"):
                ask(DIGEST)
        for ask in (lambda: list(store.digests()), store.begin, lambda: store.put(CONTENT), lambda: store.sweep(0)):
            with pytest.raises(UnavailableError, match="gone"):
                ask()

    def test_a_root_that_is_a_file_is_refused(self, source):
        with pytest.raises(UnavailableError):
            LocalBlobStore(source)
