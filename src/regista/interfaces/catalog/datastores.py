"""Datastores, and the files behind them that are no version's yet."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from regista.entities.datastore import Datastore, StagedBlock, StoredFile, UploadArea
from regista.entities.digest import Digest
from regista.interfaces.catalog.resources import RecordRepository


class DatastoreRepository(RecordRepository[Datastore], Protocol):
    """The datastores of workspaces, without those that are built in."""


class FileRepository(Protocol):
    """Files in containers by their paths, the blocks of files that are not put together yet, and upload areas."""

    def find(self, container: str, path: str) -> StoredFile | None:
        """By path."""

    def put(self, file: StoredFile) -> None:
        """Add or replace."""

    def put_all(self, files: Sequence[StoredFile]) -> None:
        """Add or replace many at once."""

    def scan(
        self, container: str, first: str, before: str | None, limit: int, *, owner: str | None = None
    ) -> list[StoredFile]:
        """At most *limit* files by path, from *first* on, up to (not including) *before*; of one *owner*, or of all.

        Paths are in the order of their UTF-8 bytes."""

    def delete(self, container: str, path: str) -> None:
        """Remove; quiet when absent."""

    def put_block(self, block: StagedBlock) -> None:
        """Add a block, or replace the one of the same owner and id."""

    def blocks(self, container: str, path: str, owner: str) -> list[StagedBlock]:
        """What an owner has staged for a file, by id."""

    def delete_blocks(self, container: str, path: str, owner: str) -> None:
        """Forget them; quiet when there are none."""

    def add_area(self, area: UploadArea) -> None:
        """Add."""

    def find_area(self, area_id: str) -> UploadArea | None:
        """By id, also one whose time is over."""

    def sweep(self, at: int, blocks_before: int, limit: int = 1000) -> int:
        """Remove areas that have expired at *at* with their files, blocks older than *blocks_before*, and everything of
        deleted scopes: of each at most *limit*. Return how many rows went."""

    def digests(self) -> Iterable[tuple[str, Digest]]:
        """(scope id, digest) of every file and of every staged block that is a blob, for garbage collection."""
