"""The services together: what every dialect is given. Built in ``bootstrap``, the only place that knows the drivers."""

import msgspec

from regista.interfaces.catalog import Catalog
from regista.interfaces.serving import ServingHost
from regista.services.access.access import Access
from regista.services.access.principals import PrincipalService
from regista.services.assets.assets import AssetService
from regista.services.audit.audit import AuditService
from regista.services.audit.book import AuditBook
from regista.services.collection.collection import CollectionService
from regista.services.content.contents import ContentService
from regista.services.content.handovers import HandoverService
from regista.services.datastores.areas import AreaService
from regista.services.datastores.blocks import BlockService
from regista.services.datastores.content import StoredContents
from regista.services.datastores.datastores import DatastoreService
from regista.services.datastores.files import FileService
from regista.services.datastores.signatures import Signatures
from regista.services.environments.environments import EnvironmentService
from regista.services.jobs.files import JobFiles
from regista.services.jobs.jobs import JobService
from regista.services.jobs.workshop import Bell
from regista.services.provenance.capsules import CapsuleService
from regista.services.provenance.compare import CompareService
from regista.services.provenance.trace import TraceService
from regista.services.provenance.why import WhyService
from regista.services.registry.imports import ImportService
from regista.services.registry.model_versions import ModelVersionService
from regista.services.registry.promotion import PromotionService
from regista.services.registry.registered_models import RegisteredModelService
from regista.services.registry.registration import RegistrationService
from regista.services.resources.computes import ComputeService
from regista.services.resources.connections import ConnectionService
from regista.services.scopes.groups import GroupService
from regista.services.scopes.scopes import ScopeService
from regista.services.scopes.stores import StoreService
from regista.services.serving.deployments import DeploymentService
from regista.services.serving.endpoints import EndpointService
from regista.services.serving.preflight import PreflightService
from regista.services.serving.routing import Routing
from regista.services.tracking.artifacts import ArtifactService
from regista.services.tracking.experiments import ExperimentService
from regista.services.tracking.histories import HistoryService
from regista.services.tracking.llm_traces import LlmTraceService
from regista.services.tracking.logged_models import LoggedModelService
from regista.services.tracking.multipart import MultipartService, SignedArtifacts
from regista.services.tracking.runs import RunService
from regista.services.tracking.search import RunSearchService
from regista.services.webhooks.delivering import Deliverer
from regista.services.webhooks.webhooks import WebhookService


class House(msgspec.Struct, frozen=True, kw_only=True):
    """One attribute a service."""

    catalog: Catalog
    access: Access
    audit: AuditService
    audit_book: AuditBook
    principals: PrincipalService
    groups: GroupService
    scopes: ScopeService
    stores: StoreService
    contents: ContentService
    handovers: HandoverService
    datastores: DatastoreService
    areas: AreaService
    files: FileService
    blocks: BlockService
    stored_contents: StoredContents
    signatures: Signatures
    computes: ComputeService
    connections: ConnectionService
    assets: AssetService
    registration: RegistrationService
    capsules: CapsuleService
    promotion: PromotionService
    traces: TraceService
    comparison: CompareService
    collection: CollectionService
    environments: EnvironmentService
    jobs: JobService
    job_files: JobFiles
    bell: Bell
    endpoints: EndpointService
    deployments: DeploymentService
    preflight: PreflightService
    why: WhyService
    serving: ServingHost
    routing: Routing
    experiments: ExperimentService
    llm_traces: LlmTraceService
    logged_models: LoggedModelService
    model_versions: ModelVersionService
    registered_models: RegisteredModelService
    imports: ImportService
    webhooks: WebhookService
    deliverer: Deliverer
    artifacts: ArtifactService
    multipart: MultipartService
    signed_artifacts: SignedArtifacts
    run_search: RunSearchService
    histories: HistoryService
    runs: RunService
