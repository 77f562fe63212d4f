"""Workspaces, registries, and the stores that their regions are bound to."""

from typing import Any

import msgspec
from sqlalchemy import select

from regista.drivers.catalog.sql import tables
from regista.drivers.catalog.sql.bodies import decoder, encoded
from regista.drivers.catalog.sql.paging import page_of
from regista.drivers.catalog.sql.repositories.experiments import ExperimentRows
from regista.drivers.catalog.sql.session import Session, Statement, insert, upsert
from regista.entities.page import Page, PageRequest
from regista.entities.scope import Scope, ScopeKind, Store
from regista.errors import AlreadyExistsError, NotFoundError

_scope = decoder(Scope)
_store = decoder(Store)

_ADD = insert(tables.scopes)
_PUT = upsert(tables.scopes, "id", keep=("deleted_at",))
_GET = Statement("SELECT body, deleted_at FROM scopes WHERE id = :id")
_FIND = Statement("SELECT body FROM scopes WHERE name = :name AND kind = :kind AND deleted_at IS NULL ORDER BY seq")
_DELETE = Statement("UPDATE scopes SET deleted_at = :at WHERE id = :id AND deleted_at IS NULL")

_PUT_STORE = upsert(tables.stores, "name")
_STORES = Statement("SELECT body FROM stores ORDER BY name")
_REGIONS = Statement("SELECT region, store FROM store_regions")
_UNBIND = Statement("DELETE FROM store_regions WHERE store = :store")
_BIND = upsert(tables.store_regions, "region")


class ScopeRows:
    """Rows of ``scopes``; a tombstone is a row with the time of its deletion."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, scope: Scope) -> None:
        if not self._session.run(_ADD, **_row(scope)):
            raise AlreadyExistsError(f"the {scope.kind} {scope.name!r} exists already", hint="Choose another name.")
        if scope.kind is ScopeKind.WORKSPACE:
            ExperimentRows(self._session).ensure_default(scope.id, scope.created_at)

    def get(self, scope_id: str) -> Scope:
        return _scope(self._row(scope_id)[0])

    def is_deleted(self, scope_id: str) -> bool:
        return self._row(scope_id)[1] is not None

    def find(self, kind: ScopeKind, name: str, subscription: str = "", resource_group: str = "") -> list[Scope]:
        found = self._session.shared("scopes", (kind, name), lambda: self._named(kind, name))
        return [
            scope
            for scope in found
            if subscription in {"", scope.subscription} and resource_group in {"", scope.resource_group}
        ]

    def put(self, scope: Scope) -> None:
        self._session.run(_PUT, **_row(scope))

    def page(
        self, kind: ScopeKind | None, request: PageRequest, subscription: str = "", resource_group: str = ""
    ) -> Page[Scope]:
        column = tables.scopes.c
        query = select(column.body).where(column.deleted_at.is_(None))
        if kind is not None:
            query = query.where(column.kind == kind.value)
        if subscription:
            query = query.where(column.subscription == subscription)
        if resource_group:
            query = query.where(column.resource_group == resource_group)
        keys = (column.name, column.seq)
        return page_of(self._session, query, request, "scopes", keys, _scope, kinds=(str, int), descending=False)

    def delete(self, scope_id: str, at: int) -> None:
        self._session.run(_DELETE, id=scope_id, at=at)

    def put_store(self, store: Store) -> None:
        self._session.run(_PUT_STORE, name=store.name, body=encoded(store))
        self._session.run(_UNBIND, store=store.name)
        for region in store.regions:
            self._session.run(_BIND, region=region, store=store.name)

    def stores(self) -> list[Store]:
        holder: dict[str, str] = dict(self._session.all(_REGIONS))
        found = [_store(body) for (body,) in self._session.all(_STORES)]
        return [
            msgspec.structs.replace(store, regions=tuple(r for r in store.regions if holder.get(r) == store.name))
            for store in found
        ]

    def _named(self, kind: ScopeKind, name: str) -> list[Scope]:
        return [_scope(body) for (body,) in self._session.all(_FIND, name=name, kind=kind.value)]

    def _row(self, scope_id: str) -> tuple[Any, ...]:
        row = self._session.first(_GET, id=scope_id)
        if row is None:
            raise NotFoundError(f"there is no scope with the id {scope_id!r}")
        return row


def _row(scope: Scope) -> dict[str, Any]:
    return {
        "id": scope.id,
        "kind": scope.kind.value,
        "subscription": scope.subscription,
        "resource_group": scope.resource_group,
        "name": scope.name,
        "deleted_at": None,
        "body": encoded(scope),
    }
