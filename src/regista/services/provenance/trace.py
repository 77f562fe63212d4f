"""Tracing: what led to a deployment, a version or a job, and what came of it, across scopes.

Live lineage is walked where the caller may read. Where it may not, or where the scope is gone, the capsules of the versions
that were passed on the way speak instead: that is what they travel along for.
"""

from collections import deque

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.asset import AssetKind, AssetVersion
from regista.entities.capsule import Capsule, JobRecord, VersionRecord
from regista.entities.lineage import Edge, Node
from regista.entities.reference import AssetReference
from regista.entities.scope import Scope, ScopeAddress
from regista.entities.trace import DeploymentRecord, Trace, TraceNode
from regista.errors import NotFoundError, RegistaError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.assets.versions import asset_path, resolve_asset
from regista.services.jobs.lookup import readable_job
from regista.services.provenance.capsules import CapsuleService
from regista.services.provenance.completeness import completeness_of
from regista.services.provenance.lineage import job_record, version_record, with_texts
from regista.services.scopes.scopes import resolve_scope
from regista.services.scopes.stores import StoreService

MOST_NODES = 5000


class TraceService:
    """Answers where something came from, and what came of it."""

    def __init__(self, catalog: Catalog, stores: StoreService, capsules: CapsuleService) -> None:
        self._catalog = catalog
        self._stores = stores
        self._capsules = capsules

    def of_version(
        self,
        caller: Caller,
        address: ScopeAddress,
        kind: AssetKind,
        name: str,
        version: str = "",
        label: str = "",
        *,
        upstream: bool = True,
    ) -> Trace:
        """The trace of an asset's version."""

        def node(tx: Transaction) -> str:
            home = resolve_scope(tx, caller, address)
            reference = AssetReference(kind=kind, name=name, version=version, label=label)
            return resolve_asset(tx, caller, home, reference, kind)[1].node

        return self.of_node(caller, self._catalog.read(node), upstream=upstream)

    def of_job(self, caller: Caller, address: ScopeAddress, name: str, *, upstream: bool = True) -> Trace:
        """The trace of a job."""

        def node(tx: Transaction) -> str:
            scope = resolve_scope(tx, caller, address)
            return f"job:{scope.id}/{readable_job(tx, caller, scope, name).name}"

        return self.of_node(caller, self._catalog.read(node), upstream=upstream)

    def of_deployment(self, caller: Caller, address: ScopeAddress, endpoint: str, name: str) -> Trace:
        """The trace of what a deployment serves now."""

        def node(tx: Transaction) -> str:
            scope = resolve_scope(tx, caller, address)
            found = tx.endpoints.find_deployment(scope.id, endpoint, name)
            if found is None or not caller.allows(Permission.ENDPOINTS_READ, f"{scope.path}/endpoints/{endpoint}"):
                raise NotFoundError(
                    f"there is no deployment {name!r} of endpoint {endpoint!r} in {address}",
                    hint=f"See: regista online-deployment list --endpoint-name {endpoint} -w {scope.name}",
                )
            return found.node

        return self.of_node(caller, self._catalog.read(node))

    def of_node(self, caller: Caller, start: str, *, upstream: bool = True) -> Trace:
        """The trace of a node of the lineage; a node that the caller may not know is ``NotFoundError``."""

        def work(tx: Transaction) -> Trace:
            walk = _Walk(tx, caller, self._stores, self._capsules, upstream=upstream)
            walk.run(start)
            if start not in walk.found:
                raise NotFoundError(
                    f"there is nothing to trace at {start[:200]!r}", hint="It does not exist, or you may not read it."
                )
            return walk.trace(start)

        return self._catalog.read(work)


