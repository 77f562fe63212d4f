"""What the store in memory offers besides the contract: an end of its room."""

import pytest

from regista.drivers.blobs.memory import MemoryBlobStore
from regista.errors import StorageFullError


def test_a_store_with_a_capacity_is_full_as_a_disk_is():
    store = MemoryBlobStore(capacity=10)
    store.put(b"12345")
    with store.begin() as upload:
        upload.write(b"123")
        with pytest.raises(StorageFullError):
            upload.write(b"456")
        assert upload.offset == 3
        upload.write(b"45")
        assert store.get(upload.commit()) == b"12345"
    with pytest.raises(StorageFullError):
        store.put(b"another")
    assert len(list(store.digests())) == 1


def test_what_is_there_can_be_put_again_into_a_full_store():
    store = MemoryBlobStore(capacity=5)
    assert store.put(b"12345") == store.put(b"12345")
