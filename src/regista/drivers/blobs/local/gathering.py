"""Many blobs on their way to the disk together: it is waited for a few times for all of them, not a few times for each.

hashed, or written to ``uploads`` ─▶ all begin to be written back ─▶ fsync of each: the first waits, and the file
system's journal takes the others along ─▶ renamed or linked to their places ─▶ fsync of the folders, likewise
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from regista.drivers.blobs.checks import open_source
from regista.drivers.blobs.local.adoption import give_back, given_up, hash_given_up, link
from regista.drivers.blobs.local.failures import translated
from regista.drivers.blobs.local.layout import Layout, sync_folder
from regista.entities.digest import Digest, digest_of

_TOGETHER = 64
"""Files that wait at once, at most: each is open."""
_SMALL = 1 << 20


class _Staged:
    """A new file in ``uploads``."""

    def __init__(self, path: Path, file: int, size: int, digest: Digest) -> None:
        self.file, self.digest = file, digest
        self._path, self._size = path, size

    def place(self, layout: Layout) -> None:
        """Make it the blob; its folder is still to be brought to the disk."""
        layout.publish(self._path, self._size, self.digest, durable=False)

    def discard(self) -> None:
        """Undo everything."""
        self._path.unlink(missing_ok=True)


class _Adopted:
    """A file that somebody gave up."""

    def __init__(self, file: int, before: os.stat_result, digest: Digest, copy: Callable[[int], object]) -> None:
        self.file, self.digest = file, digest
        self._before, self._copy = before, copy

    def place(self, layout: Layout) -> None:
        """Make it the blob; its folder is still to be brought to the disk."""
        if not link(layout, self.file, self.digest, durable=False):
            self.discard()
            os.lseek(self.file, 0, os.SEEK_SET)
            self._copy(self.file)

    def discard(self) -> None:
        """Undo everything."""
        give_back(self.file, self._before)


class LocalBatch:
    """What waits for the disk. *stage* writes content into a new file of ``uploads``; *copy* stores the rest of an open file,
    and waits."""

    def __init__(
        self, layout: Layout, stage: Callable[[bytes], tuple[Path, int]], copy: Callable[[int], Digest]
    ) -> None:
        self._layout, self._stage, self._copy = layout, stage, copy
        self._waiting: dict[Digest, _Staged | _Adopted] = {}
        self._folders: set[Path] = set()

    def put(self, content: bytes) -> Digest:
        """As in the interface."""
        digest = digest_of(content)
        with translated(self._layout.root):
            if not self._is_there(digest, len(content)):
                path, file = self._stage(content)
                self._wait(_Staged(path, file, len(content), digest))
        return digest

    def add_file(self, source: Path, *, link: bool = False) -> Digest:
        """As in the interface."""
        with open_source(source) as opened, translated(self._layout.root):
            file = opened.fileno()
            before = given_up(self._layout, file) if link else None
            if before is not None:
                return self._adopt(source, file, before)
            if os.fstat(file).st_size > _SMALL:
                return self._copy(file)  # its own bytes take longer than waiting for the disk
            return self.put(opened.readall())

    def _adopt(self, source: Path, file: int, before: os.stat_result) -> Digest:
        kept = False
        try:
            digest = hash_given_up(source, file, before)
            if not self._is_there(digest, before.st_size):
                self._wait(_Adopted(os.dup(file), before, digest, self._copy))
                kept = True
            return digest
        finally:
            if not kept:
                give_back(file, before)

    def _is_there(self, digest: Digest, size: int) -> bool:
        if digest in self._waiting:
            return True
        found = self._layout.renew(digest, size, durable=False)
        if found:
            self._folders.add(self._layout.blob(digest).parent)
        return found

    def _wait(self, one: _Staged | _Adopted) -> None:
        self._waiting[one.digest] = one
        if len(self._waiting) >= _TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Make what waits blobs, durably; undo what does not become one."""
        folders = {self._layout.blob(digest).parent for digest in self._waiting}
        with translated(self._layout.root), self._ending() as waiting:
            for one in waiting:
                # Begins to write back, and drops nothing that is dirty.
                os.posix_fadvise(one.file, 0, 0, os.POSIX_FADV_DONTNEED)
            self._layout.prepare(*folders)
            for one in waiting:
                os.fsync(one.file)
            while waiting:
                waiting[-1].place(self._layout)
                os.close(waiting.pop().file)
            for folder in folders | self._folders:
                sync_folder(folder)
            self._folders.clear()

    def discard(self) -> None:
        """Undo what waits."""
        with self._ending():
            pass

    @contextmanager
    def _ending(self) -> Iterator[list[_Staged | _Adopted]]:
        """What waits, for the block to take out what it has made a blob; the rest is undone."""
        waiting = list(self._waiting.values())
        self._waiting.clear()
        try:
            yield waiting
        finally:
            for one in waiting:
                one.discard()
                os.close(one.file)
