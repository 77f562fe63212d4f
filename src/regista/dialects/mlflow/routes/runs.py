"""Runs: what is said about them as a whole, and what they log."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from secrets import choice, randbelow

import msgspec

from regista.dialects.desk import Pace
from regista.dialects.mlflow import limits, render, wire
from regista.dialects.mlflow.call import Call, Route
from regista.dialects.mlflow.errors import missing, too_long
from regista.dialects.mlflow.render import RUN_NAME, Json
from regista.dialects.mlflow.searches import run_clauses, run_orders
from regista.dialects.mlflow.states import deleted_of, job_status
from regista.entities.page import PageRequest
from regista.entities.run import Dataset, ModelMetric
from regista.errors import InvalidError
from regista.services.tracking.runs import NewRun, RunChange

_MOST = 50_000
_PARENT = "mlflow.parentRunId"
_HISTORY = "mlflow.log-model.history"
_FINITE = 1.7976931348623157e308
_ADJECTIVES = (
    "able bold brisk calm clear deft eager fair fleet keen kind lucid merry mild neat noble quick quiet sure swift"
)
_NOUNS = "alder ant bear birch crane deer elm finch fox gull hare heron lark lynx moth oak otter owl pine wren"

_DATASET_LIMITS = {"name": 500, "digest": 36, "source": 65_535, "schema": 1_048_575, "profile": 16_777_215}
_MOST_DATASETS = 1000


def run_id(asked: wire.RunId | wire.LogMetric) -> str:
    """The run that is meant, by either of its names."""
    found = asked.run_id or asked.run_uuid
    if not found:
        raise missing("run_id")
    return found


def create(call: Call, asked: wire.CreateRun) -> Json:
    """Open a run; one without a name gets one."""
    tags = limits.pairs(asked.tags, "tags", limits.MAX_TAG)
    given = tags.get(RUN_NAME, "")
    if asked.run_name and given and asked.run_name != given:
        raise InvalidError(
            f"Both 'run_name' argument and '{RUN_NAME}' tag are specified, but with different values"
            f" (run_name='{asked.run_name}', {RUN_NAME}='{given}')."
        )
    name = asked.run_name or given or f"{choice(_ADJECTIVES.split())}-{choice(_NOUNS.split())}-{randbelow(1000)}"
    new = NewRun(
        experiment=limits.experiment_number(asked.experiment_id or "0"),
        display_name=name,
        started_at=max(0, asked.start_time),
        parent=tags.get(_PARENT, ""),
        tags=tags | {RUN_NAME: name},
    )
    return {"run": render.run(call, call.house.runs.create(call.caller, call.address, new))}


def get(call: Call, asked: wire.RunId) -> Json:
    """All that was recorded."""
    return {"run": render.run(call, call.house.runs.get(call.caller, call.address, run_id(asked)))}


def update(call: Call, asked: wire.UpdateRun) -> Json:
    """Status, end and name; the name is a tag too."""
    change = RunChange(
        status=job_status(asked.status) if asked.status else None,
        ended_at=asked.end_time,
        display_name=asked.run_name or None,
        tags={RUN_NAME: asked.run_name} if asked.run_name else {},
    )
    changed = call.house.runs.update(call.caller, call.address, run_id(asked), change)
    return {"run_info": render.run_info(call, changed)}


def delete(call: Call, asked: wire.RunId) -> None:
    """Hide the run."""
    call.house.runs.delete(call.caller, call.address, run_id(asked))


def restore(call: Call, asked: wire.RunId) -> None:
    """Bring it back."""
    call.house.runs.restore(call.caller, call.address, run_id(asked))


def log_metric(call: Call, asked: wire.LogMetric) -> None:
    """One measurement."""
    limits.check_metrics((asked,))
    _log_metrics(call, run_id(asked), (asked,))


def log_batch(call: Call, asked: wire.LogBatch) -> None:
    """Measurements, parameters and tags: all, or nothing."""
    name = run_id(asked)
    limits.check_size(call.size)
    limits.check_batch(len(asked.metrics), len(asked.params), len(asked.tags))
    limits.check_metrics(asked.metrics)
    params, tags = limits.params(asked.params), limits.pairs(asked.tags, "tags", limits.MAX_TAG)
    if asked.metrics or params or tags:
        _log_metrics(call, name, asked.metrics, params, tags)


def _log_metrics(
    call: Call,
    name: str,
    metrics: Sequence[wire.MetricWire],
    params: dict[str, str] | None = None,
    tags: dict[str, str] | None = None,
) -> None:
    """Record them with the run and, those that name one, with their logged models."""
    of_models: dict[str, list[ModelMetric]] = {}
    for one in metrics:
        if one.model_id:
            of_models.setdefault(one.model_id, []).append(_model_metric(name, one))
    with _told_of_params(call, name, params or {}):
        call.house.runs.log(
            call.caller,
            call.address,
            name,
            metrics=metrics,
            params=params,
            tags=tags,
            display_name=(tags or {}).get(RUN_NAME, ""),
            models=of_models,
        )


@contextmanager
def _told_of_params(call: Call, name: str, params: dict[str, str]) -> Iterator[None]:
    """Say that a parameter has another value in the words that clients look for."""
    try:
        yield
    except InvalidError as wrong:
        there = call.house.runs.get(call.caller, call.address, name).params if params else {}
        for key, value in params.items():
            if (old := there.get(key, value)) != value:
                raise InvalidError(
                    f"Changing param values is not allowed. Param with key='{key}' was already logged with"
                    f" value='{old[:500]}' for run ID='{name}'. Attempted logging new value '{value[:500]}'."
                ) from wrong
        raise


def _model_metric(run: str, one: wire.MetricWire) -> ModelMetric:
    value = None if one.value != one.value else max(-_FINITE, min(_FINITE, one.value))
    return ModelMetric(
        key=one.key,
        value=value,
        timestamp=one.timestamp,
        step=one.step,
        run=run,
        dataset_name=one.dataset_name,
        dataset_digest=one.dataset_digest,
    )


def log_parameter(call: Call, asked: wire.LogParameter) -> None:
    """One parameter."""
    params = {limits.check_key(asked.key, "key"): asked.value[: limits.MAX_PARAM]}
    with _told_of_params(call, run_id(asked), params):
        call.house.runs.log(call.caller, call.address, run_id(asked), params=params)


def set_tag(call: Call, asked: wire.LogParameter) -> None:
    """One tag; the one with the run's name renames it."""
    tags = {limits.check_key(asked.key, "key"): asked.value[: limits.MAX_TAG]}
    name = tags.get(RUN_NAME, "")
    call.house.runs.log(call.caller, call.address, run_id(asked), tags=tags, display_name=name)


