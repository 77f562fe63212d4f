"""Datastores, upload areas, the files in containers, and the blocks of those that are not put together yet."""

# ruff: noqa: S608 - statements are put together from constants alone; values are always bound

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from regista.drivers.catalog.sql import tables
from regista.drivers.catalog.sql.bodies import decoder, encoded
from regista.drivers.catalog.sql.session import Session, Statement, insert, upsert
from regista.entities.datastore import Datastore, StagedBlock, StoredFile, UploadArea
from regista.entities.digest import Digest

_datastore = decoder(Datastore)
_file = decoder(StoredFile)
_block = decoder(StagedBlock)
_area = decoder(UploadArea)

_PUT = upsert(tables.datastores, "scope_id", "name")
_FIND = Statement("SELECT body FROM datastores WHERE scope_id = :scope AND name = :name")
_OF_SCOPE = Statement("SELECT body FROM datastores WHERE scope_id = :scope ORDER BY name")
_DELETE = Statement("DELETE FROM datastores WHERE scope_id = :scope AND name = :name")

_PUT_FILE = upsert(tables.stored_files, "container", "path")
_FIND_FILE = Statement("SELECT body FROM stored_files WHERE container = :container AND path = :path")
_DELETE_FILE = Statement("DELETE FROM stored_files WHERE container = :container AND path = :path")
_FROM = "SELECT body FROM stored_files WHERE container = :container AND path >= :first"
_ORDER = "ORDER BY path LIMIT :limit"
_SCANS = {
    (bounded, owned): Statement(
        f"{_FROM}{' AND path < :before' * bounded}{' AND owner = :owner' * owned} {_ORDER}",
    )
    for bounded in (False, True)
    for owned in (False, True)
}

_PUT_BLOCK = upsert(tables.staged_blocks, "container", "path", "owner", "id")
_OF_FILE = "FROM staged_blocks WHERE container = :container AND path = :path AND owner = :owner"
_BLOCKS = Statement(f"SELECT body {_OF_FILE} ORDER BY id")
_DELETE_BLOCKS = Statement(f"DELETE {_OF_FILE}")

_ADD_AREA = insert(tables.upload_areas)
_FIND_AREA = Statement("SELECT body FROM upload_areas WHERE id = :id")

_KEYS = {"stored_files": "container, path", "staged_blocks": "container, path, owner, id", "upload_areas": "id"}
_GONE = "scope_id IN (SELECT id FROM scopes WHERE deleted_at IS NOT NULL)"
_ENDED = "container IN (SELECT container FROM upload_areas WHERE expires_at <= :at)"


def _delete_some(table: str, condition: str) -> Statement:
    keys = _KEYS[table]
    return Statement(
        f"DELETE FROM {table} WHERE ({keys}) IN (SELECT {keys} FROM {table} WHERE {condition} LIMIT :limit)"
    )


_SWEEP_FILES = tuple(_delete_some("stored_files", condition) for condition in (_ENDED, _GONE))
_SWEEP_BLOCKS = tuple(_delete_some("staged_blocks", condition) for condition in ("at < :blocks", _ENDED, _GONE))
_SWEEP_AREAS = tuple(
    _delete_some("upload_areas", f"{condition} AND container NOT IN (SELECT container FROM stored_files)")
    for condition in ("expires_at <= :at", _GONE)
)
_SWEEP_RESOURCES = tuple(
    Statement(f"DELETE FROM {table} WHERE {_GONE}") for table in ("datastores", "resources", "webhooks")
)

_DIGESTS = Statement(
    "SELECT container, path, scope_id, digest FROM stored_files WHERE (container, path) > (:container, :path)"
    " ORDER BY container, path LIMIT 1000"
)
_BLOCK_DIGESTS = Statement("SELECT scope_id, digest FROM staged_blocks WHERE digest <> ''")


class DatastoreRows:
    """Rows of ``datastores``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, scope_id: str, name: str) -> Datastore | None:
        row = self._session.first(_FIND, scope=scope_id, name=name)
        return _datastore(row[0]) if row else None

    def put(self, datastore: Datastore) -> None:
        self._session.run(_PUT, scope_id=datastore.scope_id, name=datastore.name, body=encoded(datastore))

    def of_scope(self, scope_id: str) -> list[Datastore]:
        return [_datastore(body) for (body,) in self._session.all(_OF_SCOPE, scope=scope_id)]

    def delete(self, scope_id: str, name: str) -> None:
        self._session.run(_DELETE, scope=scope_id, name=name)


class FileRows:
    """Rows of ``stored_files``, ``staged_blocks`` and ``upload_areas``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, container: str, path: str) -> StoredFile | None:
        row = self._session.first(_FIND_FILE, container=container, path=path)
        return _file(row[0]) if row else None

    def put(self, file: StoredFile) -> None:
        self._session.run(_PUT_FILE, **_row(file))

    def put_all(self, files: Sequence[StoredFile]) -> None:
        if files:
            self._session.many(_PUT_FILE, map(_row, files))

    def scan(
        self, container: str, first: str, before: str | None, limit: int, *, owner: str | None = None
    ) -> list[StoredFile]:
        values = {"container": container, "first": first, "limit": limit}
        values |= {"before": before} if before is not None else {}
        values |= {"owner": owner} if owner is not None else {}
        return [_file(body) for (body,) in self._session.all(_SCANS[before is not None, owner is not None], **values)]

    def delete(self, container: str, path: str) -> None:
        self._session.run(_DELETE_FILE, container=container, path=path)

    def put_block(self, block: StagedBlock) -> None:
        self._session.run(
            _PUT_BLOCK,
            container=block.container,
            path=block.path,
            owner=block.owner,
            id=block.id,
            scope_id=block.scope_id,
            digest=block.digest or "",
            at=block.at,
            body=encoded(block),
        )

    def blocks(self, container: str, path: str, owner: str) -> list[StagedBlock]:
        rows = self._session.all(_BLOCKS, container=container, path=path, owner=owner)
        return [_block(body) for (body,) in rows]

    def delete_blocks(self, container: str, path: str, owner: str) -> None:
        self._session.run(_DELETE_BLOCKS, container=container, path=path, owner=owner)

    def add_area(self, area: UploadArea) -> None:
        self._session.run(
            _ADD_AREA,
            id=area.id,
            scope_id=area.scope_id,
            container=area.container,
            expires_at=area.expires_at,
            body=encoded(area),
        )

    def find_area(self, area_id: str) -> UploadArea | None:
        row = self._session.first(_FIND_AREA, id=area_id)
        return _area(row[0]) if row else None

    def sweep(self, at: int, blocks_before: int, limit: int = 1000) -> int:
        values = {"at": at, "blocks": blocks_before, "limit": limit}
        gone = sum(self._session.run(one, **values) for one in (*_SWEEP_FILES, *_SWEEP_BLOCKS, *_SWEEP_AREAS))
        return gone + sum(self._session.run(one) for one in _SWEEP_RESOURCES)

    def digests(self) -> Iterator[tuple[str, Digest]]:
        container, path = "", ""
        while rows := self._session.all(_DIGESTS, container=container, path=path):
            for _, _, scope_id, digest in rows:
                yield scope_id, Digest(digest)
            container, path, *_ = rows[-1]
        for scope_id, digest in self._session.all(_BLOCK_DIGESTS):
            yield scope_id, Digest(digest)


def _row(file: StoredFile) -> Mapping[str, Any]:
    return {
        "container": file.container,
        "path": file.path,
        "scope_id": file.scope_id,
        "owner": file.owner,
        "digest": file.digest or "",
        "body": encoded(file),
    }
