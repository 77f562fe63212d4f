"""The files of asset versions, as containers show them.

regista-version-ID/…                                  one version
regista-files-SCOPE/assets/KINDS/NAME/VERSION/…       the same below the workspace's datastore
"""

from collections.abc import Sequence

from regista.entities.access import Caller
from regista.entities.asset import AssetKind, AssetVersion
from regista.entities.datastore import ContainerKind
from regista.errors import NotFoundError
from regista.interfaces.catalog import Transaction
from regista.services.assets.versions import asset_path, find_version, what
from regista.services.content.contents import require_download
from regista.services.datastores.shelves import Container, Section

FOLDER = "assets/"


class VersionShelf:
    """Shows them to who may download them."""

    def covers(self, kind: ContainerKind, path: str) -> bool:
        return kind is ContainerKind.VERSION or (kind is ContainerKind.FILES and path.startswith(FOLDER))

    def sections(self, tx: Transaction, caller: Caller, container: Container, path: str) -> Sequence[Section]:
        base, version = "", container.version
        if version is None:
            base, version = _below(tx, caller, container, path)
        if version is None:
            return ()
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
                reference=reference if whole and base else "",
            ),
        )


def version_folder(version: AssetVersion) -> str:
    """Where a workspace's datastore shows a version's files."""
    return f"{FOLDER}{version.kind.plural}/{version.name}/{version.version}"


def _below(tx: Transaction, caller: Caller, container: Container, path: str) -> tuple[str, AssetVersion | None]:
    parts = path.split("/")
    kind = AssetKind.of_plural(parts[1]) if len(parts) >= 4 else None
    if kind is None or not parts[3]:
        return "", None
    try:
        version = find_version(tx, caller, container.scope, kind, parts[2], parts[3])
    except NotFoundError:
        return "", None
    return "/".join(parts[:4]) + "/", version
