"""Everything Regista knows, except the bytes.

A use case runs its reads and writes inside one function that is handed a ``Transaction``: all of it happens, or nothing.
One repository per entity; all raise ``NotFoundError`` from ``get`` and ``AlreadyExistsError`` from ``add``. ``put`` writes
the entity whole, over the one with the same identity. Pages are newest first unless they say otherwise.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from regista.interfaces.catalog.access import AccessRepository, Journal, KeyRepository
from regista.interfaces.catalog.assets import AssetRepository, BlobClaimRepository, VersionRepository
from regista.interfaces.catalog.datastores import DatastoreRepository, FileRepository
from regista.interfaces.catalog.endpoints import EndpointRepository, LineageRepository
from regista.interfaces.catalog.jobs import JobRepository, LeaseRepository
from regista.interfaces.catalog.llm_traces import LlmTraceRepository
from regista.interfaces.catalog.resources import ComputeRepository, ConnectionRepository
from regista.interfaces.catalog.runs import (
    ArtifactRepository,
    ExperimentRepository,
    HistoryRepository,
    RunDataRepository,
)
from regista.interfaces.catalog.scopes import GroupRepository, ScopeRepository, Settings
from regista.interfaces.catalog.webhooks import WebhookRepository

T = TypeVar("T")

__all__ = [
    "AccessRepository",
    "ArtifactRepository",
    "AssetRepository",
    "BlobClaimRepository",
    "Catalog",
    "ComputeRepository",
    "ConnectionRepository",
    "DatastoreRepository",
    "EndpointRepository",
    "ExperimentRepository",
    "FileRepository",
    "GroupRepository",
    "HistoryRepository",
    "JobRepository",
    "Journal",
    "KeyRepository",
    "LeaseRepository",
    "LineageRepository",
    "LlmTraceRepository",
    "RunDataRepository",
    "ScopeRepository",
    "Settings",
    "Transaction",
    "VersionRepository",
    "WebhookRepository",
    "WouldWaitError",
]


class WouldWaitError(BaseException):
    """What was to be done at once cannot be: a thread that may wait has to do it again from the start. No failure of anything,
    so that nobody on the way takes it for one."""


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
    histories: HistoryRepository
    experiments: ExperimentRepository
    artifacts: ArtifactRepository
    llm_traces: LlmTraceRepository
    datastores: DatastoreRepository
    files: FileRepository
    computes: ComputeRepository
    connections: ConnectionRepository
    endpoints: EndpointRepository
    lineage: LineageRepository
    access: AccessRepository
    keys: KeyRepository
    journal: Journal
    webhooks: WebhookRepository


class Catalog(Protocol):
    """Checked by ``regista.conformance.catalog.CatalogContract``. May be called from many threads at once.

    ``at_once`` and ``in_turn`` are for event loops, which must not wait. They bracket the calls of ``read`` and ``write`` in
    their work. Either may always be ``WouldWaitError``, raised or told: nothing has changed then, and a thread has to do it."""

    @property
    def near(self) -> bool:
        """Whether it answers out of this process: much read keeps the interpreter busy, and nobody else."""

    def read(self, work: Callable[[Transaction], T]) -> T:
        """Run *work* on one consistent state; writing in it is an error."""

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Run *work* and commit durably, or (when it raises) change nothing and raise the same.

        *work* may be run more than once (after a conflict with another writer): it must have no effect but on the
        transaction, and it must not call the catalog again."""

    def at_once(self, work: Callable[[], T], done: Callable[[T | None, BaseException | None], None]) -> None:
        """Do *work*, whose reads are short, and have *done* told on this thread what it returned or raised: before this
        returns, or when those have answered who are asked over a network, for whom this thread does not stand still.
        ``WouldWaitError`` comes out of the first read that would be long or wait for another caller, and of any write."""

    def in_turn(self, work: Callable[[], T], done: Callable[[T | None, BaseException | None], None]) -> None:
        """Have *work* done by the one who writes, between the writes of others, and *done* told what it returned or raised,
        from whichever thread and when everything that *work* wrote is durable. Each of its writes is all or nothing; when
        they cannot be made durable, *done* is told why."""

    def close(self) -> None:
        """Let go of connections and threads; quiet when closed."""
