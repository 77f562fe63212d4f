"""What a source tells, as Regista takes it: what it cannot take is told and left out, and the rest stays."""

import math
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from regista.client.imports.records import (
    Point,
    SourceExperiment,
    SourceModel,
    SourceName,
    SourceRun,
    SourceTrace,
    SourceVersion,
    SourceWebhook,
    Told,
)
from regista.entities.imported import (
    ImportedExperiment,
    ImportedModel,
    ImportedName,
    ImportedRun,
    ImportedTrace,
    ImportedVersion,
    ImportedWebhook,
)
from regista.entities.job import JobStatus
from regista.entities.llm_trace import LlmTraceStatus
from regista.entities.names import check_alias, check_tags
from regista.entities.run import Dataset, ModelMetric
from regista.errors import InvalidError

_STATUSES = {
    "RUNNING": JobStatus.RUNNING,
    "SCHEDULED": JobStatus.QUEUED,
    "FINISHED": JobStatus.COMPLETED,
    "FAILED": JobStatus.FAILED,
    "KILLED": JobStatus.CANCELED,
}
_TRACES = {
    "OK": LlmTraceStatus.OK,
    "ERROR": LlmTraceStatus.ERROR,
    "IN_PROGRESS": LlmTraceStatus.RUNNING,
}
_LARGEST = 1.7976931348623157e308
_INT64 = range(-(2**63), 2**63)
_USER, _PARENT = "mlflow.user", "mlflow.parentRunId"
_TRACED_IN = "mlflow.sourceRun"
_PLACES = frozenset({"mlflow.artifactLocation", "mlflow.trace.spansLocation", "mlflow.trace.archiveLocation"})
"""Tags of a trace that say where its spans are: there, not here."""


class Checking:
    """Makes records of a source into those that the server takes."""

    def __init__(self, tell: Told) -> None:
        self._tell = tell

    def experiment(self, one: SourceExperiment) -> ImportedExperiment:
        """Not deleted yet: what is in it comes first."""
        return ImportedExperiment(
            name=one.name,
            number=int(one.id) if one.id.isascii() and one.id.isdigit() and len(one.id) < 19 else None,
            tags=self.texts(one.tags, f"experiment {one.name!r}"),
            created_at=one.created_at,
            updated_at=one.updated_at,
        )

    def run(self, one: SourceRun, experiment: int) -> ImportedRun:
        """Not deleted yet. Whoever made the run stands in a tag."""
        where = f"run {one.id}"
        status = _STATUSES.get(one.status)
        if status is None:
            self._tell(where, f"its status {one.status[:50]!r} is unknown: imported as FINISHED")
        tags = self.texts(one.tags, where)
        if one.user and _USER not in tags:
            tags |= self.texts({_USER: one.user}, where)
        return ImportedRun(
            name=one.id,
            experiment=experiment,
            display_name=one.display_name,
            status=status or JobStatus.COMPLETED,
            started_at=max(0, one.started_at),
            ended_at=one.ended_at,
            parent=tags.get(_PARENT, ""),
            params=self.texts(one.params, where),
            tags=tags,
            datasets=tuple(self._datasets(one.datasets, where)),
            inputs=one.inputs,
            outputs=one.outputs,
        )

    def _datasets(self, given: Iterable[Dataset], where: str) -> Iterator[Dataset]:
        for one in {(one.name, one.digest): one for one in given}.values():
            if not one.name:
                self._tell(where, "it has a data set without a name")
                continue
            tags = self.texts(one.tags, f"data set {one.name[:50]!r} of {where}")
            yield msgspec.structs.replace(one, tags=tags)

    def points(self, given: Iterable[Point], where: str) -> Iterator[tuple[str, float | None, int, int]]:
        """Measurements; None for what is not a number."""
        for key, value, at, step in given:
            if not key or len(key) > 1000 or at not in _INT64 or step not in _INT64:
                self._tell(where, f"its metric {key[:50]!r} has a key, a time or a step that cannot be")
                continue
            yield key, None if math.isnan(value) else max(-_LARGEST, min(_LARGEST, value)), at, step

    def model(self, one: SourceModel, experiment: int) -> ImportedModel:
        """Not deleted yet."""
        where = f"logged model {one.id}"
        return ImportedModel(
            id=one.id,
            experiment=experiment,
            name=one.name,
            run=one.run,
            model_type=one.model_type,
            status=one.status,
            status_message=one.status_message,
            params=self.texts(one.params, where),
            tags=self.texts(one.tags, where),
            metrics=tuple(map(_finite, one.metrics)),
            created_at=one.created_at,
            updated_at=one.updated_at,
        )

    def trace(self, one: SourceTrace, experiment: int) -> ImportedTrace:
        """Without its spans, and without what says where they are."""
        where = f"trace {one.id}"
        return ImportedTrace(
            id=one.id,
            experiment=experiment,
            run=one.metadata.get(_TRACED_IN, ""),
            linked=one.linked,
            status=_TRACES.get(one.status, LlmTraceStatus.UNSPECIFIED),
            request_id=_clean(one.request_id),
            request_preview=None if one.request_preview is None else _clean(one.request_preview),
            response_preview=None if one.response_preview is None else _clean(one.response_preview),
            started_at=one.started_at,
            duration=one.duration,
            metadata=self.texts(one.metadata, where),
            tags=self.texts({key: value for key, value in one.tags.items() if key not in _PLACES}, where),
            assessments=one.assessments,
        )

    def webhook(self, one: SourceWebhook) -> ImportedWebhook:
        """As it is told."""
        return ImportedWebhook(
            origin=one.id,
            name=one.name,
            url=one.url,
            events=one.events,
            description=_clean(one.description),
            created_at=one.created_at,
        )

    def name(self, one: SourceName) -> ImportedName:
        """With those of its aliases that can be names here."""
        where = f"registered model {one.name!r}"
        aliases = {}
        for alias, version in one.aliases.items():
            try:
                aliases[check_alias(alias)] = version
            except InvalidError as wrong:
                self._tell(where, wrong.message)
        return ImportedName(
            name=one.name,
            description=one.description,
            tags=self.texts(one.tags, where),
            aliases=aliases,
            created_at=one.created_at,
            updated_at=one.updated_at,
        )

    def version(self, one: SourceVersion) -> ImportedVersion:
        """Without where its files are."""
        said = {"uri": one.source, "run_id": one.run, "run_link": one.run_link, "model_id": one.model}
        return ImportedVersion(
            name=one.name,
            version=one.version,
            description=one.description,
            tags=self.texts(one.tags, f"version {one.name} {one.version}"),
            stage=one.stage,
            source={name: value for name, value in said.items() if value},
            created_at=one.created_at,
            updated_at=one.updated_at,
        )

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
