"""A wrapper that trusts no disk: whole reads are hashed on their way to the reader."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from regista.entities.digest import Digest
from regista.errors import DigestMismatchError
from regista.interfaces.blobs import BlobStore, BlobUpload


class VerifyingBlobStore:
    """Reads the whole of a blob only as what it was stored as: the last chunk is followed by ``DigestMismatchError``
    when the bytes have rotted, so a reader must not use what it has read before the iterator ends.

    A range cannot be verified and is passed through. The store offers no ``path`` even where *inner* does: a file
    that is opened past the store is not verified."""

    def __init__(self, inner: BlobStore) -> None:
        self._inner = inner

    def begin(self) -> BlobUpload:
        return self._inner.begin()

    def resume(self, upload_id: str) -> BlobUpload:
        return self._inner.resume(upload_id)

    def put(self, content: bytes, expected: Digest | None = None) -> Digest:
        return self._inner.put(content, expected)

    def add_file(self, source: Path | int, expected: Digest | None = None, *, link: bool = False) -> Digest:
        return self._inner.add_file(source, expected, link=link)

    def read(self, digest: Digest, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        chunks = self._inner.read(digest, start, end)
        if start == 0 and (end is None or end >= self._inner.size(digest)):
            return _verified(digest, chunks)
        return chunks

    def get(self, digest: Digest) -> bytes:
        return self._inner.get(digest)

    def size(self, digest: Digest) -> int:
        return self._inner.size(digest)

    def exists(self, digest: Digest) -> bool:
        return self._inner.exists(digest)

    def renew(self, digest: Digest) -> bool:
        return self._inner.renew(digest)

    def delete(self, digest: Digest, *, unless_stored_since: float | None = None) -> bool:
        return self._inner.delete(digest, unless_stored_since=unless_stored_since)

    def digests(self) -> Iterator[Digest]:
        return self._inner.digests()

    def sweep(self, older_than_seconds: float) -> int:
        return self._inner.sweep(older_than_seconds)


def _verified(digest: Digest, chunks: Iterator[bytes]) -> Iterator[bytes]:
    hasher = hashlib.sha256()
    for chunk in chunks:
        hasher.update(chunk)
        yield chunk
    if (actual := f"sha256:{hasher.hexdigest()}") != digest:
        raise DigestMismatchError(digest, actual)
