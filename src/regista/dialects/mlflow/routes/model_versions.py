"""Versions of registered models."""

import msgspec

from regista.dialects.desk import Pace
from regista.dialects.mlflow import limits, render, render_registry, wire_registry as wire
from regista.dialects.mlflow.call import Call, Route
from regista.dialects.mlflow.errors import too_long
from regista.dialects.mlflow.origins import read_source
from regista.dialects.mlflow.render import Json
from regista.dialects.mlflow.routes.registered_models import (
    BOTH,
    check_number,
    check_stage,
    without_prompts,
)
from regista.dialects.mlflow.searches import VERSIONS
from regista.dialects.mlflow.webhook_events import IS_PROMPT
from regista.entities.asset import LONGEST_RUN, AssetKind, AssetVersion
from regista.entities.page import PageRequest
from regista.entities.search import Clause, Field, Order
from regista.errors import InvalidError
from regista.services.registry.model_versions import NewModelVersion

_MOST = 200_000
_MODEL = AssetKind.MODEL
_PROMPT_TEXT = "mlflow.prompt.text"


def create(call: Call, asked: wire.CreateVersion) -> Json:
    """Register what the source means; a prompt is all in its tags and has no files."""
    tags = limits.pairs(asked.tags, "tags", limits.MAX_REGISTRY_TAG)
    if len(asked.run_id) > LONGEST_RUN:
        raise too_long("run_id", LONGEST_RUN)
    given = {"uri": asked.source, "run_id": asked.run_id, "model_id": asked.model_id, "run_link": asked.run_link}
    new = NewModelVersion(
        name=asked.name,
        description=asked.description,
        tags=tags,
        source={name: value for name, value in given.items() if value},
    )
    if IS_PROMPT in tags or _PROMPT_TEXT in tags:
        new = msgspec.structs.replace(new, spec={"prompt": tags.get(_PROMPT_TEXT, "")})
    else:
        path, home = read_source(call, asked.source)
        _check_origin(asked, path)
        new = msgspec.structs.replace(new, path=path, home=home)
    return _said(call, call.house.model_versions.create(call.caller, call.address, new))


def get(call: Call, asked: wire.VersionName) -> Json:
    """By name and number."""
    number = check_number(asked.version)
    asset, version = call.house.assets.named(call.caller, call.address, _MODEL, asked.name, number)
    return {"model_version": render_registry.version(call, version, asset)}


def update(call: Call, asked: wire.UpdateVersion) -> Json:
    """Describe it."""
    changed = call.house.model_versions.update(
        call.caller,
        call.address,
        asked.name,
        check_number(asked.version),
        lambda version: msgspec.structs.replace(version, description=asked.description),
    )
    return _said(call, changed)


def delete(call: Call, asked: wire.VersionName) -> None:
    """Delete it; its number is not given again."""
    call.house.assets.delete(call.caller, call.address, _MODEL, asked.name, check_number(asked.version))


def transition(call: Call, asked: wire.VersionStage) -> Json:
    """Set the stage."""
    stage = check_stage(asked.stage)
    if asked.archive_existing_versions and stage not in {"Staging", "Production"}:
        raise InvalidError(
            "Model version transition cannot archive existing model versions because"
            f" '{stage}' is not an Active stage. Valid stages are Staging, Production"
        )
    changed = call.house.model_versions.stage(
        call.caller,
        call.address,
        asked.name,
        check_number(asked.version),
        "" if stage == render_registry.NO_STAGE else stage,
        alone=asked.archive_existing_versions,
    )
    return _said(call, changed)


def set_tag(call: Call, asked: wire.VersionTag) -> None:
    """Set or replace a tag."""
    tag = {limits.check_key(asked.key, "key"): limits.tag_value(asked.value, limits.MAX_REGISTRY_TAG)}
    call.house.model_versions.update(
        call.caller,
        call.address,
        asked.name,
        check_number(asked.version),
        lambda version: msgspec.structs.replace(version, tags=version.tags | tag),
    )


def delete_tag(call: Call, asked: wire.VersionTag) -> None:
    """Remove a tag; quiet when there is none of the key."""
    call.house.model_versions.update(
        call.caller,
        call.address,
        asked.name,
        check_number(asked.version),
        lambda version: msgspec.structs.replace(
            version, tags={key: value for key, value in version.tags.items() if key != asked.key}
        ),
    )


