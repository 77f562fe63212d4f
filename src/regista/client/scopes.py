"""Workspaces, registries, subscriptions and resource groups, from the client's side."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from regista.client.documents import load_document
from regista.client.paging import pages
from regista.client.transport import Transport
from regista.entities.documents.scope import parse_registry, parse_workspace
from regista.entities.page import Page
from regista.entities.scope import ResourceGroup, Scope, ScopeKind, Subscription
from regista.errors import InvalidError

DEFAULT = "default"
"""The subscription of what names none."""


class ScopeClient:
    """Scopes of one kind."""

    def __init__(self, transport: Transport, kind: ScopeKind) -> None:
        self._transport = transport
        self._kind = kind
        self._path = "/api/v1/" + ("workspaces" if kind is ScopeKind.WORKSPACE else "registries")

    def create(self, file: Path | None = None, **fields: Any) -> Scope:
        """Make a scope from a YAML file, from *fields*, or from the file with the fields above it."""
        document = load_document(file) if file else {}
        parse = parse_workspace if self._kind is ScopeKind.WORKSPACE else parse_registry
        found = parse(document | fields, where=str(file or ""))
        body = {
            name: value for name in found.__struct_fields__ if (value := getattr(found, name)) not in (None, "", (), {})
        }
        body.pop("ignored", None)
        return self._one("POST", "", body)

    def get(self, name: str) -> Scope:
        """By name, or by ``SUBSCRIPTION:RESOURCE_GROUP:NAME`` where the name is not enough."""
        return self._one("GET", f"/{quote(name, safe=':')}")

    def list(self) -> Iterator[Scope]:
        """All that the caller may see, by name."""
        return pages(self._transport, self._path, Page[Scope])

    def update(self, name: str, **changes: Any) -> Scope:
        """Change display_name, description, tags or replication_locations."""
        if not changes:
            raise InvalidError("nothing was given to change", hint="Such as --description or --tags.")
        return self._one("PATCH", f"/{quote(name, safe=':')}", changes)

    def delete(self, name: str) -> None:
        """Delete it; what other scopes know of it stays."""
        self._transport.call("DELETE", f"{self._path}/{quote(name, safe=':')}")

    def _one(self, method: str, tail: str, body: object = None) -> Scope:
        return self._transport.call(method, self._path + tail, body=body, type=Scope)


class SubscriptionClient:
    """Subscriptions."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> list[Subscription]:
        """Those in which the caller may see anything."""
        return self._transport.call("GET", "/api/v1/subscriptions", type=list[Subscription])

    def get(self, name: str) -> Subscription:
        """By name."""
        return self._one("GET", name)

    def create(self, name: str, *, display_name: str = "", tags: dict[str, str] | None = None) -> Subscription:
        """Make one; the same again changes nothing."""
        return self._one("PUT", name, {"name": name, "display_name": display_name, "tags": tags or {}})

    def update(self, name: str, **changes: Any) -> Subscription:
        """Change display_name or tags."""
        return self._one("PATCH", name, _something(changes))

    def delete(self, name: str) -> None:
        """Delete one in which nothing is."""
        self._transport.call("DELETE", _subscription(name))

    def _one(self, method: str, name: str, body: object = None) -> Subscription:
        return self._transport.call(method, _subscription(name), body=body, type=Subscription)


class GroupClient:
    """Resource groups."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, subscription: str = DEFAULT) -> list[ResourceGroup]:
        """Those of a subscription in which the caller may see anything."""
        path = f"{_subscription(subscription)}/resourceGroups"
        return self._transport.call("GET", path, type=list[ResourceGroup])

    def get(self, name: str, subscription: str = DEFAULT) -> ResourceGroup:
        """By name."""
        return self._one("GET", name, subscription)

    def create(self, name: str, subscription: str = DEFAULT, **fields: Any) -> ResourceGroup:
        """Make one with a location and tags; the same again changes nothing."""
        return self._one("PUT", name, subscription, fields)

    def update(self, name: str, subscription: str = DEFAULT, **changes: Any) -> ResourceGroup:
        """Change its tags."""
        return self._one("PATCH", name, subscription, _something(changes))

    def delete(self, name: str, subscription: str = DEFAULT) -> None:
        """Delete one in which nothing is."""
        self._transport.call("DELETE", _group(name, subscription))

    def _one(self, method: str, name: str, subscription: str, body: object = None) -> ResourceGroup:
        return self._transport.call(method, _group(name, subscription), body=body, type=ResourceGroup)


def _subscription(name: str) -> str:
    return f"/api/v1/subscriptions/{quote(name, safe='')}"


def _group(name: str, subscription: str) -> str:
    return f"{_subscription(subscription)}/resourceGroups/{quote(name, safe='')}"


def _something(changes: dict[str, Any]) -> dict[str, Any]:
    if not changes:
        raise InvalidError("nothing was given to change", hint="Such as --tags.")
    return changes
