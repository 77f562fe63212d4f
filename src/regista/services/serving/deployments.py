"""Online deployments: which version serves behind an endpoint. Rows are written at once; ``serving_loop`` makes them real.

Creating ──▶ Succeeded ──▶ Updating ──▶ Succeeded        what serves changes when the new generation is ready
    └──▶ Failed ◀──────────────┘                         whatever served before goes on serving
"""

from typing import Literal

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.documents.endpoint import OnlineDeploymentDocument
from regista.entities.endpoint import Deployment, DeploymentState, Endpoint
from regista.entities.endpoint_views import LogPart
from regista.entities.lineage import Edge, EdgeType
from regista.entities.names import check_tags, new_id, now
from regista.entities.preflight import error_of
from regista.entities.scope import Scope, ScopeAddress
from regista.errors import AlreadyExistsError, ConflictError, NotFoundError
from regista.interfaces.catalog import Catalog, Transaction
from regista.interfaces.serving import ServingHost, ServingKey
from regista.services.access.access import require
from regista.services.assets.versions import add_version, drafted
from regista.services.journal import note
from regista.services.serving.deployment_plans import Plan, Planner
from regista.services.serving.endpoints import endpoint_path, require_endpoint
from regista.services.serving.routing import Routing

_RUNS = (
    "model",
    "environment",
    "code",
    "scoring_script",
    "environment_variables",
    "request_settings",
)
"""What makes a deployment another generation when it changes (and the probes, inside ``spec``)."""

_PROBES = ("liveness_probe", "readiness_probe")


