"""A blob store against a dictionary: Hypothesis looks for a sequence of calls after which the two differ."""

import time
from collections.abc import Callable

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from regista.entities.digest import Digest, digest_of
from regista.errors import DigestMismatchError, NotFoundError
from regista.interfaces.blobs import CHUNK, BlobStore, BlobUpload

Reopen = Callable[[BlobStore], BlobStore]

# Few distinct contents, so that the same bytes are stored, deleted and uploaded again and again; one spans two chunks.
_REPEATED = [(b"", 1), (b"a", 1), (b"ab", 1), (b"\0", 4096), (bytes(range(251)), CHUNK // 200)]
_CONTENTS = st.sampled_from(_REPEATED).map(lambda pair: pair[0] * pair[1]) | st.binary(max_size=64)
_EDGES = st.integers(0, 70) | st.sampled_from([4095, 4096, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])


class BlobStoreMachine(RuleBasedStateMachine):
    """The rules. ``blob_store_machine`` ties them to a store."""

    uploads = Bundle("uploads")

    def __init__(self, store: BlobStore, reopen: Reopen) -> None:
        super().__init__()
        self.store = store
        self.reopen = reopen
        self.blobs: dict[Digest, bytes] = {}
        self.received: dict[str, bytes] = {}

    @rule(content=_CONTENTS)
    def put(self, content: bytes) -> None:
        """What is put is there."""
        assert self.store.put(content) == digest_of(content)
        self.blobs[digest_of(content)] = content

    @rule(content=_CONTENTS)
    def put_under_a_wrong_digest(self, content: bytes) -> None:
        """What is promised under another digest is not there."""
        with pytest.raises(DigestMismatchError):
            self.store.put(content, expected=digest_of(content + b"?"))

    @precondition(lambda self: self.blobs)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        """What is deleted is gone, once or twice."""
        digest = data.draw(st.sampled_from(sorted(self.blobs)))
        self.store.delete(digest)
        self.store.delete(digest)
        del self.blobs[digest]

    @precondition(lambda self: self.blobs)
    @rule(data=st.data(), renewed=st.booleans())
    def delete_unless_renewed(self, data: st.DataObject, renewed: bool) -> None:
        """What is renewed stays, what is not goes."""
        digest = data.draw(st.sampled_from(sorted(self.blobs)))
        since = time.time() + 0.0001
        while time.time() <= since:
            pass
        assert not renewed or self.store.renew(digest)
        assert self.store.delete(digest, unless_stored_since=since) is not renewed
        if not renewed:
            del self.blobs[digest]

    @precondition(lambda self: self.blobs)
    @rule(data=st.data(), start=_EDGES, end=_EDGES | st.none())
    def read(self, data: st.DataObject, start: int, end: int | None) -> None:
        """A range is a slice."""
        digest = data.draw(st.sampled_from(sorted(self.blobs)))
        chunks = list(self.store.read(digest, start, end))
        wanted = b"" if end is not None and end < start else self.blobs[digest][start:end]
        assert b"".join(chunks) == wanted
        assert all(0 < len(chunk) <= CHUNK for chunk in chunks)

    @rule(content=_CONTENTS)
    def ask(self, content: bytes) -> None:
        """A blob is there with its size and content, or it is not there at all."""
        digest = digest_of(content)
        assert self.store.exists(digest) == (digest in self.blobs)
        assert self.store.renew(digest) == (digest in self.blobs)
        if digest in self.blobs:
            assert self.store.size(digest) == len(content)
            assert self.store.get(digest) == content
        else:
            with pytest.raises(NotFoundError):
                self.store.size(digest)
            with pytest.raises(NotFoundError):
                self.store.read(digest)

    @rule(target=uploads)
    def begin(self) -> str:
        """A new upload has received nothing."""
        with self.store.begin() as upload:
            assert upload.offset == 0
            self.received[upload.id] = b""
            return upload.id

    @rule(upload_id=uploads, pieces=st.lists(_CONTENTS, max_size=3))
    def write(self, upload_id: str, pieces: list[bytes]) -> None:
        """An upload that is resumed goes on where it was."""
        if upload := self._resumed(upload_id):
            with upload:
                for piece in pieces:
                    upload.write(piece)
                    self.received[upload_id] += piece
                    assert upload.offset == len(self.received[upload_id])

    @rule(upload_id=uploads, piece=_CONTENTS)
    def commit(self, upload_id: str, piece: bytes) -> None:
        """A commit makes a blob of all that was received, and forgets the upload."""
        if upload := self._resumed(upload_id):
            with upload:
                upload.write(piece)
                content = self.received.pop(upload_id) + piece
                assert upload.commit(expected=digest_of(content)) == digest_of(content)
            self.blobs[digest_of(content)] = content

    @rule(upload_id=uploads)
    def commit_under_a_wrong_digest(self, upload_id: str) -> None:
        """A commit under another digest makes nothing, and forgets the upload."""
        if upload := self._resumed(upload_id):
            with upload, pytest.raises(DigestMismatchError):
                upload.commit(expected=digest_of(self.received.pop(upload_id) + b"?"))

    @rule(upload_id=uploads)
    def abort(self, upload_id: str) -> None:
        """An upload that is aborted is gone, once or twice."""
        if upload := self._resumed(upload_id):
            with upload:
                upload.abort()
                upload.abort()
            del self.received[upload_id]

    @rule()
    def sweep(self) -> None:
        """A sweep takes the uploads and nothing else."""
        assert self.store.sweep(older_than_seconds=3600) == 0
        assert self.store.sweep(older_than_seconds=0) == len(self.received)
        self.received.clear()

    @rule()
    def restart(self) -> None:
        """Whatever was there is there after a restart."""
        self.store = self.reopen(self.store)

    @invariant()
    def lists_what_was_stored(self) -> None:
        """Each visible blob is listed once."""
        assert sorted(self.store.digests()) == sorted(self.blobs)

    def teardown(self) -> None:
        """Leave the store empty, for the next example."""
        for digest in self.blobs:
            self.store.delete(digest)
        self.store.sweep(older_than_seconds=0)

    def _resumed(self, upload_id: str) -> BlobUpload | None:
        """The upload where it was left; None when it was committed, aborted or swept: then it cannot be resumed."""
        if upload_id not in self.received:
            with pytest.raises(NotFoundError):
                self.store.resume(upload_id)
            return None
        upload = self.store.resume(upload_id)
        assert upload.offset == len(self.received[upload_id])
        return upload


def blob_store_machine(store: BlobStore, reopen: Reopen) -> type[RuleBasedStateMachine]:
    """The machine for one empty *store*; *reopen* gives the store that another process would see."""

    class Machine(BlobStoreMachine):
        """Tied to the store."""

        def __init__(self) -> None:
            super().__init__(store, reopen)

    Machine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
    return Machine
