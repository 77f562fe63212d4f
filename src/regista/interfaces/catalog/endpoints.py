"""What serves, and what came of what."""

from collections.abc import Sequence
from typing import Protocol

from regista.entities.endpoint import Deployment, Endpoint, TrafficChange
from regista.entities.lineage import Edge, EdgeType
from regista.entities.page import Page, PageRequest


class EndpointRepository(Protocol):
    """Online endpoints, their deployments and their traffic over time."""

    def add(self, endpoint: Endpoint) -> None:
        """Add; raise ``AlreadyExistsError``."""

    def find(self, scope_id: str, name: str) -> Endpoint | None:
        """By name."""

    def put(self, endpoint: Endpoint) -> None:
        """Replace."""

    def page(self, scope_id: str | None, request: PageRequest) -> Page[Endpoint]:
        """Of one workspace, or (None) of the installation; newest first."""

    def delete(self, scope_id: str, name: str) -> None:
        """Remove it and its deployments; the traffic's history stays. Quiet when absent."""

    def find_deployment(self, scope_id: str, endpoint: str, name: str) -> Deployment | None:
        """By name."""

    def put_deployment(self, deployment: Deployment) -> None:
        """Add or replace; every generation that was put stays readable by ``generation``."""

    def generation(self, node: str) -> Deployment | None:
        """A deployment as it was in one generation, by its lineage node, also after deletion."""

    def deployments(self, scope_id: str | None, endpoint: str = "") -> list[Deployment]:
        """Living deployments of an endpoint, a workspace or (None) the installation, by name."""

    def delete_deployment(self, scope_id: str, endpoint: str, name: str) -> None:
        """Remove it; its generations stay readable. Quiet when absent."""

    def add_traffic(self, change: TrafficChange) -> None:
        """Append to the history."""

    def traffic(self, scope_id: str, endpoint: str, at: int | None = None) -> list[TrafficChange]:
        """The history, oldest first; with *at* only the change that was in force then (none or one)."""


class LineageRepository(Protocol):
    """The graph of what came of what."""

    def add(self, edges: Sequence[Edge]) -> None:
        """Add; an edge that is there already (source, target, type, role) is left as it is."""

    def edges(self, nodes: Sequence[str], *, upstream: bool) -> list[Edge]:
        """The edges into (*upstream*) or out of the nodes."""

    def walk(
        self, node: str, *, upstream: bool, depth: int = 50, limit: int = 10_000, types: Sequence[EdgeType] = ()
    ) -> list[Edge]:
        """Every edge reachable from *node*, each once, nearest first; cycles end. At most *limit* edges, *depth* steps."""
