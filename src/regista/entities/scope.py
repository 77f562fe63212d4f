"""Scopes: workspaces, where work runs, and registries, the shelf that workspaces share."""

from enum import StrEnum

import msgspec

from regista.errors import InvalidError

BUILT_IN_REGISTRY = "azureml"
"""The registry of the environments that ship with Regista: it is always there and holds nothing else."""


class ScopeKind(StrEnum):
    """The two kinds of scope; the same verbs work in both."""

    WORKSPACE = "workspace"
    REGISTRY = "registry"


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """A billing boundary: who pays."""

    name: str
    display_name: str = ""
    tags: dict[str, str] = {}
    created_at: int = 0

    @property
    def path(self) -> str:
        """Where role assignments for it are made."""
        return f"/subscriptions/{self.name}"


class ResourceGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group of scopes inside a subscription."""

    subscription: str
    name: str
    location: str = ""
    tags: dict[str, str] = {}
    created_at: int = 0

    @property
    def path(self) -> str:
        """Where role assignments for it are made."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.name}"


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """A workspace or a registry. ``location`` is its region, for a registry its primary one, which never changes;
    ``replication_locations`` are a registry's other regions. A registry's name is unique in the installation, a
    workspace's in its resource group."""

    id: str
    kind: ScopeKind
    subscription: str
    resource_group: str
    name: str
    location: str
    replication_locations: tuple[str, ...] = ()
    display_name: str = ""
    description: str = ""
    tags: dict[str, str] = {}
    created_at: int = 0
    created_by: str = ""

    @property
    def path(self) -> str:
        """Where it stands in the tree of scopes: what role assignments and audit records name."""
        plural = "workspaces" if self.kind is ScopeKind.WORKSPACE else "registries"
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}/{plural}/{self.name}"

    @property
    def address(self) -> "ScopeAddress":
        """The full address, which is never ambiguous."""
        return ScopeAddress(self.kind, self.name, self.subscription, self.resource_group)


class ScopeAddress(msgspec.Struct, frozen=True):
    """How a caller names a scope: by name alone where that is clear, else with subscription and resource group."""

    kind: ScopeKind
    name: str
    subscription: str = ""
    resource_group: str = ""

    @classmethod
    def parse(cls, kind: ScopeKind, text: str) -> "ScopeAddress":
        """Read ``NAME`` or ``SUBSCRIPTION:RESOURCE_GROUP:NAME``; raise ``InvalidError`` for anything else."""
        match text.split(":"):
            case [name]:
                return cls(kind, name)
            case [subscription, group, name]:
                return cls(kind, name, subscription, group)
        raise InvalidError(
            f"{text[:100]!r} does not name a {kind}", hint="Write NAME or SUBSCRIPTION:RESOURCE_GROUP:NAME."
        )

    @property
    def is_built_in(self) -> bool:
        """Whether it is the registry of what ships with Regista."""
        return self.kind is ScopeKind.REGISTRY and self.name == BUILT_IN_REGISTRY

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r}"


class Store(msgspec.Struct, frozen=True, kw_only=True):
    """A blob store and the regions bound to it. ``url`` says what and where it is: ``file:///data/eu``, ``memory:``."""

    name: str
    url: str
    regions: tuple[str, ...] = ()
    created_at: int = 0
