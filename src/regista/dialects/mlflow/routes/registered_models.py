"""Registered models: names with tags, aliases and their versions. Prompts are models with a tag, and hidden unless asked for."""

from collections.abc import Iterator
from contextlib import contextmanager

from regista.dialects.desk import Pace
from regista.dialects.mlflow import limits, render, render_registry, wire_registry as wire
from regista.dialects.mlflow.call import Call, Route
from regista.dialects.mlflow.errors import missing, wrong_value
from regista.dialects.mlflow.offsets import page_by_offset
from regista.dialects.mlflow.render import Json
from regista.dialects.mlflow.searches import MODELS
from regista.dialects.mlflow.sorting import sort_by
from regista.dialects.mlflow.webhook_events import IS_PROMPT
from regista.entities.asset import Asset, AssetKind, AssetVersion
from regista.entities.page import MAX_PAGE, PageRequest
from regista.entities.scope import ScopeKind
from regista.entities.search import Clause, Field, Order
from regista.errors import AbsentError, AlreadyExistsError, InvalidError

_MOST = 1000
_MODEL = AssetKind.MODEL
BOTH = (ScopeKind.WORKSPACE, ScopeKind.REGISTRY)


def create(call: Call, asked: wire.CreateModel) -> Json:
    """Make a name."""
    tags = limits.pairs(asked.tags, "tags", limits.MAX_REGISTRY_TAG)
    name = check_model(asked.name)
    with _told_of_taken(name):
        made = call.house.registered_models.create(call.caller, call.address, name, asked.description, tags)
    return {"registered_model": render_registry.model(call, made, ())}


def get(call: Call, asked: wire.ModelName) -> Json:
    """By name."""
    return _said(call, call.house.assets.get_asset(call.caller, call.address, _MODEL, asked.name))


def rename(call: Call, asked: wire.RenameModel) -> Json:
    """Give it another name."""
    new_name = check_model(asked.new_name)
    with _told_of_taken(new_name):
        renamed = call.house.registered_models.rename(call.caller, call.address, asked.name, new_name)
    return _said(call, renamed)


@contextmanager
def _told_of_taken(name: str) -> Iterator[None]:
    """Say that a name is taken in the words that clients look for."""
    try:
        yield
    except AlreadyExistsError as taken:
        raise AlreadyExistsError(f"Registered Model (name={name}) already exists.") from taken


def update(call: Call, asked: wire.UpdateModel) -> Json:
    """Describe it."""
    return _said(call, call.house.registered_models.describe(call.caller, call.address, asked.name, asked.description))


def delete(call: Call, asked: wire.ModelName) -> None:
    """Delete it with its versions."""
    call.house.registered_models.delete(call.caller, call.address, asked.name)


def search(call: Call, asked: wire.SearchModels) -> Json:
    """By name and tags, by name unless another order is asked for."""
    limit = limits.check_results(asked.max_results, _MOST)
    clauses, orders = MODELS.clauses(asked.filter), MODELS.orders(asked.order_by)
    found = call.house.registered_models.search(call.caller, call.address, without_prompts(clauses))
    if all(order.key != "name" for order in orders):
        orders.append(Order(Field.ATTRIBUTE, "name"))
    page, token = page_by_offset(sort_by(found, orders, _attribute), limit, asked.page_token)
    latest = {asset.name: _latest(call, asset.name) for asset in page}
    rendered = (render_registry.model(call, asset, latest[asset.name]) for asset in page)
    return render.paged("registered_models", rendered, token)


def latest_versions(call: Call, asked: wire.LatestVersions) -> Json:
    """The latest version of each stage, or of the stages that are named."""
    asset = call.house.assets.get_asset(call.caller, call.address, _MODEL, asked.name)
    stages = {check_stage(stage) for stage in asked.stages} or set(render_registry.STAGES)
    found = [one for one in _latest(call, asked.name) if render_registry.stage_of(one) in stages]
    return {"model_versions": [render_registry.version(call, one, asset) for one in found]}


def set_tag(call: Call, asked: wire.ModelTag) -> None:
    """Set or replace a tag."""
    key = limits.check_key(asked.key, "key")
    value = limits.tag_value(asked.value, limits.MAX_REGISTRY_TAG)
    call.house.registered_models.set_tag(call.caller, call.address, asked.name, key, value)


def delete_tag(call: Call, asked: wire.ModelTag) -> None:
    """Remove a tag."""
    call.house.registered_models.delete_tag(call.caller, call.address, asked.name, asked.key)


def set_alias(call: Call, asked: wire.SetModelAlias) -> None:
    """Let an alias name a version."""
    alias, number = check_alias(asked.alias), check_number(asked.version)
    call.house.assets.set_alias(call.caller, call.address, _MODEL, asked.name, alias, number)


def delete_alias(call: Call, asked: wire.ModelAlias) -> None:
    """Take an alias away; quiet when there is none."""
    alias = check_alias(asked.alias)
    call.house.assets.set_alias(call.caller, call.address, _MODEL, asked.name, alias, None)


