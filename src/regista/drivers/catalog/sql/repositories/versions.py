"""Asset versions. A deleted one stays as a row with the time of its deletion, so that its name is never given again."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from regista.drivers.catalog.sql import tables
from regista.drivers.catalog.sql.bodies import decoder, encoded
from regista.drivers.catalog.sql.paging import cursor_of, key_of, page_of, size_of
from regista.drivers.catalog.sql.search import Search, Sorting, Subject, after
from regista.drivers.catalog.sql.session import Session, Statement, insert, upsert
from regista.drivers.catalog.sql.tags import Tags
from regista.entities.asset import AssetKind, AssetVersion
from regista.entities.digest import Digest
from regista.entities.page import Page, PageRequest
from regista.entities.search import Clause
from regista.errors import AlreadyExistsError, NotFoundError

_version = decoder(AssetVersion)
_tags = Tags(tables.version_tags)
_column = tables.versions.c
_subject = Subject(
    "versions",
    tables.versions,
    {"name": _column.name, "version": _column.version, "type": _column.type, "created_by": _column.created_by},
    tables.version_tags,
)

_NAMED = "FROM versions WHERE scope_id = :scope AND kind = :kind AND name = :name"
_ADD = insert(tables.versions)
_PUT = upsert(
    tables.versions,
    "id",
    keep=("scope_id", "kind", "name", "version", "created_at", "deleted_at"),
    returning="seq, created_at, deleted_at",
)
_GET = Statement("SELECT body, deleted_at FROM versions WHERE id = :id")
_FIND = Statement(f"SELECT body, deleted_at {_NAMED} AND version = :version")
_LATEST = Statement(
    f"SELECT body {_NAMED} AND archived = 0 AND deleted_at IS NULL ORDER BY created_at DESC, seq DESC LIMIT 1"
)
_BY_CONTENT = Statement(
    "SELECT body FROM versions WHERE scope_id = :scope AND content = :content AND kind = :kind AND name = :name"
    " AND deleted_at IS NULL ORDER BY created_at DESC, seq DESC LIMIT 1"
)
_DELETE = Statement("UPDATE versions SET deleted_at = :at WHERE id = :id AND deleted_at IS NULL RETURNING seq")
_MANIFESTS = Statement(
    "SELECT id, scope_id, manifest FROM versions WHERE id > :after AND deleted_at IS NULL ORDER BY id LIMIT 1000"
)


class VersionRows:
    """Rows of ``versions``, and the tags of the living ones."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, version: AssetVersion) -> None:
        if not self._session.run(_ADD, **_row(version)):
            raise AlreadyExistsError(
                f"version {version.version!r} of the {version.kind} {version.name!r} exists already, or did before",
                hint="Versions are never given again: choose another, or leave it out to get the next number.",
            )
        if version.tags:
            self.put(version)

    def get(self, version_id: str) -> AssetVersion:
        return _version(self._row(version_id)[0])

    def find(
        self, scope_id: str, kind: AssetKind, name: str, version: str, *, deleted: bool = False
    ) -> AssetVersion | None:
        row = self._session.first(_FIND, scope=scope_id, kind=kind.value, name=name, version=version)
        return _version(row[0]) if row and (deleted or row[1] is None) else None

    def find_by_content(self, scope_id: str, kind: AssetKind, name: str, content: Digest) -> AssetVersion | None:
        row = self._session.first(_BY_CONTENT, scope=scope_id, kind=kind.value, name=name, content=content)
        return _version(row[0]) if row else None

    def latest(self, scope_id: str, kind: AssetKind, name: str) -> AssetVersion | None:
        row = self._session.first(_LATEST, scope=scope_id, kind=kind.value, name=name)
        return _version(row[0]) if row else None

    def put(self, version: AssetVersion) -> None:
        seq, created_at, deleted_at = self._session.first(_PUT, **_row(version)) or (0, 0, 0)
        _tags.clear(self._session, seq)
        if deleted_at is None:
            place = f"{version.scope_id}/{version.kind}"
            _tags.put(self._session, seq, version.tags, place=place, created_at=created_at)

    def page(
        self,
        scope_id: str,
        kind: AssetKind,
        name: str | None,
        request: PageRequest,
        *,
        archived: bool | None = False,
        clauses: Sequence[Clause] = (),
        changed_first: bool = False,
    ) -> Page[AssetVersion]:
        search = Search(self._session, _subject, f"{scope_id}/{kind}", clauses)
        query = select(_column.body).select_from(search.source).where(*search.conditions)
        query = query.where(_column.deleted_at.is_(None))
        if not search.is_led:
            query = query.where(_column.scope_id == scope_id, _column.kind == kind.value)
        if name is not None:
            query = query.where(_column.name == name)
        if archived is not None:
            query = query.where(_column.archived == int(archived))
        if changed_first:
            return self._changed_first(query, search.newest[1], request)
        return page_of(self._session, query, request, "versions", search.newest, _version)

    def delete(self, version_id: str, at: int) -> None:
        row = self._session.first(_DELETE, id=version_id, at=at)
        if row is not None:
            _tags.clear(self._session, row[0])

    def is_deleted(self, version_id: str) -> bool:
        return self._row(version_id)[1] is not None

    def manifests(self, after: str = "") -> Iterator[tuple[str, str, Digest]]:
        while rows := self._session.all(_MANIFESTS, after=after):
            for version_id, scope_id, manifest in rows:
                yield version_id, scope_id, Digest(manifest)
            after = rows[-1][0]

    def _changed_first(self, query: Select[Any], seq: ColumnElement[Any], request: PageRequest) -> Page[AssetVersion]:
        sortings = [
            Sorting(_column.updated_at, ascending=False, kind=int),
            Sorting(_column.name, ascending=True, kind=str),
            Sorting(seq, ascending=False, kind=int),
        ]
        limit, listing = size_of(request), "versions/changed"
        if request.cursor is not None:
            key = key_of(request.cursor, listing, [sorting.kind for sorting in sortings])
            query = query.where(after(sortings, key))
        query = query.add_columns(*(one.expression for one in sortings)).order_by(*(one.turn for one in sortings))
        rows = self._session.query(query.limit(limit + 1))
        cursor = cursor_of(listing, rows[limit - 1][1:]) if len(rows) > limit else None
        return Page(tuple(_version(row[0]) for row in rows[:limit]), cursor)

    def _row(self, version_id: str) -> tuple[Any, ...]:
        row = self._session.first(_GET, id=version_id)
        if row is None:
            raise NotFoundError(f"there is no version with the id {version_id!r}")
        return row


def _row(version: AssetVersion) -> dict[str, Any]:
    return {
        "id": version.id,
        "scope_id": version.scope_id,
        "kind": version.kind.value,
        "name": version.name,
        "version": version.version,
        "type": version.type,
        "content": version.content,
        "manifest": version.manifest,
        "created_by": version.created_by,
        "archived": int(version.archived),
        "created_at": version.created_at,
        "deleted_at": None,
        "body": encoded(version),
        "updated_at": version.updated_at,
    }
