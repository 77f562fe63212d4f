"""A running MLflow server, version 2 or 3, through its REST API. Files are fetched from that server alone."""

import math
import os
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

from regista.client.imports.mlflow_api import BROKEN, Json, MlflowApi, further, number, pairs
from regista.client.imports.records import (
    Point,
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
from regista.client.imports.server_traces import ServerTraces
from regista.entities.manifest import check_path
from regista.entities.run import Dataset, ModelMetric
from regista.errors import InvalidError, NotFoundError

_ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
_DEEPEST = 60


class ServerSource:
    """The server."""

    def __init__(self, url: str, tell: Told, environment: Mapping[str, str] = os.environ, workspace: str = "") -> None:
        self._api = MlflowApi(url, environment, workspace)
        self.name = self._api.name
        self._tell = tell
        self._api.post("experiments/search", {"max_results": 1})  # says at once what answers there

    def experiments(self) -> Iterator[SourceExperiment]:
        for one in self._api.pages("experiments/search", "experiments", {"view_type": "ALL", "max_results": 1000}):
            try:
                yield SourceExperiment(
                    id=str(one["experiment_id"]),
                    name=one["name"],
                    tags=pairs(one.get("tags")),
                    deleted=one.get("lifecycle_stage") == "deleted",
                    created_at=int(one.get("creation_time") or 0),
                    updated_at=int(one.get("last_update_time") or 0),
                )
            except BROKEN as wrong:
                self._broken("experiment", one.get("experiment_id"), wrong)

    def count_runs(self) -> int | None:
        return None

    def runs(self, experiment: str) -> Iterator[SourceRun]:
        asked = {
            "experiment_ids": [experiment],
            "run_view_type": "ALL",
            "max_results": 200,
            "order_by": ["attributes.start_time ASC"],
        }
        for one in self._api.pages("runs/search", "runs", asked):
            try:
                # A search tells nothing of the logged models that a run used.
                name = one["info"]["run_id"]
                yield _run(self._api.get("runs/get", {"run_id": name, "run_uuid": name})["run"])
            except (*BROKEN, InvalidError, NotFoundError) as wrong:
                self._broken("run", one.get("info", {}).get("run_id"), wrong)

    def points(self, run: SourceRun) -> Iterator[Point]:
        for key in run.keys:
            token = ""
            while True:
                asked = {"run_id": run.id, "run_uuid": run.id, "metric_key": key, "max_results": 25_000}
                page = self._api.get("metrics/get-history", asked | ({"page_token": token} if token else {}))
                for one in page.get("metrics", ()):
                    try:
                        yield (
                            key,
                            number(one.get("value", 0.0)),
                            int(one.get("timestamp") or 0),
                            int(one.get("step") or 0),
                        )
                    except BROKEN as wrong:
                        self._broken("metric", f"{key} of run {run.id}", wrong)
                token = further(page, token)
                if not token:
                    break

    def models(self, experiment: str) -> Iterator[SourceModel]:
        try:
            for one in self._api.pages(
                "logged-models/search", "models", {"experiment_ids": [experiment], "max_results": 50}
            ):
                try:
                    yield _model(one, experiment)
                except BROKEN as wrong:
                    self._broken("logged model", one.get("info", {}).get("model_id"), wrong)
        except NotFoundError:  # MLflow 2 has none
            return

    def traces(self, experiment: str) -> Iterator[SourceTrace]:
        return ServerTraces(self._api, self._tell, self._served_files).of(experiment)

    def webhooks(self) -> Iterator[SourceWebhook]:
        try:
            for one in self._api.pages("webhooks", "webhooks", {"max_results": 1000}, get=True):
                try:
                    yield SourceWebhook(
                        id=one["webhook_id"],
                        name=one["name"],
                        url=one["url"],
                        events=tuple(f"{event['entity']}.{event['action']}".lower() for event in one["events"]),
                        description=one.get("description") or "",
                        created_at=int(one.get("creation_timestamp") or 0),
                    )
                except BROKEN as wrong:
                    self._broken("webhook", one.get("name"), wrong)
        except NotFoundError:  # before MLflow 3.3
            return

    def names(self) -> Iterator[SourceName]:
        seen: set[str] = set()
        # Prompts are registered models that only show themselves to those who ask for them.
        for filter_ in ("", "tag.`mlflow.prompt.is_prompt` = 'true'"):
            asked = {"max_results": 500, **({"filter": filter_} if filter_ else {})}
            for one in self._api.pages("registered-models/search", "registered_models", asked, get=True):
                if one.get("name") in seen:
                    continue
                seen.add(str(one.get("name")))
                try:
                    yield SourceName(
                        name=one["name"],
                        description=one.get("description") or "",
                        tags=pairs(one.get("tags")),
                        aliases={a["alias"]: str(a["version"]) for a in one.get("aliases", ())},
                        created_at=int(one.get("creation_timestamp") or 0),
                        updated_at=int(one.get("last_updated_timestamp") or 0),
                    )
                except BROKEN as wrong:
                    self._broken("registered model", one.get("name"), wrong)

    def versions(self, name: str) -> Iterator[SourceVersion]:
        quoted = name.replace("'", "''")
        found: dict[str, Json] = {}
        for filter_ in (f"name = '{quoted}'", f"name = '{quoted}' AND tag.`mlflow.prompt.is_prompt` = 'true'"):
            asked = {"filter": filter_, "max_results": 1000}
            for one in self._api.pages("model-versions/search", "model_versions", asked, get=True):
                found[str(one.get("version"))] = one
        for which in sorted(found, key=lambda text: (len(text), text)):
            one = found[which]
            try:
                asked = {"name": name, "version": which}
                source = one.get("source") or ""
                place = self._api.get("model-versions/get-download-uri", asked).get("artifact_uri") if source else ""
                yield SourceVersion(
                    name=name,
                    version=which,
                    description=one.get("description") or "",
                    tags=pairs(one.get("tags")),
                    stage=one.get("current_stage") or "",
                    source=source,
                    place=place or source,
                    run=one.get("run_id") or "",
                    run_link=one.get("run_link") or "",
                    model=one.get("model_id") or "",
                    created_at=int(one.get("creation_timestamp") or 0),
                    updated_at=int(one.get("last_updated_timestamp") or 0),
                )
            except (*BROKEN, InvalidError, NotFoundError) as wrong:
                self._broken("version", f"{name} {which}", wrong)

    def run_files(self, run: SourceRun) -> Iterator[SourceFile]:
        if root := self._served(run.place):
            return self._tree(root, run.id)
        return self._listed(run)

    def model_files(self, model: SourceModel) -> Iterator[SourceFile]:
        if root := self._served(model.place):
            return self._tree(root, model.id)
        return self._of_model(model)

    def version_files(self, version: SourceVersion) -> Iterator[SourceFile]:
        return self._served_files(version.place, f"{version.name} {version.version}")

    def _served_files(self, place: str, owner: str) -> Iterator[SourceFile]:
        root = self._served(place)
        return self._tree(root, owner) if root else iter(())

    def _served(self, place: str) -> str:
        """The path below ``mlflow-artifacts`` of this server at which files are; empty when it does not serve them so."""
        try:
            parts = urlsplit(place)
        except ValueError:
            return ""
        if parts.scheme == "mlflow-artifacts":
            return unquote(parts.path).strip("/")
        here = parts.scheme in {"http", "https"} and parts.netloc == self._api.host
        before, served, path = unquote(parts.path).partition(_ARTIFACTS)
        return path.strip("/") if here and served and before == self._api.base else ""

    def _tree(self, root: str, owner: str) -> Iterator[SourceFile]:
        """Files below ``mlflow-artifacts``: listed there with paths from each folder on."""

        def listed(folder: str) -> list[Json]:
            path = f"{root}/{folder}".rstrip("/")
            files: list[Json] = self._api.json("GET", _ARTIFACTS, {"path": path}).get("files", [])
            before = f"{folder}/" if folder else ""
            return [one | {"path": f"{before}{one.get('path', '')}"} for one in files if isinstance(one, dict)]

        def read(path: str) -> Iterator[bytes]:
            return self._api.content(f"{_ARTIFACTS}/{quote(f'{root}/{path}')}")

        return self._walk(listed, read, owner)

    def _listed(self, run: SourceRun) -> Iterator[SourceFile]:
        """Files that the server itself fetches from wherever they are."""

        def listed(folder: str) -> list[Json]:
            found: list[Json] = []
            asked = {"run_id": run.id, "run_uuid": run.id, **({"path": folder} if folder else {})}
            token = ""
            while True:
                page = self._api.get("artifacts/list", asked | ({"page_token": token} if token else {}))
                found += page.get("files", ())
                token = further(page, token)
                if not token:
                    return found

        def read(path: str) -> Iterator[bytes]:
            return self._api.content(f"/get-artifact?{urlencode({'path': path, 'run_uuid': run.id})}")

        return self._walk(listed, read, run.id)

    def _of_model(self, model: SourceModel) -> Iterator[SourceFile]:
        base = f"logged-models/{quote(model.id, safe='')}/artifacts"

        def listed(folder: str) -> list[Json]:
            files: list[Json] = self._api.get(
                f"{base}/directories", {"artifact_directory_path": folder} if folder else {}
            ).get("files", [])
            return files

        def read(path: str) -> Iterator[bytes]:
            return self._api.content(f"/ajax-api/2.0/mlflow/{base}/files?{urlencode({'artifact_file_path': path})}")

        return self._walk(listed, read, model.id)

    def _walk(self, listed: Any, read: Any, owner: str, folder: str = "") -> Iterator[SourceFile]:
        """All files, folder by folder. A path that climbs, or lies elsewhere than in the folder that was asked for, is told."""
        try:
            files = listed(folder)
        except (InvalidError, NotFoundError, *BROKEN) as wrong:
            self._broken("files", f"{folder or '/'} of {owner}", wrong)
            return
        for one in files:
            try:
                path = _inside(str(one["path"]), folder)
                size = int(one.get("file_size") or 0)
            except (InvalidError, *BROKEN) as wrong:
                self._broken("file", f"{str(one.get('path'))[:200]!r} of {owner}", wrong)
                continue
            if one.get("is_dir"):
                yield from self._walk(listed, read, owner, path)
            else:
                yield SourceFile(path, size, partial(read, path))

    def _broken(self, what: str, which: object, wrong: Exception) -> None:
        self._tell(f"{what} {str(which)[:200]}", f"cannot be read: {str(wrong)[:300] or type(wrong).__name__}")


def _inside(path: str, folder: str) -> str:
    """Return *path* when it lies in *folder*, and not too deep."""
    check_path(path)
    if folder and not path.startswith(f"{folder}/"):
        raise InvalidError(f"{path[:200]!r} is not in the folder {folder!r}")
    if path.count("/") > _DEEPEST:
        raise InvalidError(f"{path[:200]!r} is too deep")
    return path


def _run(one: Json) -> SourceRun:
    info, data, inputs = one["info"], one.get("data", {}), one.get("inputs", {})
    ended = info.get("end_time")
    return SourceRun(
        id=info.get("run_id") or info["run_uuid"],
        experiment=str(info["experiment_id"]),
        display_name=info.get("run_name") or "",
        user=info.get("user_id") or "",
        status=info.get("status") or "FINISHED",
        started_at=int(info.get("start_time") or 0),
        ended_at=int(ended) if ended else None,
        params=pairs(data.get("params")),
        tags=pairs(data.get("tags")),
        datasets=tuple(_dataset(used) for used in inputs.get("dataset_inputs", ())),
        inputs=tuple(used["model_id"] for used in inputs.get("model_inputs", ())),
        outputs={
            made["model_id"]: int(made.get("step") or 0) for made in one.get("outputs", {}).get("model_outputs", ())
        },
        deleted=info.get("lifecycle_stage") == "deleted",
        keys=tuple(dict.fromkeys(str(metric["key"]) for metric in data.get("metrics", ()))),
        place=info.get("artifact_uri") or "",
    )


def _dataset(used: Json) -> Dataset:
    fields = ("name", "digest", "source_type", "source", "schema", "profile")
    told = used["dataset"]
    return Dataset(**{name: str(told.get(name) or "") for name in fields}, tags=pairs(used.get("tags")))


def _model(one: Json, experiment: str) -> SourceModel:
    info, data = one["info"], one.get("data", {})
    status = info.get("status")
    return SourceModel(
        id=info["model_id"],
        experiment=str(info.get("experiment_id") or experiment),
        name=info.get("name") or "",
        run=info.get("source_run_id") or "",
        model_type=info.get("model_type") or "",
        status=status if isinstance(status, str) else "LOGGED_MODEL_READY",
        status_message=info.get("status_message") or "",
        params=pairs(data.get("params")),
        tags=pairs(info.get("tags")),
        metrics=tuple(_model_metric(metric) for metric in data.get("metrics", ())),
        created_at=int(info.get("creation_timestamp_ms") or 0),
        updated_at=int(info.get("last_updated_timestamp_ms") or 0),
        place=info.get("artifact_uri") or "",
    )


def _model_metric(one: Json) -> ModelMetric:
    value = number(one.get("value", 0.0))
    return ModelMetric(
        key=one["key"],
        value=None if math.isnan(value) else value,
        timestamp=int(one.get("timestamp") or 0),
        step=int(one.get("step") or 0),
        run=one.get("run_id") or "",
        dataset_name=one.get("dataset_name") or "",
        dataset_digest=one.get("dataset_digest") or "",
    )
