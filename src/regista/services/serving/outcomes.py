"""Writing down what became of a generation. Each write looks again at the row: whoever changed it meanwhile is right."""

from collections.abc import Callable

import msgspec

from regista.entities.digest import Digest
from regista.entities.endpoint import Deployment, DeploymentState
from regista.entities.names import now
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.access.access import SYSTEM
from regista.services.journal import note
from regista.services.serving.traffic import record_traffic

_LONGEST = 4000


class Outcomes:
    """The states that the loop gives to deployments."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def serves(self, deployment: Deployment) -> None:
        """The generation is ready: from now on it is what the deployment's name means."""

        def change(tx: Transaction, row: Deployment) -> Deployment:
            served = msgspec.structs.replace(row, serving_generation=row.generation)
            if row.serving_generation != row.generation:
                tx.endpoints.put_deployment(served)
                reason = f"generation {row.generation} of deployment {row.name} serves"
                endpoint = tx.endpoints.find(row.scope_id, row.endpoint)
                if endpoint is not None:
                    living = tx.endpoints.deployments(row.scope_id, row.endpoint)
                    record_traffic(tx, SYSTEM, endpoint, living, reason)
            return served

        self._change(deployment, change)

    def succeeded(self, deployment: Deployment) -> None:
        """All its instances are ready, and the gateway sends requests to them."""

        def change(tx: Transaction, row: Deployment) -> Deployment:
            done = msgspec.structs.replace(row, state=DeploymentState.SUCCEEDED, message="")
            _told(tx, done, "deployment.ready")
            return done

        self._change(deployment, change)

    def failed(self, deployment: Deployment, message: str) -> None:
        """The generation does not start, for the reason in *message*."""

        def change(tx: Transaction, row: Deployment) -> Deployment:
            failed = msgspec.structs.replace(row, state=DeploymentState.FAILED, message=message[:_LONGEST])
            _told(tx, failed, "deployment.failed")
            return failed

        if deployment.state is not DeploymentState.FAILED or deployment.message != message[:_LONGEST]:
            self._change(deployment, change)

    def locked(self, deployment: Deployment, lock: Digest) -> None:
        """Its environment is locked."""
        self._change(deployment, lambda _tx, row: msgspec.structs.replace(row, lock=lock))

    def _change(self, deployment: Deployment, change: Callable[[Transaction, Deployment], Deployment]) -> None:
        def work(tx: Transaction) -> None:
            row = tx.endpoints.find_deployment(deployment.scope_id, deployment.endpoint, deployment.name)
            if row is not None and row.id == deployment.id and row.generation == deployment.generation:
                tx.endpoints.put_deployment(msgspec.structs.replace(change(tx, row), updated_at=now()))

        self._catalog.write(work)


def _told(tx: Transaction, deployment: Deployment, action: str) -> None:
    scope = tx.scopes.get(deployment.scope_id)
    path = f"{scope.path}/endpoints/{deployment.endpoint}/deployments/{deployment.name}"
    note(tx, SYSTEM, action, path, generation=deployment.generation, state=deployment.state)