def delete_tag(call: Call, asked: wire.RunTagKey) -> None:
    """Remove a tag."""
    call.house.runs.delete_tag(call.caller, call.address, run_id(asked), asked.key)


def log_inputs(call: Call, asked: wire.LogInputs) -> None:
    """Data sets and logged models that the run used."""
    if len(asked.datasets) > _MOST_DATASETS:
        raise InvalidError(f"A request can log at most {_MOST_DATASETS} datasets. Got {len(asked.datasets)}.")
    datasets = [_dataset(one) for one in asked.datasets]
    models = [one.model_id for one in asked.models]
    call.house.runs.add_inputs(call.caller, call.address, run_id(asked), datasets, models)


def _dataset(one: wire.DatasetInput) -> Dataset:
    for field, limit in _DATASET_LIMITS.items():
        if len(getattr(one.dataset, field)) > limit:
            raise too_long(field, limit)
    tags = limits.pairs(one.tags, "tags", 500)
    return Dataset(**msgspec.structs.asdict(one.dataset), tags=tags)


def log_outputs(call: Call, asked: wire.LogOutputs) -> None:
    """Logged models that the run made."""
    made = {one.model_id: one.step for one in asked.models}
    call.house.runs.add_outputs(call.caller, call.address, run_id(asked), made)


def log_model(call: Call, asked: wire.LogModel) -> None:
    """What a model of an older client is: kept in a tag of the run, where its client reads it."""
    if not asked.model_json:
        raise missing("model_json")
    try:
        model = msgspec.json.decode(asked.model_json)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError) as wrong:
        raise InvalidError("Malformed model info. The model_json is no JSON.") from wrong
    wanted = {"artifact_path", "flavors", "utc_time_created", "run_id"}
    if not isinstance(model, dict) or not wanted <= model.keys():
        lacking = sorted(wanted - model.keys()) if isinstance(model, dict) else sorted(wanted)
        raise InvalidError(f"Model json is missing mandatory fields: {lacking}")
    call.house.runs.append_tag(call.caller, call.address, run_id(asked), _HISTORY, model)


def search(call: Call, asked: wire.SearchRuns) -> Json:
    """By everything that is recorded, in the given experiments."""
    limit = limits.check_results(asked.max_results, _MOST)
    experiments = [limits.experiment_number(text) for text in asked.experiment_ids]
    request = PageRequest(limit, asked.page_token or None)
    clauses, orders = run_clauses(asked.filter), run_orders(asked.order_by)
    found = call.house.run_search.search(
        call.caller, call.address, experiments, clauses, orders, request, deleted=deleted_of(asked.run_view_type)
    )
    return render.paged("runs", (render.run(call, one) for one in found.items), found.next)


def data_status(call: Call, asked: wire.RunId) -> Json:
    """Whether a batch has arrived, as azureml-mlflow asks after each: it was there before it was acknowledged."""
    call.house.runs.get(call.caller, call.address, run_id(asked))
    return {"is_complete": True}


ROUTES = {
    ("GET", "runs/get-run-data-status"): Route(data_status, wire.RunId, pace=Pace.GLANCE),
    ("POST", "runs/create"): Route(create, wire.CreateRun, pace=Pace.ENTRY),
    ("GET", "runs/get"): Route(get, wire.RunId, pace=Pace.GLANCE),
    ("POST", "runs/update"): Route(update, wire.UpdateRun, pace=Pace.ENTRY),
    ("POST", "runs/delete"): Route(delete, wire.RunId, pace=Pace.ENTRY),
    ("POST", "runs/restore"): Route(restore, wire.RunId, pace=Pace.ENTRY),
    ("POST", "runs/log-metric"): Route(log_metric, wire.LogMetric, pace=Pace.ENTRY),
    ("POST", "runs/log-batch"): Route(log_batch, wire.LogBatch, pace=Pace.ENTRY),
    ("POST", "runs/log-parameter"): Route(log_parameter, wire.LogParameter, pace=Pace.ENTRY),
    ("POST", "runs/set-tag"): Route(set_tag, wire.LogParameter, pace=Pace.ENTRY),
    ("POST", "runs/delete-tag"): Route(delete_tag, wire.RunTagKey, pace=Pace.ENTRY),
    ("POST", "runs/log-inputs"): Route(log_inputs, wire.LogInputs),
    ("POST", "runs/outputs"): Route(log_outputs, wire.LogOutputs),
    ("POST", "runs/log-model"): Route(log_model, wire.LogModel),
    ("POST", "runs/search"): Route(search, wire.SearchRuns, pace=Pace.SEARCH),
}
