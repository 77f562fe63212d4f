"""What a workspace keeps by name: computes, connections, datastores."""

from typing import Protocol, TypeVar

from regista.entities.compute import Compute
from regista.entities.connection import Connection

R = TypeVar("R")


class RecordRepository(Protocol[R]):
    """Records of one kind, by their names in a workspace."""

    def find(self, scope_id: str, name: str) -> R | None:
        """By name."""

    def put(self, record: R, /) -> None:
        """Add or replace."""

    def of_scope(self, scope_id: str) -> list[R]:
        """All of a workspace, by name."""

    def delete(self, scope_id: str, name: str) -> None:
        """Remove; quiet when absent."""


class ComputeRepository(RecordRepository[Compute], Protocol):
    """The computes of workspaces."""


class ConnectionRepository(RecordRepository[Connection], Protocol):
    """The connections of workspaces."""
