"""What a blob store that offers ``Gathers`` has to do besides: a subclass stands beside that of ``BlobStoreContract``."""

import time
from pathlib import Path

import pytest

from regista.entities.digest import digest_of
from regista.errors import InvalidError
from regista.interfaces.blobs import BlobStore, Gathers

CONTENTS = [b"", b"one", b"two", b"\0" * 3_000_000, *(b"number %d" % n for n in range(150))]


class GathersContract:
    """The promises of ``Gathers``."""

    @pytest.fixture
    def store(self) -> BlobStore:
        """An empty store; a subclass gives it."""
        raise NotImplementedError("give the contract a store")

    def reopen(self, store: BlobStore) -> BlobStore:
        """The store as another process would find it; the same object where it dies with its process."""
        return store

    @pytest.fixture
    def sources(self, store: BlobStore, tmp_path: Path) -> list[Path]:
        """A file for each of the contents, where a store may take them over."""
        folder = tmp_path / "given"
        folder.mkdir()
        for number, content in enumerate(CONTENTS):
            (folder / str(number)).write_bytes(content)
        return [folder / str(number) for number in range(len(CONTENTS))]

    def test_what_is_put_together_is_there_when_the_block_has_ended(self, store: BlobStore) -> None:
        assert isinstance(store, Gathers)
        with store.gather() as gathering:
            digests = [gathering.put(content) for content in CONTENTS]
        assert digests == [digest_of(content) for content in CONTENTS]
        again = self.reopen(store)
        assert [again.get(digest) for digest in digests] == CONTENTS
        assert set(again.digests()) == set(digests)

    @pytest.mark.parametrize("link", [False, True])
    def test_files_too(self, store: BlobStore, sources: list[Path], link: bool) -> None:
        assert isinstance(store, Gathers)
        with store.gather() as gathering:
            digests = [gathering.add_file(source, link=link) for source in sources]
        again = self.reopen(store)
        assert [again.get(digest) for digest in digests] == CONTENTS
        assert [source.read_bytes() for source in sources] == CONTENTS

    @pytest.mark.parametrize("link", [False, True])
    def test_the_same_bytes_twice_and_bytes_that_are_there_are_one_blob(
        self, store: BlobStore, sources: list[Path], link: bool
    ) -> None:
        assert isinstance(store, Gathers)
        store.put(CONTENTS[1])
        for _ in range(2):
            with store.gather() as gathering:
                for source in sources[:3] * 2:
                    gathering.add_file(source, link=link)
                gathering.put(CONTENTS[2])
        assert set(store.digests()) == {digest_of(content) for content in CONTENTS[:3]}
        assert [store.get(digest_of(content)) for content in CONTENTS[:3]] == CONTENTS[:3]

    def test_what_is_there_counts_as_stored_now(self, store: BlobStore) -> None:
        assert isinstance(store, Gathers)
        digest = store.put(b"old")
        time.sleep(0.01)
        before = time.time()
        with store.gather() as gathering:
            gathering.put(b"old")
        assert not store.delete(digest, unless_stored_since=before)

    def test_a_block_that_raises_leaves_whole_blobs_or_none_and_what_was_given_as_it_was(
        self, store: BlobStore, sources: list[Path]
    ) -> None:
        assert isinstance(store, Gathers)
        modes = [source.stat().st_mode for source in sources]
        with pytest.raises(InvalidError), store.gather() as gathering:  # noqa: PT012 - it raises at the end
            for source in sources[:3]:
                gathering.add_file(source, link=True)
            gathering.put(b"more")
            gathering.add_file(sources[0].with_name("none"))
        allowed = {digest_of(content): content for content in (*CONTENTS[:3], b"more")}
        assert all(store.get(digest) == allowed[digest] for digest in store.digests())
        for source, mode, content in zip(sources[:3], modes, CONTENTS, strict=False):
            assert source.read_bytes() == content
            assert source.stat().st_mode == mode or store.exists(digest_of(content))
