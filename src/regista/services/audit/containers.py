"""Where in the tree of scopes a container of files lies, by its name."""

from regista.entities.datastore import ContainerKind, ContainerName
from regista.errors import NotFoundError
from regista.interfaces.catalog import Transaction
from regista.services.assets.versions import asset_path

PREFIX = "/containers/"


def container_place(tx: Transaction, text: str) -> str:
    """The path of the version, or of the files or jobs of the scope; what the name itself says where it leads nowhere."""
    name = ContainerName.find(text)
    try:
        return _place(tx, name) if name else f"{PREFIX}{text}"
    except NotFoundError:
        return f"{PREFIX}{text}"


def _place(tx: Transaction, name: ContainerName) -> str:
    if name.kind in {ContainerKind.VERSION, ContainerKind.FOLDER}:
        version = tx.versions.get(name.id)
        scope = tx.scopes.get(version.scope_id)
        return f"{asset_path(scope, version.kind, version.name)}/versions/{version.version}"
    area = tx.files.find_area(name.id) if name.kind is ContainerKind.AREA else None
    if name.kind is ContainerKind.AREA and area is None:
        raise NotFoundError("the area is gone")
    top = tx.scopes.get(area.scope_id if area else name.id).path
    return f"{top}/jobs" if name.kind is ContainerKind.JOBS else f"{top}/files"
