"""Settings, subscriptions, resource groups, scopes and stores."""

from typing import Protocol

from regista.entities.page import Page, PageRequest
from regista.entities.scope import ResourceGroup, Scope, ScopeKind, Store, Subscription


class Settings(Protocol):
    """Small values of the installation, by key."""

    def find(self, key: str) -> str | None:
        """The value, or None."""

    def put(self, key: str, value: str) -> None:
        """Set the value."""

    def add(self, key: str, value: str) -> str:
        """Set the value unless there is one, and return the one that stands: the first of many at once wins."""


class GroupRepository(Protocol):
    """Subscriptions and resource groups; lists by name."""

    def add_subscription(self, subscription: Subscription) -> None:
        """Add; raise ``AlreadyExistsError`` when the name is taken."""

    def find_subscription(self, name: str) -> Subscription | None:
        """By name."""

    def put_subscription(self, subscription: Subscription) -> None:
        """Replace."""

    def subscriptions(self) -> list[Subscription]:
        """All, by name."""

    def delete_subscription(self, name: str) -> None:
        """Delete; quiet when absent."""

    def add_group(self, group: ResourceGroup) -> None:
        """Add; raise ``AlreadyExistsError`` when the name is taken in the subscription."""

    def find_group(self, subscription: str, name: str) -> ResourceGroup | None:
        """By name."""

    def put_group(self, group: ResourceGroup) -> None:
        """Replace."""

    def groups(self, subscription: str) -> list[ResourceGroup]:
        """All of a subscription, by name."""

    def delete_group(self, subscription: str, name: str) -> None:
        """Delete; quiet when absent."""


class ScopeRepository(Protocol):
    """Workspaces and registries, and the stores their regions are bound to. A deleted scope leaves a tombstone: ``get``
    still answers (lineage needs its name), ``find`` and ``page`` do not."""

    def add(self, scope: Scope) -> None:
        """Add; raise ``AlreadyExistsError`` when a living registry of the name, or a living workspace of the name in the
        resource group, exists."""

    def get(self, scope_id: str) -> Scope:
        """By id, deleted ones too."""

    def is_deleted(self, scope_id: str) -> bool:
        """Whether it is a tombstone."""

    def find(self, kind: ScopeKind, name: str, subscription: str = "", resource_group: str = "") -> list[Scope]:
        """The living scopes of the name, narrowed by what is given."""

    def put(self, scope: Scope) -> None:
        """Replace."""

    def page(
        self, kind: ScopeKind | None, request: PageRequest, subscription: str = "", resource_group: str = ""
    ) -> Page[Scope]:
        """The living scopes, by name."""

    def delete(self, scope_id: str, at: int) -> None:
        """Make it a tombstone and free the name."""

    def put_store(self, store: Store) -> None:
        """Add or replace a store with its regions (a region is bound to one store: it leaves the other)."""

    def stores(self) -> list[Store]:
        """All, by name."""
