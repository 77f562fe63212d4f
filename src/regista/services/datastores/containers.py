"""Which container a name means to a caller, and what the caller may do in it.

files      read whole by who may download everything in the scope, else each file by its writer; written to by who
           may bring anything into the scope, over the files of others only by who may write all its assets
area       its creator's alone
jobs, version, folder, and the shelves' folders in files     read only; the shelf knows the rights
"""

from regista.entities.access import Caller, Permission
from regista.entities.asset import AssetVersion
from regista.entities.datastore import ContainerKind, ContainerName, StoredFile, UploadArea
from regista.entities.digest import Digest
from regista.entities.manifest import check_path
from regista.entities.names import now
from regista.entities.scope import Scope, ScopeKind
from regista.errors import ForbiddenError, InvalidError, NotFoundError
from regista.interfaces.catalog import Transaction
from regista.services.access.access import sees
from regista.services.content.contents import may_bring
from regista.services.datastores.shelves import Container

WRITABLE = (ContainerKind.FILES, ContainerKind.AREA)


def find_container(tx: Transaction, caller: Caller, text: str) -> Container:
    """The container of that name; raise ``NotFoundError`` for one that does not exist for *caller*."""
    name = ContainerName.find(text)
    found = _found(tx, caller, name) if name else None
    if found is None:
        raise absent_container(text)
    return found


def _found(tx: Transaction, caller: Caller, name: ContainerName) -> Container | None:
    area: UploadArea | None = None
    version: AssetVersion | None = None
    scope_id = name.id
    if name.kind is ContainerKind.AREA:
        area = tx.files.find_area(name.id)
        if area is None or area.principal_id != caller.principal.id or area.expires_at <= now():
            return None
        scope_id = area.scope_id
    elif name.kind in {ContainerKind.VERSION, ContainerKind.FOLDER}:
        version = _version(tx, name.id)
        if version is None:
            return None
        scope_id = version.scope_id
    scope = _scope(tx, scope_id)
    if scope is None or not sees(caller, scope):
        return None
    if name.kind in {ContainerKind.FILES, ContainerKind.JOBS} and scope.kind is not ScopeKind.WORKSPACE:
        return None
    return Container(name=name, scope=scope, area=area, version=version)


def _version(tx: Transaction, version_id: str) -> AssetVersion | None:
    try:
        found = tx.versions.get(version_id)
    except NotFoundError:
        return None
    return None if tx.versions.is_deleted(version_id) else found


def _scope(tx: Transaction, scope_id: str) -> Scope | None:
    try:
        found = tx.scopes.get(scope_id)
    except NotFoundError:
        return None
    return None if tx.scopes.is_deleted(scope_id) else found


def readable_owner(caller: Caller, container: Container) -> str | None:
    """Whose files the caller may read in a writable container: None for everybody's, else the id of its own principal."""
    everything = container.kind is ContainerKind.AREA or caller.allows(Permission.ASSETS_DOWNLOAD, container.scope.path)
    return None if everything else caller.principal.id


def require_writable(caller: Caller, container: Container) -> None:
    """Let *caller* put files into the container, or raise ``ForbiddenError``."""
    if container.kind not in WRITABLE:
        raise ForbiddenError(
            f"container {container} is read only", hint="Upload into workspaceblobstore, or register a new version."
        )
    if not may_bring(caller, container.scope):
        raise ForbiddenError(
            f"{caller.principal.name} may not bring anything into {container.scope.address}",
            hint=f"It takes {Permission.ASSETS_WRITE}, {Permission.JOBS_WRITE} or {Permission.ENDPOINTS_WRITE}.",
        )


def require_replaceable(caller: Caller, container: Container, old: StoredFile | None) -> None:
    """Let *caller* change or replace a file that is there, or raise ``ForbiddenError``: nobody who may only write a few
    assets shall change what others are about to register."""
    if old is not None and not _may_replace(caller, container, old):
        raise ForbiddenError(
            f"{old.path[:200]!r} in {container} was written by somebody else",
            hint=f"Replacing it takes {Permission.ASSETS_WRITE} at {container.scope.path}.",
        )


def is_repetition(caller: Caller, container: Container, old: StoredFile | None, digest: Digest) -> bool:
    """Whether *caller* may write these bytes over a file for no other reason than that they are there already, somebody
    else's; raise ``ForbiddenError`` for other bytes that it may not write there."""
    if old is not None and old.digest == digest:
        return not _may_replace(caller, container, old)
    require_replaceable(caller, container, old)
    return False


def _may_replace(caller: Caller, container: Container, old: StoredFile) -> bool:
    mine = old.owner == caller.principal.id and not old.repeated
    return mine or caller.allows(Permission.ASSETS_WRITE, container.scope.path)


def check_file_path(path: str) -> str:
    """Return *path* when a file can be there; raise ``InvalidError``."""
    try:
        return check_path(path)
    except InvalidError as wrong:
        raise InvalidError(f"this is no name of a file: {wrong.message}", hint=wrong.hint) from wrong


def absent_container(text: str) -> NotFoundError:
    """What is said of a container that does not exist for the caller."""
    return NotFoundError(
        f"there is no container {text[:80]!r}", hint="It does not exist, its time is over, or you may not read it."
    )
