"""What a source tells, as Regista takes it: what it cannot take is told and left out, and the rest stays."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from regista.client.imports.records import (
    Point,
    SourceExperiment,
    SourceModel,
    SourceName,
    SourceRun,
    SourceVersion,
    Told,
)
from regista.entities.names import check_alias, check_tags
from regista.entities.run import Dataset, ModelMetric
from regista.errors import InvalidError

_STATUSES = {
    "RUNNING": "Running",
    "SCHEDULED": "Queued",
    "FINISHED": "Completed",
    "FAILED": "Failed",
    "KILLED": "Canceled",
}
_LARGEST = 1.7976931348623157e308
_INT64 = range(-(2**63), 2**63)
_USER, _PARENT = "mlflow.user", "mlflow.parentRunId"


class Checking:
    """Makes records of a source into those that the server takes."""

    def __init__(self, tell: Told) -> None:
        self._tell = tell

    def experiment(self, one: SourceExperiment) -> dict[str, Any]:
        """The body of ``imports/experiments``."""
        return {
            "name": one.name,
            "number": int(one.id) if one.id.isascii() and one.id.isdigit() and len(one.id) < 19 else None,
            "tags": self.texts(one.tags, f"experiment {one.name!r}"),
            "created_at": one.created_at,
            "updated_at": one.updated_at,
        }

    def run(self, one: SourceRun, experiment: int) -> dict[str, Any]:
        """The body of ``imports/runs``. Whoever made the run stands in a tag."""
        where = f"run {one.id}"
        status = _STATUSES.get(one.status)
        if status is None:
            self._tell(where, f"its status {one.status[:50]!r} is unknown: imported as FINISHED")
        tags = self.texts(one.tags, where)
        if one.user and _USER not in tags:
            tags |= self.texts({_USER: one.user}, where)
        return {
            "name": one.id,
            "experiment": experiment,
            "display_name": one.display_name,
            "status": status or "Completed",
            "started_at": max(0, one.started_at),
            "ended_at": one.ended_at,
            "parent": tags.get(_PARENT, ""),
            "params": self.texts(one.params, where),
            "tags": tags,
            "datasets": self._datasets(one.datasets, where),
            "inputs": one.inputs,
            "outputs": one.outputs,
        }

    def _datasets(self, given: Iterable[Dataset], where: str) -> list[dict[str, Any]]:
        named = {(one.name, one.digest): one for one in given}
        found = []
        for one in named.values():
            if not one.name:
                self._tell(where, "it has a data set without a name")
                continue
            tags = self.texts(one.tags, f"data set {one.name[:50]!r} of {where}")
            found.append(msgspec.to_builtins(msgspec.structs.replace(one, tags=tags)))
        return found

    def points(self, given: Iterable[Point], where: str) -> Iterator[tuple[str, float | None, int, int]]:
        """Measurements; None for what is not a number."""
        for key, value, at, step in given:
            if not key or len(key) > 1000 or at not in _INT64 or step not in _INT64:
                self._tell(where, f"its metric {key[:50]!r} has a key, a time or a step that cannot be")
                continue
            yield key, None if math.isnan(value) else max(-_LARGEST, min(_LARGEST, value)), at, step

    def model(self, one: SourceModel, experiment: int) -> dict[str, Any]:
        """The body of ``imports/loggedModels``."""
        where = f"logged model {one.id}"
        fields: dict[str, Any] = {
            name: getattr(one, name) for name in one.__struct_fields__ if name not in {"place", "deleted"}
        }
        return fields | {
            "experiment": experiment,
            "params": self.texts(one.params, where),
            "tags": self.texts(one.tags, where),
            "metrics": [msgspec.to_builtins(_finite(metric)) for metric in one.metrics],
        }

    def name(self, one: SourceName) -> dict[str, Any]:
        """The body of ``imports/models``."""
        where = f"registered model {one.name!r}"
        aliases = {}
        for alias, version in one.aliases.items():
            try:
                aliases[check_alias(alias)] = version
            except InvalidError as wrong:
                self._tell(where, wrong.message)
        return {
            "name": one.name,
            "description": one.description,
            "tags": self.texts(one.tags, where),
            "aliases": aliases,
            "created_at": one.created_at,
            "updated_at": one.updated_at,
        }

    def version(self, one: SourceVersion) -> dict[str, Any]:
        """The body of ``imports/versions``, but where its files are."""
        said = {"uri": one.source, "run_id": one.run, "run_link": one.run_link, "model_id": one.model}
        return {
            "name": one.name,
            "version": one.version,
            "description": one.description,
            "tags": self.texts(one.tags, f"version {one.name} {one.version}"),
            "stage": one.stage,
            "source": {name: value for name, value in said.items() if value},
            "created_at": one.created_at,
            "updated_at": one.updated_at,
        }

    def texts(self, given: Mapping[str, str], where: str) -> dict[str, str]:
        """Tags or parameters."""
        found: dict[str, str] = {}
        for key, value in given.items():
            try:
                found |= check_tags({key: _clean(value)})
            except InvalidError as wrong:
                self._tell(where, wrong.message)
        return found


def _finite(metric: ModelMetric) -> ModelMetric:
    if metric.value is None:
        return metric
    return msgspec.structs.replace(metric, value=max(-_LARGEST, min(_LARGEST, metric.value)))


def _clean(value: str) -> str:
    """Text without halves of surrogate pairs and without NUL, which no database takes."""
    return value.encode(errors="replace").decode().replace("\0", "\ufffd")
