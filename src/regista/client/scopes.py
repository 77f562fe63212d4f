"""Workspaces, registries and subscriptions, from the client's side."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from regista.client.documents import load_document
from regista.client.paging import pages
from regista.client.transport import Transport
from regista.entities.documents.scope import parse_registry, parse_workspace
from regista.entities.page import Page
from regista.entities.scope import Scope, ScopeKind, Subscription
from regista.errors import InvalidError


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

    def create(self, name: str, *, display_name: str = "") -> Subscription:
        """Make one; the same again changes nothing."""
        body = {"name": name, "display_name": display_name}
        return self._transport.call(
            "PUT", f"/api/v1/subscriptions/{quote(name, safe='')}", body=body, type=Subscription
        )
