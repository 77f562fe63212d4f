"""Files of runs and of logged models, the logged models, and what was measured of them."""

# ruff: noqa: S608 - statements are put together from constants alone; values are always bound

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import select

from regista.drivers.catalog.sql import tables
from regista.drivers.catalog.sql.bodies import decoder, encoded
from regista.drivers.catalog.sql.paging import page_of
from regista.drivers.catalog.sql.session import Session, Statement, insert, upsert
from regista.entities.digest import Digest
from regista.entities.page import Page, PageRequest
from regista.entities.run import Artifact, LoggedModel, ModelMetric

_model = decoder(LoggedModel)

_OF = "WHERE scope_id = :scope AND owner = :owner"
_WITHIN = f"{_OF} AND (path = :path OR (path >= :first AND path < :last))"
_COLUMNS = "SELECT scope_id, owner, path, digest, size FROM artifacts"
_PUT = upsert(tables.artifacts, "scope_id", "owner", "path")
_ADD = insert(tables.artifacts)
_REPLACE = Statement(
    "UPDATE artifacts SET digest = :digest, size = :size"
    " WHERE scope_id = :scope_id AND owner = :owner AND path = :path AND digest <> :digest"
)
_FIND = Statement(f"{_COLUMNS} {_OF} AND path = :path")
_ALL = Statement(f"{_COLUMNS} {_OF} ORDER BY path")
_BELOW = Statement(f"{_COLUMNS} {_WITHIN} ORDER BY path")
_DELETE_ALL = Statement(f"DELETE FROM artifacts {_OF}")
_DELETE = Statement(f"DELETE FROM artifacts {_WITHIN}")
_DIGESTS = Statement(
    "SELECT scope_id, owner, path, digest FROM artifacts WHERE (scope_id, owner, path) > (:scope, :owner, :path)"
    " ORDER BY scope_id, owner, path LIMIT 1000"
)
_PUT_MODEL = upsert(tables.logged_models, "scope_id", "id", keep=("created_at",))
_FIND_MODEL = Statement("SELECT body FROM logged_models WHERE scope_id = :scope AND id = :id")
_MODEL = Statement("SELECT seq FROM logged_models WHERE scope_id = :scope AND id = :id")
_ADD_METRIC = insert(tables.logged_model_metrics)
_MEASURED = (
    "SELECT m.seq, m.id, p.key, p.is_number, p.value, p.timestamp, p.step, p.run, p.dataset_name, p.dataset_digest,"
    " row_number() OVER (PARTITION BY p.model ORDER BY p.timestamp DESC, p.step DESC, p.key) AS place"
    " FROM logged_models m JOIN logged_model_metrics p ON p.model = m.seq WHERE m.scope_id = :scope AND m.id IN :models"
)
_LATEST = (
    "SELECT id, key, is_number, value, timestamp, step, run, dataset_name, dataset_digest FROM ({measured}) AS measured"
    " WHERE place <= :most ORDER BY seq, key, timestamp, step, run, dataset_name, dataset_digest, is_number, value"
)
_METRICS = Statement(_LATEST.format(measured=_MEASURED))
_SOME_METRICS = Statement(_LATEST.format(measured=f"{_MEASURED} AND p.key IN :keys"))


