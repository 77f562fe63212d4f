"""Copying blobs between stores, in parallel, each verified before it is visible."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from regista.entities.digest import Digest
from regista.interfaces.blobs import BlobStore, OnDisk

_PARALLEL = 8


def copy_blobs(
    source: BlobStore, target: BlobStore, digests: Iterable[Digest], *, optional: Iterable[Digest] = ()
) -> int:
    """Copy what *target* lacks and return how many bytes that were. Idempotent: after a crash the same call goes on.

    What *target* has when this returns, however long it took, no garbage collection takes before it can be named. A blob
    that *source* lacks raises ``NotFoundError`` unless it is among *optional*."""
    tolerated = set(optional)

    def one(digest: Digest) -> int:
        if target.renew(digest):
            return 0
        if digest in tolerated and not source.exists(digest):
            return 0
        return _copy(source, target, digest)

    with ThreadPoolExecutor(_PARALLEL, thread_name_prefix="copy") as pool:
        wanted = set(digests)
        copied = sum(pool.map(one, wanted))
        return (
            copied + sum(pool.map(one, wanted)) if copied else copied
        )  # a long copy outlives the renewal of its first


def _copy(source: BlobStore, target: BlobStore, digest: Digest) -> int:
    if isinstance(source, OnDisk):
        target.add_file(source.path(digest), digest)
        return source.size(digest)
    upload = target.begin()
    try:
        for chunk in source.read(digest):
            upload.write(chunk)
        size = upload.offset
        upload.commit(digest)
    except BaseException:
        upload.abort()
        raise
    return size
