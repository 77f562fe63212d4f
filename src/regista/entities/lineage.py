"""The lineage graph: what was made of what, across scopes.

    version ──consumed──▶ job ──produced──▶ version ──promoted_from──▶ version ──deployed──▶ deployment

An edge points from the source to what came of it. A node's name never changes and outlives the thing it names.
"""

from enum import StrEnum

import msgspec

from regista.errors import InvalidError


class EdgeType(StrEnum):
    """How the target came of the source."""

    CONSUMED = "consumed"
    PRODUCED = "produced"
    PROMOTED = "promoted_from"
    DEPLOYED = "deployed"
    CONTAINS = "contains"
    """From a step to its pipeline job: what led to a step led to the whole."""


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """``role`` says what the source was to the target: ``input:training_data``, ``environment``, ``code``, ``output:model``."""

    source: str
    target: str
    type: EdgeType
    role: str = ""
    created_at: int = 0


class Node(msgspec.Struct, frozen=True):
    """A node's name taken apart: its kind (``version``, ``job``, ``deployment``), its scope's id, and the rest."""

    kind: str
    scope_id: str
    parts: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Node":
        """Read a node's name; raise ``InvalidError`` for anything else."""
        kind, colon, rest = text.partition(":")
        scope_id, *parts = rest.split("/")
        if not colon or kind not in {"version", "job", "deployment"} or not parts:
            raise InvalidError(f"{text[:200]!r} is not a node of the lineage")
        return cls(kind, scope_id, tuple(parts))

    def __str__(self) -> str:
        return f"{self.kind}:{'/'.join((self.scope_id, *self.parts))}"
