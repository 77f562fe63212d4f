"""What goes over the wire of the native API where it is not an entity itself."""

from typing import Any

import msgspec

from regista.entities.access import PrincipalKind
from regista.entities.collection import GRACE_SECONDS
from regista.entities.digest import Digest
from regista.entities.manifest import Manifest, ManifestEntry


class Problem(msgspec.Struct, kw_only=True):
    """An error (RFC 9457), with a code that programs act upon and the next step for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str = ""
    request_id: str = ""


class ScopeBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A workspace or registry to be made."""

    name: str
    subscription: str = "default"
    resource_group: str = "default"
    location: str = "local"
    replication_locations: tuple[str, ...] = ()
    display_name: str = ""
    description: str = ""
    tags: dict[str, str] = {}


class GroupBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A resource group to be made."""

    location: str = ""
    tags: dict[str, str] = {}


class VersionBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A version to be made of blobs that were sent before: their paths, digests and sizes."""

    name: str = ""
    version: str = ""
    type: str = ""
    files: list[ManifestEntry] = []
    spec: dict[str, Any] = {}
    description: str = ""
    tags: dict[str, str] = {}
    properties: dict[str, str] = {}
    stage: str = ""
    anonymous: bool = False
    source: dict[str, str] = {}
    path: str = ""
    """Instead of files: a job's output, a run's artifacts, another version, a URL."""
    workspace: str = ""
    """Where a job in *path* is, when neither the path nor the scope says it."""

    def manifest(self) -> Manifest:
        """The files, checked."""
        return Manifest.of(self.files)


class AliasBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which version an alias shall name."""

    version: str


class BlobSize(msgspec.Struct, forbid_unknown_fields=True):
    """A blob that somebody has."""

    digest: Digest
    size: int


class BlobList(msgspec.Struct, forbid_unknown_fields=True):
    """Blobs that somebody has and might send."""

    blobs: list[BlobSize]


class MissingBlobs(msgspec.Struct):
    """Those that have to be sent."""

    missing: list[Digest]


class StoredBlobs(msgspec.Struct):
    """How many of a pack were stored."""

    stored: int


class UploadState(msgspec.Struct):
    """An open upload: where it goes on."""

    id: str
    offset: int


class UploadCommit(msgspec.Struct, forbid_unknown_fields=True):
    """The end of an upload: the digest that its bytes must have."""

    digest: Digest


class PrincipalBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A principal to be made."""

    name: str
    kind: PrincipalKind = PrincipalKind.USER
    display_name: str = ""


class KeyBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A key to be issued: living so many seconds (None: until revoked), narrowed to paths and permissions."""

    name: str = "key"
    seconds: float | None = None
    paths: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()


class RoleBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A custom role."""

    permissions: tuple[str, ...]
    description: str = ""


class AssignmentBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Who gets which role where."""

    principal: str
    role: str
    path: str


class StoreBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A store: where it is, and which regions are bound to it."""

    url: str = ""
    regions: tuple[str, ...] = ()


class CollectBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How to take out the garbage."""

    dry_run: bool = False
    grace_seconds: float = GRACE_SECONDS


class About(msgspec.Struct, kw_only=True):
    """What answers here."""

    name: str
    version: str
    principal: str
    public_key: str = ""


class ShareBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Where a version shall be promoted to, and what it shall be called there."""

    registry: str
    version: str = ""
    label: str = ""
    share_with_name: str = ""
    share_with_version: str = ""
    dry_run: bool = False


class JobAddress(msgspec.Struct, forbid_unknown_fields=True):
    """A job of a workspace."""

    workspace: str
    job: str


class CompareBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which jobs to compare; the tolerance is the share by which a result may be worse and still hold."""

    jobs: list[JobAddress]
    tolerance: float = 0.1
    lower_is_better: tuple[str, ...] = ()
    higher_is_better: tuple[str, ...] = ()
