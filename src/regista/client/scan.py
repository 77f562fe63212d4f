"""Finding the files of an asset on disk.

    manifest = hash_files(scan(Path("model")))

Law: what `scan` returns lies inside the folder, has a name that a manifest accepts, and is a plain file. A symbolic
link counts as what it points to; one that leaves the folder, or dangles, is refused, for nobody expects `/etc/passwd`
inside a model. A link back to a folder above ends there.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from regista.client.hashing import hash_files
from regista.client.ignore import Rules, rules_of
from regista.client.tree import Scan, ScannedFile, unreadable
from regista.entities.manifest import MAX_FILES, check_path
from regista.errors import InvalidError, TooLargeError

__all__ = ["Scan", "ScannedFile", "hash_files", "scan"]


def scan(path: Path, *, also_ignore: Iterable[str] = ()) -> Scan:
    """Return the files of *path*, a file or a folder, without those that its ignore files or *also_ignore* (lines of
    the same form, which the folder's own outweigh) name; raise ``InvalidError`` for what cannot be taken along."""
    root = path.expanduser().absolute()
    try:
        found = root.stat()
        real = os.path.realpath(root, strict=True)
    except FileNotFoundError:
        raise InvalidError(f"there is no file or folder {str(path)!r}") from None
    except (OSError, ValueError) as wrong:
        raise unreadable(str(path), wrong if isinstance(wrong, OSError) else OSError(0, str(wrong))) from wrong
    if stat.S_ISDIR(found.st_mode):
        walk = _Walk(real)
        files = tuple(sorted(walk.below(real, "", [("", Rules(also_ignore))], (real,)), key=lambda file: file.path))
        return Scan(root, files)
    _check_plain(found.st_mode, str(path))
    return Scan(root, (_scanned(check_path(root.name), real, found),))


_Levels = list[tuple[str, Rules]]
"""For each folder on the way down that has rules: its path with a slash at the end (the root's is empty) and the rules."""


class _Walk:
    """One walk below the resolved folder *root*."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._inside = root.rstrip("/") + "/"
        self._seen = 0

    def below(self, folder: str, prefix: str, levels: _Levels, above: tuple[str, ...]) -> Iterator[ScannedFile]:
        """The files in *folder*, named with *prefix*; *above* are the resolved folders on the way to it."""
        if len(above) > _MAX_FOLDERS:
            raise TooLargeError(f"{folder[:200]!r} and what is in it is more than {_MAX_FOLDERS} folders deep")
        if rules := rules_of(folder):
            levels = [*levels, (prefix, rules)]
        try:
            entries = list(os.scandir(folder))
        except OSError as wrong:
            raise unreadable(folder, wrong) from wrong
        for entry in entries:
            if entry.name == ".git":
                continue
            self._count()
            path = prefix + entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            if _ignored(levels, path, folder=is_folder):
                continue
            if is_folder:
                yield from self.below(entry.path, path + "/", levels, (*above, entry.path))
            elif entry.is_symlink():
                yield from self._link(entry.path, path, levels, above)
            else:
                yield _file(path, entry.path)

    def _link(self, source: str, path: str, levels: _Levels, above: tuple[str, ...]) -> Iterator[ScannedFile]:
        try:
            real = os.path.realpath(source, strict=True)
        except OSError as wrong:
            reason = (wrong.strerror or "").lower()
            raise InvalidError(f"the link {source!r} leads nowhere: {reason}", hint=_LINK_HINT) from None
        if real != self._root and not real.startswith(self._inside):
            raise InvalidError(f"the link {source!r} leaves the folder {self._root!r}", hint=_LINK_HINT)
        if not stat.S_ISDIR(os.lstat(real).st_mode):
            yield _file(path, real)
        elif real not in above:
            yield from self.below(real, path + "/", levels, (*above, real))

    def _count(self) -> None:
        # Folders count too: links among folders can make endlessly many of them without a single file.
        self._seen += 1
        if self._seen > 2 * MAX_FILES:
            raise TooLargeError(
                f"{self._root!r} holds more than {MAX_FILES:,} files", hint="Add what is not needed to .amlignore."
            )


_MAX_FOLDERS = 256
_LINK_HINT = "Put a copy of the file in its place, or add the link to .amlignore."


def _ignored(levels: _Levels, path: str, *, folder: bool) -> bool:
    for prefix, rules in reversed(levels):
        verdict = rules.ignores(path[len(prefix) :], folder=folder)
        if verdict is not None:
            return verdict
    return False


def _file(path: str, source: str) -> ScannedFile:
    check_path(path)
    try:
        found = os.lstat(source)
    except OSError as wrong:
        raise unreadable(source, wrong) from wrong
    _check_plain(found.st_mode, source)
    return _scanned(path, source, found)


def _check_plain(mode: int, source: str) -> None:
    if stat.S_ISREG(mode):
        return
    kinds = (
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISBLK, "a device"),
        (stat.S_ISCHR, "a device"),
    )
    kind = next((words for test, words in kinds if test(mode)), "no plain file")
    raise InvalidError(f"{source!r} is {kind}, which no asset can hold", hint="Remove it, or add it to .amlignore.")


def _scanned(path: str, source: str, found: os.stat_result) -> ScannedFile:
    return ScannedFile(path, source, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
