"""What a workspace says about the world outside: computes and connections."""

from typing import Protocol

from regista.entities.compute import Compute
from regista.entities.connection import Connection


class ComputeRepository(Protocol):
    """The computes of workspaces."""

    def find(self, scope_id: str, name: str) -> Compute | None:
        """By name."""

    def put(self, compute: Compute) -> None:
        """Add or replace."""

    def of_scope(self, scope_id: str) -> list[Compute]:
        """All of a workspace, by name."""

    def delete(self, scope_id: str, name: str) -> None:
        """Remove; quiet when absent."""


class ConnectionRepository(Protocol):
    """The connections of workspaces."""

    def find(self, scope_id: str, name: str) -> Connection | None:
        """By name."""

    def put(self, connection: Connection) -> None:
        """Add or replace."""

    def of_scope(self, scope_id: str) -> list[Connection]:
        """All of a workspace, by name."""

    def delete(self, scope_id: str, name: str) -> None:
        """Remove; quiet when absent."""
