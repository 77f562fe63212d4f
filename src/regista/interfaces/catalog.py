"""Everything Regista knows, except the bytes.

A use case runs its reads and writes inside one function that is handed a ``Transaction``: all of it happens, or nothing.
One repository per entity; all raise ``NotFoundError`` from ``get`` and ``AlreadyExistsError`` from ``add``. ``put`` writes
the entity whole, over the one with the same identity. Pages are newest first unless they say otherwise.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from regista.entities.access import Key, Principal, Role, RoleAssignment
from regista.entities.asset import Asset, AssetKind, AssetVersion
from regista.entities.digest import Digest
from regista.entities.endpoint import Deployment, Endpoint, TrafficChange
from regista.entities.job import Job, JobStatus, Lease
from regista.entities.journal import AuditRecord, Event
from regista.entities.lineage import Edge, EdgeType
from regista.entities.page import Page, PageRequest
from regista.entities.run import Artifact, Dataset, Experiment, LoggedModel, Metric
from regista.entities.scope import ResourceGroup, Scope, ScopeKind, Store, Subscription
from regista.entities.search import Clause, Order

T = TypeVar("T")


class Settings(Protocol):
    """Small values of the installation, by key."""

    def find(self, key: str) -> str | None:
        """The value, or None."""

    def put(self, key: str, value: str) -> None:
        """Set the value."""

    def add(self, key: str, value: str) -> str:
        """Set the value unless there is one, and return the one that stands: the first of many at once wins."""


class GroupRepository(Protocol):
    """Subscriptions and resource groups; lists by name."""

    def add_subscription(self, subscription: Subscription) -> None:
        """Add; raise ``AlreadyExistsError`` when the name is taken."""

    def find_subscription(self, name: str) -> Subscription | None:
        """By name."""

    def put_subscription(self, subscription: Subscription) -> None:
        """Replace."""

    def subscriptions(self) -> list[Subscription]:
        """All, by name."""

    def delete_subscription(self, name: str) -> None:
        """Delete; quiet when absent."""

    def add_group(self, group: ResourceGroup) -> None:
        """Add; raise ``AlreadyExistsError`` when the name is taken in the subscription."""

    def find_group(self, subscription: str, name: str) -> ResourceGroup | None:
        """By name."""

    def put_group(self, group: ResourceGroup) -> None:
        """Replace."""

    def groups(self, subscription: str) -> list[ResourceGroup]:
        """All of a subscription, by name."""

    def delete_group(self, subscription: str, name: str) -> None:
        """Delete; quiet when absent."""


class ScopeRepository(Protocol):
    """Workspaces and registries, and the stores their regions are bound to. A deleted scope leaves a tombstone: ``get``
    still answers (lineage needs its name), ``find`` and ``page`` do not."""

    def add(self, scope: Scope) -> None:
        """Add; raise ``AlreadyExistsError`` when a living registry of the name, or a living workspace of the name in the
        resource group, exists."""

    def get(self, scope_id: str) -> Scope:
        """By id, deleted ones too."""

    def is_deleted(self, scope_id: str) -> bool:
        """Whether it is a tombstone."""

    def find(self, kind: ScopeKind, name: str, subscription: str = "", resource_group: str = "") -> list[Scope]:
        """The living scopes of the name, narrowed by what is given."""

    def put(self, scope: Scope) -> None:
        """Replace."""

    def page(
        self, kind: ScopeKind | None, request: PageRequest, subscription: str = "", resource_group: str = ""
    ) -> Page[Scope]:
        """The living scopes, by name."""

    def delete(self, scope_id: str, at: int) -> None:
        """Make it a tombstone and free the name."""

    def put_store(self, store: Store) -> None:
        """Add or replace a store with its regions (a region is bound to one store: it leaves the other)."""

    def stores(self) -> list[Store]:
        """All, by name."""


class AssetRepository(Protocol):
    """Names under which versions stand, with their aliases."""

    def add(self, asset: Asset) -> None:
        """Add; raise ``AlreadyExistsError``."""

    def find(self, scope_id: str, kind: AssetKind, name: str) -> Asset | None:
        """By name."""

    def put(self, asset: Asset) -> None:
        """Replace, the aliases too."""

    def page(
        self,
        scope_id: str,
        kind: AssetKind,
        request: PageRequest,
        *,
        archived: bool | None = False,
        clauses: Sequence[Clause] = (),
    ) -> Page[Asset]:
        """Newest first; *archived* None means both. Clauses are on attribute ``name`` and on tags. No ``anonymous``."""

    def delete(self, scope_id: str, kind: AssetKind, name: str) -> None:
        """Remove the name; its versions must be gone before. Quiet when absent."""


class VersionRepository(Protocol):
    """Asset versions. A deleted version leaves a tombstone: ``get`` by id still answers, its name and version are never
    given to other content, and ``find`` and ``page`` do not show it."""

    def add(self, version: AssetVersion) -> None:
        """Add; raise ``AlreadyExistsError`` when name and version are taken, also by a tombstone."""

    def get(self, version_id: str) -> AssetVersion:
        """By id, deleted ones too."""

    def find(
        self, scope_id: str, kind: AssetKind, name: str, version: str, *, deleted: bool = False
    ) -> AssetVersion | None:
        """By name and version; *deleted* True also finds a tombstone."""

    def find_by_content(self, scope_id: str, kind: AssetKind, name: str, content: Digest) -> AssetVersion | None:
        """The newest living version of the name with the same content."""

    def latest(self, scope_id: str, kind: AssetKind, name: str) -> AssetVersion | None:
        """The newest created that is not archived."""

    def put(self, version: AssetVersion) -> None:
        """Replace what may change; the caller has seen to it that the content is the same."""

    def page(
        self,
        scope_id: str,
        kind: AssetKind,
        name: str | None,
        request: PageRequest,
        *,
        archived: bool | None = False,
        clauses: Sequence[Clause] = (),
    ) -> Page[AssetVersion]:
        """Newest first, of one name or of all. Clauses are on attributes ``name``, ``version``, ``type``, ``created_by``
        and on tags."""

    def delete(self, version_id: str, at: int) -> None:
        """Make it a tombstone."""

    def is_deleted(self, version_id: str) -> bool:
        """Whether it is a tombstone."""

    def manifests(self, after: str = "") -> Iterable[tuple[str, str, Digest]]:
        """(version id, scope id, manifest) of every living version by id, for garbage collection."""


class BlobClaimRepository(Protocol):
    """Which blobs were brought into a scope by whom: what may be named there without sending the bytes again.

    A claim of principal ``""`` belongs to the scope as a whole."""

    def add(self, scope_id: str, principal_id: str, blobs: Mapping[Digest, int], at: int) -> None:
        """Note digests with their sizes; noting again changes nothing but the time."""

    def sizes(self, scope_ids: Sequence[str], principal_id: str, digests: Iterable[Digest]) -> dict[Digest, int]:
        """Those of *digests* that the principal, or a scope as a whole, has claimed in one of the scopes, with sizes."""

    def sweep(self, before: int) -> int:
        """Forget principals' own claims older than *before*; return how many."""


