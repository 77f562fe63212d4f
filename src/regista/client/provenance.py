"""Traces and comparisons, from the client's side (the trace of a version is a verb of its kind)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from regista.entities.comparison import Comparison
from regista.entities.trace import Trace
from regista.errors import InvalidError

if TYPE_CHECKING:
    from regista.client.session import Regista


class ProvenanceClient:
    """Where things come from, and whether a result holds elsewhere."""

    def __init__(self, session: "Regista") -> None:
        self._session = session

    def of_job(self, name: str, *, downstream: bool = False) -> Trace:
        """What led to a job of the client's workspace, or what came of it."""
        query = {"downstream": "true"} if downstream else None
        path = f"/api/v1/{self._workspace('jobs')}/jobs/{_part(name)}/trace"
        return self._session.transport.call("GET", path, type=Trace, query=query)

    def _workspace(self, things: str) -> str:
        if self._session.registry:
            raise InvalidError(f"a registry has no {things}", hint="Give --workspace-name: they are in workspaces.")
        return self._session.scope_path

    def of_deployment(self, endpoint: str, name: str) -> Trace:
        """What led to what a deployment serves now."""
        place = f"onlineEndpoints/{_part(endpoint)}/deployments/{_part(name)}/trace"
        return self._session.transport.call("GET", f"/api/v1/{self._workspace('deployments')}/{place}", type=Trace)

    def compare(
        self,
        jobs: Sequence[tuple[str, str]],
        *,
        tolerance: float = 0.1,
        lower_is_better: Sequence[str] = (),
        higher_is_better: Sequence[str] = (),
    ) -> Comparison:
        """Put *jobs*, pairs of workspace and job name, side by side; the first is what the others are measured by.

        *tolerance* is the share by which a result may be worse and still hold."""
        body = {
            "jobs": [{"workspace": workspace, "job": job} for workspace, job in jobs],
            "tolerance": tolerance,
            "lower_is_better": list(lower_is_better),
            "higher_is_better": list(higher_is_better),
        }
        return self._session.transport.call("POST", "/api/v1/compare", body=body, type=Comparison, idempotent=True)

    def public_key(self) -> str:
        """With which anybody verifies this installation's capsules (PEM, Ed25519)."""
        return self._session.transport.call("GET", "/api/v1/publicKey", type=dict[str, str])["public_key"]


def _part(text: str) -> str:
    return quote(text, safe="")
