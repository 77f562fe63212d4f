"""The files of asset versions, as containers show them.

regista-version-ID/…                                         one version
regista-folder-ID/FOLDER/…                                   the same, below a folder of any name
regista-files-SCOPE/assets/KINDS/NAME/VERSION/…              the same below the workspace's datastore
regista-files-SCOPE/asset-folders/KINDS/NAME/VERSION/FOLDER/…
regista-files-SCOPE/version-ID/…

A folder of any name: clients that call what they download after the last part of its path get the name that the content
had where it came from. One part for a version: a client that takes a URL apart at its last ``/`` finds the container.
"""

import re
from collections.abc import Sequence

from regista.entities.access import Caller
from regista.entities.asset import AssetKind, AssetVersion
from regista.entities.datastore import ContainerKind
from regista.entities.scope import Scope
from regista.errors import NotFoundError
from regista.interfaces.catalog import Transaction
from regista.services.assets.versions import asset_path, find_version, what
from regista.services.content.contents import require_download
from regista.services.datastores.shelves import Container, Section

FOLDER = "assets/"
NAMED = "asset-folders/"
_BY_ID = re.compile(r"version-([0-9a-f]{32})(?:/|$)")


class VersionShelf:
    """Shows them to who may download them."""

    def covers(self, kind: ContainerKind, path: str) -> bool:
        if kind is ContainerKind.FILES:
            return path.startswith((FOLDER, NAMED)) or _BY_ID.match(path) is not None
        return kind in {ContainerKind.VERSION, ContainerKind.FOLDER}

    def sections(self, tx: Transaction, caller: Caller, container: Container, path: str) -> Sequence[Section]:
        found = _of_version(container, path) if container.version else _below(tx, caller, container.scope, path)
        if found is None:
            return ()
        base, version = found
        scope = container.scope
        require_download(
            caller, asset_path(scope, version.kind, version.name), what(version.kind, version.name, version.version)
        )
        whole = f"{path}/".rstrip("/") == base.rstrip("/")
        reference = f"azureml://workspaces/{scope.name}/{version.kind.plural}/{version.name}/versions/{version.version}"
        return (
            Section(
                base=base,
                at=version.created_at,
                manifest=version.manifest,
                reference=reference if whole and base and container.kind is ContainerKind.FILES else "",
            ),
        )


def version_folder(version: AssetVersion, folder: str = "") -> str:
    """Where a workspace's datastore shows a version's files; below *folder*, where a name for it is given."""
    place = f"{version.kind.plural}/{version.name}/{version.version}"
    return f"{NAMED}{place}/{folder}" if folder else f"{FOLDER}{place}"


def version_prefix(version: AssetVersion) -> str:
    """The same in one part."""
    return f"version-{version.id}"


def _of_version(container: Container, path: str) -> tuple[str, AssetVersion] | None:
    if container.version is None:
        return None
    if container.kind is ContainerKind.VERSION:
        return "", container.version
    folder = path.split("/", maxsplit=1)[0]
    return (f"{folder}/", container.version) if folder else None


def _below(tx: Transaction, caller: Caller, scope: Scope, path: str) -> tuple[str, AssetVersion] | None:
    """The version that the beginning of *path* names, and how long that beginning is."""
    try:
        if match := _BY_ID.match(path):
            known = tx.versions.get(match[1])
            if known.scope_id != scope.id:
                return None
            return f"version-{known.id}/", find_version(tx, caller, scope, known.kind, known.name, known.version)
        parts = path.split("/")
        depth = 5 if parts[0] == NAMED.rstrip("/") else 4
        kind = AssetKind.of_plural(parts[1]) if len(parts) >= depth else None
        if kind is None or not all(parts[2:depth]):
            return None
        return "/".join(parts[:depth]) + "/", find_version(tx, caller, scope, kind, parts[2], parts[3])
    except NotFoundError:
        return None
