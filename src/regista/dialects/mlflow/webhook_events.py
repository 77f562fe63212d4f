"""The names that MLflow gives to what happens in a model registry, and what its receivers are told (``mlflow.webhooks`` of
MLflow 3): ``{"entity", "action", "timestamp", "data"}``."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from regista.entities.asset import Asset, AssetKind, AssetVersion
from regista.entities.journal import Event
from regista.entities.scope import Scope
from regista.entities.webhook import Told
from regista.interfaces.catalog import Transaction

IS_PROMPT = "mlflow.prompt.is_prompt"
_TEXT = "mlflow.prompt.text"
_INNER = {IS_PROMPT, _TEXT, "mlflow.prompt.type", "_mlflow_prompt_type"}

_MODEL_NAME, _PROMPT_NAME = {"name": "example_model"}, {"name": "example_prompt"}
_VERSION, _ALIAS = {"version": "1"}, {"alias": "example_alias"}
_KEY, _SET = {"key": "example_key"}, {"key": "example_key", "value": "example_value"}
_TAGS = {"tags": {"example_key": "example_value"}}
_EXAMPLES: dict[str, dict[str, Any]] = {
    "registered_model.created": _MODEL_NAME | _TAGS | {"description": "An example registered model"},
    "model_version.created": _MODEL_NAME
    | _VERSION
    | _TAGS
    | {"source": "models:/123", "run_id": "abcd1234abcd5678", "description": "An example model version"},
    "model_version_tag.set": _MODEL_NAME | _VERSION | _SET,
    "model_version_tag.deleted": _MODEL_NAME | _VERSION | _KEY,
    "model_version_alias.created": _MODEL_NAME | _VERSION | _ALIAS,
    "model_version_alias.deleted": _MODEL_NAME | _ALIAS,
    "prompt.created": _PROMPT_NAME | _TAGS | {"description": "An example prompt"},
    "prompt_version.created": _PROMPT_NAME
    | _VERSION
    | _TAGS
    | {"template": "Hello {{name}}!", "description": "An example prompt version"},
    "prompt_tag.set": _PROMPT_NAME | _SET,
    "prompt_tag.deleted": _PROMPT_NAME | _KEY,
    "prompt_version_tag.set": _PROMPT_NAME | _VERSION | _SET,
    "prompt_version_tag.deleted": _PROMPT_NAME | _VERSION | _KEY,
    "prompt_alias.created": _PROMPT_NAME | _VERSION | _ALIAS,
    "prompt_alias.deleted": _PROMPT_NAME | _ALIAS,
    "budget_policy.exceeded": {"budget_policy_id": "example", "budget_unit": "USD", "budget_amount": 100.0},
}
"""All names, each with what MLflow sends to try it. Budgets are not kept here: nobody is ever told of one."""

_MODEL = AssetKind.MODEL


class MlflowTeller:
    """Tells of models as MLflow does."""

    def knows(self, name: str) -> bool:
        return name in _EXAMPLES

    def matches(self, name: str, told: str) -> bool:
        return name == told

    def example(self, name: str) -> Told:
        return _told(name, _EXAMPLES[name], dt.datetime.now(dt.UTC))

    def tell(self, tx: Transaction, scope: Scope, event: Event, *, detailed: bool) -> Sequence[Told]:  # noqa: ARG002 - all of it is of models
        if not event.type.startswith("model."):
            return ()
        place = event.path[len(scope.path) + 1 :].split("/")
        if len(place) not in {2, 4} or place[0] != _MODEL.plural:
            return ()
        name, version = place[1], place[3] if len(place) == 4 else ""
        asset = tx.assets.find(scope.id, _MODEL, name)
        at = dt.datetime.fromtimestamp(event.at / 1000, dt.UTC)
        if event.type in {"model.create", "model.promote"}:
            made = tx.versions.find(scope.id, _MODEL, name, version, deleted=True)
            found = [] if made is None else [*_first(event, asset), _version_made(asset, made)]
        else:
            found = list(_changes(event, asset, name, version))
        return [_told(called, data, at) for called, data in found]


def _told(name: str, data: Mapping[str, Any], at: dt.datetime) -> Told:
    entity, _, action = name.partition(".")
    return Told(name, {"entity": entity, "action": action, "timestamp": at.isoformat(), "data": data})


def _first(event: Event, asset: Asset | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """The name itself, where it came with its first version."""
    if asset is not None and event.data.get("first"):
        yield _name_made(asset)


def _name_made(asset: Asset) -> tuple[str, dict[str, Any]]:
    prompt = _is_prompt(asset)
    tags = {key: value for key, value in asset.tags.items() if not (prompt and key in _INNER)}
    called = "prompt.created" if prompt else "registered_model.created"
    return called, {"name": asset.name, "tags": tags, "description": asset.description or None}


def _version_made(asset: Asset | None, made: AssetVersion) -> tuple[str, dict[str, Any]]:
    said: dict[str, Any] = {"name": made.name, "version": made.version, "description": made.description or None}
    if _is_prompt(asset):
        tags = {key: value for key, value in made.tags.items() if key not in _INNER}
        return "prompt_version.created", said | {"template": made.tags.get(_TEXT), "tags": tags}
    source = made.source.get("uri") or f"models:/{made.name}/{made.version}"
    run = made.source.get("run_id") or None
    return "model_version.created", said | {"source": source, "run_id": run, "tags": made.tags}


def _changes(event: Event, asset: Asset | None, name: str, version: str) -> Iterator[tuple[str, dict[str, Any]]]:
    prompt = _is_prompt(asset)
    if event.type == "model.name" and asset is not None:
        yield _name_made(asset)
    elif event.type == "model.alias":
        entity = "prompt_alias" if prompt else "model_version_alias"
        said = {"name": name, "alias": event.data.get("alias")}
        if event.data.get("version") is None:
            yield f"{entity}.deleted", said
        else:
            yield f"{entity}.created", said | {"version": event.data["version"]}
    elif event.type == "model.update" and (version or prompt):
        entity = ("prompt_version_tag" if prompt else "model_version_tag") if version else "prompt_tag"
        about = {"name": name} | ({"version": version} if version else {})
        for key, value in (event.data.get("tags_set") or {}).items():
            yield f"{entity}.set", about | {"key": key, "value": value}
        for key in event.data.get("tags_deleted") or ():
            yield f"{entity}.deleted", about | {"key": key}


def _is_prompt(asset: Asset | None) -> bool:
    return asset is not None and asset.tags.get(IS_PROMPT, "").lower() == "true"