class JobRepository(Protocol):
    """Jobs, steps and runs."""

    def add(self, job: Job) -> None:
        """Add; raise ``AlreadyExistsError`` when the workspace has a job of the name."""

    def get(self, scope_id: str, name: str) -> Job:
        """By name."""

    def find(self, scope_id: str, name: str) -> Job | None:
        """By name."""

    def by_id(self, job_id: str) -> Job:
        """By id."""

    def put(self, job: Job) -> None:
        """Replace."""

    def children(self, scope_id: str, parent: str) -> list[Job]:
        """The steps of a pipeline job, oldest first."""

    def page(
        self, scope_id: str, request: PageRequest, *, parent: str | None = "", archived: bool | None = False
    ) -> Page[Job]:
        """Newest first; *parent* None means steps too, interactive runs are included."""

    def search(
        self,
        scope_id: str,
        experiments: Sequence[int],
        clauses: Sequence[Clause],
        order: Sequence[Order],
        request: PageRequest,
        *,
        deleted: bool | None = False,
    ) -> Page[Job]:
        """Jobs of the experiments that fulfil all clauses; ties newest first. Attributes are ``run_id``, ``run_name``
        (display name), ``user_id``, ``status`` (ours), ``start_time``, ``end_time``, ``created``."""

    def find_reusable(self, scope_id: str, reuse_key: str) -> Job | None:
        """The newest completed job with this key that was not itself reused."""

    def count(self, scope_id: str, statuses: Sequence[JobStatus]) -> int:
        """How many jobs are in one of the states."""


class LeaseRepository(Protocol):
    """Who works on what. A job is offered when it is due and leased by one worker at a time."""

    def offer(self, job_id: str, due: int = 0) -> None:
        """Let workers claim the job from the time *due* on; offering again moves the time."""

    def claim(self, worker: str, at: int, until: int) -> Lease | None:
        """Take the job that is due longest and has no living lease, under a new fence; None when there is none."""

    def renew(self, lease: Lease, until: int) -> bool:
        """Extend the lease; False when it is no longer the worker's own."""

    def holds(self, lease: Lease, at: int) -> bool:
        """Whether the lease is still the newest one and has not run out: asked in the transaction of every fenced write."""

    def keep_handle(self, lease: Lease, handle: str) -> None:
        """Remember what the executor said."""

    def release(self, lease: Lease, *, due: int | None) -> None:
        """Give the job back, to be claimed from *due* on, or (None) withdraw the offer: there is no more to do."""

    def next_due(self) -> int | None:
        """The earliest time at which something may be claimed, or None."""


