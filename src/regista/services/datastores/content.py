"""What lies at a path of a container, as the content of a version that is to be registered."""

from collections.abc import Iterable, Iterator

import msgspec

from regista.entities.access import Caller
from regista.entities.datastore import BLOB_STORE, StoredFile, files_container, jobs_container
from regista.entities.manifest import MAX_FILES, Manifest, ManifestEntry
from regista.entities.names import now
from regista.entities.scope import Scope, ScopeAddress
from regista.errors import NotFoundError, TooLargeError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.datastores.containers import find_container
from regista.services.datastores.files import FileService
from regista.services.datastores.placing import require_ours, sources_of
from regista.services.scopes.scopes import resolve_scope


class StoredContent(msgspec.Struct, frozen=True, kw_only=True):
    """Files in the store of *scope*, relative to the path that was asked for; a single file keeps its name.

    ``reference`` is set where they are a version's or a job's already: registered by it they keep their past, and the
    rights are asked for again. Else the files are the caller's to name in the scope; ``sources`` are jobs that wrote them."""

    scope: Scope
    manifest: Manifest
    reference: str = ""
    sources: tuple[str, ...] = ()


class StoredContents:
    """Finds contents."""

    def __init__(self, catalog: Catalog, files: FileService) -> None:
        self._catalog = catalog
        self._files = files

    def locate(self, caller: Caller, address: ScopeAddress, datastore: str, path: str) -> tuple[str, str]:
        """Container and path of what a datastore reference means; raise ``UnsupportedError`` for a datastore whose bytes
        are not ours, and ``NotFoundError`` for none."""

        def work(tx: Transaction) -> Scope:
            scope = resolve_scope(tx, caller, address)
            require_ours(tx, scope, datastore)
            return scope

        scope = self._catalog.read(work)
        container = files_container(scope.id) if datastore == BLOB_STORE else jobs_container(scope.id)
        return container, path.strip("/")

    def find(self, caller: Caller, container: str, path: str) -> StoredContent:
        """The file at *path*, else all files below it (all of the container when it is empty).

        Raise ``NotFoundError`` when there is none."""
        path = path.strip("/")
        scope = self._catalog.read(lambda tx: find_container(tx, caller, container).scope)
        origin = self._files.reference(caller, container, path)
        files, base = self._found(caller, container, path)
        entries = list(_entries_of(files, base))
        if not entries:
            raise NotFoundError(f"there is nothing at {path[:200]!r} in container {container}", hint="Upload it first.")
        manifest = Manifest.of(entries)
        if not origin:
            sizes = {entry.digest: entry.size for entry in manifest.files}
            self._catalog.write(lambda tx: tx.claims.add(scope.id, caller.principal.id, sizes, now()))
        return StoredContent(scope=scope, manifest=manifest, reference=origin, sources=sources_of(files))

    def _found(self, caller: Caller, container: str, path: str) -> tuple[list[StoredFile], str]:
        """The files, and what their paths in the content are relative to."""
        if path:
            try:
                return [self._files.get(caller, container, path)], path.rpartition("/")[0]
            except NotFoundError:
                pass
        return list(self._below(caller, container, path)), path

    def _below(self, caller: Caller, container: str, path: str) -> Iterator[StoredFile]:
        start, seen = "", 0
        while True:
            listed = self._files.listing(caller, container, prefix=f"{path}/" if path else "", start=start)
            seen += len(listed.items)
            if seen > MAX_FILES:
                raise TooLargeError(f"a version holds at most {MAX_FILES:,} files")
            yield from (one for one in listed.items if isinstance(one, StoredFile))
            if listed.next is None:
                return
            start = listed.next


def _entries_of(files: Iterable[StoredFile], base: str) -> Iterator[ManifestEntry]:
    for file in files:
        if file.digest is not None:  # what still grows is no content
            yield ManifestEntry(file.path[len(base) + 1 :] if base else file.path, file.digest, file.size)
