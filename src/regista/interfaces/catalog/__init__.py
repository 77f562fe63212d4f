"""Everything Regista knows, except the bytes.

A use case runs its reads and writes inside one function that is handed a ``Transaction``: all of it happens, or nothing.
One repository per entity; all raise ``NotFoundError`` from ``get`` and ``AlreadyExistsError`` from ``add``. ``put`` writes
the entity whole, over the one with the same identity. Pages are newest first unless they say otherwise.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from regista.interfaces.catalog.access import AccessRepository, Journal
from regista.interfaces.catalog.assets import AssetRepository, BlobClaimRepository, VersionRepository
from regista.interfaces.catalog.datastores import DatastoreRepository, FileRepository
from regista.interfaces.catalog.endpoints import EndpointRepository, LineageRepository
from regista.interfaces.catalog.jobs import JobRepository, LeaseRepository
from regista.interfaces.catalog.llm_traces import LlmTraceRepository
from regista.interfaces.catalog.resources import ComputeRepository, ConnectionRepository
from regista.interfaces.catalog.runs import ArtifactRepository, ExperimentRepository, RunDataRepository
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
    "JobRepository",
    "Journal",
    "LeaseRepository",
    "LineageRepository",
    "LlmTraceRepository",
    "RunDataRepository",
    "ScopeRepository",
    "Settings",
    "Transaction",
    "VersionRepository",
    "WebhookRepository",
]


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
    llm_traces: LlmTraceRepository
    datastores: DatastoreRepository
    files: FileRepository
    computes: ComputeRepository
    connections: ConnectionRepository
    endpoints: EndpointRepository
    lineage: LineageRepository
    access: AccessRepository
    journal: Journal
    webhooks: WebhookRepository


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