class RunDataRepository(Protocol):
    """Metrics, parameters and tags of runs, by the job's id."""

    def log_metrics(self, job_id: str, metrics: Sequence[Metric]) -> None:
        """Append; an identical measurement is one. The latest value of a key (greatest step, timestamp, value) is kept apart."""

    def latest_metrics(self, job_ids: Sequence[str]) -> dict[str, list[Metric]]:
        """The latest value of each key, by job id, keys in order."""

    def history(self, job_id: str, key: str, request: PageRequest) -> Page[Metric]:
        """All values in the order of step, timestamp, value."""

    def log_params(self, job_id: str, params: Mapping[str, str]) -> None:
        """Write once: the same value again is quiet, another raises ``InvalidError`` and writes nothing."""

    def params(self, job_ids: Sequence[str]) -> dict[str, dict[str, str]]:
        """By job id."""

    def set_tags(self, job_id: str, tags: Mapping[str, str]) -> None:
        """Set or replace tags. (They are these rows, not a field of the job.)"""

    def delete_tag(self, job_id: str, key: str) -> bool:
        """Whether there was one."""

    def tags(self, job_ids: Sequence[str]) -> dict[str, dict[str, str]]:
        """By job id."""

    def add_datasets(self, job_id: str, datasets: Sequence[Dataset]) -> None:
        """Add; the same name and digest again replaces."""

    def datasets(self, job_id: str) -> list[Dataset]:
        """In the order of adding."""


class ExperimentRepository(Protocol):
    """Experiments of a workspace. Number 0, ``Default``, is made with the first look."""

    def ensure(self, scope_id: str, name: str, at: int) -> Experiment:
        """The experiment of the name, made if need be."""

    def add(self, scope_id: str, name: str, tags: Mapping[str, str], at: int) -> Experiment:
        """Make one under the next number; raise ``AlreadyExistsError`` when the name is taken, also by a deleted one."""

    def get(self, scope_id: str, number: int) -> Experiment:
        """By number."""

    def find(self, scope_id: str, name: str) -> Experiment | None:
        """By name, deleted ones too."""

    def put(self, experiment: Experiment) -> None:
        """Replace."""

    def search(
        self,
        scope_id: str,
        clauses: Sequence[Clause],
        order: Sequence[Order],
        request: PageRequest,
        *,
        deleted: bool | None = False,
    ) -> Page[Experiment]:
        """Attributes ``name``, ``creation_time``, ``last_update_time``, ``experiment_id``; tags."""


class ArtifactRepository(Protocol):
    """Files of runs and of logged models, and the logged models."""

    def put(self, artifact: Artifact) -> None:
        """Write or replace a path."""

    def put_all(self, artifacts: Sequence[Artifact]) -> None:
        """The same for many."""

    def find(self, scope_id: str, owner: str, path: str) -> Artifact | None:
        """By path."""

    def below(self, scope_id: str, owner: str, prefix: str = "") -> list[Artifact]:
        """All files at *prefix* or below it, by path."""

    def delete(self, scope_id: str, owner: str, prefix: str) -> int:
        """Remove a file, or all files below a folder; return how many."""

    def put_model(self, model: LoggedModel) -> None:
        """Write or replace a logged model."""

    def find_model(self, scope_id: str, model_id: str) -> LoggedModel | None:
        """By id."""

    def models(
        self, scope_id: str, experiments: Sequence[int], request: PageRequest, *, run: str = "", name: str = ""
    ) -> Page[LoggedModel]:
        """Living logged models, newest first."""

    def digests(self, after: tuple[str, str, str] | None = None) -> Iterable[tuple[str, Digest]]:
        """(scope id, digest) of every artifact, for garbage collection."""


