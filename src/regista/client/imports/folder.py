"""A folder of files as MLflow's file store keeps it (``./mlruns``).

    EXPERIMENT/meta.yaml   EXPERIMENT/tags/KEY   .trash/EXPERIMENT/…
    EXPERIMENT/RUN/{meta.yaml, metrics/KEY, params/KEY, tags/KEY, inputs/*/meta.yaml, outputs/*/meta.yaml, artifacts/…}
    EXPERIMENT/datasets/*/meta.yaml
    EXPERIMENT/traces/tr-…/{trace_info.yaml, request_metadata/KEY, tags/KEY, assessments/*.yaml, artifacts/traces.json}
    EXPERIMENT/models/m-…/{meta.yaml, metrics/KEY, params/KEY, tags/KEY, artifacts/…}
    models/NAME/{meta.yaml, tags/KEY, aliases/ALIAS, version-N/{meta.yaml, tags/KEY}}

A key may hold slashes, and is then a path. A line of a metric is ``timestamp value step``, that of a logged model goes on
with the run and perhaps a data set.
"""

import math
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import yaml

from regista.client.imports.local_files import LocalFiles
from regista.client.imports.records import (
    DELETED,
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
from regista.client.imports.told_traces import told_trace
from regista.entities.run import Dataset, ModelMetric
from regista.errors import InvalidError

_STATUS = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
_MODEL_STATUS = {1: "LOGGED_MODEL_PENDING", 2: "LOGGED_MODEL_READY", 3: "LOGGED_MODEL_UPLOAD_FAILED"}
_NO_RUNS = {"tags", "datasets", "traces", "models"}
_LARGEST_TEXT = 16 << 20
_TRASH, _REGISTRY = ".trash", "models"
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, yaml.YAMLError, RecursionError)


