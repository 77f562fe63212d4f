"""Runs, experiments and logged models as MLflow's clients read them. int64 are numbers; a field that is absent is empty."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import UNSET, UnsetType

from regista.dialects.mlflow.answers import (
    DatasetAnswer,
    KeyValue,
    MetricAnswer,
    ModelInput,
    ModelOutput,
    RunAnswer,
    RunData,
    RunInfo,
    RunInputs,
    RunOutputs,
)
from regista.dialects.mlflow.call import Call
from regista.dialects.mlflow.states import status_of
from regista.entities.job import Binding
from regista.entities.run import Dataset, Experiment, LoggedModel, Metric, ModelMetric
from regista.services.tracking.runs import LOGGED_MODEL, Run

RUN_NAME = "mlflow.runName"
_LARGEST = 1.7976931348623157e308
"""What an infinite value reads back as: the protocol's databases know none."""

Json = dict[str, Any]


def tags(given: Mapping[str, str]) -> list[KeyValue]:
    """Tags, parameters and the like, as a list."""
    return [KeyValue(key, value) for key, value in given.items()]


def number(value: float | None) -> float | str:
    """A float as protobuf writes it in JSON."""
    if value is None or math.isnan(value):
        return "NaN"
    return value if -_LARGEST <= value <= _LARGEST else math.copysign(_LARGEST, value)


def metric(one: Metric, run: str | UnsetType = UNSET) -> MetricAnswer:
    """One measurement, of *run* where that is to be said."""
    return MetricAnswer(one.key, number(one.value), one.timestamp, one.step, run)


def experiment(call: Call, one: Experiment) -> Json:
    """An experiment."""
    return {
        "experiment_id": str(one.number),
        "name": one.name,
        "artifact_location": call.uri(f"experiments/{one.number}"),
        "lifecycle_stage": "deleted" if one.deleted else "active",
        "creation_time": one.created_at,
        "last_update_time": one.updated_at,
        "tags": tags(one.tags),
    }


def run_info(call: Call, run: Run) -> RunInfo:
    """What a run is."""
    job = run.job
    name = job.name
    return RunInfo(
        name,
        name,
        job.display_name or name,
        str(job.experiment),
        job.created_by,
        status_of(job.status),
        job.started_at or job.created_at,
        call.uri(f"runs/{name}"),
        "deleted" if run.deleted else "active",
        UNSET if job.ended_at is None else job.ended_at,
    )


def run(call: Call, one: Run) -> RunAnswer:
    """A run with all that was recorded."""
    job = one.job
    named = one.tags if RUN_NAME in one.tags else {**one.tags, RUN_NAME: job.display_name or job.name}
    data = RunData([metric(m) for m in one.metrics], tags(one.params), tags(named))
    inputs = RunInputs([_dataset(dataset) for dataset in one.datasets])
    if used := _models(job.inputs):
        inputs.model_inputs = [ModelInput(model) for model, _ in used]
    made = _models(job.outputs)
    outputs = RunOutputs([ModelOutput(model, step) for model, step in made]) if made else UNSET
    return RunAnswer(run_info(call, one), data, inputs, outputs)


def _models(bindings: Mapping[str, Binding]) -> list[tuple[str, int]]:
    return [(model, int(binding.value or 0)) for model, binding in bindings.items() if binding.type == LOGGED_MODEL]


def _dataset(one: Dataset) -> DatasetAnswer:
    fields = ("name", "digest", "source_type", "source", "schema", "profile")
    return DatasetAnswer({name: value for name in fields if (value := getattr(one, name))}, tags(one.tags))


def logged_model(call: Call, one: LoggedModel) -> Json:
    """A logged model."""
    info = {
        "model_id": one.id,
        "experiment_id": str(one.experiment),
        "name": one.name,
        "creation_timestamp_ms": one.created_at,
        "last_updated_timestamp_ms": one.updated_at,
        "artifact_uri": call.uri(f"models/{one.id}"),
        "status": one.status,
        "model_type": one.model_type,
        "source_run_id": one.run,
        "status_message": one.status_message,
        "tags": tags(one.tags),
    }
    return {
        "info": {name: value for name, value in info.items() if value != ""},
        "data": {"params": tags(one.params), "metrics": model_metrics(one)},
    }


def model_metrics(model: LoggedModel) -> list[Json]:
    """The measurements of a logged model."""
    return [_model_metric(model, one) for one in model.metrics]


def _model_metric(model: LoggedModel, one: ModelMetric) -> Json:
    found: Json = {
        "key": one.key,
        "value": number(one.value),
        "timestamp": one.timestamp,
        "step": one.step,
        "model_id": model.id,
        "run_id": one.run,
    }
    if one.dataset_name:
        found |= {"dataset_name": one.dataset_name, "dataset_digest": one.dataset_digest}
    return found


def paged(name: str, items: Iterable[Any], token: str | None) -> Json:
    """A page; without a token it is the last."""
    found: Json = {name: list(items)}
    return found | {"next_page_token": token} if token else found
