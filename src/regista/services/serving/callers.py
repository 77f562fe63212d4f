"""Endpoints that are opened by tokens: for which audiences a token may be, and for which keys."""

import threading
import time
from collections.abc import Iterator, Sequence

from regista.entities.access import BUILT_IN_ROLES, Caller, Grant, Key, Permission, Principal
from regista.entities.endpoint import AuthMode, Endpoint
from regista.entities.names import now
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.access.access import caller_by_key

_REMEMBERED = 2.0
_AAD = ("https://ml.azure.com", "https://ml.azure.internal")
"""For what clients that fetch a token of their own fetch it: the audience of Azure Machine Learning."""


def audience(endpoint: Endpoint) -> str:
    """For what a token is that opens this endpoint and no other, not even a later one of its name."""
    return f"regista:endpoint:{endpoint.id}"


def audiences(endpoint: Endpoint) -> tuple[str, ...]:
    """For what tokens may be that open the endpoint."""
    own = audience(endpoint)
    return (own, *_AAD) if endpoint.auth_mode == AuthMode.AAD_TOKEN else (own,)


class TokenCallers:
    """Finds which keys may call which endpoints: those with ``endpoints/keys``, for who may have an endpoint's keys may call
    it. Remembered for two seconds, as callers are, unless endpoints have changed."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._lock = threading.Lock()
        self._known: tuple[float, int, dict[str, tuple[str, ...]]] = (0.0, -1, {})

    def of(self, endpoints: Sequence[Endpoint], change: int) -> dict[str, tuple[str, ...]]:
        """The ids of keys by the id of the endpoint; *change* is the number of the last change of endpoints."""
        wanted = [one for one in endpoints if one.auth_mode != AuthMode.KEY]
        if not wanted:
            return {}
        with self._lock:
            until, number, found = self._known
            if until < time.monotonic() or number != change or not {one.id for one in wanted} <= found.keys():
                found = self._catalog.read(lambda tx: _keys_of(tx, wanted))
                self._known = (time.monotonic() + _REMEMBERED, change, found)
            return found


def _keys_of(tx: Transaction, endpoints: Sequence[Endpoint]) -> dict[str, tuple[str, ...]]:
    paths = {one.id: f"{tx.scopes.get(one.scope_id).path}/endpoints/{one.name}" for one in endpoints}
    found: dict[str, list[str]] = {one.id: [] for one in endpoints}
    for key, caller in _living(tx, tuple(paths.values())):
        for endpoint, path in paths.items():
            if caller.allows(Permission.ENDPOINTS_KEYS, path):
                found[endpoint].append(key.id)
    return {endpoint: tuple(sorted(keys)) for endpoint, keys in found.items()}


def _living(tx: Transaction, paths: Sequence[str]) -> Iterator[tuple[Key, Caller]]:
    """The living keys of whoever may call one of the endpoints at *paths*."""
    at = now()
    for principal, grants in _principals(tx):
        whole = Caller(principal=principal, grants=grants)
        if any(whole.allows(Permission.ENDPOINTS_KEYS, path) for path in paths):
            yield from (
                (key, caller_by_key(key, principal, grants)) for key in tx.keys.of(principal.id) if key.is_live(at)
            )


def _principals(tx: Transaction) -> Iterator[tuple[Principal, tuple[Grant, ...]]]:
    """Everybody, with what the assignments come to."""
    roles = {role.name: role for role in (*tx.access.roles(), *BUILT_IN_ROLES)}
    grants: dict[str, list[Grant]] = {}
    for one in tx.access.assignments():
        if one.role in roles:
            grants.setdefault(one.principal_id, []).append(Grant(one.path, roles[one.role].permissions))
    for principal in tx.access.principals():
        if not principal.disabled and principal.id in grants:
            yield principal, tuple(grants[principal.id])