class FolderSource:
    """The folder."""

    def __init__(self, root: Path, tell: Told, artifacts: Path | None = None) -> None:
        self._root = root.resolve()
        if not _holds_runs(self._root):
            raise InvalidError(
                f"{str(root)[:200]!r} is no folder of MLflow's runs", hint="It holds a folder for each experiment."
            )
        self._tell = tell
        self._files = LocalFiles(self._root, tell)
        self._others = LocalFiles(artifacts, tell) if artifacts else self._files
        self.name = str(self._root)

    def experiments(self) -> Iterator[SourceExperiment]:
        for folder in self._experiments():
            try:
                meta = _yaml(folder)
                yield SourceExperiment(
                    id=folder.name,
                    name=str(meta["name"]),
                    tags=self._texts(folder / "tags"),
                    deleted=meta.get("lifecycle_stage") == "deleted" or folder.parent.name == _TRASH,
                    created_at=int(meta.get("creation_time") or 0),
                    updated_at=int(meta.get("last_update_time") or 0),
                )
            except _UNREADABLE as wrong:
                self._broken(folder, wrong)

    def count_runs(self) -> int | None:
        return sum(1 for experiment in self._experiments() for _ in self._runs(experiment))

    def runs(self, experiment: str) -> Iterator[SourceRun]:
        place = self._experiment(experiment)
        for folder in self._runs(place):
            try:
                yield self._run(place, folder)
            except _UNREADABLE as wrong:
                self._broken(folder, wrong)

    def _run(self, place: Path, folder: Path) -> SourceRun:
        meta = _yaml(folder)
        name = str(meta.get("run_uuid") or meta["run_id"])
        if name != folder.name:
            raise ValueError(f"it calls itself {name[:50]!r}")
        inputs = [(one, _yaml(one)) for one in _folders(folder / "inputs")]
        ended, status = meta.get("end_time"), meta.get("status", 3)
        return SourceRun(
            id=name,
            experiment=place.name,
            display_name=str(meta.get("run_name") or meta.get("name") or ""),
            user=str(meta.get("user_id") or ""),
            status=_STATUS.get(status, str(status)),
            started_at=int(meta.get("start_time") or 0),
            ended_at=None if ended is None else int(ended),
            params=self._texts(folder / "params"),
            tags=self._texts(folder / "tags"),
            datasets=tuple(_dataset(place, one) for _, one in inputs if one.get("source_type") == "DATASET"),
            inputs=tuple(str(one["source_id"]) for _, one in inputs if one.get("source_type") != "DATASET"),
            outputs={one.name: int(_yaml(one).get("step") or 0) for one in _folders(folder / "outputs")},
            deleted=meta.get("lifecycle_stage") == "deleted",
            place=str(folder / "artifacts"),
        )

    def points(self, run: SourceRun) -> Iterator[Point]:
        folder = self._experiment(run.experiment) / run.id / "metrics"
        for key, path in self._keys(folder):
            yield from _once(key, self._lines(key, path))

    def _lines(self, key: str, path: Path) -> Iterator[tuple[int, int, float]]:
        with path.open(encoding="utf-8", errors="replace") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    at, value, *step = line.split()
                    yield _int64(step[0] if step else "0"), _int64(at), float(value)
                except ValueError:
                    self._tell(f"{path}, line {number}", f"is no measurement of {key!r}")

    def models(self, experiment: str) -> Iterator[SourceModel]:
        for folder in _folders(self._experiment(experiment) / "models"):
            try:
                meta = _yaml(folder)
                yield SourceModel(
                    id=folder.name,
                    experiment=experiment,
                    name=str(meta.get("name") or ""),
                    run=str(meta.get("source_run_id") or ""),
                    model_type=str(meta.get("model_type") or ""),
                    status=_MODEL_STATUS.get(meta.get("status") or 2, _MODEL_STATUS[2]),
                    status_message=str(meta.get("status_message") or ""),
                    params=self._texts(folder / "params"),
                    tags=self._texts(folder / "tags"),
                    metrics=tuple(self._model_metrics(folder / "metrics")),
                    deleted=meta.get("lifecycle_stage") == "deleted",
                    created_at=int(meta.get("creation_timestamp") or 0),
                    updated_at=int(meta.get("last_updated_timestamp") or 0),
                    place=str(folder / "artifacts"),
                )
            except _UNREADABLE as wrong:
                self._broken(folder, wrong)

    def _model_metrics(self, folder: Path) -> Iterator[ModelMetric]:
        for key, path in self._keys(folder):
            for line in path.read_text(errors="replace").splitlines():
                at, value, step, run, *dataset = line.split()
                number = None if math.isnan(float(value)) else float(value)
                name, digest = dataset[:2] if len(dataset) > 1 else ("", "")
                yield ModelMetric(key=key, value=number, timestamp=int(at), step=int(step), run=run,
                                  dataset_name=name, dataset_digest=digest)  # fmt: skip

    def traces(self, experiment: str) -> Iterator[SourceTrace]:
        for folder in _folders(self._experiment(experiment) / "traces"):
            try:
                info = _yaml(folder, "trace_info.yaml") | {
                    "trace_metadata": self._texts(folder / "request_metadata"),
                    "tags": self._texts(folder / "tags"),
                    "assessments": [*self._assessments(folder / "assessments")],
                }
                if info.get("trace_id", info.get("request_id")) != folder.name:
                    raise ValueError("it calls itself otherwise")
                yield told_trace(info, experiment, self._tell, partial(self._files.below, str(folder / "artifacts")))
            except (*_UNREADABLE, msgspec.MsgspecError) as wrong:
                self._broken(folder, wrong)

    def _assessments(self, folder: Path) -> Iterator[dict[str, Any]]:
        for file in self._files.below(str(folder)) if folder.is_dir() else ():
            if file.path.endswith(".yaml"):
                yield _yaml(folder, file.path)

    def webhooks(self) -> Iterator[SourceWebhook]:
        return iter(())

    def names(self) -> Iterator[SourceName]:
        for folder in _folders(self._root / _REGISTRY):
            try:
                meta = _yaml(folder)
                yield SourceName(
                    name=str(meta["name"]),
                    description=str(meta.get("description") or ""),
                    tags=self._texts(folder / "tags"),
                    aliases={key: value.strip() for key, value in self._texts(folder / "aliases").items()},
                    created_at=int(meta.get("creation_timestamp") or 0),
                    updated_at=int(meta.get("last_updated_timestamp") or 0),
                )
            except _UNREADABLE as wrong:
                self._broken(folder, wrong)

    def versions(self, name: str) -> Iterator[SourceVersion]:
        folders = [one for one in _folders(self._root / _REGISTRY / name) if one.name.startswith("version-")]
        for folder in sorted(folders, key=lambda one: (len(one.name), one.name)):
            try:
                meta = _yaml(folder)
                if meta.get("current_stage") == DELETED:
                    continue
                yield SourceVersion(
                    name=name,
                    version=str(int(meta["version"])),
                    description=str(meta.get("description") or ""),
                    tags=self._texts(folder / "tags"),
                    stage=str(meta.get("current_stage") or ""),
                    source=str(meta.get("source") or ""),
                    place=str(meta.get("storage_location") or meta.get("source") or ""),
                    run=str(meta.get("run_id") or ""),
                    run_link=str(meta.get("run_link") or ""),
                    model=str(meta.get("model_id") or ""),
                    created_at=int(meta.get("creation_timestamp") or 0),
                    updated_at=int(meta.get("last_updated_timestamp") or 0),
                )
            except _UNREADABLE as wrong:
                self._broken(folder, wrong)

    def run_files(self, run: SourceRun) -> Iterator[SourceFile]:
        return self._files.below(run.place)

    def model_files(self, model: SourceModel) -> Iterator[SourceFile]:
        return self._files.below(model.place)

    def version_files(self, version: SourceVersion) -> Iterator[SourceFile]:
        return self._others.below(version.place)

    def _experiments(self) -> Iterator[Path]:
        for folder in (*_folders(self._root), *_folders(self._root / _TRASH)):
            if folder.name not in {_TRASH, _REGISTRY} and (folder / "meta.yaml").is_file():
                yield folder

    def _experiment(self, name: str) -> Path:
        here = self._root / name
        return here if here.is_dir() else self._root / _TRASH / name

    @staticmethod
    def _runs(experiment: Path) -> Iterator[Path]:
        for folder in _folders(experiment):
            if folder.name not in _NO_RUNS and (folder / "meta.yaml").is_file():
                yield folder

    def _keys(self, folder: Path) -> Iterator[tuple[str, Path]]:
        """The files below a folder, by their path there: what a key with slashes is kept as."""
        for file in self._files.below(str(folder)) if folder.is_dir() else ():
            yield file.path, folder / file.path

    def _texts(self, folder: Path) -> dict[str, str]:
        return {key: _text(path) for key, path in self._keys(folder)}

    def _broken(self, folder: Path, wrong: Exception) -> None:
        self._tell(str(folder.relative_to(self._root)), f"cannot be read: {str(wrong)[:200] or type(wrong).__name__}")


