"""The hash that falls behind the disk: however slow the one or the other is, it is that of the bytes that were written."""

import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from regista.drivers.blobs.local import LocalBlobStore, store
from regista.drivers.blobs.local.running import BATCH, BEHIND, RunningHash
from regista.entities.digest import digest_of
from regista.errors import ConflictError


class Slow(ThreadPoolExecutor):
    """A helper that takes its time."""

    def submit(self, work, *given):
        def later():
            time.sleep(0.005)
            return work(*given)

        return super().submit(later)


@pytest.fixture
def content():
    """More than there are buffers, no batch like another, and a last one that is short."""
    return os.urandom((2 * BEHIND + 3) * BATCH + 12345)


@pytest.mark.parametrize("helper", [ThreadPoolExecutor, Slow])
@pytest.mark.parametrize("as_open_file", [False, True])
def test_no_buffer_is_filled_again_before_it_is_hashed(tmp_path, monkeypatch, content, helper, as_open_file):
    monkeypatch.setattr(store, "ThreadPoolExecutor", helper)
    source, blobs = tmp_path / "source", LocalBlobStore(tmp_path / "store")
    source.write_bytes(content)
    with source.open("rb") as file:
        digest = blobs.add_file(file.fileno() if as_open_file else source)
    assert digest == digest_of(content)
    assert blobs.path(digest).read_bytes() == content


def test_pieces_are_joined_by_the_same_hash(tmp_path, monkeypatch, content):
    monkeypatch.setattr(store, "ThreadPoolExecutor", Slow)
    blobs, pieces = LocalBlobStore(tmp_path / "store"), []
    for at in range(0, len(content), 7_000_000):
        piece = content[at : at + 7_000_000]
        with blobs.begin_piece() as upload:
            upload.write(piece)
            pieces.append((upload.id, len(piece)))
    assert blobs.join(pieces) == digest_of(content)


def test_a_file_that_became_shorter_is_refused_and_leaves_nothing(tmp_path, monkeypatch):
    source, blobs = tmp_path / "source", LocalBlobStore(tmp_path / "store")
    source.write_bytes(b"x" * 100)
    with source.open("rb") as file:
        monkeypatch.setattr(store, "remaining", lambda _: 101)
        with pytest.raises(ConflictError, match="changed"):
            blobs.add_file(file.fileno())
    assert list(blobs.digests()) == []
    assert blobs.sweep(0) == 0


def test_a_file_that_grows_is_taken_as_far_as_it_reached(tmp_path, monkeypatch):
    source, blobs = tmp_path / "source", LocalBlobStore(tmp_path / "store")
    source.write_bytes(b"there, and more")
    with source.open("rb") as file:
        monkeypatch.setattr(store, "remaining", lambda _: len(b"there"))
        assert blobs.add_file(file.fileno()) == digest_of(b"there")


def test_small_and_large_pieces_are_hashed_in_their_order(tmp_path):
    with (tmp_path / "file").open("w+b") as file, Slow(1) as helper:
        running, at, whole = RunningHash(), 0, hashlib.sha256()
        for size in (BATCH, 10, BATCH, BATCH, 1 << 19, BATCH):
            piece = os.urandom(size)
            running.write(file.fileno(), memoryview(piece), at, helper)
            whole.update(piece)
            at += size
        assert running.digest(file.fileno(), at) == f"sha256:{whole.hexdigest()}"