class ArtifactRows:
    """Rows of ``artifacts``, ``logged_models`` and ``logged_model_metrics``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, artifact: Artifact) -> None:
        row = _row(artifact)
        if not self._session.run(_ADD, **row):
            self._session.run(_REPLACE, **row)  # nothing, and nobody's way, where the file is the same

    def put_all(self, artifacts: Sequence[Artifact]) -> None:
        if artifacts:
            self._session.many(_PUT, map(_row, artifacts))

    def find(self, scope_id: str, owner: str, path: str) -> Artifact | None:
        row = self._session.first(_FIND, scope=scope_id, owner=owner, path=path)
        return _artifact(row) if row else None

    def below(self, scope_id: str, owner: str, prefix: str = "") -> list[Artifact]:
        prefix = prefix.rstrip("/")
        if not prefix:
            return [_artifact(row) for row in self._session.all(_ALL, scope=scope_id, owner=owner)]
        return [_artifact(row) for row in self._session.all(_BELOW, scope=scope_id, owner=owner, **_range(prefix))]

    def delete(self, scope_id: str, owner: str, prefix: str) -> int:
        prefix = prefix.rstrip("/")
        if not prefix:
            return self._session.run(_DELETE_ALL, scope=scope_id, owner=owner)
        return self._session.run(_DELETE, scope=scope_id, owner=owner, **_range(prefix))

    def put_model(self, model: LoggedModel) -> None:
        self._session.run(
            _PUT_MODEL,
            scope_id=model.scope_id,
            id=model.id,
            experiment=model.experiment,
            run=model.run,
            name=model.name,
            deleted=int(model.deleted),
            created_at=model.created_at,
            body=encoded(msgspec.structs.replace(model, metrics=())),
        )

    def find_model(self, scope_id: str, model_id: str) -> LoggedModel | None:
        row = self._session.first(_FIND_MODEL, scope=scope_id, id=model_id)
        return _model(row[0]) if row else None

    def models(
        self, scope_id: str, experiments: Sequence[int], request: PageRequest, *, run: str = "", name: str = ""
    ) -> Page[LoggedModel]:
        column = tables.logged_models.c
        query = select(column.body).where(
            column.scope_id == scope_id, column.experiment.in_(experiments), column.deleted == 0
        )
        if run:
            query = query.where(column.run == run)
        if name:
            query = query.where(column.name == name)
        return page_of(self._session, query, request, "models", (column.created_at, column.seq), _model)

    def log_model_metrics(self, scope_id: str, model_id: str, metrics: Sequence[ModelMetric]) -> None:
        row = self._session.first(_MODEL, scope=scope_id, id=model_id)
        if row and metrics:
            self._session.many(_ADD_METRIC, [_measured(row[0], one) for one in metrics])

    def model_metrics(
        self, scope_id: str, model_ids: Sequence[str], most: int, *, keys: Sequence[str] = ()
    ) -> dict[str, list[ModelMetric]]:
        which: dict[str, Any] = {"scope": scope_id, "models": list(model_ids), "most": most}
        rows = (
            self._session.all(_SOME_METRICS, keys=list(keys), **which) if keys else self._session.all(_METRICS, **which)
        )
        found: defaultdict[str, list[ModelMetric]] = defaultdict(list)
        for model_id, key, is_number, value, timestamp, step, run, name, digest in rows:
            one = ModelMetric(
                key=key,
                value=value if is_number else None,
                timestamp=timestamp,
                step=step,
                run=run,
                dataset_name=name,
                dataset_digest=digest,
            )
            found[model_id].append(one)
        return dict(found)

    def digests(self, after: tuple[str, str, str] | None = None) -> Iterator[tuple[str, Digest]]:
        scope, owner, path = after or ("", "", "")
        while rows := self._session.all(_DIGESTS, scope=scope, owner=owner, path=path):
            for row in rows:
                yield row[0], Digest(row[3])
            scope, owner, path, _ = rows[-1]


def _range(prefix: str) -> dict[str, str]:
    """The path itself, and everything below it: ``0`` is what comes after ``/``."""
    return {"path": prefix, "first": prefix + "/", "last": prefix + "0"}


def _artifact(row: tuple[Any, ...]) -> Artifact:
    scope_id, owner, path, digest, size = row
    return Artifact(scope_id=scope_id, owner=owner, path=path, digest=Digest(digest), size=size)


def _measured(model: int, one: ModelMetric) -> dict[str, Any]:
    """NaN is stored as (0, 0.0), as those of runs are."""
    return {
        "model": model,
        "key": one.key,
        "timestamp": one.timestamp,
        "step": one.step,
        "run": one.run,
        "dataset_name": one.dataset_name,
        "dataset_digest": one.dataset_digest,
        "is_number": int(one.value is not None),
        "value": 0.0 if one.value is None else float(one.value),
    }


def _row(artifact: Artifact) -> dict[str, Any]:
    return {
        "scope_id": artifact.scope_id,
        "owner": artifact.owner,
        "path": artifact.path,
        "digest": artifact.digest,
        "size": artifact.size,
    }
