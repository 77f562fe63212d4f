"""Bringing the bytes of a content to the server: only what it lacks, by the way that fits each file's size.

    ≤ 1 MiB           many in one pack, several packs at once
    > 1 MiB           as an open file, where the server is on this machine; else
    ≤ 64 MiB          one request
    > 64 MiB          a resumable upload, in parts of 64 MiB

Law: when ``upload`` returns, every byte of the manifest is durable on the server and the caller's to name in the scope.
Doing it again sends nothing. A failure leaves no half-named thing behind; the next try goes on where this one stopped.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from regista.client.digest_cache import DigestCache
from regista.client.handover import Bringing, bringing
from regista.client.hashing import hash_files
from regista.client.packs import MAX_PACK_FILE, packs_of, read_pack
from regista.client.progress import SILENT, Progress
from regista.client.transport import CHUNK, Transport
from regista.client.tree import FileChangedError, Scan, ScannedFile, changed, open_unchanged, unreadable
from regista.client.upload_book import Note, UploadBook
from regista.client.workers import run_all
from regista.entities.digest import Digest
from regista.entities.manifest import Manifest, ManifestEntry
from regista.errors import ConflictError, DigestMismatchError, NotFoundError, UnavailableError

MAX_PUT = 64 * 1024 * 1024
_PART = 64 * 1024 * 1024
_ASKED_AT_ONCE = 10_000
_AT_MOST = 256
_COMMIT_SECONDS = 3600.0
_ATTEMPTS = 6

Pending = tuple[ScannedFile, Digest]


class _Missing(msgspec.Struct):
    missing: list[Digest]


class _UploadState(msgspec.Struct):
    id: str
    offset: int


class _Offset(msgspec.Struct):
    offset: int


class Uploader:
    """Uploads into one scope, ``workspaces/{address}`` or ``registries/{address}``."""

    def __init__(
        self,
        transport: Transport,
        scope: str,
        *,
        workers: int = 4,
        progress: Progress = SILENT,
        cache: DigestCache | None = None,
        book: UploadBook | None = None,
    ) -> None:
        self._transport, self._workers, self._progress, self._cache = transport, workers, progress, cache
        self._base = f"/api/v1/{scope.strip('/')}"
        self._book = book or UploadBook(transport.url, scope)

    def upload(self, scan: Scan) -> Manifest:
        """Bring the scanned files to the server and return their manifest. Where open files can be handed over, large
        ones are copied at once and hashed by the server alone: hashing first would take as long as the copy."""
        known = self._cache.known(scan) if self._cache else {}
        fresh = [file for file in scan.files if file.size > MAX_PACK_FILE and file.path not in known]
        self._progress.start(sum(file.size for file in fresh), len(fresh))
        try:
            handed = self._hand_over([(file, None) for file in fresh])
        finally:
            self._progress.done()
        if self._cache:
            self._cache.remember((file, handed[file.path]) for file in fresh if file.path in handed)
        rest = Scan(scan.root, tuple(file for file in scan.files if file.path not in handed))
        manifest = hash_files(rest, progress=self._progress, cache=self._cache)
        try:
            self.send(rest, manifest)
        except DigestMismatchError:
            if self._cache:
                self._cache.forget(scan)
            raise
        own = (ManifestEntry(file.path, handed[file.path], file.size) for file in fresh if file.path in handed)
        return Manifest.of((*manifest.files, *own))

    def send(self, scan: Scan, manifest: Manifest) -> None:
        """Bring what the server lacks of *manifest*, the hashed form of *scan*."""
        digests = {entry.path: entry.digest for entry in manifest.files}
        first = {digests[file.path]: file for file in scan.files}
        self._progress.start(sum(file.size for file in first.values()), len(first))
        try:
            missing = self._missing({digest: file.size for digest, file in first.items()})
            self._progress.advance(sum(file.size for digest, file in first.items() if digest not in missing))
            todo = [(file, digest) for digest, file in first.items() if digest in missing]
            large = [one for one in todo if one[0].size > MAX_PACK_FILE]
            handed = self._hand_over(large)
            run_all(self._bring, [one for one in large if one[0].path not in handed], self._workers)
            small = [one for one in todo if one[0].size <= MAX_PACK_FILE]
            run_all(self._pack, packs_of(small, self._workers), self._workers)
        finally:
            self._progress.done()

    def _missing(self, sizes: dict[Digest, int]) -> set[Digest]:
        missing: set[Digest] = set()
        blobs = [{"digest": digest, "size": size} for digest, size in sizes.items()]
        for at in range(0, len(blobs), _ASKED_AT_ONCE):
            body = {"blobs": blobs[at : at + _ASKED_AT_ONCE]}
            path = f"{self._base}/blobs/missing"
            missing.update(self._transport.call("POST", path, body=body, type=_Missing, idempotent=True).missing)
        return missing

    def _hand_over(self, files: Sequence[tuple[ScannedFile, Digest | None]]) -> dict[str, Digest]:
        """Bring *files* as open files; return the digests, by path, of those that went that way."""
        done: dict[str, Digest] = {}

        def work(batch: Sequence[tuple[ScannedFile, Digest | None]]) -> None:
            with bringing(self._transport, f"{self._base}/handover") as call:
                if call:
                    self._hand_batch(call, batch, done)

        batches = _batches(files)
        if first := next(batches, None):
            work(first)
        if done:  # else none would go this way
            run_all(work, batches, 2)
        return done

    def _hand_batch(
        self, call: Bringing, batch: Sequence[tuple[ScannedFile, Digest | None]], done: dict[str, Digest]
    ) -> None:
        for file, digest in batch:
            try:
                done[file.path] = call.send(file, digest, self._progress)
            except (UnavailableError, NotFoundError):
                return  # the server went away meanwhile, or cannot read it: the rest takes the long way

    def _pack(self, pack: Sequence[Pending]) -> None:
        body = read_pack(pack)
        # Storing a blob again changes nothing, so a pack may be sent twice.
        self._transport.stream_up("POST", f"{self._base}/blobs/pack", lambda: body, len(body), idempotent=True)
        self._progress.advance(sum(file.size for file, _ in pack))

    def _bring(self, one: Pending) -> None:
        file, digest = one
        source = _Source(file, self._progress)
        try:
            if file.size <= MAX_PUT:
                path = f"{self._base}/blobs/{digest}"
                self._transport.stream_up("PUT", path, lambda: source.part(0, file.size), file.size)
            else:
                with self._book.note(digest) as note:
                    self._resumable(source, digest, note)
        except DigestMismatchError as wrong:
            # What is on disk is not what was hashed, although nothing about the file says so.
            if self._cache:
                self._cache.forget(Scan(Path(file.source), (file,)))
            raise changed(file) from wrong

    def _resumable(self, source: "_Source", digest: Digest, note: Note) -> None:
        state, resumed = self._open(note, source.file.size)
        path = f"{self._base}/uploads/{state.id}"
        try:
            self._write(path, source, state.offset)
            self._commit(path, source.file, digest)
        except DigestMismatchError:
            note.forget()
            if not resumed:
                raise
            # The part that was there from last time may be the wrong one.
            fresh = self._begin(note)
            self._write(f"{self._base}/uploads/{fresh.id}", source, fresh.offset)
            self._commit(f"{self._base}/uploads/{fresh.id}", source.file, digest)
        note.forget()

    def _open(self, note: Note, size: int) -> tuple[_UploadState, bool]:
        """The upload that was begun before, or a new one; and whether it is the former."""
        if upload_id := note.read():
            try:
                offset = self._transport.call("GET", f"{self._base}/uploads/{upload_id}", type=_Offset).offset
            except NotFoundError:
                offset = size + 1
            if offset <= size:
                return _UploadState(upload_id, offset), True
        return self._begin(note), False

    def _begin(self, note: Note) -> _UploadState:
        # An upload that nobody writes to is swept, so that opening one too many does no harm.
        state = self._transport.call("POST", f"{self._base}/uploads", type=_UploadState, idempotent=True)
        note.write(state.id)
        return state

    def _write(self, path: str, source: "_Source", offset: int) -> None:
        size, failures = source.file.size, 0
        while offset < size:
            count = min(_PART, size - offset)
            try:
                offset = self._patch(path, source, offset, count)
                failures = 0
            except FileChangedError:
                raise
            except (UnavailableError, ConflictError):
                # Only the server knows how much of the part arrived.
                failures += 1
                if failures >= _ATTEMPTS:
                    raise
                time.sleep(0.05 * 2**failures)
                arrived = self._transport.call("GET", path, type=_Offset).offset
                failures = 0 if arrived > offset else failures
                offset = arrived
        source.rewind(size)

    def _patch(self, path: str, source: "_Source", offset: int, count: int) -> int:
        def content() -> Iterator[bytes]:
            return source.part(offset, count)

        return self._transport.stream_up(
            "PATCH", path, content, count, query={"offset": offset}, type=_Offset, idempotent=False
        ).offset

    def _commit(self, path: str, file: ScannedFile, digest: Digest) -> None:
        body = {"digest": digest}
        try:
            self._transport.call("POST", f"{path}/commit", body=body, idempotent=True, timeout=_COMMIT_SECONDS)
        except NotFoundError:
            # Where an answer was lost, the commit has happened and the upload is gone.
            if self._missing({digest: file.size}):
                raise


class _Source:
    """One large file on its way. Whatever part is read again is first taken off the progress."""

    def __init__(self, file: ScannedFile, progress: Progress) -> None:
        self.file, self._progress, self._at = file, progress, 0

    def rewind(self, position: int) -> None:
        """Everything before *position* has arrived and nothing after it."""
        self._progress.advance(position - self._at)
        self._at = position

    def part(self, start: int, count: int) -> Iterator[bytes]:
        """*count* bytes from *start*."""
        self.rewind(start)
        try:
            with open_unchanged(self.file) as raw:
                raw.seek(start)
                while count and (chunk := raw.read(min(CHUNK, count))):
                    yield chunk
                    count -= len(chunk)
                    self.rewind(self._at + len(chunk))
        except OSError as wrong:
            raise unreadable(self.file.source, wrong) from wrong
        if count:
            raise changed(self.file)


def _batches(
    files: Iterable[tuple[ScannedFile, Digest | None]],
) -> Iterator[list[tuple[ScannedFile, Digest | None]]]:
    """Files that go with one ticket: large ones alone."""
    batch: list[tuple[ScannedFile, Digest | None]] = []
    size = 0
    for one in files:
        batch.append(one)
        size += one[0].size
        if size >= MAX_PUT or len(batch) == _AT_MOST:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
