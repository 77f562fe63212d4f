"""Sealing and opening capsules."""

from collections import deque
from collections.abc import Sequence

import msgspec

from regista.entities.access import Caller
from regista.entities.asset import AssetKind, AssetVersion
from regista.entities.capsule import (
    Capsule,
    JobRecord,
    VersionRecord,
    envelope,
    open_envelope,
    read_statement,
    signed_bytes,
    statement,
)
from regista.entities.digest import Digest
from regista.entities.lineage import Edge, EdgeType, Node
from regista.entities.names import now
from regista.entities.run import Metric
from regista.entities.scope import Scope
from regista.errors import InvalidError, NotFoundError
from regista.interfaces.blobs import BlobStore
from regista.interfaces.catalog import Catalog, Transaction
from regista.interfaces.signing import Signature, Signer
from regista.services.completeness import completeness_of
from regista.services.lineage_records import history_of, job_record, version_record, with_blobs
from regista.services.stores import StoreService

_MOST_JOBS = 64
_MOST_EDGES = 2000
"""Jobs and edges in one capsule: a long history is cut there, and the capsule says so."""


class _Draft(msgspec.Struct):
    """What the catalog knows, before blobs are read."""

    capsule: Capsule
    histories: dict[str, list[Metric]]
    stores: dict[str, BlobStore]


class CapsuleService:
    """Makes the sealed record of a version, and reads one back, verified."""

    def __init__(self, catalog: Catalog, stores: StoreService, signer: Signer) -> None:
        self._catalog = catalog
        self._stores = stores
        self._signer = signer

    @property
    def public_key(self) -> str:
        """With which anybody verifies this installation's capsules (PEM)."""
        return self._signer.public_key

    def seal(self, caller: Caller, scope: Scope, version: AssetVersion, made_by: Sequence[Edge] = ()) -> Digest:
        """Write the capsule of *version* of *scope* into the scope's store and return its digest.

        A version that came with a capsule (it was promoted) keeps that one. *made_by* are edges into the version that will
        be written together with its name. Nothing in the catalog changes."""
        if version.capsule:
            return version.capsule
        draft = self._catalog.read(lambda tx: self._draft(tx, caller, scope, version, made_by))
        store = self._stores.for_scope(scope)[1]
        jobs = tuple(with_blobs(job, draft.stores[job.node], draft.histories[job.node]) for job in draft.capsule.jobs)
        capsule = msgspec.structs.replace(
            draft.capsule,
            jobs=jobs,
            missing=completeness_of(jobs, () if jobs else ["no job is known to have made it"]).missing,
        )
        payload = statement(capsule)
        signature = self._signer.sign(signed_bytes(payload))
        return store.put(envelope(payload, signature.key_id, signature.value))

    def open(self, store: BlobStore, digest: Digest) -> Capsule:
        """Read a capsule; raise ``InvalidError`` when its signature is not by a key that is known here."""
        payload, signatures = open_envelope(store.get(digest))
        if not any(self._signer.verify(signed_bytes(payload), Signature(key, value)) for key, value in signatures):
            raise InvalidError(
                "the capsule's signature is not by a key that is trusted here", hint="It may have been altered."
            )
        return read_statement(payload)

    def _draft(
        self, tx: Transaction, caller: Caller, scope: Scope, version: AssetVersion, made_by: Sequence[Edge]
    ) -> _Draft:
        """Walk upstream from the version through its jobs and what they consumed."""
        edges = tx.lineage.walk(version.node, upstream=True, limit=_MOST_EDGES)
        for edge in made_by:
            edges += [edge, *tx.lineage.walk(edge.source, upstream=True, limit=_MOST_EDGES)]
        kept = [edge for edge in dict.fromkeys(edges) if edge.type is not EdgeType.DEPLOYED]
        names = dict.fromkeys(node for edge in kept for node in (edge.source, edge.target) if node != version.node)
        jobs: dict[str, JobRecord] = {}
        versions: dict[str, VersionRecord] = {}
        draft = _Draft(
            Capsule(subject=version_record(scope, version), sealed_at=now(), sealed_by=caller.principal.name), {}, {}
        )
        for name in names:
            node = Node.parse(name)
            if node.kind == "job" and len(jobs) < _MOST_JOBS:
                self._add_job(tx, node, jobs, draft)
            elif node.kind == "version":
                _add_version(tx, node, versions)
        draft.capsule = msgspec.structs.replace(
            draft.capsule,
            jobs=tuple(_nearest_first(version.node, kept, jobs)),
            versions=tuple(versions.values()),
            edges=tuple(kept),
        )
        return draft

    def _add_job(self, tx: Transaction, node: Node, jobs: dict[str, JobRecord], draft: _Draft) -> None:
        try:
            scope = tx.scopes.get(node.scope_id)
            job = tx.jobs.get(node.scope_id, node.parts[0])
        except NotFoundError:
            return
        jobs[str(node)] = job_record(tx, scope, job)
        draft.histories[str(node)] = history_of(tx, job.id)
        draft.stores[str(node)] = self._stores.of(tx, scope)[1]


def _add_version(tx: Transaction, node: Node, versions: dict[str, VersionRecord]) -> None:

    kind, name, version = node.parts
    found = tx.versions.find(node.scope_id, AssetKind(kind), name, version, deleted=True)
    if found is not None:
        versions[str(node)] = version_record(tx.scopes.get(node.scope_id), found)


def _nearest_first(start: str, edges: list[Edge], jobs: dict[str, JobRecord]) -> list[JobRecord]:
    """The jobs in the order of their distance from *start*: the producer comes first."""
    sources: dict[str, list[str]] = {}
    for edge in edges:
        sources.setdefault(edge.target, []).append(edge.source)
    seen, queue, order = {start}, deque([start]), []
    while queue:
        node = queue.popleft()
        if node in jobs:
            order.append(jobs[node])
        for source in sources.get(node, ()):
            if source not in seen:
                seen.add(source)
                queue.append(source)
    return order
