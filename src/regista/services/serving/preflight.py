"""Can this be deployed? Everything that would make it fail, each with its fix, before a process starts."""

from regista.entities.access import Caller
from regista.entities.documents.endpoint import OnlineDeploymentDocument
from regista.entities.preflight import Check
from regista.entities.scope import ScopeAddress
from regista.services.serving.deployment_plans import Planner


class PreflightService:
    """Looks, and changes nothing. ``DeploymentService`` looks at the same things before it writes."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner

    def can_i_deploy(self, caller: Caller, address: ScopeAddress, document: OnlineDeploymentDocument) -> list[Check]:
        """Every check, in the order in which things would fail."""
        return self._planner.plan(caller, address, document).checks
