"""Getting a deployment ready to be started: lock and build its environment, put its files on the host's disk."""

from pathlib import Path

import msgspec

from regista.entities.asset import AssetKind, AssetVersion
from regista.entities.digest import Digest
from regista.entities.documents.endpoint import ProbeSettings, RequestSettings
from regista.entities.endpoint import Deployment
from regista.entities.lineage import Node
from regista.errors import NotFoundError
from regista.interfaces.catalog import Catalog
from regista.interfaces.runtimes import Report
from regista.interfaces.serving import Probe, RouteTarget, ServingHost, ServingOrder
from regista.services.environments.environments import EnvironmentService, read_spec
from regista.services.scopes.stores import StoreService
from regista.services.serving.deployments import key_of

_BATCHED = 64
"""Requests that a worker without a script may hold at a time: it runs them together."""


class Prepared(msgspec.Struct, frozen=True):
    """The order, and the digest of the lock that it runs by."""

    order: ServingOrder
    lock: Digest


class Preparer:
    """Takes as long as it takes: environments are resolved, downloaded and built. Doing it again finds what is there."""

    def __init__(
        self, catalog: Catalog, stores: StoreService, environments: EnvironmentService, host: ServingHost
    ) -> None:
        self._catalog = catalog
        self._stores = stores
        self._environments = environments
        self._host = host

    def prepare(self, deployment: Deployment) -> Prepared:
        """Everything that the generation needs, on this machine; what is done is written to its preparation log."""
        key = key_of(deployment)

        def report(line: str) -> None:
            self._host.note(key, line)

        report(f"preparing generation {deployment.generation} of deployment {deployment.name}")
        version = self._version(deployment.environment)
        digest, lock = self._environments.lock_for(version, report)
        report(f"environment locked: {digest}")
        built = self._environments.build(lock, report)
        order = ServingOrder(
            key=key,
            name=self._name(deployment),
            version=self._number(deployment),
            environment=built,
            layers=self._host.equip(built, report),
            model=self._placed(deployment.model, deployment.model_manifest, report),
            model_folder=self._version(deployment.model).folder if deployment.model else "",
            code=self._placed(deployment.code, deployment.code_manifest, report),
            script=deployment.scoring_script,
            variables=read_spec(version).environment_variables | deployment.environment_variables,
            concurrency=_requests(deployment).max_concurrent_requests_per_instance,
            request_timeout=_requests(deployment).request_timeout_ms / 1000,
            probe=probe_of(deployment),
        )
        report("prepared; starting")
        return Prepared(order, digest)

    def _version(self, node: str) -> AssetVersion:
        parsed = Node.parse(node)
        kind, name, version = parsed.parts
        found = self._catalog.read(
            lambda tx: tx.versions.find(parsed.scope_id, AssetKind(kind), name, version, deleted=True)
        )
        if found is None:
            raise NotFoundError(f"{kind} {name!r} version {version!r} is gone", hint="Update the deployment.")
        return found

    def _placed(self, node: str, manifest: Digest | None, report: Report) -> Path | None:
        if not node or manifest is None:
            return None
        parsed = Node.parse(node)
        store = self._catalog.read(lambda tx: self._stores.of(tx, tx.scopes.get(parsed.scope_id)))[1]
        place = self._host.place(store, manifest)
        report(f"{parsed.parts[0]} {parsed.parts[1]} version {parsed.parts[2]} is in place")
        return place

    @staticmethod
    def _name(deployment: Deployment) -> str:
        return Node.parse(deployment.model).parts[1] if deployment.model else deployment.name

    @staticmethod
    def _number(deployment: Deployment) -> str:
        return Node.parse(deployment.model).parts[2] if deployment.model else str(deployment.generation)


def _requests(deployment: Deployment) -> RequestSettings:
    return msgspec.convert(deployment.request_settings, RequestSettings)


def probe_of(deployment: Deployment) -> Probe:
    """The patience that the document's two probes come to."""
    liveness = msgspec.convert(deployment.spec.get("liveness_probe", {}), ProbeSettings)
    readiness = msgspec.convert(deployment.spec.get("readiness_probe", {}), ProbeSettings)
    return Probe(
        start=float(readiness.initial_delay + readiness.period * readiness.failure_threshold),
        period=float(liveness.period),
        timeout=float(liveness.timeout),
        failures=liveness.failure_threshold,
    )


def target_of(deployment: Deployment) -> RouteTarget:
    """How requests reach the deployment, without addresses. A worker that merges requests is given more than one."""
    settings = _requests(deployment)
    each = settings.max_concurrent_requests_per_instance
    if not deployment.scoring_script:
        each = max(each, _BATCHED)
    return RouteTarget(
        addresses=(),
        concurrency=each * max(1, deployment.instance_count),
        queue_seconds=settings.max_queue_wait_ms / 1000,
        request_timeout=settings.request_timeout_ms / 1000,
    )
