"""The database behind an MLflow server, SQLite or PostgreSQL: opened for reading alone.

MLflow has changed its tables often; what a version does not have (logged models, inputs, workspaces, a column) is looked
for and left out. The files are not in the database: they are in the folder that the caller names.
"""

# ruff: noqa: S608 - statements are put together from constants alone; values are always bound

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from regista.client.imports.database_traces import DatabaseTraces
from regista.client.imports.local_files import LocalFiles
from regista.client.imports.records import (
    DELETED,
    Point,
    Row,
    SourceExperiment,
    SourceFile,
    SourceModel,
    SourceName,
    SourceRun,
    SourceTrace,
    SourceVersion,
    SourceWebhook,
    Told,
)
from regista.client.imports.tables import Tables
from regista.entities.run import Dataset, ModelMetric
from regista.errors import InvalidError

_MODEL_STATUS = {1: "LOGGED_MODEL_PENDING", 2: "LOGGED_MODEL_READY", 3: "LOGGED_MODEL_UPLOAD_FAILED"}
_PAGE = 200
_STREAM = 5000
_WANTED = {"experiments", "runs", "metrics", "params", "tags"}
_BROKEN = (ValueError, TypeError, KeyError, OverflowError)


class DatabaseSource:
    """The database."""

    def __init__(self, url: str, tell: Told, artifacts: Path | None, workspace: str = "default") -> None:
        self._tables = Tables(url)
        self._tell = tell
        self._files = LocalFiles(artifacts, tell) if artifacts else None
        self._workspace = workspace
        self.name = self._tables.name
        if not self._tables.columns.keys() >= _WANTED:
            raise InvalidError(f"{self.name} is no database of MLflow", hint="It has no tables of runs and metrics.")

    def experiments(self) -> Iterator[SourceExperiment]:
        tags = self._tables.by("SELECT experiment_id AS id, key, value FROM experiment_tags", "experiment_tags")
        where, given = self._here("experiments")
        for row in self._tables.rows(
            f"SELECT * FROM experiments WHERE {where} ORDER BY experiment_id", "experiments", **given
        ):
            with self._careful("experiment", row.get("experiment_id")):
                yield SourceExperiment(
                    id=str(row["experiment_id"]),
                    name=str(row["name"]),
                    tags=tags.get(str(row["experiment_id"]), {}),
                    deleted=row.get("lifecycle_stage") == "deleted",
                    created_at=_number(row.get("creation_time")),
                    updated_at=_number(row.get("last_update_time")),
                )

    def count_runs(self) -> int | None:
        where, given = self._here("experiments")
        query = f"SELECT count(*) AS n FROM runs JOIN experiments USING (experiment_id) WHERE {where}"
        return next((int(row["n"]) for row in self._tables.rows(query, "runs", **given)), 0)

    def runs(self, experiment: str) -> Iterator[SourceRun]:
        for page in self._tables.pages("runs", experiment, "coalesce(start_time, 0)", "run_uuid"):
            yield from self._whole(page)

    def _whole(self, page: Sequence[Row]) -> Iterator[SourceRun]:
        ids = [row["run_uuid"] for row in page]
        params = self._tables.by("SELECT run_uuid AS id, key, value FROM params WHERE run_uuid IN :ids", "params", ids)
        tags = self._tables.by("SELECT run_uuid AS id, key, value FROM tags WHERE run_uuid IN :ids", "tags", ids)
        datasets, inputs, outputs = self._datasets(ids), self._links(ids, "RUN_INPUT"), self._links(ids, "RUN_OUTPUT")
        for row in page:
            run = row["run_uuid"]
            with self._careful("run", run):
                ended = row.get("end_time")
                yield SourceRun(
                    id=run,
                    experiment=str(row["experiment_id"]),
                    display_name=str(row.get("name") or ""),
                    user=str(row.get("user_id") or ""),
                    status=str(row.get("status") or "FINISHED"),
                    started_at=_number(row.get("start_time")),
                    ended_at=None if ended is None else int(ended),
                    params=params.get(run, {}),
                    tags=tags.get(run, {}),
                    datasets=tuple(datasets.get(run, ())),
                    inputs=tuple(inputs.get(run, ())),
                    outputs=outputs.get(run, {}),
                    deleted=row.get("lifecycle_stage") == "deleted",
                    place=str(row.get("artifact_uri") or ""),
                )

    def points(self, run: SourceRun) -> Iterator[Point]:
        query = "SELECT key, value, timestamp, step, is_nan FROM metrics WHERE run_uuid = :run"
        for row in self._tables.rows(query, "metrics", run=run.id):
            with self._careful("metric", f"{row.get('key')} of run {run.id}"):
                value = math.nan if row["is_nan"] else float(row["value"])
                yield str(row["key"]), value, int(row["timestamp"]), int(row["step"] or 0)

    def models(self, experiment: str) -> Iterator[SourceModel]:
        if "logged_models" not in self._tables.columns:
            return
        query = "SELECT * FROM logged_models WHERE experiment_id = :experiment"
        given: dict[str, Any] = {"experiment": int(experiment)}
        part = "WHERE experiment_id = :experiment"
        params = self._tables.by(f"SELECT model_id AS id, param_key AS key, param_value AS value FROM logged_model_params {part}",
                          "logged_model_params", **given)  # fmt: skip
        tags = self._tables.by(f"SELECT model_id AS id, tag_key AS key, tag_value AS value FROM logged_model_tags {part}",
                        "logged_model_tags", **given)  # fmt: skip
        for row in self._tables.rows(query, "logged_models", **given):
            with self._careful("logged model", row.get("model_id")):
                model = row["model_id"]
                yield SourceModel(
                    id=model,
                    experiment=experiment,
                    name=str(row["name"]),
                    run=str(row.get("source_run_id") or ""),
                    model_type=str(row.get("model_type") or ""),
                    status=_MODEL_STATUS.get(row.get("status"), _MODEL_STATUS[2]),  # type: ignore[arg-type]
                    status_message=str(row.get("status_message") or ""),
                    params=params.get(model, {}),
                    tags=tags.get(model, {}),
                    metrics=tuple(self._model_metrics(model)),
                    deleted=row.get("lifecycle_stage") == "deleted",
                    created_at=_number(row.get("creation_timestamp_ms")),
                    updated_at=_number(row.get("last_updated_timestamp_ms")),
                    place=str(row.get("artifact_location") or ""),
                )

    def _model_metrics(self, model: str) -> Iterator[ModelMetric]:
        query = "SELECT * FROM logged_model_metrics WHERE model_id = :model"
        for row in self._tables.rows(query, "logged_model_metrics", model=model):
            value = row["metric_value"]
            yield ModelMetric(
                key=row["metric_name"],
                value=None if value is None else float(value),
                timestamp=int(row["metric_timestamp_ms"]),
                step=int(row["metric_step"]),
                run=row["run_id"],
                dataset_name=row.get("dataset_name") or "",
                dataset_digest=row.get("dataset_digest") or "",
            )

    def traces(self, experiment: str) -> Iterator[SourceTrace]:
        return DatabaseTraces(self._tables, self._tell, self._below).of(experiment)

    def webhooks(self) -> Iterator[SourceWebhook]:
        where, given = self._here("webhooks")
        asked: defaultdict[str, list[str]] = defaultdict(list)
        for row in self._tables.rows("SELECT * FROM webhook_events ORDER BY entity, action", "webhook_events"):
            asked[row["webhook_id"]].append(f"{row['entity']}.{row['action']}".lower())
        query = f"SELECT * FROM webhooks WHERE {where} AND deleted_timestamp IS NULL ORDER BY creation_timestamp, webhook_id"
        for row in self._tables.rows(query, "webhooks", **given):
            with self._careful("webhook", row.get("name")):
                yield SourceWebhook(
                    id=row["webhook_id"],
                    name=row["name"],
                    url=row["url"],
                    events=tuple(asked[row["webhook_id"]]),
                    description=row.get("description") or "",
                    created_at=_number(row.get("creation_timestamp")),
                )

    def names(self) -> Iterator[SourceName]:
        where, given = self._here("registered_models")
        of_tags, of_aliases = self._here("registered_model_tags")[0], self._here("registered_model_aliases")[0]
        tags = self._tables.by(
            f"SELECT name AS id, key, value FROM registered_model_tags WHERE {of_tags}",
            "registered_model_tags",
            **given,
        )
        aliases = self._tables.by(f"SELECT name AS id, alias AS key, version AS value FROM registered_model_aliases WHERE {of_aliases}",
                           "registered_model_aliases", **given)  # fmt: skip
        for row in self._tables.rows(
            f"SELECT * FROM registered_models WHERE {where} ORDER BY name", "registered_models", **given
        ):
            with self._careful("registered model", row.get("name")):
                yield SourceName(
                    name=row["name"],
                    description=row.get("description") or "",
                    tags=tags.get(row["name"], {}),
                    aliases=aliases.get(row["name"], {}),
                    created_at=_number(row.get("creation_time")),
                    updated_at=_number(row.get("last_updated_time")),
                )

    def versions(self, name: str) -> Iterator[SourceVersion]:
        where, given = self._here("model_versions")
        query = f"SELECT version AS id, key, value FROM model_version_tags WHERE {self._here('model_version_tags')[0]} AND name = :name"
        tags = self._tables.by(query, "model_version_tags", name=name, **given)
        query = f"SELECT * FROM model_versions WHERE {where} AND name = :name ORDER BY version"
        for row in self._tables.rows(query, "model_versions", name=name, **given):
            with self._careful("version", f"{name} {row.get('version')}"):
                if row.get("current_stage") == DELETED:
                    continue
                yield SourceVersion(
                    name=name,
                    version=str(row["version"]),
                    description=row.get("description") or "",
                    tags=tags.get(str(row["version"]), {}),
                    stage=row.get("current_stage") or "",
                    source=row.get("source") or "",
                    place=row.get("storage_location") or row.get("source") or "",
                    run=row.get("run_id") or "",
                    run_link=row.get("run_link") or "",
                    model=row.get("model_id") or "",
                    created_at=_number(row.get("creation_time")),
                    updated_at=_number(row.get("last_updated_time")),
                )

    def run_files(self, run: SourceRun) -> Iterator[SourceFile]:
        return self._below(run.place)

    def model_files(self, model: SourceModel) -> Iterator[SourceFile]:
        return self._below(model.place)

    def version_files(self, version: SourceVersion) -> Iterator[SourceFile]:
        return self._below(version.place)

    def _below(self, place: str) -> Iterator[SourceFile]:
        return self._files.below(place) if self._files else iter(())

    def _datasets(self, ids: Sequence[str]) -> dict[str, list[Dataset]]:
        query = (
            "SELECT i.destination_id AS run, i.input_uuid, d.* FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id"
            " WHERE i.source_type = 'DATASET' AND i.destination_id IN :ids"
        )
        found: defaultdict[str, list[Dataset]] = defaultdict(list)
        rows = [*self._tables.rows(query, "inputs", ids=ids)]
        uuids = [row["input_uuid"] for row in rows]
        tags = self._tables.by(
            "SELECT input_uuid AS id, name AS key, value FROM input_tags WHERE input_uuid IN :ids", "input_tags", uuids
        )
        for row in rows:
            fields = {
                name: str(row.get(column) or "")
                for name, column in {
                    "name": "name", "digest": "digest", "source_type": "dataset_source_type", "source": "dataset_source",
                    "schema": "dataset_schema", "profile": "dataset_profile",
                }.items()
            }  # fmt: skip
            found[row["run"]].append(Dataset(**fields, tags=tags.get(row["input_uuid"], {})))
        return found

    def _links(self, ids: Sequence[str], kind: str) -> dict[str, dict[str, int]]:
        """Logged models that runs used or made, each with its step."""
        found: defaultdict[str, dict[str, int]] = defaultdict(dict)
        query = "SELECT * FROM inputs WHERE source_type = :kind AND source_id IN :ids"
        for row in self._tables.rows(query, "inputs", kind=kind, ids=ids):
            found[row["source_id"]][row["destination_id"]] = _number(row.get("step"))
        return found

    def _here(self, table: str) -> tuple[str, dict[str, Any]]:
        """The condition that keeps to one workspace, where MLflow has them."""
        if "workspace" in self._tables.columns.get(table, ()):
            return "workspace = :workspace", {"workspace": self._workspace}
        return "1 = 1", {}

    @contextmanager
    def _careful(self, what: str, which: object) -> Iterator[None]:
        """Tell of a row that cannot be read, and go on behind it."""
        try:
            yield
        except _BROKEN as wrong:
            self._tell(f"{what} {str(which)[:100]}", f"cannot be read: {str(wrong)[:200] or type(wrong).__name__}")


def _number(value: Any) -> int:
    return int(value or 0)