def get_by_alias(call: Call, asked: wire.ModelAlias) -> Json:
    """The version that an alias, or ``latest``, names."""
    try:
        asset, found = call.house.assets.named(call.caller, call.address, _MODEL, asked.name, label=asked.alias)
    except AbsentError as absent:
        if not absent.version or asked.alias.lower() == "latest":
            raise
        raise InvalidError(f"Registered model alias {asked.alias[:255]} not found.") from absent
    return {"model_version": render_registry.version(call, found, asset)}


def check_model(name: str) -> str:
    """Return *name* unless the protocol forbids it; the core has its own rule for the rest."""
    if not name.strip():
        raise missing("name")
    if "/" in name or ":" in name:
        raise InvalidError(f"Invalid model name '{name[:300]}'. Names cannot contain '/' or ':'.")
    return name


def check_alias(alias: str) -> str:
    """Return *alias*; the reserved ones are refused in the words of the protocol."""
    if alias.lower() == "latest":
        raise InvalidError("'latest' alias name (case insensitive) is reserved.")
    if alias[:1] in {"v", "V"} and alias[1:].isdigit():
        raise InvalidError(f"Version alias name '{alias}' is reserved.")
    return alias


def check_number(text: str) -> str:
    """Return *text* when it is the number of a version: the protocol knows no other versions."""
    if not (text.isascii() and text.isdigit()):
        raise InvalidError(f"Parameter 'version' must be an integer, got '{text[:100]}'.")
    return text


def check_stage(stage: str) -> str:
    """The stage as the protocol spells it."""
    found = next((one for one in render_registry.STAGES if one.lower() == stage.lower()), None)
    if found is None:
        known = ", ".join(render_registry.STAGES)
        raise wrong_value("stage", stage, f"Invalid Model Version stage: {stage[:100]}. Value must be one of {known}.")
    return found


def without_prompts(clauses: list[Clause]) -> list[Clause]:
    """*clauses* with one that hides prompts, unless they are about prompts. What has not the tag is no prompt."""
    about = [clause for clause in clauses if clause.field is Field.TAG and clause.key == IS_PROMPT]
    asked = [clause for clause in about if (clause.operator, clause.value) in {("=", "true"), ("!=", "false")}]
    others = [clause for clause in clauses if clause not in about]
    return [*others, *(asked or [Clause(Field.TAG, IS_PROMPT, "IS NULL")])]


def _said(call: Call, asset: Asset) -> Json:
    return {"registered_model": render_registry.model(call, asset, _latest(call, asset.name))}


def _latest(call: Call, name: str) -> list[AssetVersion]:
    """The newest version of each stage, among the newest thousand: clients ask for this before every load."""
    found: dict[str, AssetVersion] = {}
    page = call.house.assets.versions(call.caller, call.address, _MODEL, name, PageRequest(MAX_PAGE), archived=None)
    for version in page.items:
        found.setdefault(render_registry.stage_of(version), version)
    return list(found.values())


def _attribute(asset: Asset, name: str) -> str | int:
    values: dict[str, str | int] = {
        "name": asset.name,
        "creation_timestamp": asset.created_at,
        "last_updated_timestamp": asset.updated_at,
    }
    return values[name]


ROUTES = {
    ("POST", "registered-models/create"): Route(create, wire.CreateModel, BOTH, pace=Pace.ENTRY),
    ("GET", "registered-models/get"): Route(get, wire.ModelName, BOTH, pace=Pace.GLANCE),
    ("POST", "registered-models/rename"): Route(rename, wire.RenameModel, BOTH),
    ("PATCH", "registered-models/update"): Route(update, wire.UpdateModel, BOTH),
    ("DELETE", "registered-models/delete"): Route(delete, wire.ModelName, BOTH),
    ("GET", "registered-models/search"): Route(search, wire.SearchModels, BOTH, pace=Pace.SEARCH),
    ("GET", "registered-models/get-latest-versions"): Route(
        latest_versions, wire.LatestVersions, BOTH, pace=Pace.SEARCH
    ),
    ("POST", "registered-models/get-latest-versions"): Route(
        latest_versions, wire.LatestVersions, BOTH, pace=Pace.SEARCH
    ),
    ("POST", "registered-models/set-tag"): Route(set_tag, wire.ModelTag, BOTH, pace=Pace.ENTRY),
    ("DELETE", "registered-models/delete-tag"): Route(delete_tag, wire.ModelTag, BOTH, pace=Pace.ENTRY),
    ("POST", "registered-models/alias"): Route(set_alias, wire.SetModelAlias, BOTH, pace=Pace.ENTRY),
    ("DELETE", "registered-models/alias"): Route(delete_alias, wire.ModelAlias, BOTH, pace=Pace.ENTRY),
    ("GET", "registered-models/alias"): Route(get_by_alias, wire.ModelAlias, BOTH, pace=Pace.GLANCE),
}
