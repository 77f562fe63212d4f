"""Files that a job leaves in a container, and what lies at a path of one: inside a transaction of somebody else's.

Whoever finishes a job writes its files and its last state at once; whoever submits one reads what is there at that moment.
"""

from collections.abc import Iterable, Mapping

from regista.entities.access import Caller
from regista.entities.datastore import BLOB_STORE, BUILT_IN, StoredFile, files_container
from regista.entities.manifest import MAX_FILES, Manifest, ManifestEntry
from regista.entities.names import now
from regista.entities.scope import Scope, ScopeKind
from regista.errors import NotFoundError, TooLargeError, UnsupportedError
from regista.interfaces.catalog import Transaction
from regista.services.datastores.containers import (
    check_file_path,
    find_container,
    is_repetition,
    readable_owner,
    require_replaceable,
    require_writable,
)
from regista.services.datastores.files import Labels, drafted_file
from regista.services.datastores.shelves import Container

_PAGE = 1000
_NEXT = "\x01"
"""Behind a path: no path has it, so this stands before every other path that begins the same."""


def require_ours(tx: Transaction, scope: Scope, datastore: str) -> None:
    """Raise ``UnsupportedError`` for a datastore whose bytes are not ours, and ``NotFoundError`` for none."""
    if scope.kind is not ScopeKind.WORKSPACE:
        raise NotFoundError(f"{scope.address} has no datastores", hint="Only workspaces have.")
    if datastore in BUILT_IN:
        return
    if tx.datastores.find(scope.id, datastore) is None:
        raise NotFoundError(f"there is no datastore {datastore[:80]!r} in {scope.address}")
    raise UnsupportedError(
        f"datastore {datastore!r} is an account outside: Regista keeps where it is, and neither reads nor writes there",
        hint=f"Use {BLOB_STORE}, or register data by its https address.",
    )


def require_placeable(tx: Transaction, caller: Caller, scope: Scope, path: str) -> Container:
    """The container behind the scope's ``workspaceblobstore``, where *caller* may write the file *path*; raise otherwise."""
    found = find_container(tx, caller, files_container(scope.id))
    require_writable(caller, found)
    require_replaceable(caller, found, tx.files.find(str(found), check_file_path(path)))
    return found


def place_files(
    tx: Transaction, caller: Caller, replacing: Caller, scope: Scope, files: Mapping[str, ManifestEntry], source: str
) -> None:
    """Let the paths of the scope's ``workspaceblobstore`` be these blobs of the scope's store, which the job *source* made on
    behalf of *caller*; files of others are replaced only where *replacing* may. Again changes nothing."""
    found = find_container(tx, caller, files_container(scope.id))
    require_writable(caller, found)
    old = _there(tx, str(found), files)
    rows = []
    for path, entry in files.items():
        was = old.get(path)
        content, repeated = (entry.digest, entry.size), is_repetition(replacing, found, was, entry.digest)
        rows.append(
            drafted_file(caller, found, check_file_path(path), content, Labels(), was, source, repeated=repeated)
        )
    tx.claims.add(scope.id, caller.principal.id, {one.digest: one.size for one in files.values()}, now())
    tx.files.put_all(rows)


def _there(tx: Transaction, container: str, files: Iterable[str]) -> dict[str, StoredFile]:
    """Those of the paths where there is a file: what lies between the first and the last is read page by page."""
    wanted = set(files)
    found: dict[str, StoredFile] = {}
    if not wanted:
        return found
    first, before = min(wanted, key=str.encode), max(wanted, key=str.encode) + _NEXT
    while page := tx.files.scan(container, first, before, _PAGE):
        found |= {one.path: one for one in page if one.path in wanted}
        first = page[-1].path + _NEXT
    return found


def files_below(tx: Transaction, caller: Caller, scope: Scope, path: str) -> tuple[Manifest, tuple[str, ...]]:
    """The file at *path* of the scope's ``workspaceblobstore``, else all files below it, that *caller* may read, and the
    jobs that wrote them; raise ``NotFoundError`` when there is none."""
    container = find_container(tx, caller, files_container(scope.id))
    owner = readable_owner(caller, container)
    single = tx.files.find(str(container), check_file_path(path))
    if single is not None and owner in {None, single.owner}:
        return _content([single], path.rpartition("/")[0])
    found: list[StoredFile] = []
    first, before = f"{path}/", f"{path}0"  # the character behind the slash
    while page := tx.files.scan(str(container), first, before, _PAGE, owner=owner):
        found += page
        if len(found) > MAX_FILES:
            raise TooLargeError(f"a content holds at most {MAX_FILES:,} files")
        first = page[-1].path + _NEXT
    if not found:
        raise NotFoundError(
            f"there is nothing at {path[:200]!r} in container {container}",
            hint="Upload it first, or let a job write it.",
        )
    return _content(found, path)


def _content(files: list[StoredFile], base: str) -> tuple[Manifest, tuple[str, ...]]:
    entries = [
        ManifestEntry(one.path[len(base) + 1 :] if base else one.path, one.digest, one.size)
        for one in files
        if one.digest
    ]
    return Manifest.of(entries), sources_of(files)


def sources_of(files: Iterable[StoredFile]) -> tuple[str, ...]:
    """The jobs that wrote them, each once."""
    return tuple(dict.fromkeys(one.source for one in files if one.source))