class EndpointRepository(Protocol):
    """Online endpoints, their deployments and their traffic over time."""

    def add(self, endpoint: Endpoint) -> None:
        """Add; raise ``AlreadyExistsError``."""

    def find(self, scope_id: str, name: str) -> Endpoint | None:
        """By name."""

    def put(self, endpoint: Endpoint) -> None:
        """Replace."""

    def page(self, scope_id: str | None, request: PageRequest) -> Page[Endpoint]:
        """Of one workspace, or (None) of the installation; newest first."""

    def delete(self, scope_id: str, name: str) -> None:
        """Remove it and its deployments; the traffic's history stays. Quiet when absent."""

    def find_deployment(self, scope_id: str, endpoint: str, name: str) -> Deployment | None:
        """By name."""

    def put_deployment(self, deployment: Deployment) -> None:
        """Add or replace; every generation that was put stays readable by ``generation``."""

    def generation(self, node: str) -> Deployment | None:
        """A deployment as it was in one generation, by its lineage node, also after deletion."""

    def deployments(self, scope_id: str | None, endpoint: str = "") -> list[Deployment]:
        """Living deployments of an endpoint, a workspace or (None) the installation, by name."""

    def delete_deployment(self, scope_id: str, endpoint: str, name: str) -> None:
        """Remove it; its generations stay readable. Quiet when absent."""

    def add_traffic(self, change: TrafficChange) -> None:
        """Append to the history."""

    def traffic(self, scope_id: str, endpoint: str, at: int | None = None) -> list[TrafficChange]:
        """The history, oldest first; with *at* only the change that was in force then (none or one)."""


class LineageRepository(Protocol):
    """The graph of what came of what."""

    def add(self, edges: Sequence[Edge]) -> None:
        """Add; an edge that is there already (source, target, type, role) is left as it is."""

    def edges(self, nodes: Sequence[str], *, upstream: bool) -> list[Edge]:
        """The edges into (*upstream*) or out of the nodes."""

    def walk(
        self, node: str, *, upstream: bool, depth: int = 50, limit: int = 10_000, types: Sequence[EdgeType] = ()
    ) -> list[Edge]:
        """Every edge reachable from *node*, each once, nearest first; cycles end. At most *limit* edges, *depth* steps."""


class AccessRepository(Protocol):
    """Principals, their keys, roles and role assignments."""

    def put_principal(self, principal: Principal) -> None:
        """Add or replace by id; raise ``AlreadyExistsError`` when another one has the name."""

    def find_principal(self, id_or_name: str) -> Principal | None:
        """By id or by name."""

    def principals(self) -> list[Principal]:
        """All, by name."""

    def put_key(self, key: Key) -> None:
        """Add or replace by id."""

    def find_key(self, secret_hash: str) -> tuple[Key, Principal] | None:
        """The key of this hash and whose it is; the hot path of every call."""

    def keys(self, principal_id: str) -> list[Key]:
        """All of a principal, newest first."""

    def put_role(self, role: Role) -> None:
        """Add or replace a custom role."""

    def roles(self) -> list[Role]:
        """Custom roles, by name (the built-in ones are ``BUILT_IN_ROLES``)."""

    def delete_role(self, name: str) -> None:
        """Remove a custom role; quiet when absent."""

    def put_assignment(self, assignment: RoleAssignment) -> None:
        """Add; the same principal, role and path again is left as it is."""

    def assignments(self, *, principal_id: str = "", path: str = "") -> list[RoleAssignment]:
        """Of a principal, or at exactly a path, or all."""

    def delete_assignment(self, assignment_id: str) -> None:
        """Remove; quiet when absent."""


class Journal(Protocol):
    """The audit and the outbox: written in the transaction of the change itself."""

    def record(self, record: AuditRecord) -> None:
        """Append an audit record."""

    def emit(self, event: Event) -> None:
        """Append an event; it gets the next sequence number."""

    def audit(self, request: PageRequest, *, path: str = "", principal: str = "", since: int = 0) -> Page[AuditRecord]:
        """Newest first; at *path* or below it."""

    def events(self, after: int, limit: int) -> list[Event]:
        """Events in order, after a sequence number."""


class Transaction(Protocol):
    """The repositories, inside one transaction."""

    settings: Settings
    groups: GroupRepository
    scopes: ScopeRepository
    assets: AssetRepository
    versions: VersionRepository
    claims: BlobClaimRepository
    jobs: JobRepository
    leases: LeaseRepository
    runs: RunDataRepository
    experiments: ExperimentRepository
    artifacts: ArtifactRepository
    endpoints: EndpointRepository
    lineage: LineageRepository
    access: AccessRepository
    journal: Journal


class Catalog(Protocol):
    """Checked by ``regista.conformance.catalog.CatalogContract``. May be called from many threads at once."""

    def read(self, work: Callable[[Transaction], T]) -> T:
        """Run *work* on one consistent state; writing in it is an error."""

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Run *work* and commit durably, or (when it raises) change nothing and raise the same.

        *work* may be run more than once (after a conflict with another writer): it must have no effect but on the
        transaction, and it must not call the catalog again."""

    def close(self) -> None:
        """Let go of connections and threads; quiet when closed."""
