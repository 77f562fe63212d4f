"""The contract of blob stores, for every store there is."""

import pytest

from regista.conformance.blobs import BlobStoreContract
from regista.conformance.gathers import GathersContract
from regista.conformance.joins import JoinsContract
from regista.drivers.blobs.local import LocalBlobStore
from regista.drivers.blobs.memory import MemoryBlobStore


class TestMemoryBlobStore(BlobStoreContract, JoinsContract, GathersContract):
    """The reference."""

    @pytest.fixture
    def store(self):
        return MemoryBlobStore()


class TestLocalBlobStore(BlobStoreContract, JoinsContract, GathersContract):
    """Files on a disk."""

    @pytest.fixture
    def root(self, tmp_path):
        return tmp_path / "new" / "store"

    @pytest.fixture
    def store(self, root):
        return LocalBlobStore(root)

    @pytest.fixture(autouse=True)
    def _root(self, root):
        self.root = root

    def reopen(self, store):
        return LocalBlobStore(self.root)

    def leftovers(self, store):
        return [str(path) for path in self.root.rglob("*") if not path.is_dir()]
