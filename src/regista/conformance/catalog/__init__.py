"""What every catalog has to do, told once, one file for each repository.

    class TestMyCatalog(CatalogContract):
        @pytest.fixture
        def catalog(self, tmp_path):
            catalog = MyCatalog(tmp_path)
            yield catalog
            catalog.close()

Each test gets an empty catalog.
"""

from regista.conformance.catalog.access import AccessContract
from regista.conformance.catalog.artifacts import ArtifactContract, LoggedModelContract
from regista.conformance.catalog.assets import AssetContract, BlobClaimContract, VersionContract
from regista.conformance.catalog.datastores import DatastoreContract, FileContract
from regista.conformance.catalog.endpoints import EndpointContract
from regista.conformance.catalog.histories import HistoryContract
from regista.conformance.catalog.jobs import JobContract, LeaseContract
from regista.conformance.catalog.journal import AuditContract, OutboxContract
from regista.conformance.catalog.lineage import LineageContract
from regista.conformance.catalog.llm_traces import LlmTraceContract
from regista.conformance.catalog.resources import ResourceContract
from regista.conformance.catalog.runs import ExperimentContract, MetricContract, RunDataContract, RunSearchContract
from regista.conformance.catalog.scopes import GroupContract, ScopeContract, SettingsContract
from regista.conformance.catalog.searches import SearchLawContract, VersionSearchLawContract
from regista.conformance.catalog.transactions import TransactionContract
from regista.conformance.catalog.turns import TurnContract
from regista.conformance.catalog.webhooks import WebhookContract

__all__ = ["CatalogContract"]


class CatalogContract(
    TransactionContract,
    TurnContract,
    SettingsContract,
    GroupContract,
    ScopeContract,
    AssetContract,
    VersionContract,
    BlobClaimContract,
    JobContract,
    LeaseContract,
    MetricContract,
    HistoryContract,
    RunDataContract,
    ExperimentContract,
    RunSearchContract,
    SearchLawContract,
    VersionSearchLawContract,
    ArtifactContract,
    LoggedModelContract,
    LlmTraceContract,
    DatastoreContract,
    FileContract,
    ResourceContract,
    EndpointContract,
    LineageContract,
    AccessContract,
    AuditContract,
    OutboxContract,
    WebhookContract,
):
    """All promises of ``Catalog``, of its transactions and of every repository."""
