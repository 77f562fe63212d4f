"""Logged models."""

import math
from collections.abc import Callable
from typing import Any

from regista.dialects.desk import Pace
from regista.dialects.mlflow import limits, render, wire
from regista.dialects.mlflow.call import Call, Route
from regista.dialects.mlflow.errors import wrong_value
from regista.dialects.mlflow.files import listed_files
from regista.dialects.mlflow.offsets import page_by_offset
from regista.dialects.mlflow.paths import split
from regista.dialects.mlflow.render import Json
from regista.dialects.mlflow.searches import LOGGED_MODELS
from regista.entities.run import LoggedModel, ModelMetric
from regista.entities.search import Clause, Field, Order
from regista.errors import InvalidError
from regista.services.tracking.logged_models import NewLoggedModel
from regista.services.tracking.matching import holds

_MOST = 1000
_STATUSES = {
    "LOGGED_MODEL_PENDING": "LOGGED_MODEL_PENDING",
    "LOGGED_MODEL_READY": "LOGGED_MODEL_READY",
    "LOGGED_MODEL_UPLOAD_FAILED": "LOGGED_MODEL_UPLOAD_FAILED",
    "1": "LOGGED_MODEL_PENDING",
    "2": "LOGGED_MODEL_READY",
    "3": "LOGGED_MODEL_UPLOAD_FAILED",
}


def create(call: Call, asked: wire.CreateLoggedModel) -> Json:
    """Begin one."""
    new = NewLoggedModel(
        experiment=limits.experiment_number(asked.experiment_id),
        name=asked.name,
        run=asked.source_run_id,
        model_type=asked.model_type,
        params=limits.params(asked.params),
        tags=limits.pairs(asked.tags, "tags", limits.MAX_TAG),
    )
    return _said(call, call.house.logged_models.create(call.caller, call.address, new))


def finish(call: Call, asked: wire.FinalizeLoggedModel) -> Json:
    """Its files are there, or will not be."""
    status = _STATUSES.get(asked.status)
    if status is None:
        raise wrong_value("status", asked.status)
    return _said(call, call.house.logged_models.finish(call.caller, call.address, call.rest[0], status))


def get(call: Call, _: wire.Nothing) -> Json:
    """By id."""
    return _said(call, call.house.logged_models.get(call.caller, call.address, call.rest[0]))


def delete(call: Call, _: wire.Nothing) -> None:
    """Hide it."""
    call.house.logged_models.delete(call.caller, call.address, call.rest[0])


def set_tags(call: Call, asked: wire.LoggedModelTags) -> Json:
    """Set or replace tags."""
    tags = limits.pairs(asked.tags, "tags", limits.MAX_TAG)
    return _said(call, call.house.logged_models.set_tags(call.caller, call.address, call.rest[0], tags))


def delete_tag(call: Call, _: wire.Nothing) -> None:
    """Remove a tag."""
    call.house.logged_models.delete_tag(call.caller, call.address, call.rest[0], call.rest[1])


def add_params(call: Call, asked: wire.LoggedModelParams) -> None:
    """Add parameters."""
    call.house.logged_models.add_params(call.caller, call.address, call.rest[0], limits.params(asked.params))


def list_files(call: Call, asked: wire.ListModelFiles) -> Json:
    """One level of its files."""
    owner, inner = split(f"models/{call.rest[0]}/{asked.artifact_directory_path}", folder=True)
    listed = call.house.artifacts.listing(call.caller, call.address, owner, inner)
    return {"root_uri": call.uri(owner), "files": listed_files(listed, inner, whole=True)}


def search(call: Call, asked: wire.SearchLoggedModels) -> Json:
    """By attributes, parameters, tags and metrics (on the given data sets)."""
    limit = limits.check_results(asked.max_results, _MOST)
    clauses = LOGGED_MODELS.clauses(asked.filter)
    experiments = [limits.experiment_number(text) for text in asked.experiment_ids]
    orders = [(order, LOGGED_MODELS.orders([_quoted(order.field_name)])[0]) for order in asked.order_by]
    keys = {one.key for one in clauses if one.field is Field.METRIC}
    keys |= {parsed.key for _, parsed in orders if parsed.field is Field.METRIC}
    metrics = [] if asked.datasets else sorted(keys) or None
    models = call.house.logged_models
    found = models.search(call.caller, call.address, experiments, metrics=metrics)
    matching = [one for one in found if _matches(one, clauses, asked.datasets)]
    for order, parsed in reversed(orders):
        matching.sort(key=_sort_key(order, parsed))
    page, token = page_by_offset(matching, limit, asked.page_token)
    page = models.measured(call.caller, call.address, page)
    return render.paged("models", (render.logged_model(call, one) for one in page), token)


