"""Files of a source that are on this machine: only what lies in the folder that was named, and only plain files.

Where a source says that its files are is not believed: a path leads into the folder or nowhere. Links are not followed,
neither on the way to a file nor as files; each is told, and the rest is read.
"""

import os
import re
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from regista.client.imports.records import SourceFile, Told
from regista.entities.manifest import check_path
from regista.errors import InvalidError

CHUNK = 1 << 20
_TAIL = re.compile(r"(?:^|/)([^/]+/(?:models/|traces/)?[^/]+/artifacts(?:/.*)?)$")
"""How MLflow's places end, wherever they begin: ``EXPERIMENT/RUN/artifacts``, and ``EXPERIMENT/models/m-…/artifacts`` or so
with ``traces``."""


class LocalFiles:
    """The folder in which the files of a source are."""

    def __init__(self, root: Path, tell: Told) -> None:
        self._root = Path(os.path.abspath(root))  # noqa: PTH100 - the root may itself be reached by a link
        self._tell = tell

    def below(self, place: str) -> Iterator[SourceFile]:
        """All files at the place that a source names; nothing when it is not in the folder."""
        folder = self.find(place)
        if folder is None:
            return
        if folder.is_file():
            yield SourceFile(folder.name, folder.stat().st_size, partial(_read, folder))
            return
        yield from self._walk(folder, "")

    def find(self, place: str) -> Path | None:
        """Where in the folder *place* is: by its whole path, or by its end where the folder has been moved. None when it is
        not there, which is told when it leads out of the folder or over a link."""
        try:
            return self._find(place)
        except (OSError, ValueError) as wrong:  # a name that no file can have, or a folder that may not be read
            self._tell(place[:200], f"it cannot be read: {wrong.strerror if isinstance(wrong, OSError) else wrong}")
            return None

    def _find(self, place: str) -> Path | None:
        for parts in self._candidates(place):
            path = self._root
            for part in parts:
                path = path / part
                if path.is_symlink():
                    self._tell(place, "it lies behind a link, which is not followed")
                    return None
            if path.exists():
                return path
        return None

    def _candidates(self, place: str) -> Iterator[list[str]]:
        given = (
            unquote(urlsplit(place).path)
            if "://" in place or place.startswith(("file:", "mlflow-artifacts:"))
            else place
        )
        if ".." in given.split("/") or "\0" in given:
            self._tell(place[:200], "its path climbs out of the folder of the artifacts")
            return
        clean = os.path.normpath(given)
        if clean.startswith(f"{self._root}{os.sep}"):
            yield [*Path(clean).relative_to(self._root).parts]
        if place.startswith("mlflow-artifacts:"):
            yield [part for part in clean.split("/") if part]
        if tail := _TAIL.search(clean):
            yield tail[1].split("/")

    def _walk(self, folder: Path, prefix: str) -> Iterator[SourceFile]:
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as wrong:
            self._tell(str(folder), f"cannot be read: {wrong.strerror}")
            return
        for entry in entries:
            path = prefix + entry.name
            try:
                check_path(path)
                kind = entry.stat(follow_symlinks=False)
            except (InvalidError, OSError) as wrong:
                self._tell(f"{folder}/{entry.name!r}", f"cannot be imported: {wrong}")
                continue
            if stat.S_ISDIR(kind.st_mode):
                yield from self._walk(folder / entry.name, f"{path}/")
            elif stat.S_ISREG(kind.st_mode):
                yield SourceFile(path, kind.st_size, partial(_read, folder / entry.name))
            else:
                self._tell(f"{folder}/{entry.name}", "is a link or no plain file: it is not imported")


def _read(path: Path) -> Iterator[bytes]:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as wrong:
        raise InvalidError(f"{path} cannot be read: {wrong.strerror}") from wrong
    with os.fdopen(handle, "rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
