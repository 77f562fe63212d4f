"""Building the services over the drivers that the settings name."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from regista.bootstrap.serving import open_host
from regista.bootstrap.settings import Settings
from regista.drivers.blobs.local import LocalBlobStore
from regista.drivers.blobs.memory import MemoryBlobStore
from regista.drivers.catalog.sql.catalog import SqlCatalog
from regista.drivers.runtimes.curated import curated
from regista.drivers.runtimes.uv.runtime import UvRuntime
from regista.drivers.signing.ed25519 import Ed25519Signer
from regista.errors import InvalidError
from regista.interfaces.blobs import BlobStore
from regista.interfaces.catalog import Catalog
from regista.services.access import Access
from regista.services.assets import AssetService
from regista.services.attempt_folder import LiveLogs
from regista.services.capsules import CapsuleService
from regista.services.collection import CollectionService
from regista.services.compare import CompareService
from regista.services.contents import ContentService
from regista.services.deployment_plans import Planner
from regista.services.deployments import DeploymentService
from regista.services.drops import DropService
from regista.services.endpoints import EndpointService
from regista.services.environments import EnvironmentService
from regista.services.experiments import ExperimentService
from regista.services.house import House
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


def open_store(url: str) -> BlobStore:
    """The blob store at *url*: ``file:///path`` or ``memory:``; raise ``InvalidError`` for anything else."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path.startswith("/") and not parts.netloc:
        return LocalBlobStore(Path(unquote(parts.path)))
    if parts.scheme == "memory":
        return MemoryBlobStore()
    raise InvalidError(f"{url[:100]!r} is not a store that this version opens", hint="Write file:///an/absolute/path.")


def open_catalog(settings: Settings) -> Catalog:
    """The catalog that the settings name, at this version's schema."""
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    return SqlCatalog.open(settings.catalog)


def build_house(settings: Settings, catalog: Catalog | None = None) -> House:
    """All services over the drivers of *settings*."""
    catalog = catalog or open_catalog(settings)
    access = Access(catalog)
    stores = StoreService(catalog, open_store, settings.store)
    stores.all()  # a store that cannot be opened is said at the start, not at the first upload
    contents = ContentService(catalog, stores)
    assets = AssetService(catalog, contents)
    signer, runtime = Ed25519Signer(settings.keys), UvRuntime(settings.home, compiling=True)
    capsules = CapsuleService(catalog, stores, signer)
    traces = TraceService(catalog, stores, capsules)
    environments, bell = EnvironmentService(catalog, stores, runtime, curated), Bell()
    serving, serving_bell = open_host(settings, runtime), Bell()
    planner = Planner(catalog, stores, environments, serving)
    registration = RegistrationService(catalog, stores, contents, assets, capsules, curated)
    artifacts = ArtifactService(catalog, contents)
    return House(
        catalog=catalog,
        access=access,
        principals=PrincipalService(catalog, access),
        scopes=ScopeService(catalog, access),
        stores=stores,
        contents=contents,
        drops=DropService(contents, settings.home / "drop"),
        assets=assets,
        registration=registration,
        capsules=capsules,
        promotion=PromotionService(catalog, stores, capsules),
        traces=traces,
        comparison=CompareService(catalog),
        collection=CollectionService(catalog, stores, capsules),
        environments=environments,
        jobs=JobService(catalog, stores, environments, bell),
        job_files=JobFiles(catalog, contents, LiveLogs(settings.work)),
        bell=bell,
        endpoints=EndpointService(catalog, signer, serving_bell.ring),
        deployments=DeploymentService(catalog, planner, serving, serving_bell.ring),
        preflight=PreflightService(planner),
        why=WhyService(catalog, traces.of_node),
        serving=serving,
        serving_bell=serving_bell,
        experiments=ExperimentService(catalog),
        runs=RunService(catalog),
        run_search=RunSearchService(catalog),
        artifacts=artifacts,
        logged_models=LoggedModelService(catalog),
        registered_models=RegisteredModelService(catalog),
        model_versions=ModelVersionService(catalog, registration, artifacts),
    )
