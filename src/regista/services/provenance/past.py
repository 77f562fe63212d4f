"""What led to a version, as far as one caller may read it: what goes into the version's capsule.

Live records where the caller may read them; where it may not, or where they are gone, what the capsules say of the versions
passed on the way (their second tier only with ``provenance/detail``). What neither knows ends the walk and is counted.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.asset import AssetKind, AssetVersion
from regista.entities.capsule import Capsule, JobRecord, VersionRecord
from regista.entities.digest import Digest
from regista.entities.job import Job
from regista.entities.lineage import Edge, EdgeType, Node
from regista.entities.run import Metric
from regista.entities.scope import Scope
from regista.errors import NotFoundError, RegistaError
from regista.interfaces.blobs import BlobStore
from regista.interfaces.catalog import Transaction
from regista.services.assets.versions import asset_path
from regista.services.provenance.lineage import history_of, job_record, version_record
from regista.services.scopes.stores import StoreService

_MOST_JOBS = 64
_MOST_EDGES = 2000
"""Jobs and edges in one capsule: a long history is cut there."""

OpenCapsule = Callable[[BlobStore, Digest], Capsule]


class Past(msgspec.Struct):
    """What was found; ``histories`` are of the jobs that were read live, ``stores`` of all: where their blobs are, by node."""

    jobs: dict[str, JobRecord] = {}
    versions: dict[str, VersionRecord] = {}
    edges: list[Edge] = []
    histories: dict[str, list[Metric]] = {}
    stores: dict[str, BlobStore] = {}
    hidden: int = 0


def read_past(
    tx: Transaction,
    caller: Caller,
    stores: StoreService,
    open_capsule: OpenCapsule,
    scope: Scope,
    version: AssetVersion,
    coming: Sequence[Edge],
    ending: Mapping[str, Job],
) -> Past:
    """Walk upstream from *version* of *scope*, nearest first.

    *coming* are edges that are not in the catalog yet, *ending* jobs, by node, as they will be there in a moment."""
    walk = _Walk(tx, caller, stores, open_capsule, coming, ending)
    if version.capsule:
        store, path = stores.of(tx, scope)[1], asset_path(scope, version.kind, version.name)
        walk.pour(store, version.capsule, path)
    walk.run(version.node)
    return walk.past


class _Walk:
    def __init__(
        self,
        tx: Transaction,
        caller: Caller,
        stores: StoreService,
        open_capsule: OpenCapsule,
        coming: Sequence[Edge],
        ending: Mapping[str, Job],
    ) -> None:
        self._tx, self._caller, self._stores, self._open = tx, caller, stores, open_capsule
        self._coming, self._ending = coming, ending
        self.past = Past()
        self._pool: dict[str, JobRecord | VersionRecord] = {}
        self._pool_edges: dict[str, list[Edge]] = {}
        self._pool_stores: dict[str, BlobStore] = {}

    def run(self, start: str) -> None:
        seen = {start}
        queue = deque(self._into(start))
        while queue and len(self.past.edges) < _MOST_EDGES:
            edge = queue.popleft()
            if edge.type is EdgeType.DEPLOYED:
                continue
            if edge.source not in seen:
                seen.add(edge.source)
                queue.extend(self._enter(edge.source))
            if edge.source in self.past.jobs or edge.source in self.past.versions or edge.source == start:
                self.past.edges.append(edge)

    def _enter(self, name: str) -> Sequence[Edge]:
        """Note what is known of a node and return the edges into it; none where nothing may be known."""
        node = Node.parse(name)
        live = self._version(node) if node.kind == "version" else self._job(node) if node.kind == "job" else False
        if live:
            return self._into(name)
        match self._pool.get(name):
            case JobRecord() as job if len(self.past.jobs) < _MOST_JOBS:
                self.past.jobs[name] = job
                self.past.stores[name] = self._pool_stores[name]
            case VersionRecord() as version:
                self.past.versions[name] = version
            case _:
                self.past.hidden += 1
        return self._pool_edges.get(name, [])

    def _into(self, name: str) -> list[Edge]:
        """The edges into a node: those of the catalog, and those that are about to be written."""
        known = self._tx.lineage.edges([name], upstream=True)
        named = {(edge.source, edge.type, edge.role) for edge in known}
        fresh = [one for one in self._coming if one.target == name and (one.source, one.type, one.role) not in named]
        return [*fresh, *known, *([] if known or fresh else self._pool_edges.get(name, ()))]

    def _job(self, node: Node) -> bool:
        """Whether the caller may read the job; its record is noted without the log where it may not read that."""
        scope = self._living(node.scope_id)
        if scope is None:
            return False
        path = f"{scope.path}/jobs/{node.parts[0]}"
        job = self._ending.get(str(node)) or self._tx.jobs.find(scope.id, node.parts[0])
        allowed = job is not None and self._caller.allows(Permission.JOBS_READ, path)
        if job is None or not allowed or len(self.past.jobs) >= _MOST_JOBS:
            return False
        record = job_record(self._tx, scope, job)
        if record.detail is not None and not self._caller.allows(Permission.JOBS_LOGS, path):
            record = msgspec.structs.replace(record, detail=msgspec.structs.replace(record.detail, log=None))
        self.past.jobs[str(node)] = record
        self.past.histories[str(node)] = history_of(self._tx, job.id)
        self.past.stores[str(node)] = self._stores.of(self._tx, scope)[1]
        return True

    def _living(self, scope_id: str) -> Scope | None:
        """The scope, unless it is gone: another of its name may stand at its path by now, with other readers."""
        try:
            return None if self._tx.scopes.is_deleted(scope_id) else self._tx.scopes.get(scope_id)
        except NotFoundError:
            return None

    def _version(self, node: Node) -> bool:
        kind, name, number = node.parts
        scope = self._living(node.scope_id)
        if scope is None:
            return False
        path = asset_path(scope, AssetKind(kind), name)
        found = self._tx.versions.find(scope.id, AssetKind(kind), name, number, deleted=True)
        if found is None or not self._caller.allows(Permission.ASSETS_READ, path):
            return False
        self.past.versions[str(node)] = version_record(scope, found)
        if found.capsule:
            self.pour(self._stores.of(self._tx, scope)[1], found.capsule, path)
        return True

    def pour(self, store: BlobStore, digest: Digest, path: str) -> None:
        """Let a capsule speak for what cannot be read live."""
        try:
            capsule = self._open(store, digest)
        except RegistaError:
            return  # one that cannot be believed says nothing
        if not self._caller.allows(Permission.PROVENANCE_READ, path):
            capsule = capsule.card()
        records: list[JobRecord | VersionRecord] = [capsule.subject, *capsule.versions, *capsule.jobs]
        for record in records:
            if record.node not in self._pool:
                self._pool[record.node], self._pool_stores[record.node] = record, store
        for edge in capsule.edges:
            self._pool_edges.setdefault(edge.target, []).append(edge)
