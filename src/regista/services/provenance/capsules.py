"""Sealing and opening capsules."""

from collections import deque
from collections.abc import Mapping, Sequence

from regista.entities.access import Caller
from regista.entities.asset import AssetVersion
from regista.entities.capsule import (
    Capsule,
    JobRecord,
    envelope,
    open_envelope,
    read_statement,
    signed_bytes,
    statement,
)
from regista.entities.digest import Digest
from regista.entities.job import Job, JobStatus
from regista.entities.lineage import Edge
from regista.entities.manifest import Manifest
from regista.entities.names import now
from regista.entities.scope import Scope
from regista.errors import InvalidError
from regista.interfaces.blobs import BlobStore
from regista.interfaces.catalog import Catalog
from regista.interfaces.signing import Signature, Signer
from regista.services.content.copying import copy_blobs
from regista.services.provenance.completeness import completeness_of
from regista.services.provenance.lineage import version_record, with_blobs
from regista.services.provenance.past import read_past
from regista.services.scopes.stores import StoreService


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

    def seal(
        self,
        caller: Caller,
        scope: Scope,
        version: AssetVersion,
        coming: Sequence[Edge] = (),
        ending: Mapping[str, Job] | None = None,
        *,
        anew: bool = False,
    ) -> Digest:
        """Write the capsule of *version* of *scope*, with what it points at, into the scope's store and return its digest.

        A version that has a capsule keeps that one, unless *anew*. *coming* are edges that will be written together with the
        version's name, *ending* the jobs, by node, that end with it, as they will be. It says no more than the caller may
        read, for others will read it who may not. Nothing in the catalog changes: after a crash the same call does it again."""
        if version.capsule and not anew:
            return version.capsule
        past = self._catalog.read(
            lambda tx: read_past(tx, caller, self._stores, self.open, scope, version, coming, ending or {})
        )
        store = self._stores.for_scope(scope)[1]
        jobs = tuple(
            with_blobs(job, past.stores[job.node], store, past.histories[job.node])
            if job.node in past.histories
            else job
            for job in _nearest_first(version.node, past.edges, past.jobs)
        )
        for job in jobs:
            _bring_attachments(job, past.stores[job.node], store)
        remarks = [] if jobs else ["no job is known to have made it"]
        remarks += [f"{past.hidden} that {caller.principal.name}, who sealed this, may not read"] if past.hidden else []
        capsule = Capsule(
            subject=version_record(scope, version),
            sealed_at=now(),
            sealed_by=caller.principal.name,
            jobs=jobs,
            versions=tuple(past.versions.values()),
            edges=tuple(past.edges),
            missing=completeness_of(jobs, remarks).missing,
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

    def is_early(self, store: BlobStore, digest: Digest) -> bool:
        """Whether it was sealed before a job in it had ended: there may be more to say now."""
        return any(not JobStatus(job.status).is_final for job in self.open(store, digest).jobs if job.status)


def _bring_attachments(job: JobRecord, source: BlobStore, target: BlobStore) -> None:
    """Log, lock, code and history of a job go to where the capsule is; what is lost already stays lost."""
    if source is target:
        return
    there = [Manifest.parse(source.get(digest)) for digest in job.manifests if source.exists(digest)]
    wanted = job.attachments | job.manifests | {entry.digest for manifest in there for entry in manifest.files}
    copy_blobs(source, target, wanted, optional=wanted)


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
