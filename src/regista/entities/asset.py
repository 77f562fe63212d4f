"""Assets: named things with versions. A version's content never changes; what is said about it may."""

import re
from enum import StrEnum
from typing import Any

import msgspec

from regista.entities.digest import Digest, digest_of
from regista.entities.manifest import Manifest


class AssetKind(StrEnum):
    """The kinds of asset; ``code`` is internal, it belongs to jobs and components."""

    MODEL = "model"
    ENVIRONMENT = "environment"
    COMPONENT = "component"
    DATA = "data"
    CODE = "code"

    @property
    def plural(self) -> str:
        """As in paths and URIs."""
        return "data" if self is AssetKind.DATA else f"{self}s"

    @classmethod
    def of_plural(cls, plural: str) -> "AssetKind | None":
        """The kind whose plural (or, forgivingly, singular) is *plural*, else None."""
        return next((kind for kind in cls if plural.lower() in {kind.plural, kind.value}), None)


NO_FILES: Digest = Manifest().digest
"""The manifest digest of a version without files, e.g. of most environments and components."""

TYPES: dict[AssetKind, tuple[str, ...]] = {
    AssetKind.MODEL: ("custom_model", "mlflow_model", "triton_model"),
    AssetKind.DATA: ("uri_file", "uri_folder", "mltable"),
    AssetKind.COMPONENT: ("command", "pipeline"),
    AssetKind.ENVIRONMENT: ("",),
    AssetKind.CODE: ("",),
}
"""The types of each kind; the first is the default."""

_FOLDER = re.compile(r"[^/\\\x00-\x1f\x7f]+")
_LONGEST_FOLDER = 200

LONGEST_RUN = 255
"""Characters of a run's name."""

ANONYMOUS = "anonymous"
"""The name of anonymous assets; their version is their content digest's hexadecimal digits."""


class AssetVersion(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One version. Content, and so identity, are ``type``, ``manifest`` and ``spec``; the rest may change.

    ``spec`` is what the kind has besides files: an ``EnvironmentSpec``, a component's specification, a model's flavours.
    ``lock`` is the digest of an environment's lock, set once. ``capsule`` is the digest of the sealed provenance.
    ``source`` says where it came from, as it was given: ``node`` (of the lineage), ``path``, ``folder`` and so on."""

    id: str
    scope_id: str
    kind: AssetKind
    name: str
    version: str
    type: str = ""
    manifest: Digest = NO_FILES
    size: int = 0
    file_count: int = 0
    spec: dict[str, Any] = {}
    description: str = ""
    tags: dict[str, str] = {}
    properties: dict[str, str] = {}
    stage: str = ""
    anonymous: bool = False
    archived: bool = False
    lock: Digest | None = None
    capsule: Digest | None = None
    source: dict[str, str] = {}
    created_at: int = 0
    created_by: str = ""
    updated_at: int = 0

    @property
    def content(self) -> Digest:
        """The identity: equal for two versions exactly when their contents are."""
        return content_digest(self.kind, self.type, self.manifest, self.spec)

    @property
    def digest(self) -> Digest:
        """What it is known by: its files' manifest or, where it has none, all that it is. The empty manifest names nothing."""
        return self.manifest if self.file_count else self.content

    @property
    def folder(self) -> str:
        """What the folder was called from which it was registered; "" for a single file, or where that is not known."""
        name = self.source.get("folder", "")
        return name if len(name) <= _LONGEST_FOLDER and _FOLDER.fullmatch(name) and name not in {".", ".."} else ""

    @property
    def run(self) -> str:
        """The run that it comes from: as it was said, else the job that produced it; "" for none. None has a long name."""
        node = self.source.get("node", "")
        run = self.source.get("run_id") or (node.partition("/")[2] if node.startswith("job:") else "")
        return run if len(run) <= LONGEST_RUN else ""

    @property
    def origin(self) -> str:
        """The address that was said to be its source; "" for none."""
        return self.source.get("uri", "")

    @property
    def node(self) -> str:
        """Its name in the lineage graph."""
        return f"version:{self.scope_id}/{self.kind}/{self.name}/{self.version}"


def content_digest(kind: AssetKind, type_: str, manifest: Digest, spec: dict[str, Any]) -> Digest:
    """The identity of a content, whatever it is called."""
    return digest_of(msgspec.json.encode([kind, type_, manifest, spec], order="sorted"))


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """The name under which versions stand, with what is said about all of them."""

    id: str
    scope_id: str
    kind: AssetKind
    name: str
    description: str = ""
    tags: dict[str, str] = {}
    archived: bool = False
    aliases: dict[str, str] = {}
    latest_version: str = ""
    next_version: int = 1
    created_at: int = 0
    created_by: str = ""
    updated_at: int = 0