class DeploymentService:
    """Makes, finds, changes and deletes deployments."""

    def __init__(self, catalog: Catalog, planner: Planner, host: ServingHost, routing: Routing) -> None:
        self._catalog = catalog
        self._planner = planner
        self._host = host
        self._routing = routing

    def put(
        self,
        caller: Caller,
        address: ScopeAddress,
        document: OnlineDeploymentDocument,
        *,
        only: Literal["create", "update"] | None = None,
    ) -> Deployment:
        """Make the deployment, or change it: what would fail is refused, with every reason, before anything is written.

        With *only* ``create`` a taken name is ``AlreadyExistsError``; with ``update`` an absent one is ``NotFoundError``."""
        self._refuse_early(caller, address, document, only)
        plan = self._planner.plan(caller, address, document)
        if wrong := error_of(plan.checks, f"deployment {document.name!r} would fail"):
            raise wrong
        check_tags(document.tags)
        check_tags(document.properties)

        def work(tx: Transaction) -> Deployment:
            scope, endpoint = require_endpoint(tx, caller, address, document.endpoint_name, Permission.ENDPOINTS_WRITE)
            old = tx.endpoints.find_deployment(scope.id, endpoint.name, document.name)
            _refuse(old, document, only)
            new = _merged(tx, old, _written(plan, document, scope, caller))
            self._keep(tx, caller, scope, plan, old, new)
            return new

        found = self._catalog.write(work)
        self._routing.bell.ring()
        return found

    def _refuse_early(
        self, caller: Caller, address: ScopeAddress, document: OnlineDeploymentDocument, only: str | None
    ) -> None:
        """Names first: who updates what is not there shall not read about environments."""

        def work(tx: Transaction) -> None:
            scope, endpoint = require_endpoint(tx, caller, address, document.endpoint_name, Permission.ENDPOINTS_WRITE)
            _refuse(tx.endpoints.find_deployment(scope.id, endpoint.name, document.name), document, only)

        self._catalog.read(work)

    @staticmethod
    def _keep(
        tx: Transaction, caller: Caller, scope: Scope, plan: Plan, old: Deployment | None, new: Deployment
    ) -> None:
        if plan.draft is not None:
            draft = drafted(tx, caller, scope, plan.draft)
            if tx.versions.find(scope.id, draft.kind, draft.name, draft.version, deleted=True) is None:
                add_version(tx, draft)
        tx.endpoints.put_deployment(new)
        sources = {"model": new.model, "environment": new.environment, "code": new.code}
        tx.lineage.add(
            [
                Edge(source=node, target=new.node, type=EdgeType.DEPLOYED, role=role, created_at=new.updated_at)
                for role, node in sources.items()
                if node
            ]
        )
        verb = "update" if old else "create"
        path = f"{endpoint_path(scope, new.endpoint)}/deployments/{new.name}"
        note(tx, caller, f"deployment.{verb}", path, generation=new.generation, model=new.model)

    def get(self, caller: Caller, address: ScopeAddress, endpoint: str, name: str) -> Deployment:
        """By name. Who may not change it does not see the values of its environment variables: they may be secrets."""

        def work(tx: Transaction) -> Deployment:
            scope, found = self._find(tx, caller, address, endpoint, name, Permission.ENDPOINTS_READ)
            return _shown(caller, scope, found)

        return self._catalog.read(work)

    def all(self, caller: Caller, address: ScopeAddress, endpoint: str) -> list[Deployment]:
        """The deployments of an endpoint, by name."""

        def work(tx: Transaction) -> list[Deployment]:
            scope, found = require_endpoint(tx, caller, address, endpoint, Permission.ENDPOINTS_READ)
            return [_shown(caller, scope, one) for one in tx.endpoints.deployments(scope.id, found.name)]

        return self._catalog.read(work)

    def delete(self, caller: Caller, address: ScopeAddress, endpoint: str, name: str) -> bool:
        """Delete a deployment without traffic; its workers finish what they are doing. The absent is quiet.

        Whether the gateway has let go of it: nobody is answered by it any more."""

        def work(tx: Transaction) -> int:
            scope, found = require_endpoint(tx, caller, address, endpoint, Permission.ENDPOINTS_READ)
            path = endpoint_path(scope, endpoint)
            require(
                caller,
                Permission.ENDPOINTS_DELETE,
                path,
                read=Permission.ENDPOINTS_READ,
                what=f"endpoint {endpoint!r}",
            )
            _refuse_busy(found, name)
            if tx.endpoints.find_deployment(scope.id, endpoint, name) is None:
                return 0
            tx.endpoints.put(
                msgspec.structs.replace(
                    found, traffic={one: share for one, share in found.traffic.items() if one != name}
                )
            )
            tx.endpoints.delete_deployment(scope.id, endpoint, name)
            note(tx, caller, "deployment.delete", f"{path}/deployments/{name}")
            return self._routing.change(tx)

        return self._routing.settle(self._catalog.write(work))

    def log(
        self,
        caller: Caller,
        address: ScopeAddress,
        endpoint: str,
        name: str,
        *,
        instance: int | None = 0,
        offset: int = 0,
    ) -> LogPart:
        """What an instance of the newest generation (None: its preparation) wrote, from *offset* (negative: from the end)."""

        def work(tx: Transaction) -> Deployment:
            return self._find(tx, caller, address, endpoint, name, Permission.ENDPOINTS_LOGS)[1]

        key = key_of(self._catalog.read(work))
        begin, content = self._host.read_log(key, instance, offset)
        return LogPart(content.decode(errors="replace"), begin + len(content))

    @staticmethod
    def _find(
        tx: Transaction, caller: Caller, address: ScopeAddress, endpoint: str, name: str, permission: Permission
    ) -> tuple[Scope, Deployment]:
        scope, _ = require_endpoint(tx, caller, address, endpoint, permission)
        found = tx.endpoints.find_deployment(scope.id, endpoint, name)
        if found is None:
            raise _absent(endpoint, name)
        return scope, found


def key_of(deployment: Deployment, generation: int = 0) -> ServingKey:
    """What the host calls a generation of it (0: the newest)."""
    return ServingKey(deployment.scope_id, deployment.endpoint, deployment.name, generation or deployment.generation)


