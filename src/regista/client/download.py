"""Bringing the bytes of a version, or of a job's output, onto this machine.

Law: a file gets its name only when its bytes have the digest that the manifest says; what is there already is left
alone; nothing outside the target is written. A download that was cut or killed goes on where it stopped.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from io import FileIO
from pathlib import Path
from urllib.parse import quote

from regista.client.copying import copy_hashed
from regista.client.handover import fetch
from regista.client.landing import Landing
from regista.client.packs import MAX_PACK_FILE
from regista.client.parts import PartFile
from regista.client.problems import mismatch
from regista.client.progress import SILENT, Progress
from regista.client.transport import Transport
from regista.client.workers import run_all
from regista.entities.digest import Digest, hex_of
from regista.entities.manifest import Manifest, ManifestEntry
from regista.errors import DigestMismatchError, NotFoundError

_LARGE = 64 * 1024 * 1024
_BATCH = 16

Task = Callable[[], None]


class Downloader:
    """Downloads from one place of the API: a version, as ``registries/R/models/M/versions/1``, or a job's output."""

    def __init__(self, transport: Transport, place: str, *, workers: int = 4, progress: Progress = SILENT) -> None:
        self._transport, self._workers, self._progress = transport, workers, progress
        self._base = f"/api/v1/{place.strip('/')}"

    def manifest(self, expected: Digest | None = None) -> Manifest:
        """What the place holds; raise ``DigestMismatchError`` when it is not the manifest *expected*."""
        content = self._transport.fetch(f"{self._base}/manifest")
        actual = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if expected and actual != expected:
            raise mismatch("the manifest", expected, actual)
        return Manifest.parse(content)

    def download(
        self, target: Path, *, below: str = "", overwrite: bool = False, expected: Digest | None = None
    ) -> Manifest:
        """Bring the files at or below the path *below* into the folder *target*; return them as they are named there.

        Raises ``AlreadyExistsError`` before anything is written where *target* holds other files of these names and
        *overwrite* is not set, ``NotFoundError`` where nothing is below *below*."""
        whole = self.manifest(expected)
        wanted = whole.below(below)
        if below and not wanted.files:
            raise NotFoundError(f"the content has nothing at {below!r}")
        prefix = below.strip("/")
        single = whole.find(prefix) if prefix and prefix != "." else None
        remote = {
            e.path: prefix if single else f"{prefix}/{e.path}" if prefix not in {"", "."} else e.path
            for e in wanted.files
        }
        landing = Landing(target)
        lacking = landing.lacking(wanted.files, overwrite=overwrite, workers=self._workers)
        self._progress.start(wanted.size, len(wanted.files))
        self._progress.advance(wanted.size - sum(entry.size for entry in lacking))
        try:
            with landing.open(lacking):
                _Fetching(self._transport, self._base, landing, remote, self._progress).run(lacking, self._workers)
        finally:
            self._progress.done()
        return wanted


