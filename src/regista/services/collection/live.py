"""Which blobs of a store something names.

Live are: manifests of living versions in living scopes with all their files, their locks, their capsules with what those
attach; inputs, outputs, logs, code and locks of jobs in living workspaces, and what steps will read that are not made yet;
artifacts of runs and logged models and files behind datastores, in living scopes too. An input may be in another store than
its job.

The catalog is asked in one short transaction; manifests are read after it. What is named later was stored later too, or
renewed, and the store keeps such blobs by itself.
"""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TypeVar

import msgspec

from regista.entities.asset import AssetKind
from regista.entities.capsule import open_envelope, read_statement
from regista.entities.digest import Digest
from regista.entities.job import Binding, Job, JobType
from regista.entities.manifest import Manifest
from regista.entities.page import MAX_PAGE, PageRequest
from regista.errors import ConflictError, DigestMismatchError, InvalidError, NotFoundError
from regista.interfaces.blobs import BlobStore
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.jobs.plans import PipelinePlan, pipeline_plan
from regista.services.scopes.stores import StoreService

T = TypeVar("T")


class _Named(msgspec.Struct):
    """What rows name: blobs themselves, manifests (with their files) and capsules (with what they attach)."""

    blobs: set[Digest] = msgspec.field(default_factory=set)
    manifests: set[Digest] = msgspec.field(default_factory=set)
    capsules: set[Digest] = msgspec.field(default_factory=set)


class LiveBlobs:
    """Finds out what is alive."""

    def __init__(self, catalog: Catalog, stores: StoreService) -> None:
        self._catalog = catalog
        self._stores = stores

    def of(self, name: str, store: BlobStore) -> set[Digest]:
        """The blobs of the store *name* that something names.

        Raise ``ConflictError`` for a manifest or a capsule that cannot be read: nobody knows then which files it keeps
        alive. One that the store does not have keeps nothing alive (its scope may be of another store)."""
        named = self._catalog.read(lambda tx: self._named(tx, name))
        for digest in named.capsules:
            if (content := _content(store, digest)) is not None:
                capsule = _read(digest, lambda content=content: read_statement(open_envelope(content)[0]))  # type: ignore[misc]
                named.blobs |= capsule.attachments
                named.manifests |= capsule.manifests
        live = named.blobs | named.manifests | named.capsules
        for digest in named.manifests:
            if (content := _content(store, digest)) is not None:
                manifest = _read(digest, lambda content=content: Manifest.parse(content))  # type: ignore[misc]
                live.update(entry.digest for entry in manifest.files)
        return live

    def _named(self, tx: Transaction, name: str) -> _Named:
        named = _Named()
        living = _scopes(tx)
        for scope in living:
            here = self._stores.of(tx, tx.scopes.get(scope))[0] == name
            if here:
                _add_versions(tx, scope, named)
            for job in _jobs(tx, scope):
                named.manifests.update(one.manifest for one in _read_by(job) if one.manifest and (here or one.scope))
                if here:
                    _add_left(job, named)
        for scope, digest in chain(tx.artifacts.digests(), tx.files.digests()):
            if scope in living:
                named.blobs.add(digest)
        return named


def _scopes(tx: Transaction) -> dict[str, None]:
    """The ids of all living scopes, in order."""
    found: dict[str, None] = {}
    cursor: str | None = None
    while True:
        page = tx.scopes.page(None, PageRequest(MAX_PAGE, cursor))
        found |= dict.fromkeys(scope.id for scope in page.items)
        if not (cursor := page.next):
            return found


def _add_versions(tx: Transaction, scope_id: str, named: _Named) -> None:
    for kind in AssetKind:
        cursor: str | None = None
        while True:
            page = tx.versions.page(scope_id, kind, None, PageRequest(MAX_PAGE, cursor), archived=None)
            for version in page.items:
                named.manifests.add(version.manifest)
                named.blobs |= {version.lock} if version.lock else set()
                named.capsules |= {version.capsule} if version.capsule else set()
            if not (cursor := page.next):
                break


def _jobs(tx: Transaction, scope_id: str) -> Iterator[Job]:
    cursor: str | None = None
    while True:
        page = tx.jobs.page(scope_id, PageRequest(MAX_PAGE, cursor), parent=None, archived=None)
        yield from page.items
        if not (cursor := page.next):
            return


def _read_by(job: Job) -> Iterator[Binding]:
    """What a job has read or will read, steps that are not made yet included."""
    yield from job.inputs.values()
    if job.type is JobType.PIPELINE and not job.status.is_final:
        yield from _given(pipeline_plan(job))


def _given(plan: PipelinePlan) -> Iterator[Binding]:
    for step in plan.jobs.values():
        yield from step.given.values()
        if isinstance(step.plan, PipelinePlan):
            yield from _given(step.plan)


def _add_left(job: Job, named: _Named) -> None:
    named.blobs.update(digest for digest in (job.log, job.lock) if digest)
    named.manifests.update(one.manifest for one in job.outputs.values() if one.manifest)
    if job.code:
        named.manifests.add(job.code)


def _content(store: BlobStore, digest: Digest) -> bytes | None:
    try:
        return store.get(digest)
    except NotFoundError:
        return None
    except DigestMismatchError as rotten:
        raise _unreadable(digest) from rotten


def _read(digest: Digest, parse: Callable[[], T]) -> T:
    """What is named is taken as it is, whoever signed it: keys change, and only Regista writes what a row names."""
    try:
        return parse()
    except InvalidError as wrong:
        raise _unreadable(digest) from wrong


def _unreadable(digest: Digest) -> ConflictError:
    return ConflictError(
        f"{digest} cannot be read, so nobody knows which files it keeps: nothing is removed",
        hint="Restore it from a backup, or delete the versions, jobs or scopes that it belongs to.",
    )