def _folders(place: Path) -> list[Path]:
    """The folders in a folder, by name; links are none."""
    try:
        return sorted(Path(one.path) for one in os.scandir(place) if one.is_dir(follow_symlinks=False))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _text(path: Path) -> str:
    if path.stat().st_size > _LARGEST_TEXT:
        raise ValueError(f"{path.name} is larger than {_LARGEST_TEXT >> 20} MB")
    return path.read_text(encoding="utf-8", errors="replace")


def _yaml(folder: Path, name: str = "meta.yaml") -> dict[str, Any]:
    path = folder / name
    if path.is_symlink():
        raise ValueError(f"its {name} is a link")
    found = yaml.load(_text(path), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    if not isinstance(found, dict):
        raise TypeError(f"its {name} holds no fields")
    return found


def _int64(text: str) -> int:
    number = int(text)
    if abs(number) >= 2**63:
        raise ValueError(text)
    return number


def _dataset(experiment: Path, used: dict[str, Any]) -> Dataset:
    source = str(used["source_id"])
    if "/" in source or source in {".", ".."}:
        raise ValueError(f"{source[:50]!r} is no data set")
    meta = _yaml(experiment / "datasets" / source)
    fields = ("name", "digest", "source_type", "source", "schema", "profile")
    found = {name: str(meta.get(name) or "") for name in fields}
    return Dataset(**found, tags={str(k): str(v) for k, v in (used.get("tags") or {}).items()})


def _once(key: str, rows: Iterable[tuple[int, int, float]]) -> Iterator[Point]:
    """Each measurement once, whatever their number: they are sorted out in a database that lives in a temporary file."""
    with closing(sqlite3.connect("", isolation_level=None)) as sorter:
        sorter.execute("CREATE TABLE p (step, at, nan, value, PRIMARY KEY (step, at, nan, value)) WITHOUT ROWID")
        sorter.execute("BEGIN")
        clean = ((step, at, math.isnan(value), 0.0 if math.isnan(value) else value) for step, at, value in rows)
        sorter.executemany("INSERT OR IGNORE INTO p VALUES (?, ?, ?, ?)", clean)
        for step, at, nan, value in sorter.execute("SELECT step, at, nan, value FROM p"):
            yield key, math.nan if nan else value, at, step


def _holds_runs(root: Path) -> bool:
    try:
        return any(root.glob("*/meta.yaml")) or any(root.glob("models/*/meta.yaml"))
    except (OSError, ValueError):  # a name that no file can have
        return False
