"""Garbage collection: blobs that nothing names are removed, never sooner than a grace after they were first seen so.

Live are: manifests of living versions in living scopes with all their files, their locks, their capsules with what those
attach; outputs, logs, code and locks of jobs in living workspaces; artifacts; and whatever a caller has brought in lately.

It runs twice to remove anything: the first run notes what nothing names, a later one, after the grace, removes what still
nothing names. A blob that is named in between stays.
"""

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.asset import AssetKind, AssetVersion
from regista.entities.digest import Digest
from regista.entities.job import Job
from regista.entities.manifest import Manifest
from regista.entities.names import now
from regista.entities.page import PageRequest
from regista.errors import ForbiddenError, RegistaError
from regista.interfaces.blobs import BlobStore
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.journal import note
from regista.services.provenance.capsules import CapsuleService
from regista.services.scopes.stores import StoreService

GRACE_SECONDS = 24 * 3600.0


class Collected(msgspec.Struct, frozen=True, kw_only=True):
    """What one run did in one store: blobs that something names, blobs newly noted, blobs (and bytes) removed."""

    store: str
    live: int
    noted: int
    removed: int
    bytes: int


class _Noted(msgspec.Struct):
    """When each unnamed blob was first seen."""

    since: dict[Digest, int]


class CollectionService:
    """Finds and removes what nothing names."""

    def __init__(self, catalog: Catalog, stores: StoreService, capsules: CapsuleService) -> None:
        self._catalog = catalog
        self._stores = stores
        self._capsules = capsules

    def collect(
        self, caller: Caller, *, grace_seconds: float = GRACE_SECONDS, dry_run: bool = False
    ) -> list[Collected]:
        """Run once over every store; *dry_run* notes and removes nothing. Safe beside uploads and beside another run."""
        if not caller.allows(Permission.INSTALLATION_WRITE, "/"):
            raise ForbiddenError("collecting garbage is for owners of the installation", hint="Ask an owner of '/'.")
        before = now() - int(grace_seconds * 1000)
        if not dry_run:
            self._catalog.write(lambda tx: tx.claims.sweep(before))
        results = []
        for name, store in self._stores.all().items():
            store.sweep(grace_seconds)
            results.append(self._one(name, store, before, dry_run=dry_run))
        if not dry_run:
            removed = sum(one.removed for one in results)
            self._catalog.write(lambda tx: note(tx, caller, "installation.collect", "/", removed=removed))
        return results

    def _one(self, name: str, store: BlobStore, before: int, *, dry_run: bool) -> Collected:
        live = self._live(name, store)
        unnamed = [digest for digest in store.digests() if digest not in live]
        claimed = self._catalog.read(lambda tx: tx.claims.claimed(unnamed))
        unnamed = [digest for digest in unnamed if digest not in claimed]
        key = f"collection.{name}"
        noted = self._catalog.read(lambda tx: _read_noted(tx, key))
        since = {digest: noted.since.get(digest, now()) for digest in unnamed}
        due = [digest for digest in unnamed if since[digest] <= before]
        size = sum(_size(store, digest) for digest in due)
        if not dry_run:
            self._catalog.write(
                lambda tx: tx.claims.forget(due)
            )  # first: a name for bytes that are gone must not be had
            for digest in due:
                store.delete(digest)
            kept = _Noted({digest: at for digest, at in since.items() if at > before})
            self._catalog.write(lambda tx: tx.settings.put(key, msgspec.json.encode(kept).decode()))
        return Collected(store=name, live=len(live), noted=len(unnamed) - len(due), removed=len(due), bytes=size)

    def _live(self, name: str, store: BlobStore) -> set[Digest]:
        def work(tx: Transaction) -> set[Digest]:
            live: set[Digest] = set()
            for scope in _scopes(tx):
                if self._stores.of(tx, tx.scopes.get(scope))[0] != name:
                    continue
                for version in _versions(tx, scope):
                    live |= self._of_version(store, version)
                for job in _jobs(tx, scope):
                    live |= _of_job(store, job)
            return live | {digest for _, digest in tx.artifacts.digests()}

        return self._catalog.read(work)

    def _of_version(self, store: BlobStore, version: AssetVersion) -> set[Digest]:
        live = _with_files(store, version.manifest) | ({version.lock} if version.lock else set())
        if version.capsule:
            live.add(version.capsule)
            try:
                capsule = self._capsules.open(store, version.capsule)
            except RegistaError:
                return live  # a capsule that cannot be read keeps nothing alive but itself
            live |= capsule.attachments
            for manifest in capsule.manifests:
                live |= _with_files(store, manifest)
        return live


def _scopes(tx: Transaction) -> list[str]:
    found, cursor = [], None
    while True:
        page = tx.scopes.page(None, PageRequest(1000, cursor))
        found += [scope.id for scope in page.items]
        if not (cursor := page.next):
            return found


def _versions(tx: Transaction, scope_id: str) -> list[AssetVersion]:
    found: list[AssetVersion] = []
    for kind in AssetKind:
        cursor: str | None = None
        while True:
            page = tx.versions.page(scope_id, kind, None, PageRequest(1000, cursor), archived=None)
            found += page.items
            if not (cursor := page.next):
                break
    return found


def _jobs(tx: Transaction, scope_id: str) -> list[Job]:
    found: list[Job] = []
    cursor: str | None = None
    while True:
        page = tx.jobs.page(scope_id, PageRequest(1000, cursor), parent=None, archived=None)
        found += page.items
        if not (cursor := page.next):
            return found


def _of_job(store: BlobStore, job: Job) -> set[Digest]:
    live = {digest for digest in (job.log, job.lock) if digest}
    manifests = {one.manifest for one in (*job.inputs.values(), *job.outputs.values()) if one.manifest}
    for manifest in manifests | ({job.code} if job.code else set()):
        live |= _with_files(store, manifest)
    return live


def _with_files(store: BlobStore, manifest: Digest) -> set[Digest]:
    """A manifest and its files; nothing more of one that this store does not have."""
    try:
        return {manifest, *(entry.digest for entry in Manifest.parse(store.get(manifest)).files)}
    except RegistaError:
        return {manifest}


def _size(store: BlobStore, digest: Digest) -> int:
    try:
        return store.size(digest)
    except RegistaError:
        return 0


def _read_noted(tx: Transaction, key: str) -> _Noted:
    text = tx.settings.find(key)
    return msgspec.json.decode(text, type=_Noted) if text else _Noted({})
