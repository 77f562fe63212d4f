"""One file of a content, for whoever was found to be allowed to read it."""

from collections.abc import Iterator
from pathlib import Path

from regista.entities.digest import Digest
from regista.entities.manifest import ManifestEntry
from regista.entities.scope import Scope
from regista.errors import NotFoundError
from regista.interfaces.blobs import OnDisk
from regista.services.content.contents import ContentService


class OpenFile:
    """A file of a content: its size and digest, and its bytes in any range."""

    def __init__(self, contents: ContentService, scope: Scope, entry: ManifestEntry) -> None:
        self._contents, self._scope, self._entry = contents, scope, entry

    @property
    def size(self) -> int:
        """In bytes."""
        return self._entry.size

    @property
    def digest(self) -> Digest:
        """Of the whole file."""
        return self._entry.digest

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self._entry.path.rsplit("/", 1)[-1]

    def read(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from *start* up to, not including, *end*."""
        return self._contents.read(self._scope, self._entry.digest, start, end)

    def place(self) -> Path | None:
        """The file of this machine's disk that holds it, never to be written; None where the store keeps no files."""
        store = self._contents.store(self._scope)
        if not isinstance(store, OnDisk):
            return None
        try:
            return store.path(self._entry.digest)
        except NotFoundError:
            return None