class _Walk:
    """One walk, breadth first. ``found`` is what is known, ``pool`` what the capsules on the way say."""

    def __init__(
        self, tx: Transaction, caller: Caller, stores: StoreService, capsules: CapsuleService, *, upstream: bool
    ) -> None:
        self._tx, self._caller, self._stores, self._capsules, self._upstream = tx, caller, stores, capsules, upstream
        self.found: dict[str, TraceNode] = {}
        self.edges: dict[Edge, None] = {}
        self._pool: dict[str, TraceNode] = {}
        self._pool_edges: dict[str, list[Edge]] = {}
        self._hidden: set[str] = set()
        self._remarks: list[str] = []
        self._truncated = False

    def run(self, start: str) -> None:
        queue, seen = deque([start]), {start}
        while queue:
            name = queue.popleft()
            node = self._live(name) or self._pool.get(name)
            if node is None:
                self._hidden.add(name)
                continue
            if len(self.found) >= MOST_NODES:
                self._truncated = True
                return
            self.found[name] = node
            for edge in self._edges_of(name, node):
                self.edges[edge] = None
                other = edge.source if self._upstream else edge.target
                if other not in seen:
                    seen.add(other)
                    queue.append(other)

    def trace(self, start: str) -> Trace:
        """What was found, with how complete it is."""
        jobs = [node.job for node in self.found.values() if node.job]
        hidden = [f"{len(self._hidden)} more that you may not read, or that left no record"] if self._hidden else []
        edges = [edge for edge in self.edges if edge.source in self.found and edge.target in self.found]
        return Trace(
            start=start,
            upstream=self._upstream,
            nodes=tuple(self.found.values()),
            edges=tuple(edges),
            completeness=completeness_of(
                jobs if self._upstream else (), [*self._remarks, *(hidden if self._upstream else ())]
            ),
            truncated=self._truncated,
        )

    def _edges_of(self, name: str, node: TraceNode) -> list[Edge]:
        if node.known == "live":
            return self._tx.lineage.edges([name], upstream=self._upstream)
        return self._pool_edges.get(name, [])

    def _live(self, name: str) -> TraceNode | None:
        """What the catalog says of a node, where the caller may read it and the scope still lives."""
        node = Node.parse(name)
        try:
            scope = self._tx.scopes.get(node.scope_id)
        except NotFoundError:
            return None
        if self._tx.scopes.is_deleted(scope.id):
            return None
        if node.kind == "version":
            return self._live_version(scope, node)
        return self._live_job(scope, node) if node.kind == "job" else self._live_deployment(scope, node)

    def _live_version(self, scope: Scope, node: Node) -> TraceNode | None:
        kind, name, version = node.parts
        if not self._caller.allows(Permission.ASSETS_READ, asset_path(scope, AssetKind(kind), name)):
            return None
        found = self._tx.versions.find(scope.id, AssetKind(kind), name, version, deleted=True)
        if found is None:
            return None
        if found.capsule and self._upstream:
            self._open(scope, found)
        return TraceNode(node=str(node), known="live", version=version_record(scope, found))

    def _live_job(self, scope: Scope, node: Node) -> TraceNode | None:
        path = f"{scope.path}/jobs/{node.parts[0]}"
        job = self._tx.jobs.find(scope.id, node.parts[0])
        if job is None or not self._caller.allows(Permission.JOBS_READ, path):
            return None
        record = job_record(self._tx, scope, job)
        if self._caller.allows(Permission.JOBS_LOGS, path):
            record = with_texts(record, self._stores.of(self._tx, scope)[1])
        elif record.detail is not None:
            record = msgspec.structs.replace(record, detail=msgspec.structs.replace(record.detail, log=None))
        return TraceNode(node=str(node), known="live", job=record)

    def _live_deployment(self, scope: Scope, node: Node) -> TraceNode | None:
        endpoint, name, generation = node.parts
        found = self._tx.endpoints.generation(str(node))
        if found is None or not self._caller.allows(Permission.ENDPOINTS_READ, f"{scope.path}/endpoints/{endpoint}"):
            return None
        record = DeploymentRecord(
            node=str(node),
            endpoint=endpoint,
            name=name,
            generation=int(generation),
            workspace=scope.path,
            state=found.state,
            created_at=found.updated_at or found.created_at,
            created_by=found.created_by,
        )
        return TraceNode(node=str(node), known="live", deployment=record)

    def _open(self, scope: Scope, version: AssetVersion) -> None:
        """Let the capsule of a version speak for what cannot be read live."""
        assert version.capsule  # noqa: S101 - the only caller has looked
        path = asset_path(scope, version.kind, version.name)
        try:
            capsule = self._capsules.open(self._stores.of(self._tx, scope)[1], version.capsule)
        except RegistaError as wrong:
            self._remarks.append(
                f"the capsule of {version.kind} {version.name}:{version.version} cannot be believed: {wrong.message}"
            )
            return
        self._pour(capsule if self._caller.allows(Permission.PROVENANCE_READ, path) else capsule.card())

    def _pour(self, capsule: Capsule) -> None:
        versions: list[VersionRecord] = [capsule.subject, *capsule.versions]
        jobs: list[JobRecord] = list(capsule.jobs)
        for record in versions:
            self._pool.setdefault(record.node, TraceNode(node=record.node, known="capsule", version=record))
        for job in jobs:
            self._pool.setdefault(job.node, TraceNode(node=job.node, known="capsule", job=job))
        for edge in capsule.edges:
            known = self._pool_edges.setdefault(edge.target, [])
            if edge not in known:
                known.append(edge)
