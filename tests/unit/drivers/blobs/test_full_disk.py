"""A disk that is full or read-only: an error that says so, and nothing left behind."""

import os
import subprocess
import sys
import textwrap
from contextlib import contextmanager

import pytest

from regista.drivers.blobs.local import LocalBlobStore
from regista.entities.digest import digest_of
from regista.errors import StorageFullError, UnavailableError

MIB = 1 << 20
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")


@contextmanager
def mounted(folder, options):
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine does not let root mount: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def small_disk(tmp_path):
    with mounted(tmp_path / "disk", "size=1m") as folder:
        yield folder


def files(root):
    return [path for path in root.rglob("*") if path.is_file()]


@root_only
class TestAFullDisk:
    def test_what_does_not_fit_is_refused_and_leaves_nothing(self, small_disk, tmp_path):
        store = LocalBlobStore(small_disk)
        source = tmp_path / "source"
        source.write_bytes(b"x" * 2 * MIB)
        for attempt in (lambda: store.put(source.read_bytes()), lambda: store.add_file(source)):
            with pytest.raises(StorageFullError) as refusal:
                attempt()
            assert str(small_disk) in refusal.value.message
            assert refusal.value.hint
            assert files(small_disk) == []

    def test_a_given_up_file_that_must_be_copied_does_not_fit_either(self, small_disk, tmp_path):
        source = tmp_path / "source"
        source.write_bytes(b"x" * 2 * MIB)
        with pytest.raises(StorageFullError):
            LocalBlobStore(small_disk).add_file(source, link=True)
        assert files(small_disk) == []
        assert source.stat().st_mode & 0o777 != 0o444

    def test_an_upload_stays_where_it_was_and_goes_on_when_there_is_room(self, small_disk):
        store = LocalBlobStore(small_disk)
        ballast = store.put(b"b" * (MIB // 2))
        with store.begin() as upload:
            upload.write(b"first ")
            with pytest.raises(StorageFullError):
                upload.write(b"x" * MIB)
            assert upload.offset == 6
            assert (small_disk / "uploads" / upload.id).stat().st_size == 6
        store.delete(ballast)
        with store.resume(upload.id) as again:
            assert again.offset == 6
            again.write(b"second")
            assert store.get(again.commit()) == b"first second"

    def test_what_is_there_can_still_be_read_and_put_again(self, small_disk):
        store = LocalBlobStore(small_disk)
        digest = store.put(b"there")
        with pytest.raises(StorageFullError):
            store.put(b"x" * 2 * MIB)
        assert store.put(b"there") == digest
        assert store.get(digest) == b"there"

    def test_a_disk_without_room_for_one_more_file_is_full_too(self, tmp_path):
        with mounted(tmp_path / "few", "nr_inodes=8") as folder:
            store = LocalBlobStore(folder)
            with pytest.raises(StorageFullError):
                [store.put(b"%d" % number) for number in range(8)]
            assert all(digest_of(store.get(digest)) == digest for digest in store.digests())
            assert list((folder / "uploads").iterdir()) == []


@root_only
class TestAReadOnlyDisk:
    @pytest.fixture
    def read_only(self, small_disk):
        LocalBlobStore(small_disk).put(b"there")
        with LocalBlobStore(small_disk).begin() as upload:
            upload.write(b"half")
        subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
        return small_disk, upload.id

    def test_it_can_be_read(self, read_only):
        store = LocalBlobStore(read_only[0])
        assert store.get(digest_of(b"there")) == b"there"
        assert list(store.digests()) == [digest_of(b"there")]

    def test_whatever_writes_says_why_it_cannot(self, read_only, tmp_path):
        folder, upload_id = read_only
        (tmp_path / "source").write_bytes(b"source")
        store = LocalBlobStore(folder)
        for attempt in (
            store.begin,
            lambda: store.resume(upload_id),
            lambda: store.put(b"new"),
            lambda: store.add_file(tmp_path / "source"),
            lambda: store.add_file(tmp_path / "source", link=True),
            lambda: store.delete(digest_of(b"there")),
            lambda: store.sweep(0),
            lambda: LocalBlobStore(folder / "new"),
        ):
            with pytest.raises(UnavailableError) as refusal:
                attempt()
            assert "writable" in refusal.value.hint


def test_a_limit_on_file_sizes_is_a_full_disk_to_whoever_writes(tmp_path):
    program = """
        import pathlib, resource, sys
        from regista.drivers.blobs.local import LocalBlobStore
        from regista.errors import StorageFullError
        folder = pathlib.Path(sys.argv[1])
        (folder / "source").write_bytes(b"x" * 100_000)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        store = LocalBlobStore(folder / "store")
        for attempt in (lambda: store.put(b"x" * 100_000), lambda: store.add_file(folder / "source")):
            try:
                attempt()
            except StorageFullError:
                print("full")
        with store.begin() as upload:
            upload.write(b"fits ")
            try:
                upload.write(b"x" * 100_000)
            except StorageFullError:
                print("full at", upload.offset)
            upload.write(b"again")
            print(store.get(upload.commit()).decode())
        print(len([path for path in (folder / "store").rglob("*") if path.is_file()]))
    """
    argv = [sys.executable, "-c", textwrap.dedent(program), tmp_path]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["full", "full", "full at 5", "fits again", "1"], done.stderr
