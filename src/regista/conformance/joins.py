"""What a blob store that offers ``Joins`` has to do besides: a subclass stands beside that of ``BlobStoreContract``."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from regista.entities.digest import digest_of
from regista.errors import InvalidError, NotFoundError
from regista.interfaces.blobs import BlobStore, Joins

PIECES = [b"first ", b"", b"\0" * 3_000_000, b"last"]


def sent(store: BlobStore, *contents: bytes) -> list[tuple[str, int]]:
    """Pieces of these contents, with their sizes."""
    assert isinstance(store, Joins)
    found = []
    for content in contents:
        with store.begin_piece() as piece:
            piece.write(content)
            found.append((piece.id, len(content)))
    return found


def joined(store: BlobStore, pieces: list[tuple[str, int]]) -> str:
    """The digest of all of them."""
    assert isinstance(store, Joins)
    return store.join(pieces)


class JoinsContract:
    """The promises of ``Joins``."""

    @pytest.fixture
    def store(self) -> BlobStore:
        """An empty store; a subclass gives it."""
        raise NotImplementedError("give the contract a store")

    def reopen(self, store: BlobStore) -> BlobStore:
        """The store as another process would find it; the same object where it dies with its process."""
        return store

    def test_pieces_become_one_blob_in_the_order_that_is_asked_for(self, store: BlobStore) -> None:
        pieces = sent(store, *PIECES)
        for order in ([0, 1, 2, 3], [3, 2, 0], [1], [0, 0], []):
            content = b"".join(PIECES[n] for n in order)
            digest = joined(store, [pieces[n] for n in order])
            assert digest == digest_of(content)
            assert store.get(digest_of(content)) == content

    def test_pieces_are_no_blobs_and_stay_until_they_are_aborted(self, store: BlobStore) -> None:
        pieces = sent(store, b"one", b"two")
        assert not store.exists(digest_of(b"one"))
        joined(store, pieces)
        store.resume(pieces[0][0]).abort()
        with pytest.raises(NotFoundError):
            joined(store, pieces)
        assert joined(store, pieces[1:]) == digest_of(b"two")

    def test_another_process_joins_what_one_has_sent(self, store: BlobStore) -> None:
        pieces = sent(store, b"one", b"two")
        assert joined(self.reopen(store), pieces) == digest_of(b"onetwo")

    def test_a_piece_of_another_size_is_not_taken(self, store: BlobStore) -> None:
        [(name, size)] = sent(store, b"short")
        for wrong in (size - 1, size + 1):
            with pytest.raises(NotFoundError):
                joined(store, [(name, wrong)])

    @pytest.mark.parametrize("name", ["", "../x", "a/b", "a\0b", "x" * 5000])
    def test_what_cannot_be_a_piece_is_refused(self, store: BlobStore, name: str) -> None:
        with pytest.raises(InvalidError):
            joined(store, [(name, 0)])

    def test_a_swept_piece_is_gone(self, store: BlobStore) -> None:
        pieces = sent(store, b"one")
        assert store.sweep(older_than_seconds=0) == 1
        with pytest.raises(NotFoundError):
            joined(store, pieces)

    def test_pieces_are_sent_side_by_side(self, store: BlobStore) -> None:
        contents = [bytes([n]) * 10_000 for n in range(32)]
        with ThreadPoolExecutor(8) as pool:
            pieces = list(pool.map(lambda content: sent(store, content)[0], contents))
        assert joined(store, pieces) == digest_of(b"".join(contents))