def _said(call: Call, model: LoggedModel) -> Json:
    return {"model": render.logged_model(call, model)}


def _matches(model: LoggedModel, clauses: list[Clause], datasets: list[wire.DatasetFilter]) -> bool:
    on = {(one.dataset_name, one.dataset_digest) for one in datasets}
    measured = [one for one in model.metrics if not on or _is_on(one, on)]
    if on and not measured:
        return False
    return all(_holds(model, clause, measured) for clause in clauses)


def _is_on(metric: ModelMetric, datasets: set[tuple[str, str]]) -> bool:
    return any(name == metric.dataset_name and digest in {"", metric.dataset_digest} for name, digest in datasets)


def _holds(model: LoggedModel, clause: Clause, measured: list[ModelMetric]) -> bool:
    if clause.field is Field.METRIC:
        return any(holds(clause, _value(one)) for one in measured if one.key == clause.key)
    if clause.field is Field.ATTRIBUTE:
        return holds(clause, attribute(model, clause.key))
    return holds(clause, (model.tags if clause.field is Field.TAG else model.params).get(clause.key))


def attribute(model: LoggedModel, name: str) -> str | int | None:
    """An attribute by the protocol's name."""
    values: dict[str, str | int] = {
        "name": model.name,
        "model_id": model.id,
        "model_type": model.model_type,
        "status": model.status.removeprefix("LOGGED_MODEL_"),
        "source_run_id": model.run,
        "creation_timestamp": model.created_at,
        "last_updated_timestamp": model.updated_at,
    }
    return values.get(name)


def _value(metric: ModelMetric) -> float:
    return math.nan if metric.value is None else metric.value


def _sort_key(order: wire.LoggedModelOrder, parsed: Order) -> Callable[[LoggedModel], Any]:
    """What has no value, or NaN, comes last in either direction."""
    sign = 1 if order.ascending else -1

    def number(model: LoggedModel) -> tuple[bool, float]:
        value = (
            _metric_value(model, parsed.key, order) if parsed.field is Field.METRIC else attribute(model, parsed.key)
        )
        missing = not isinstance(value, int | float) or math.isnan(value)
        return missing, 0.0 if missing else sign * float(value)  # type: ignore[arg-type]

    def text(model: LoggedModel) -> tuple[bool, list[int]]:
        value = attribute(model, parsed.key)
        return value is None, [sign * ord(letter) for letter in str(value)] + [0 if sign > 0 else 1]

    if parsed.field not in {Field.METRIC, Field.ATTRIBUTE}:
        raise InvalidError(f"Invalid order by field name: {order.field_name}")
    return number if parsed.field is Field.METRIC or parsed.key in LOGGED_MODELS.numbers.values() else text


def _quoted(name: str) -> str:
    """A field name is given bare, whatever it holds."""
    entity, dot, key = name.partition(".")
    return f"{entity}.`{key}`" if dot and "`" not in name else name


def _metric_value(model: LoggedModel, key: str, order: wire.LoggedModelOrder) -> float | None:
    on = {(order.dataset_name, order.dataset_digest)} if order.dataset_name else set()
    found = [one for one in model.metrics if one.key == key and (not on or _is_on(one, on))]
    return max(found, key=lambda one: (one.timestamp, one.step)).value if found else None


ROUTES = {
    ("POST", "logged-models"): Route(create, wire.CreateLoggedModel),
    ("POST", "logged-models/search"): Route(search, wire.SearchLoggedModels, pace=Pace.SEARCH),
}
TEMPLATES = {
    ("GET", "logged-models/*"): Route(get, wire.Nothing, pace=Pace.SEARCH),
    ("PATCH", "logged-models/*"): Route(finish, wire.FinalizeLoggedModel),
    ("DELETE", "logged-models/*"): Route(delete, wire.Nothing),
    ("PATCH", "logged-models/*/tags"): Route(set_tags, wire.LoggedModelTags),
    ("DELETE", "logged-models/*/tags/*"): Route(delete_tag, wire.Nothing),
    ("POST", "logged-models/*/params"): Route(add_params, wire.LoggedModelParams),
    ("GET", "logged-models/*/artifacts/directories"): Route(list_files, wire.ListModelFiles),
}
