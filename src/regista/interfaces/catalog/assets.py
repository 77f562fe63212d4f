"""Names, versions, and the blobs that may be named."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from regista.entities.asset import Asset, AssetKind, AssetVersion
from regista.entities.digest import Digest
from regista.entities.page import Page, PageRequest
from regista.entities.search import Clause, Order


class AssetRepository(Protocol):
    """Names under which versions stand, with their aliases."""

    def add(self, asset: Asset) -> None:
        """Add; raise ``AlreadyExistsError``."""

    def find(self, scope_id: str, kind: AssetKind, name: str) -> Asset | None:
        """By name."""

    def put(self, asset: Asset) -> None:
        """Replace, the aliases too."""

    def page(
        self,
        scope_id: str,
        kind: AssetKind,
        request: PageRequest,
        *,
        archived: bool | None = False,
        clauses: Sequence[Clause] = (),
    ) -> Page[Asset]:
        """Newest first; *archived* None means both. Clauses are on attribute ``name`` and on tags. No ``anonymous``."""

    def delete(self, scope_id: str, kind: AssetKind, name: str) -> None:
        """Remove the name; its versions must be gone before. Quiet when absent."""


class VersionRepository(Protocol):
    """Asset versions. A deleted version leaves a tombstone: ``get`` by id still answers, its name and version are never
    given to other content, and ``find`` and ``page`` do not show it."""

    def add(self, version: AssetVersion) -> None:
        """Add; raise ``AlreadyExistsError`` when name and version are taken, also by a tombstone."""

    def get(self, version_id: str) -> AssetVersion:
        """By id, deleted ones too."""

    def find(
        self, scope_id: str, kind: AssetKind, name: str, version: str, *, deleted: bool = False
    ) -> AssetVersion | None:
        """By name and version; *deleted* True also finds a tombstone."""

    def find_by_content(self, scope_id: str, kind: AssetKind, name: str, content: Digest) -> AssetVersion | None:
        """The newest living version of the name with the same content."""

    def latest(self, scope_id: str, kind: AssetKind, name: str) -> AssetVersion | None:
        """The newest created that is not archived."""

    def put(self, version: AssetVersion) -> None:
        """Replace what may change; the caller has seen to it that the content is the same."""

    def page(
        self,
        scope_id: str,
        kind: AssetKind,
        name: str | None,
        request: PageRequest,
        *,
        archived: bool | None = False,
        clauses: Sequence[Clause] = (),
        order: Sequence[Order] = (),
    ) -> Page[AssetVersion]:
        """Of one name or of all, newest first where *order* leaves it open. Clauses and orders are on attributes ``name``,
        ``version``, ``number`` (0 for a version that is none), ``type``, ``created_by``, ``created``, ``changed`` and on tags."""

    def delete(self, version_id: str, at: int) -> None:
        """Make it a tombstone."""

    def is_deleted(self, version_id: str) -> bool:
        """Whether it is a tombstone."""

    def manifests(self, after: str = "") -> Iterable[tuple[str, str, Digest]]:
        """(version id, scope id, manifest) of every living version by id, for garbage collection."""


class BlobClaimRepository(Protocol):
    """Which blobs were brought into a scope by whom: what may be named there without sending the bytes again.

    A claim of principal ``""`` belongs to the scope as a whole."""

    def add(self, scope_id: str, principal_id: str, blobs: Mapping[Digest, int], at: int) -> None:
        """Note digests with their sizes; noting again changes nothing but the time."""

    def sizes(self, scope_ids: Sequence[str], principal_id: str, digests: Iterable[Digest]) -> dict[Digest, int]:
        """Those of *digests* that the principal ("": a scope as a whole) has claimed in one of the scopes, with sizes."""

    def claimed(self, digests: Iterable[Digest]) -> set[Digest]:
        """Those of *digests* that some principal has claimed and that were not swept since."""

    def forget(self, digests: Iterable[Digest]) -> None:
        """Drop the scopes' own claims to blobs that are being removed."""

    def sweep(self, before: int) -> int:
        """Forget principals' own claims older than *before*; return how many."""