def _absent(endpoint: str, name: str) -> NotFoundError:
    return NotFoundError(
        f"there is no deployment {name!r} of endpoint {endpoint!r}",
        hint=f"See: regista online-deployment list --endpoint-name {endpoint}",
    )


def _refuse(old: Deployment | None, document: OnlineDeploymentDocument, only: str | None) -> None:
    if only == "create" and old is not None:
        raise AlreadyExistsError(
            f"endpoint {document.endpoint_name!r} has a deployment {document.name!r} already",
            hint="Update it, or choose another name.",
        )
    if only == "update" and old is None:
        raise _absent(document.endpoint_name, document.name)


def _refuse_busy(endpoint: Endpoint, name: str) -> None:
    share, mirrored = endpoint.traffic.get(name, 0), endpoint.mirror_traffic.get(name, 0)
    if share or mirrored:
        has = f"{share} % of the traffic" if share else f"{mirrored} % of the mirrored traffic"
        raise ConflictError(
            f"deployment {name!r} gets {has} of endpoint {endpoint.name!r}",
            hint=f'Move it first: regista online-endpoint update --name {endpoint.name} --traffic "OTHER=100"',
        )


def _written(plan: Plan, document: OnlineDeploymentDocument, scope: Scope, caller: Caller) -> Deployment:
    """The deployment that the document asks for, as if it were the first."""
    at = now()
    code = document.code_configuration
    spec = msgspec.to_builtins(document)
    spec.pop("environment_variables", None)
    return Deployment(
        id=new_id(),
        scope_id=scope.id,
        endpoint=document.endpoint_name,
        name=document.name,
        model=plan.model.version.node if plan.model else "",
        model_manifest=plan.model.version.manifest if plan.model else None,
        environment=plan.environment,
        code=plan.code.version.node if plan.code else "",
        code_manifest=plan.code.version.manifest if plan.code else None,
        scoring_script=code.scoring_script if code else "",
        environment_variables=document.environment_variables,
        instance_count=document.instance_count,
        instance_type=document.instance_type,
        request_settings=msgspec.to_builtins(document.request_settings),
        spec=spec,
        tags=document.tags,
        properties=document.properties,
        created_at=at,
        created_by=caller.principal.name,
        updated_at=at,
    )


def _merged(tx: Transaction, old: Deployment | None, new: Deployment) -> Deployment:
    """*new* in the place of *old*: the next generation where something else runs, else the same one with other words."""
    if old is None:
        return msgspec.structs.replace(new, generation=_unused_generation(tx, new))
    replaced = msgspec.structs.replace(
        new,
        id=old.id,
        created_at=old.created_at,
        created_by=old.created_by,
        generation=old.generation,
        serving_generation=old.serving_generation,
    )
    if _runs(old) == _runs(new) and old.state is not DeploymentState.FAILED:
        scaled = old.instance_count != new.instance_count
        state = DeploymentState.UPDATING if scaled and old.serving_generation == old.generation else old.state
        return msgspec.structs.replace(replaced, state=state, message=old.message, lock=old.lock)
    state = DeploymentState.UPDATING if old.serving_generation else DeploymentState.CREATING
    return msgspec.structs.replace(replaced, state=state, generation=old.generation + 1)


def _runs(deployment: Deployment) -> list[object]:
    probes = [deployment.spec.get(name) for name in _PROBES]
    return [*(getattr(deployment, name) for name in _RUNS), *probes]


def _unused_generation(tx: Transaction, new: Deployment) -> int:
    """A deployment of the same name may have been deleted: its generations keep their nodes for good."""
    number = 1
    while tx.endpoints.generation(msgspec.structs.replace(new, generation=number).node) is not None:
        number += 1
    return number


def _shown(caller: Caller, scope: Scope, deployment: Deployment) -> Deployment:
    if caller.allows(Permission.ENDPOINTS_WRITE, endpoint_path(scope, deployment.endpoint)):
        return deployment
    return msgspec.structs.replace(
        deployment, environment_variables=dict.fromkeys(deployment.environment_variables, "***")
    )