class _Fetching:
    """One download under way."""

    def __init__(
        self, transport: Transport, base: str, landing: Landing, remote: dict[str, str], progress: Progress
    ) -> None:
        self._transport, self._base, self._landing = transport, base, landing
        self._remote, self._progress = remote, progress
        self._open: list[PartFile] = []
        self._on_this_machine = True

    def run(self, entries: Sequence[ManifestEntry], workers: int) -> None:
        """Fetch *entries*; large ones first, for they would keep one worker busy after all others are done."""
        try:
            run_all(lambda task: task(), self._tasks(entries), workers)
        finally:
            for part in self._open:
                part.close()

    def _tasks(self, entries: Sequence[ManifestEntry]) -> Iterator[Task]:
        for entry in entries:
            if entry.size > _LARGE:
                yield from self._large(entry)
        small = [entry for entry in entries if entry.size <= _LARGE]
        for at in range(0, len(small), _BATCH):
            yield partial(self._files, small[at : at + _BATCH])

    def _large(self, entry: ManifestEntry) -> Iterator[Task]:
        file = self._handed_over(entry)
        if file is None:
            yield from self._ranges(entry)
        else:
            yield partial(self._copy, entry, file)

    def _handed_over(self, entry: ManifestEntry) -> int | None:
        """The server's own file, open for reading; None where it is on another machine, which is asked once."""
        if not self._on_this_machine:
            return None
        path = f"{self._base}/handover/{quote(self._remote[entry.path], safe='/')}"
        file = fetch(self._transport, path, entry.size)
        self._on_this_machine = file is not None
        return file

    def _copy(self, entry: ManifestEntry, source: int) -> None:
        """Bring the file *source*, which is closed afterwards; by the connection, when the copy is not what it should be."""
        part = self._stem(entry).with_suffix(".part")
        try:
            part.with_suffix(".state").unlink(missing_ok=True)
            with _created(part) as target:
                found = copy_hashed(source, target.fileno(), entry.size, self._progress.advance)
        finally:
            os.close(source)
        if found == entry.digest:
            part.replace(self._landing.folder / entry.path)
        else:
            part.unlink()
            self._progress.advance(-entry.size)
            self._file(entry)

    def _ranges(self, entry: ManifestEntry) -> Iterator[Task]:
        part = PartFile(entry, self._stem(entry), partial(self._bytes, entry))
        self._open.append(part)
        self._progress.advance(part.present)
        lacking = part.lacking()
        for number in lacking:
            yield partial(self._range, part, number)
        if not lacking:
            yield partial(self._finish, part)

    def _range(self, part: PartFile, number: int) -> None:
        if part.fill(number, self._progress.advance):
            self._finish(part)

    def _finish(self, part: PartFile) -> None:
        target = self._landing.folder / part.entry.path
        try:
            part.finish(target)
        except DigestMismatchError:
            if not part.resumed:
                raise
            # What was there from last time may have been damaged, by a power cut for example. Once more, from nothing.
            self._progress.advance(-part.entry.size)
            again = PartFile(part.entry, self._stem(part.entry), partial(self._bytes, part.entry))
            self._open.append(again)
            for number in again.lacking():
                again.fill(number, self._progress.advance)
            again.finish(target)

    def _files(self, entries: Sequence[ManifestEntry]) -> None:
        for entry in entries:
            if entry.size > MAX_PACK_FILE and (source := self._handed_over(entry)) is not None:
                self._copy(entry, source)
                continue
            try:
                self._file(entry)
            except DigestMismatchError:
                self._progress.advance(-entry.size)
                self._file(entry)

    def _file(self, entry: ManifestEntry) -> None:
        part, hasher = self._stem(entry).with_suffix(".part"), hashlib.sha256()
        with _created(part) as file:
            for chunk in self._bytes(entry, 0, entry.size):
                hasher.update(chunk)
                file.write(chunk)
                self._progress.advance(len(chunk))
        actual = f"sha256:{hasher.hexdigest()}"
        if actual != entry.digest:
            part.unlink()
            raise mismatch(repr(entry.path), entry.digest, actual)
        part.replace(self._landing.folder / entry.path)

    def _bytes(self, entry: ManifestEntry, start: int, end: int) -> Iterator[bytes]:
        path = f"{self._base}/files/{quote(self._remote[entry.path], safe='/')}"
        return self._transport.stream_down(path, start, end) if end > start else iter(())

    def _stem(self, entry: ManifestEntry) -> Path:
        # Two files of the same bytes are two parts, and every part of another version is another one too.
        name = hashlib.sha256(f"{entry.path}\0{hex_of(entry.digest)}".encode()).hexdigest()[:40]
        return self._landing.work / name


def _created(part: Path) -> FileIO:
    """A new file at *part*, whatever was left or put there before."""
    part.unlink(missing_ok=True)
    return FileIO(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666), "r+")
