"""The services together: what every dialect is given. Built in ``bootstrap``, the only place that knows the drivers."""

import msgspec

from regista.interfaces.catalog import Catalog
from regista.interfaces.serving import ServingHost
from regista.services.access import Access
from regista.services.assets import AssetService
from regista.services.capsules import CapsuleService
from regista.services.collection import CollectionService
from regista.services.compare import CompareService
from regista.services.contents import ContentService
from regista.services.deployments import DeploymentService
from regista.services.drops import DropService
from regista.services.endpoints import EndpointService
from regista.services.environments import EnvironmentService
from regista.services.experiments import ExperimentService
from regista.services.job_files import JobFiles
from regista.services.jobs import JobService
from regista.services.logged_models import LoggedModelService
from regista.services.model_versions import ModelVersionService
from regista.services.preflight import PreflightService
from regista.services.principals import PrincipalService
from regista.services.promotion import PromotionService
from regista.services.registered_models import RegisteredModelService
from regista.services.registration import RegistrationService
from regista.services.run_artifacts import ArtifactService
from regista.services.run_search import RunSearchService
from regista.services.runs import RunService
from regista.services.scopes import ScopeService
from regista.services.stores import StoreService
from regista.services.trace import TraceService
from regista.services.why import WhyService
from regista.services.workshop import Bell


class House(msgspec.Struct, frozen=True, kw_only=True):
    """One attribute a service."""

    catalog: Catalog
    access: Access
    principals: PrincipalService
    scopes: ScopeService
    stores: StoreService
    contents: ContentService
    drops: DropService
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
    serving_bell: Bell
    experiments: ExperimentService
    logged_models: LoggedModelService
    model_versions: ModelVersionService
    registered_models: RegisteredModelService
    artifacts: ArtifactService
    run_search: RunSearchService
    runs: RunService
