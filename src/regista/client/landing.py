"""The folder into which a download goes: what may be written there, and what is there already.

Law: nothing outside the folder is touched, whatever the manifest and the folder hold. Paths come out of
``Manifest.parse``, which refuses those that climb; folders that are symbolic links are refused here; files get their
names by rename, which replaces a link and never follows it.
"""

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from regista.client.hashing import hash_file
from regista.client.tree import ScannedFile
from regista.client.workers import run_all
from regista.entities.manifest import ManifestEntry
from regista.errors import AlreadyExistsError, ConflictError, InvalidError, RegistaError, StorageFullError

WORK = ".regista-download"


class Landing:
    """The target folder; it is made where it lacks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().absolute()
        self.work = self.folder / WORK

    def lacking(self, entries: Sequence[ManifestEntry], *, overwrite: bool, workers: int) -> list[ManifestEntry]:
        """Those of *entries* whose bytes are not there yet. Raises ``AlreadyExistsError`` where other bytes are, and
        ``InvalidError`` where something else is in the way, before anything is changed."""
        self._check_folders(entries)
        other: set[str] = set()
        same: set[str] = set()

        def compare(entry: ManifestEntry) -> None:
            found = self._look(entry.path)
            if found is None:
                return
            if found.size == entry.size and hash_file(found) == entry.digest:
                same.add(entry.path)
            else:
                other.add(entry.path)

        run_all(compare, entries, workers)
        if other and not overwrite:
            raise AlreadyExistsError(
                f"{len(other):,} of the files are in {str(self.folder)!r} with other content, such as {min(other)!r}",
                hint="Choose another folder, or allow overwriting.",
            )
        return [entry for entry in entries if entry.path not in same]

    @contextmanager
    def open(self, entries: Sequence[ManifestEntry]) -> Iterator[None]:
        """Make the folders for *entries* and a place for parts, alone; remove the latter when all went well."""
        try:
            self.work.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.work, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as wrong:
            raise self.failure(wrong) from wrong
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise ConflictError(
                    f"another download is writing to {str(self.folder)!r}",
                    hint="Wait for it, or choose another folder.",
                ) from None
            self._check_room(entries)
            for folder in sorted({entry.path.rpartition("/")[0] for entry in entries}):
                (self.folder / folder).mkdir(parents=True, exist_ok=True)
            yield
            shutil.rmtree(self.work, ignore_errors=True)
        except OSError as wrong:
            raise self.failure(wrong) from wrong
        finally:
            self._tidy()
            os.close(handle)

    def failure(self, wrong: OSError) -> RegistaError:
        """The error for what the file system refused."""
        if wrong.errno in {errno.ENOSPC, errno.EDQUOT}:
            return StorageFullError(f"the disk of {str(self.folder)!r} is full", hint="Free space, then try again.")
        place = wrong.filename or str(self.folder)
        return InvalidError(f"{str(place)!r} cannot be written: {(wrong.strerror or '').lower()}")

    def _check_folders(self, entries: Sequence[ManifestEntry]) -> None:
        parents = {entry.path.rpartition("/")[0] for entry in entries}
        folders = {
            "/".join(parent.split("/")[:depth]) for parent in parents for depth in range(1, parent.count("/") + 2)
        }
        if any(path.split("/", 1)[0] == WORK for path in folders | {entry.path for entry in entries}):
            raise InvalidError(f"the content has a file or folder {WORK!r}, which downloads keep for themselves")
        for folder in sorted(folders - {""}):
            with suppress(FileNotFoundError, NotADirectoryError):
                mode = (self.folder / folder).lstat().st_mode
                if not stat.S_ISDIR(mode):
                    what = "a link" if stat.S_ISLNK(mode) else "no folder"
                    raise InvalidError(f"{str(self.folder / folder)!r} is {what}, so nothing is written below it")

    def _look(self, path: str) -> ScannedFile | None:
        """What is at *path* now; something that is no plain file counts as one of the impossible size -1."""
        source = self.folder / path
        try:
            found = source.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as wrong:
            raise self.failure(wrong) from wrong
        if stat.S_ISDIR(found.st_mode):
            raise InvalidError(f"{str(source)!r} is a folder where the content has a file")
        size = found.st_size if stat.S_ISREG(found.st_mode) else -1
        return ScannedFile(path, str(source), size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)

    def _check_room(self, entries: Sequence[ManifestEntry]) -> None:
        needed = sum(entry.size for entry in entries)
        # Parts of an earlier try are counted as free, for they become the files.
        kept = sum(part.lstat().st_blocks * 512 for part in self.work.glob("*.part"))
        free = shutil.disk_usage(self.folder).free + kept
        if needed > free:
            raise StorageFullError(
                f"{needed / 2**20:,.0f} MiB do not fit into {str(self.folder)!r}, where {free / 2**20:,.0f} MiB are free",
                hint="Free space, or choose a folder on another disk.",
            )

    def _tidy(self) -> None:
        """Remove parts that no state makes worth keeping, and the folder when it is empty."""
        with suppress(OSError):
            for part in self.work.glob("*.part"):
                if not part.with_suffix(".state").exists():
                    part.unlink()
            self.work.rmdir()
