"""Principals, keys, roles and stores, from the client's side."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from regista.client.transport import Transport
from regista.entities.access import IssuedKey, Key, Principal, PrincipalKind, Role, RoleAssignment
from regista.entities.scope import Store


class PrincipalClient:
    """Who may call."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> list[Principal]:
        """All, or only the caller where it may not see others."""
        return self._transport.call("GET", "/api/v1/principals", type=list[Principal])

    def create(self, name: str, *, kind: str = PrincipalKind.USER, display_name: str = "") -> Principal:
        """Make a principal without any right."""
        body = {"name": name, "kind": kind, "display_name": display_name}
        return self._transport.call("POST", "/api/v1/principals", body=body, type=Principal)

    def disable(self, name: str) -> Principal:
        """Close every door to it, at once."""
        return self._transport.call(
            "POST", f"/api/v1/principals/{_part(name)}/disable", type=Principal, idempotent=True
        )

    def enable(self, name: str) -> Principal:
        """Open the doors again."""
        return self._transport.call("POST", f"/api/v1/principals/{_part(name)}/enable", type=Principal, idempotent=True)


class KeyClient:
    """How a principal proves itself. A secret is told once, when its key is issued."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, principal: str) -> list[Key]:
        """A principal's keys, without anything secret."""
        return self._transport.call("GET", _keys(principal), type=list[Key])

    def create(
        self,
        principal: str,
        name: str = "key",
        *,
        seconds: float | None = None,
        paths: Sequence[str] = (),
        permissions: Sequence[str] = (),
    ) -> IssuedKey:
        """Issue a key, living *seconds* (None: until revoked), narrowed to *paths* and *permissions* where given."""
        body = {"name": name, "seconds": seconds, "paths": paths, "permissions": permissions}
        return self._transport.call("POST", _keys(principal), body=body, type=IssuedKey)

    def revoke(self, principal: str, key: str) -> None:
        """End a key, by id or name, now."""
        self._transport.call("DELETE", f"{_keys(principal)}/{_part(key)}")

    def rotate(self, principal: str, key: str, *, grace_seconds: float = 0) -> IssuedKey:
        """Issue a key like the old one, which ends after the grace."""
        query = {"grace_seconds": grace_seconds}
        return self._transport.call("POST", f"{_keys(principal)}/{_part(key)}/rotate", query=query, type=IssuedKey)


class RoleClient:
    """What a principal may do, and where."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> list[Role]:
        """Built-in roles first, then custom ones."""
        return self._transport.call("GET", "/api/v1/roles", type=list[Role])

    def put(self, name: str, permissions: Sequence[str], *, description: str = "") -> Role:
        """Make or change a custom role."""
        body = {"permissions": permissions, "description": description}
        return self._transport.call("PUT", f"/api/v1/roles/{_part(name)}", body=body, type=Role)

    def delete(self, name: str) -> None:
        """Remove a custom role that nobody has; quiet when there is none."""
        self._transport.call("DELETE", f"/api/v1/roles/{_part(name)}")

    def assign(self, principal: str, role: str, path: str) -> RoleAssignment:
        """Give a role at *path*, as ``Scope.path`` says it, and everywhere below; the same again changes nothing."""
        body = {"principal": principal, "role": role, "path": path}
        return self._transport.call("POST", "/api/v1/roleAssignments", body=body, type=RoleAssignment, idempotent=True)

    def assignments(self, *, principal: str = "", path: str = "") -> Sequence[RoleAssignment]:
        """Who has which role where, as far as the caller may see it."""
        query: dict[str, Any] = {"principal": principal, "path": path}
        given = {key: value for key, value in query.items() if value}
        return self._transport.call("GET", "/api/v1/roleAssignments", query=given, type=list[RoleAssignment])

    def unassign(self, assignment_id: str) -> None:
        """Take a role away; quiet when it was not given."""
        self._transport.call("DELETE", f"/api/v1/roleAssignments/{_part(assignment_id)}")


class StoreClient:
    """Where the bytes of a region are."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> list[Store]:
        """All stores with their regions."""
        return self._transport.call("GET", "/api/v1/stores", type=list[Store])

    def put(self, name: str, *, url: str, regions: Sequence[str]) -> Store:
        """Add a store, or bind other regions to one."""
        body = {"url": url, "regions": regions}
        return self._transport.call("PUT", f"/api/v1/stores/{_part(name)}", body=body, type=Store)


def _keys(principal: str) -> str:
    return f"/api/v1/principals/{_part(principal)}/keys"


def _part(text: str) -> str:
    return quote(text, safe="")
