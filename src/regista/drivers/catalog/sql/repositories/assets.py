"""The names under which versions stand."""

from collections.abc import Sequence
from typing import Any

from regista.drivers.catalog.sql import tables
from regista.drivers.catalog.sql.bodies import decoder, encoded
from regista.drivers.catalog.sql.search import Search, Subject, attributes
from regista.drivers.catalog.sql.session import Session, Statement, insert, upsert
from regista.drivers.catalog.sql.tags import Tags
from regista.entities.asset import ANONYMOUS, Asset, AssetKind
from regista.entities.page import Page, PageRequest
from regista.entities.search import Clause
from regista.errors import AlreadyExistsError

_asset = decoder(Asset)
_tags = Tags(tables.asset_tags)
_subject = Subject("assets", tables.assets, attributes(name=tables.assets.c.name), tables.asset_tags)

_ADD = insert(tables.assets)
_PUT = upsert(tables.assets, "scope_id", "kind", "name", keep=("created_at",), returning="seq, created_at")
_FIND = Statement("SELECT body, seq FROM assets WHERE scope_id = :scope AND kind = :kind AND name = :name")
_DELETE = Statement("DELETE FROM assets WHERE seq = :seq")


class AssetRows:
    """Rows of ``assets``, and their tags."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, asset: Asset) -> None:
        if not self._session.run(_ADD, **_row(asset)):
            raise AlreadyExistsError(f"the {asset.kind} {asset.name!r} exists already")
        if asset.tags:
            self.put(asset)

    def find(self, scope_id: str, kind: AssetKind, name: str) -> Asset | None:
        row = self._session.first(_FIND, scope=scope_id, kind=kind.value, name=name)
        return _asset(row[0]) if row else None

    def put(self, asset: Asset) -> None:
        seq, created_at = self._session.first(_PUT, **_row(asset)) or (0, 0)
        _tags.clear(self._session, seq)
        _tags.put(self._session, seq, asset.tags, place=f"{asset.scope_id}/{asset.kind}", created_at=created_at)

    def page(
        self,
        scope_id: str,
        kind: AssetKind,
        request: PageRequest,
        *,
        archived: bool | None = False,
        clauses: Sequence[Clause] = (),
    ) -> Page[Asset]:
        search = Search(self._session, _subject, f"{scope_id}/{kind}", clauses)
        search.where("assets.name <> {}", ANONYMOUS)
        if not search.is_led:
            search.where("assets.scope_id = {} AND assets.kind = {}", scope_id, kind.value)
        if archived is not None:
            search.where("assets.archived = {}", int(archived))
        found, cursor = search.page(search.newest, request, "assets")
        return Page(tuple(_asset(body) for _, body in found), cursor)

    def delete(self, scope_id: str, kind: AssetKind, name: str) -> None:
        row = self._session.first(_FIND, scope=scope_id, kind=kind.value, name=name)
        if row is not None:
            _tags.clear(self._session, row[1])
            self._session.run(_DELETE, seq=row[1])


def _row(asset: Asset) -> dict[str, Any]:
    return {
        "scope_id": asset.scope_id,
        "kind": asset.kind.value,
        "name": asset.name,
        "archived": int(asset.archived),
        "created_at": asset.created_at,
        "body": encoded(asset),
    }