def download_uri(call: Call, asked: wire.VersionName) -> Json:
    """Where its files are: absolute, because a client resolves anything else against its tracking server."""
    return {"artifact_uri": call.uri(f"versions/{_find(call, asked.name, asked.version).id}")}


def search(call: Call, asked: wire.SearchVersions) -> Json:
    """By name, number, run, source and tags; the latest changed first unless another order is asked for."""
    limit = limits.check_results(asked.max_results, _MOST)
    orders = VERSIONS.orders(asked.order_by)
    clauses = [known for one in VERSIONS.clauses(asked.filter) for known in _known(call, one)]
    named = next((c for c in clauses if c.key == "name" and c.operator == "=" and c.field is Field.ATTRIBUTE), None)
    known = [c for c in clauses if c is not named]
    if named is None and not any(c.key == IS_PROMPT for c in known):
        known = without_prompts(known)
    found = call.house.model_versions.search(
        call.caller,
        call.address,
        None if named is None else str(named.value),
        known,
        [*(orders or [_NEWEST]), _BY_NAME, *([_BY_NUMBER] if orders else [])],
        PageRequest(limit, asked.page_token or None),
    )
    names = {one.name for one in found.items}
    assets = {name: call.house.assets.get_asset(call.caller, call.address, _MODEL, name) for name in names}
    rendered = (render_registry.version(call, one, assets[one.name]) for one in found.items)
    return render.paged("model_versions", rendered, found.next)


_NEWEST = Order(Field.ATTRIBUTE, "changed", ascending=False)
_BY_NAME = Order(Field.ATTRIBUTE, "name")
_BY_NUMBER = Order(Field.ATTRIBUTE, "number", ascending=False)


def _find(call: Call, name: str, number: str) -> AssetVersion:
    return call.house.assets.get(call.caller, call.address, _MODEL, name, check_number(number))


def _said(call: Call, version: AssetVersion) -> Json:
    asset = call.house.assets.get_asset(call.caller, call.address, _MODEL, version.name)
    return {"model_version": render_registry.version(call, version, asset)}


def _check_origin(asked: wire.CreateVersion, path: str) -> None:
    """A source that names a run or a logged model is of that one, where the request names one too."""
    for scheme, given in (("runs:/", asked.run_id), ("models:/m-", asked.model_id.removeprefix("m-"))):
        if given and path.startswith(scheme) and path.removeprefix(scheme).split("/")[0] != given:
            raise InvalidError(
                f"Invalid model version source: '{asked.source[:200]}'. It is not of the run or the model that is named."
            )


def _known(call: Call, clause: Clause) -> list[Clause]:
    """What the catalog knows a clause by: where no source was said, the address of the version stands for it."""
    own = call.uri("versions/")
    asked = (clause.field, clause.key, clause.operator)
    if asked != (Field.ATTRIBUTE, "source", "=") or not str(clause.value).startswith(own):
        return [clause]
    of = Clause(Field.ATTRIBUTE, "id", "=", str(clause.value).removeprefix(own))
    return [of, Clause(Field.ATTRIBUTE, "source", "=", "")]


ROUTES = {
    ("POST", "model-versions/create"): Route(create, wire.CreateVersion, BOTH),
    ("GET", "model-versions/get"): Route(get, wire.VersionName, BOTH, pace=Pace.GLANCE),
    ("PATCH", "model-versions/update"): Route(update, wire.UpdateVersion, BOTH, pace=Pace.ENTRY),
    ("DELETE", "model-versions/delete"): Route(delete, wire.VersionName, BOTH),
    ("POST", "model-versions/transition-stage"): Route(transition, wire.VersionStage, BOTH),
    ("POST", "model-versions/set-tag"): Route(set_tag, wire.VersionTag, BOTH, pace=Pace.ENTRY),
    ("DELETE", "model-versions/delete-tag"): Route(delete_tag, wire.VersionTag, BOTH, pace=Pace.ENTRY),
    ("GET", "model-versions/get-download-uri"): Route(download_uri, wire.VersionName, BOTH, pace=Pace.GLANCE),
    ("GET", "model-versions/search"): Route(search, wire.SearchVersions, BOTH, pace=Pace.SEARCH),
}
