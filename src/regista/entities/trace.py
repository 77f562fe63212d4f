"""What a trace answers: the nodes that led to something (or came of it), how each is known, and what is missing."""

import msgspec

from regista.entities.capsule import JobRecord, VersionRecord
from regista.entities.lineage import Edge


class DeploymentRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One generation of a deployment."""

    node: str
    endpoint: str
    name: str
    generation: int
    workspace: str
    state: str = ""
    created_at: int = 0
    created_by: str = ""


class TraceNode(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A node and what is known of it; exactly one of the records is set. ``known`` is ``live`` (from the catalog, which the
    caller may read there) or ``capsule`` (sealed, because the source is gone or closed to the caller)."""

    node: str
    known: str
    version: VersionRecord | None = None
    job: JobRecord | None = None
    deployment: DeploymentRecord | None = None


class Completeness(msgspec.Struct, frozen=True, kw_only=True):
    """How much of what should be known is: facts known of facts expected, and what is missing, in words."""

    known: int
    expected: int
    missing: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """From 0 to 1; nothing expected is complete."""
        return self.known / self.expected if self.expected else 1.0


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """The graph around ``start``, nearest nodes first."""

    start: str
    upstream: bool
    nodes: tuple[TraceNode, ...]
    edges: tuple[Edge, ...]
    completeness: Completeness
    truncated: bool = False
