"""Asset versions. A deleted one stays as a row with the time of its deletion, so that its name is never given again."""

from collections.abc import Iterator, Sequence
from typing import Any

from regista.drivers.catalog.sql import tables
from regista.drivers.catalog.sql.bodies import decoder, encoded
from regista.drivers.catalog.sql.search import Attribute, Search, Subject, attributes, fingerprint
from regista.drivers.catalog.sql.session import Session, Statement, insert, upsert
from regista.drivers.catalog.sql.tags import Tags
from regista.entities.asset import AssetKind, AssetVersion
from regista.entities.digest import Digest
from regista.entities.page import Page, PageRequest
from regista.entities.search import Clause, Field, Order
from regista.errors import AlreadyExistsError, NotFoundError

_version = decoder(AssetVersion)
_tags = Tags(tables.version_tags)
_column = tables.versions.c
_NUMBER = (
    "CASE WHEN ltrim(versions.version, '0123456789') = '' AND length(versions.version) BETWEEN 1 AND 18"
    " THEN CAST(versions.version AS bigint) ELSE 0 END"
)
_subject = Subject(
    "versions",
    tables.versions,
    attributes(
        name=_column.name,
        version=_column.version,
        type=_column.type,
        created_by=_column.created_by,
        created=_column.created_at,
        changed=_column.updated_at,
        id=_column.id,
        run=_column.run,
        source=_column.source,
    )
    | {"number": Attribute(_NUMBER, int)},
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
_LATEST_CHANGED = Order(Field.ATTRIBUTE, "changed", ascending=False)


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
        order: Sequence[Order] = (),
    ) -> Page[AssetVersion]:
        search = Search(self._session, _subject, f"{scope_id}/{kind}", clauses)
        search.where("versions.deleted_at IS NULL")
        if not search.is_led:
            search.where("versions.scope_id = {} AND versions.kind = {}", scope_id, kind.value)
        if name is not None:
            search.where("versions.name = {}", name)
        if archived is not None:
            search.where("versions.archived = {}", int(archived))
        # The later of two has the higher number, and an index ends with it where the time of making is not asked for.
        sortings = [*search.keys(order), *(search.newest[-1:] if order else search.newest)]
        apart = bool(order) and (search.is_led or name is None or order[0] != _LATEST_CHANGED)
        found, cursor = search.page(sortings, request, fingerprint("versions", order), apart=apart)
        return Page(tuple(_version(body) for _, body in found), cursor)

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
        "run": version.run,
        "source": version.origin,
    }
