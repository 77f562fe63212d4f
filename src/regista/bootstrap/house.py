"""Building the services over the drivers that the settings name."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from regista.bootstrap.serving import open_host
from regista.bootstrap.settings import Settings
from regista.bootstrap.webhooks import webhook_parts
from regista.drivers.blobs.local import LocalBlobStore
from regista.drivers.blobs.memory import MemoryBlobStore
from regista.drivers.catalog.sql.catalog import SqlCatalog
from regista.drivers.runtimes import curated
from regista.drivers.runtimes.uv.runtime import UvRuntime
from regista.drivers.signing.ed25519 import Ed25519Signer
from regista.errors import InvalidError
from regista.interfaces.blobs import BlobStore
from regista.interfaces.catalog import Catalog
from regista.services.access.access import Access
from regista.services.access.principals import PrincipalService
from regista.services.access.tokens import Tokens
from regista.services.assets.assets import AssetService
from regista.services.assets.shelf import VersionShelf
from regista.services.audit.audit import AuditService
from regista.services.audit.book import AuditBook
from regista.services.audit.watching import watched
from regista.services.collection.collection import CollectionService
from regista.services.content.contents import ContentService
from regista.services.content.handovers import HandoverService
from regista.services.datastores.areas import AreaService
from regista.services.datastores.blocks import BlockService
from regista.services.datastores.content import StoredContents
from regista.services.datastores.datastores import DatastoreService
from regista.services.datastores.signatures import Signatures
from regista.services.environments.curated import BuiltInRegistry
from regista.services.environments.environments import EnvironmentService
from regista.services.house import House
from regista.services.jobs.attempt_folder import LiveLogs
from regista.services.jobs.files import JobFiles
from regista.services.jobs.jobs import JobService
from regista.services.jobs.shelf import JobShelf
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
from regista.services.serving.deployment_plans import Planner
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
from regista.services.tracking.run_files import ArtifactShelf, RunFiles
from regista.services.tracking.runs import RunService
from regista.services.tracking.search import RunSearchService


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
    """All services over the drivers of *settings*, watched by the audit."""
    house = _services(settings, catalog)
    return msgspec.structs.replace(house, **watched(house, house.audit_book))


def _services(settings: Settings, catalog: Catalog | None) -> House:
    catalog, signer = catalog or open_catalog(settings), Ed25519Signer(settings.keys)
    access = Access(catalog, Tokens(signer))
    stores = StoreService(catalog, open_store, settings.store)
    stores.all()  # a store that cannot be opened is said at the start, not at the first upload
    contents = ContentService(catalog, stores)
    assets = AssetService(catalog, contents, BuiltInRegistry(curated))
    runtime = UvRuntime(settings.home, compiling=True)
    capsules = CapsuleService(catalog, stores, signer)
    traces = TraceService(catalog, stores, capsules)
    environments, bell = EnvironmentService(catalog, stores, runtime, curated), Bell()
    serving, routing = open_host(settings, runtime), Routing(catalog)
    planner = Planner(catalog, stores, environments, serving)
    registration = RegistrationService(catalog, stores, contents, assets, capsules, curated)
    artifacts, book = ArtifactService(catalog, contents), AuditBook(catalog)
    logs, signatures = LiveLogs(settings.work), Signatures(catalog, access, signer)
    files = RunFiles(catalog, contents, (VersionShelf(), ArtifactShelf(), JobShelf(stores, logs)))
    return House(
        catalog=catalog,
        audit=AuditService(catalog, book),
        audit_book=book,
        access=access,
        principals=PrincipalService(catalog, access),
        groups=GroupService(catalog, access),
        scopes=ScopeService(catalog, access),
        stores=stores,
        contents=contents,
        handovers=HandoverService(access, contents),
        datastores=DatastoreService(catalog, signer, signatures),
        areas=AreaService(catalog, contents),
        files=files,
        blocks=BlockService(catalog, contents, files),
        stored_contents=StoredContents(catalog, files),
        signatures=signatures,
        computes=ComputeService(catalog),
        connections=ConnectionService(catalog, signer),
        assets=assets,
        registration=registration,
        capsules=capsules,
        promotion=PromotionService(catalog, stores, capsules),
        traces=traces,
        comparison=CompareService(catalog),
        collection=CollectionService(catalog, stores, event_days=settings.event_days),
        environments=environments,
        jobs=JobService(catalog, stores, environments, bell),
        job_files=JobFiles(catalog, contents, logs),
        bell=bell,
        endpoints=EndpointService(catalog, signer, routing),
        deployments=DeploymentService(catalog, planner, serving, routing),
        preflight=PreflightService(planner),
        why=WhyService(catalog, traces.of_node),
        serving=serving,
        routing=routing,
        registered_models=RegisteredModelService(catalog),
        model_versions=ModelVersionService(catalog, registration, artifacts),
        imports=ImportService(catalog, ModelVersionService(catalog, registration, artifacts)),
        **_tracking(catalog, contents, signatures, artifacts),
        **webhook_parts(settings, catalog, signer),
    )


def _tracking(
    catalog: Catalog, contents: ContentService, signatures: Signatures, artifacts: ArtifactService
) -> dict[str, Any]:
    """What has to do with what runs log, by its attribute of the house."""
    runs = RunService(catalog)
    return {
        "experiments": ExperimentService(catalog),
        "runs": runs,
        "histories": HistoryService(catalog, runs),
        "run_search": RunSearchService(catalog),
        "artifacts": artifacts,
        "multipart": MultipartService(catalog, contents),
        "signed_artifacts": SignedArtifacts(catalog, signatures),
        "llm_traces": LlmTraceService(catalog),
        "logged_models": LoggedModelService(catalog),
    }
