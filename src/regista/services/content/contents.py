"""Bringing bytes into a scope, and building contents of them.

Knowing a digest gives no access: a blob may be named by whoever brought it into the scope itself, or by who may download
everything in a scope (of the same store, or this one) that has it. Everything else must be sent again.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping

from regista.entities.access import Caller, Permission
from regista.entities.digest import Digest, parse_digest
from regista.entities.manifest import Manifest, ManifestEntry
from regista.entities.names import now
from regista.entities.page import PageRequest
from regista.entities.scope import Scope, ScopeAddress
from regista.errors import ForbiddenError, InvalidError, NotFoundError
from regista.interfaces.blobs import BlobStore, BlobUpload
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.access.access import require
from regista.services.scopes.scopes import resolve_scope
from regista.services.scopes.stores import StoreService

_REMEMBERED = 16
_WRITERS = (Permission.ASSETS_WRITE, Permission.JOBS_WRITE, Permission.ENDPOINTS_WRITE)


class ContentService:
    """Uploads into a scope, and checks that a manifest names only what its author may use."""

    def __init__(self, catalog: Catalog, stores: StoreService) -> None:
        self._catalog = catalog
        self._stores = stores
        self._manifests: dict[Digest, Manifest] = {}

    def missing(self, caller: Caller, address: ScopeAddress, blobs: Mapping[Digest, int]) -> list[Digest]:
        """Which of *blobs* the caller has to send before it can name them in the scope, in their order."""
        for digest in blobs:
            parse_digest(digest)
        scope, _, store = self._writable(caller, address)
        usable = self._catalog.read(lambda tx: self.usable(tx, caller, scope, blobs))
        return [digest for digest in blobs if digest not in usable or not store.exists(digest)]

    def usable(self, tx: Transaction, caller: Caller, scope: Scope, digests: Iterable[Digest]) -> dict[Digest, int]:
        """Those of *digests* that the caller may name in *scope* without sending them, with their sizes."""
        wanted = set(digests)
        found = tx.claims.sizes([scope.id], caller.principal.id, wanted) if wanted else {}
        missing = wanted - found.keys()
        if missing and (others := self._same_store(tx, caller, scope)):
            found |= tx.claims.sizes(others, "", missing)
        return found

    def _same_store(self, tx: Transaction, caller: Caller, scope: Scope) -> list[str]:
        """The ids of scopes of the same store of which the caller may download everything."""
        name, _ = self._stores.of(tx, scope)
        scopes = tx.scopes.page(None, PageRequest(limit=1000)).items
        return [
            one.id
            for one in scopes
            if caller.allows(Permission.ASSETS_DOWNLOAD, one.path) and self._stores.of(tx, one)[0] == name
        ]

    def put(self, caller: Caller, address: ScopeAddress, blobs: Iterable[tuple[Digest, bytes]]) -> int:
        """Store small blobs under the digests they were promised under; return how many there were.

        All of them are durable, and the caller's to name, when this returns."""
        scope, _, store = self._writable(caller, address)
        sizes: dict[Digest, int] = {}
        for digest, content in blobs:
            sizes[store.put(content, parse_digest(digest))] = len(content)
        self.claim(caller, scope, sizes)
        return len(sizes)

    def begin(self, caller: Caller, address: ScopeAddress) -> BlobUpload:
        """Open a resumable upload into the scope."""
        return self._writable(caller, address)[2].begin()

    def resume(self, caller: Caller, address: ScopeAddress, upload_id: str) -> BlobUpload:
        """Go on with an upload; raise ``NotFoundError`` when it is not there any more."""
        return self._writable(caller, address)[2].resume(upload_id)

    def commit(self, caller: Caller, address: ScopeAddress, upload: BlobUpload, expected: Digest | None) -> Digest:
        """End an upload: its bytes are durable and the caller's to name in the scope."""
        scope = self._writable(caller, address)[0]
        size = upload.offset
        digest = upload.commit(expected)
        self.claim(caller, scope, {digest: size})
        return digest

    def take(
        self, caller: Caller, address: ScopeAddress, file: int, expected: Digest | None = None
    ) -> tuple[Digest, int]:
        """Copy an open file into the scope's store: durable, and the caller's to name, when its digest and size return."""
        scope, _, store = self._writable(caller, address)
        digest = store.add_file(file, expected)
        size = store.size(digest)
        self.claim(caller, scope, {digest: size})
        return digest, size

    def claim(self, caller: Caller, scope: Scope, sizes: Mapping[Digest, int]) -> None:
        """Note that the caller brought these blobs into the scope."""
        self._catalog.write(lambda tx: tx.claims.add(scope.id, caller.principal.id, sizes, now()))

    def store_manifest(self, scope: Scope, manifest: Manifest) -> Digest:
        """Store the manifest itself, and see that the files it names are there, and stay there until they have been named;
        raise ``NotFoundError`` naming one that is not (it was sent long ago, and swept). A manifest that nothing names is
        swept like any other blob."""
        store = self._stores.for_scope(scope)[1]
        for digest, path in {entry.digest: entry.path for entry in manifest.files}.items():
            if not store.renew(digest):
                raise _unsent(scope, path, digest)
        return store.put(manifest.encode())

    def check(self, tx: Transaction, caller: Caller, scope: Scope, manifest: Manifest) -> None:
        """Raise unless the caller may name every blob of *manifest* in the scope, at its true size.

        From then on the blobs belong to the scope as a whole."""
        self.look(tx, caller, scope, manifest)
        tx.claims.add(scope.id, "", {entry.digest: entry.size for entry in manifest.files}, now())

    def look(self, tx: Transaction, caller: Caller, scope: Scope, manifest: Manifest) -> None:
        """The same question, without any consequence."""
        usable = self.usable(tx, caller, scope, {entry.digest for entry in manifest.files})
        for entry in manifest.files:
            if entry.digest not in usable:
                raise _unsent(scope, entry.path, entry.digest)
            if usable[entry.digest] != entry.size:
                raise InvalidError(f"{entry.path!r} has {usable[entry.digest]} bytes, the manifest says {entry.size}")

    def manifest(self, scope: Scope, digest: Digest) -> Manifest:
        """Read a manifest of the scope's store, verified. The last few are remembered: files are asked for one by one."""
        known = self._manifests.get(digest)
        if known is None:
            known = Manifest.parse(self._stores.for_scope(scope)[1].get(digest))
            if len(self._manifests) >= _REMEMBERED:
                self._manifests.pop(next(iter(self._manifests)), None)
            self._manifests[digest] = known
        return known

    def entry(self, scope: Scope, digest: Digest, path: str) -> ManifestEntry | None:
        """The file at *path* in a manifest, found without looking through all of them."""
        files = self.manifest(scope, digest).files
        at = bisect_left(files, path, key=lambda entry: entry.path)
        return files[at] if at < len(files) and files[at].path == path else None

    def read(self, scope: Scope, digest: Digest, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Read a blob of the scope's store; the caller of this has checked the right to it."""
        return self.store(scope).read(digest, start, end)

    def store(self, scope: Scope) -> BlobStore:
        """The store that holds the scope's bytes."""
        return self._stores.for_scope(scope)[1]

    def store_of(self, tx: Transaction, scope: Scope) -> BlobStore:
        """The same inside a transaction."""
        return self._stores.of(tx, scope)[1]

    def require_writer(self, caller: Caller, address: ScopeAddress) -> Scope:
        """The scope, into which the caller may bring something; raise otherwise."""
        return self._writable(caller, address)[0]

    def _writable(self, caller: Caller, address: ScopeAddress) -> tuple[Scope, str, BlobStore]:
        def work(tx: Transaction) -> tuple[Scope, str, BlobStore]:
            scope = resolve_scope(tx, caller, address)
            if not may_bring(caller, scope):
                raise ForbiddenError(
                    f"{caller.principal.name} may not bring anything into {address}",
                    hint=f"It takes one of {', '.join(_WRITERS)}. Ask an owner: regista role assign "
                    f"--principal {caller.principal.name} --role 'Registry User' --scope {scope.path}",
                )
            return (scope, *self._stores.of(tx, scope))

        return self._catalog.read(work)


def may_bring(caller: Caller, scope: Scope) -> bool:
    """Whether the caller may bring bytes into the scope: it may write something in it."""
    return any(caller.allows_below(permission, scope.path) for permission in _WRITERS)


def _unsent(scope: Scope, path: str, digest: Digest) -> NotFoundError:
    """The same whether the store has the bytes, by somebody else, or not: who asks must not learn it."""
    return NotFoundError(
        f"the bytes of {path!r} ({digest[:19]}…) have not been sent to {scope.kind} {scope.name!r}",
        hint="Upload them first; the digest alone gives no right to them.",
    )


def require_download(caller: Caller, path: str, what: str) -> None:
    """Let the caller read the bytes of *what* at *path*, or raise."""
    require(caller, Permission.ASSETS_DOWNLOAD, path, read=Permission.ASSETS_READ, what=what)
