"""What every blob store has to do, told once.

    class TestMyBlobStore(BlobStoreContract):
        @pytest.fixture
        def store(self, tmp_path):
            return MyBlobStore(tmp_path)

A driver whose bytes survive its process overrides ``reopen`` as well, one that can look behind its own interface
``leftovers``.
"""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis.stateful import run_state_machine_as_test

from regista.conformance.blob_machine import blob_store_machine
from regista.entities.digest import Digest, digest_of
from regista.errors import DigestMismatchError, InvalidError, NotFoundError
from regista.interfaces.blobs import CHUNK, BlobStore

EMPTY = digest_of(b"")
ABSENT = digest_of(b"nobody stores this")
LONG = bytes(range(251)) * (2 * CHUNK // 251) + b"the end of two chunks and a bit"
HOSTILE_DIGESTS = [
    "",
    "sha256:",
    "sha256:../../../../etc/passwd",
    EMPTY.upper(),
    EMPTY + "0",
    EMPTY + "\n",
    EMPTY.removeprefix("sha256:"),
    EMPTY.replace("sha256", "md5"),
    "sha256:" + "é" * 64,
]
HOSTILE_UPLOAD_IDS = ["", ".", "..", "../x", "../blobs", "/etc/passwd", "a/b", "a\0b", "a\nb", "ü", "x" * 5000]


class BlobStoreContract:
    """The promises of ``BlobStore`` and ``BlobUpload``."""

    @pytest.fixture
    def store(self) -> BlobStore:
        """An empty store; a subclass gives it."""
        raise NotImplementedError("give the contract a store")

    @pytest.fixture(autouse=True)
    def nothing_stays(self, store: BlobStore) -> Iterator[None]:
        """After each test the store can be emptied, and then it is empty."""
        assert list(store.digests()) == []
        yield
        for digest in list(store.digests()):
            store.delete(digest)
        store.sweep(older_than_seconds=0)
        assert list(store.digests()) == []
        assert store.sweep(older_than_seconds=0) == 0
        assert self.leftovers(store) == []

    def reopen(self, store: BlobStore) -> BlobStore:
        """The store as another process would find it; the same object where it dies with its process."""
        return store

    def leftovers(self, store: BlobStore) -> list[str]:
        """What an empty store still holds, seen from behind."""
        return []

    @pytest.mark.parametrize("content", [b"", b"x", b"\0\r\n" * 7, LONG], ids=["empty", "one byte", "binary", "long"])
    def test_what_is_put_is_there_under_its_digest(self, store: BlobStore, content: bytes) -> None:
        digest = store.put(content)
        assert digest == digest_of(content)
        assert store.exists(digest)
        assert store.size(digest) == len(content)
        assert store.get(digest) == content
        assert b"".join(store.read(digest)) == content
        assert list(store.digests()) == [digest]

    def test_putting_it_again_changes_nothing(self, store: BlobStore) -> None:
        assert store.put(b"twice") == store.put(b"twice", expected=digest_of(b"twice"))
        assert list(store.digests()) == [digest_of(b"twice")]

    def test_nothing_is_put_under_a_digest_that_is_not_its_own(self, store: BlobStore) -> None:
        with pytest.raises(DigestMismatchError) as refusal:
            store.put(b"these", expected=ABSENT)
        assert (refusal.value.expected, refusal.value.actual) == (ABSENT, digest_of(b"these"))
        assert list(store.digests()) == []

    def test_what_is_absent_is_not_found_at_the_call(self, store: BlobStore) -> None:
        assert not store.exists(ABSENT)
        for ask in (store.read, store.get, store.size):
            with pytest.raises(NotFoundError):
                ask(ABSENT)

    def test_what_is_deleted_is_gone_and_can_be_deleted_again(self, store: BlobStore) -> None:
        kept, digest = store.put(b"kept"), store.put(b"deleted")
        store.delete(digest)
        store.delete(digest)
        store.delete(ABSENT)
        assert not store.exists(digest)
        assert list(store.digests()) == [kept]

    def test_deleting_tells_whether_there_was_one(self, store: BlobStore) -> None:
        digest = store.put(b"once")
        assert store.delete(digest) is True
        assert store.delete(digest) is False
        assert store.delete(digest, unless_stored_since=time.time()) is False

    def test_renewing_tells_whether_there_is_one_and_makes_none(self, store: BlobStore) -> None:
        assert store.renew(store.put(b"there")) is True
        assert store.renew(ABSENT) is False
        assert list(store.digests()) == [digest_of(b"there")]

    @pytest.mark.parametrize("way", ["put", "commit", "add_file", "add_file link", "renew"])
    def test_what_was_stored_again_since_stays(self, store: BlobStore, tmp_path: Path, way: str) -> None:
        digest = store.put(b"again")
        since = time.time()
        assert store.exists(digest)
        _store_again(store, b"again", way, tmp_path / "source")
        assert store.delete(digest, unless_stored_since=since) is False
        assert store.get(digest) == b"again"
        assert store.delete(digest, unless_stored_since=time.time() + 1) is True
        assert not store.exists(digest)

    def test_what_was_stored_before_goes(self, store: BlobStore) -> None:
        digest = store.put(b"old")
        with store.begin() as upload:
            upload.write(b"also old")
            other = upload.commit()
        since = time.time() + 0.001
        assert store.delete(digest, unless_stored_since=since) is True
        assert store.delete(other, unless_stored_since=since) is True

    @pytest.mark.parametrize("way", ["put", "commit", "add_file link", "renew"])
    def test_of_storing_and_deleting_at_the_same_moment_one_comes_first(
        self, store: BlobStore, tmp_path: Path, way: str
    ) -> None:
        """Whoever was told that its bytes are stored has them, however a deletion that began before was in between."""
        content = b"wanted and not wanted"
        for turn in range(60):
            store.put(content)
            since = time.time() + 0.0001
            while time.time() <= since:
                pass
            barrier = Barrier(3)

            def delete(barrier: Barrier = barrier, since: float = since) -> None:
                barrier.wait()
                store.delete(digest_of(content), unless_stored_since=since)

            def keep(barrier: Barrier = barrier, turn: int = turn) -> bool:
                barrier.wait()
                return _store_again(store, content, way, tmp_path / f"source-{turn}")

            with ThreadPoolExecutor(3) as pool:
                deleting = [pool.submit(delete) for _ in range(2)]
                told = pool.submit(keep).result()
                for one in deleting:
                    one.result()
            assert store.exists(digest_of(content)) is told
            assert told or way == "renew"

    def test_what_was_deleted_can_be_put_again(self, store: BlobStore) -> None:
        store.delete(store.put(b"back"))
        assert store.get(store.put(b"back")) == b"back"

    @pytest.mark.parametrize("digest", HOSTILE_DIGESTS)
    def test_what_is_no_digest_is_refused(self, store: BlobStore, digest: str) -> None:
        for ask in (store.read, store.get, store.size, store.exists, store.renew, store.delete):
            with pytest.raises(InvalidError):
                ask(Digest(digest))

    @pytest.mark.parametrize(
        ("start", "end"),
        [
            (0, None),
            (0, 0),
            (0, 1),
            (1, None),
            (5, 5),
            (7, 3),
            (CHUNK - 1, CHUNK + 1),
            (CHUNK, 2 * CHUNK),
            (len(LONG) - 1, None),
            (len(LONG) - 1, len(LONG) + 5),
            (len(LONG), None),
            (len(LONG) + 5, len(LONG) + 9),
            (0, len(LONG) + 5),
        ],
    )
    def test_a_range_is_cut_to_the_blob_and_comes_in_chunks(
        self, store: BlobStore, start: int, end: int | None
    ) -> None:
        chunks = list(store.read(store.put(LONG), start, end))
        assert b"".join(chunks) == (LONG[start:end] if end is None or end >= start else b"")
        assert all(0 < len(chunk) <= CHUNK for chunk in chunks)

    def test_a_range_of_an_empty_blob_is_empty(self, store: BlobStore) -> None:
        assert b"".join(store.read(store.put(b""), 0, 10)) == b""

    @pytest.mark.parametrize(("start", "end"), [(-1, None), (0, -1), (-3, -1)])
    def test_a_range_counts_from_the_start(self, store: BlobStore, start: int, end: int | None) -> None:
        digest = store.put(b"content")
        with pytest.raises(InvalidError):
            store.read(digest, start, end)

    def test_a_reader_may_stop_early_or_never_start(self, store: BlobStore) -> None:
        digest = store.put(LONG)
        assert len(next(store.read(digest))) <= CHUNK
        for _ in range(100):
            store.read(digest)
        assert store.get(digest) == LONG

    def test_an_upload_becomes_visible_at_its_commit(self, store: BlobStore) -> None:
        with store.begin() as upload:
            for piece in (b"in ", bytearray(b"three "), memoryview(b"pieces")):
                upload.write(piece)
            assert upload.offset == len(b"in three pieces")
            assert list(store.digests()) == []
            digest = upload.commit(expected=digest_of(b"in three pieces"))
        assert digest == digest_of(b"in three pieces")
        assert store.get(digest) == b"in three pieces"

    def test_an_upload_keeps_what_it_was_given_when_the_buffer_is_used_again(self, store: BlobStore) -> None:
        buffer = bytearray(b"first")
        with store.begin() as upload:
            upload.write(buffer)
            buffer[:] = b"other"
            assert store.get(upload.commit()) == b"first"

    def test_an_upload_of_nothing_is_the_empty_blob(self, store: BlobStore) -> None:
        with store.begin() as upload:
            upload.write(b"")
            assert upload.commit() == EMPTY
        assert store.get(EMPTY) == b""

    def test_an_upload_of_what_is_there_changes_nothing(self, store: BlobStore) -> None:
        digest = store.put(b"there")
        with store.begin() as upload:
            upload.write(b"there")
            assert upload.commit() == digest
        assert list(store.digests()) == [digest]

    def test_an_upload_under_a_wrong_digest_leaves_nothing(self, store: BlobStore) -> None:
        with store.begin() as upload:
            upload.write(b"these")
            with pytest.raises(DigestMismatchError):
                upload.commit(expected=ABSENT)
        assert list(store.digests()) == []
        with pytest.raises(NotFoundError):
            store.resume(upload.id)

    def test_the_end_of_the_block_does_not_commit(self, store: BlobStore) -> None:
        with store.begin() as upload:
            upload.write(b"half")
        assert list(store.digests()) == []
        with store.resume(upload.id) as again:
            assert again.offset == 4

    def test_an_upload_is_resumed_where_it_was(self, store: BlobStore) -> None:
        with store.begin() as first:
            first.write(LONG[: CHUNK + 3])
        store = self.reopen(store)
        with store.resume(first.id) as second:
            assert (second.id, second.offset) == (first.id, CHUNK + 3)
            second.write(LONG[CHUNK + 3 :])
        with store.resume(first.id) as third:
            digest = third.commit(expected=digest_of(LONG))
        assert self.reopen(store).get(digest) == LONG

    def test_an_upload_that_was_never_closed_is_resumed_too(self, store: BlobStore) -> None:
        with store.begin() as lost:
            lost.write(b"one ")
            with self.reopen(store).resume(lost.id) as found:
                found.write(b"two")
                assert store.get(found.commit()) == b"one two"

    def test_two_uploads_do_not_meet(self, store: BlobStore) -> None:
        with store.begin() as one, store.begin() as other:
            assert one.id != other.id
            one.write(b"one")
            other.write(b"other")
            one.abort()
            assert store.get(other.commit()) == b"other"

    def test_an_upload_that_is_aborted_is_gone(self, store: BlobStore) -> None:
        with store.begin() as upload:
            upload.write(b"never")
            upload.abort()
            upload.abort()
        upload.close()
        with pytest.raises(NotFoundError):
            store.resume(upload.id)
        assert list(store.digests()) == []

    def test_an_upload_that_is_committed_is_gone_and_aborting_it_keeps_the_blob(self, store: BlobStore) -> None:
        with store.begin() as upload:
            upload.write(b"kept")
            digest = upload.commit()
            upload.abort()
        with pytest.raises(NotFoundError):
            store.resume(upload.id)
        assert store.get(digest) == b"kept"

    def test_a_second_hold_on_a_committed_upload_cannot_touch_the_blob(self, store: BlobStore) -> None:
        with store.begin() as upload:
            upload.write(b"never changes")
            with store.resume(upload.id) as other:
                digest = upload.commit()
                with pytest.raises(NotFoundError):
                    other.write(b"!")
                with pytest.raises(NotFoundError):
                    other.commit()
        assert store.get(digest) == b"never changes"

    @pytest.mark.parametrize("upload_id", HOSTILE_UPLOAD_IDS, ids=repr)
    def test_an_id_that_begin_cannot_have_given_is_refused(self, store: BlobStore, upload_id: str) -> None:
        with pytest.raises(InvalidError):
            store.resume(upload_id)

    def test_a_sweep_takes_what_nobody_writes_to_and_no_blob(self, store: BlobStore) -> None:
        digest = store.put(b"stays")
        with store.begin() as stale, store.begin():
            stale.write(b"goes")
        assert store.sweep(older_than_seconds=3600) == 0
        with store.resume(stale.id) as again:
            assert again.offset == 4
        assert store.sweep(older_than_seconds=0) == 2
        with pytest.raises(NotFoundError):
            store.resume(stale.id)
        assert list(store.digests()) == [digest]

    @pytest.mark.parametrize("link", [False, True])
    def test_a_file_is_stored(self, store: BlobStore, tmp_path: Path, link: bool) -> None:
        source = tmp_path / "a file.bin"
        source.write_bytes(LONG)
        assert store.add_file(source, expected=digest_of(LONG), link=link) == digest_of(LONG)
        assert store.get(digest_of(LONG)) == LONG
        again = tmp_path / "again"
        again.write_bytes(LONG)
        assert store.add_file(again, link=link) == digest_of(LONG)
        assert list(store.digests()) == [digest_of(LONG)]

    def test_an_open_file_is_stored_from_where_it_stands_and_stays_open(self, store: BlobStore, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"before" + LONG)
        with source.open("rb", buffering=0) as file:
            file.seek(len(b"before"))
            assert store.add_file(file.fileno(), expected=digest_of(LONG)) == digest_of(LONG)
            assert file.tell() == len(b"before") + len(LONG)
            file.seek(0)
            source.unlink()
            with pytest.raises(DigestMismatchError):
                store.add_file(file.fileno(), expected=digest_of(LONG))
        assert list(store.digests()) == [digest_of(LONG)]

    def test_what_is_open_and_no_file_is_refused(self, store: BlobStore, tmp_path: Path) -> None:
        folder, pipe = os.open(tmp_path, os.O_RDONLY), os.pipe()
        for file in (folder, *pipe):
            with pytest.raises(InvalidError):
                store.add_file(file)
            os.close(file)
        assert list(store.digests()) == []

    def test_an_empty_file_is_stored(self, store: BlobStore, tmp_path: Path) -> None:
        (tmp_path / "empty").touch()
        assert store.add_file(tmp_path / "empty") == EMPTY
        assert store.get(EMPTY) == b""

    def test_a_file_that_was_not_given_up_stays_its_owners(self, store: BlobStore, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"as it was")
        digest = store.add_file(source)
        source.write_bytes(b"otherwise")
        assert store.get(digest) == b"as it was"

    @pytest.mark.parametrize("link", [False, True])
    def test_a_file_under_a_wrong_digest_leaves_nothing(self, store: BlobStore, tmp_path: Path, link: bool) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"these")
        with pytest.raises(DigestMismatchError):
            store.add_file(source, expected=ABSENT, link=link)
        assert list(store.digests()) == []
        assert store.sweep(older_than_seconds=0) == 0
        assert source.read_bytes() == b"these"

    @pytest.mark.parametrize("link", [False, True])
    def test_what_is_no_file_is_refused(self, store: BlobStore, tmp_path: Path, link: bool) -> None:
        for source in (tmp_path, tmp_path / "absent", tmp_path / "nul\0"):
            with pytest.raises(InvalidError):
                store.add_file(source, link=link)

    def test_many_threads_store_the_same_and_different_bytes(self, store: BlobStore) -> None:
        contents = [b"content %d" % (number % 8) for number in range(48)]

        def store_one(number: int) -> Digest:
            if number % 2:
                return store.put(contents[number])
            with store.begin() as upload:
                upload.write(contents[number])
                return upload.commit()

        with ThreadPoolExecutor(8) as pool:
            digests = list(pool.map(store_one, range(len(contents))))
        assert digests == [digest_of(content) for content in contents]
        assert sorted(store.digests()) == sorted(set(digests))
        assert all(store.get(digest_of(content)) == content for content in contents)

    def test_it_never_differs_from_a_dictionary(self, store: BlobStore) -> None:
        run_state_machine_as_test(blob_store_machine(store, self.reopen))


def _store_again(store: BlobStore, content: bytes, way: str, source: Path) -> bool:
    """Store what may be there already, in one of the ways that there are; whether it was told to be there."""
    if way == "renew":
        return store.renew(digest_of(content))
    if way == "put":
        store.put(content)
    elif way == "commit":
        with store.begin() as upload:
            upload.write(content)
            upload.commit()
    else:
        source.write_bytes(content)
        store.add_file(source, link=way.endswith("link"))
    return True
