"""Files that a container shows without a row of their own: those of versions and of jobs.

Whoever keeps the things themselves gives a ``Shelf``; this room knows nothing of them, and so stands below them.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from regista.entities.access import Caller
from regista.entities.asset import AssetVersion
from regista.entities.datastore import ContainerKind, ContainerName, UploadArea
from regista.entities.digest import Digest
from regista.entities.manifest import ManifestEntry
from regista.entities.scope import Scope
from regista.interfaces.catalog import Transaction


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """A container that was found: the scope whose store holds its bytes, and the area or version that it is of."""

    name: ContainerName
    scope: Scope
    area: UploadArea | None = None
    version: AssetVersion | None = None

    @property
    def kind(self) -> ContainerKind:
        """What is in it."""
        return self.name.kind

    def __str__(self) -> str:
        return str(self.name)


class LiveFile(Protocol):
    """A file that still grows."""

    @property
    def size(self) -> int:
        """How many bytes it has now."""

    def read(self, start: int, end: int) -> Iterator[bytes]:
        """Yield what is there of the range."""


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """Files below one folder of a container: *base* is empty or ends in ``/``. They are those of a *manifest*, or *files*,
    sorted by path, or one file that is *live*, by its name.

    ``reference`` is how the rest of the system calls what lies at *base* (``azureml://jobs/J/outputs/O``): what is
    registered from here keeps its past."""

    base: str
    at: int
    manifest: Digest | None = None
    files: Sequence[ManifestEntry] = ()
    live: LiveFile | None = None
    live_name: str = ""
    reference: str = ""


class Shelf(Protocol):
    """Gives read-only files of containers."""

    def covers(self, kind: ContainerKind, path: str) -> bool:
        """Whether *path* (of a file, or the beginning of paths) of such containers is the shelf's: nothing is written there."""

    def sections(self, tx: Transaction, caller: Caller, container: Container, path: str) -> Sequence[Section]:
        """What is at *path*, by base; nothing where there is nothing that *caller* may know of.

        Raise ``ForbiddenError`` for what it may know of and whose bytes it may not read."""
