"""Digests of many files at once."""

import hashlib
import os
from collections.abc import Sequence

from regista.client.digest_cache import DigestCache
from regista.client.progress import SILENT, Progress
from regista.client.tree import Scan, ScannedFile, changed, open_unchanged, read_unchanged, unreadable
from regista.client.workers import run_all
from regista.entities.digest import Digest, digest_of
from regista.entities.manifest import Manifest, ManifestEntry

_CHUNK = 1024 * 1024
_BATCH = 64
_SMALL = 128 * 1024
_SMALL_WORKERS = 2
"""Threads that do little more than system calls fight over Python's lock: eight took three times as long as one. Two
are a quarter slower than one on warm files, and ahead where the disk makes them wait."""


def hash_files(
    scan: Scan, *, workers: int | None = None, progress: Progress = SILENT, cache: DigestCache | None = None
) -> Manifest:
    """Return the manifest of the scanned files; raise ``ConflictError`` naming a file that changed since or meanwhile.

    With a *cache*, a file that looks as it did when it was last hashed is not read again.
    """
    progress.start(scan.size, len(scan.files))
    known = cache.known(scan) if cache else {}
    fresh: dict[str, Digest] = {}

    def work(batch: Sequence[ScannedFile]) -> None:
        for file in batch:
            fresh[file.path] = hash_file(file, progress)

    todo = [file for file in scan.files if file.path not in known]
    progress.advance(scan.size - sum(file.size for file in todo))
    try:
        workers = workers or min(8, os.cpu_count() or 1)
        run_all(work, ([file] for file in todo if file.size > _SMALL), workers)
        small = [file for file in todo if file.size <= _SMALL]
        run_all(work, (small[at : at + _BATCH] for at in range(0, len(small), _BATCH)), min(workers, _SMALL_WORKERS))
    finally:
        progress.done()
        if cache:
            cache.remember((file, fresh[file.path]) for file in todo if file.path in fresh)
    digests = {**known, **fresh}
    return Manifest.of(ManifestEntry(file.path, digests[file.path], file.size) for file in scan.files)


def hash_file(file: ScannedFile, progress: Progress = SILENT) -> Digest:
    """The digest of one file; raises as ``open_unchanged``."""
    if file.size <= _SMALL:
        progress.advance(file.size)
        return digest_of(read_unchanged(file))
    hasher, count = hashlib.sha256(), 0
    try:
        with open_unchanged(file) as raw:
            while chunk := raw.read(min(_CHUNK, file.size + 1 - count)):
                hasher.update(chunk)
                count += len(chunk)
                progress.advance(len(chunk))
    except OSError as wrong:
        raise unreadable(file.source, wrong) from wrong
    if count != file.size:
        raise changed(file)
    return Digest(f"sha256:{hasher.hexdigest()}")
