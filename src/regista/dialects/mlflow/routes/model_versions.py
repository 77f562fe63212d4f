"""Versions of registered models."""

from collections.abc import Sequence

import msgspec

from regista.dialects.desk import Pace
from regista.dialects.mlflow import limits, render, render_registry, wire_registry as wire
from regista.dialects.mlflow.call import Call, Route
from regista.dialects.mlflow.offsets import page_by_offset
from regista.dialects.mlflow.origins import read_source
from regista.dialects.mlflow.render import Json
from regista.dialects.mlflow.routes.registered_models import (
    BOTH,
    check_number,
    check_stage,
    without_prompts,
)
from regista.dialects.mlflow.searches import VERSIONS
from regista.dialects.mlflow.sorting import sort_by
from regista.dialects.mlflow.webhook_events import IS_PROMPT
from regista.entities.asset import Asset, AssetKind, AssetVersion
from regista.entities.page import MAX_PAGE, PageRequest
from regista.entities.search import Clause, Field, Order
from regista.errors import InvalidError
from regista.services.registry.model_versions import NewModelVersion
from regista.services.tracking.matching import holds

_MOST = 200_000
_MODEL = AssetKind.MODEL
_IN_CATALOG = {"name"}
_PROMPT_TEXT = "mlflow.prompt.text"


def create(call: Call, asked: wire.CreateVersion) -> Json:
    """Register what the source means; a prompt is all in its tags and has no files."""
    tags = limits.pairs(asked.tags, "tags", limits.MAX_REGISTRY_TAG)
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
    clauses, orders = VERSIONS.clauses(asked.filter), VERSIONS.orders(asked.order_by)
    known = [c for c in clauses if c.field is Field.TAG or c.key in _IN_CATALOG]
    name = next((str(c.value) for c in known if c.field is Field.ATTRIBUTE and c.operator == "="), None)
    shown = known if any(c.key == IS_PROMPT for c in known) or name is not None else without_prompts(known)
    rest = [c for c in clauses if c not in known]
    page: Sequence[AssetVersion]
    if not rest and not orders and limit <= MAX_PAGE:
        request = PageRequest(limit, asked.page_token or None)
        part = call.house.model_versions.page(call.caller, call.address, name, shown, request)
        page, token = part.items, part.next
    else:
        found = call.house.model_versions.search(call.caller, call.address, name, shown)
        matching = [one for one in found if _matches(call, one, rest)]
        in_order = sort_by(matching, [*(orders or [_NEWEST]), *_TIES], _attribute)
        page, token = page_by_offset(in_order, limit, asked.page_token)
    assets = {one.name: None for one in page}
    named: dict[str, Asset] = {
        name: call.house.assets.get_asset(call.caller, call.address, _MODEL, name) for name in assets
    }
    rendered = (render_registry.version(call, one, named[one.name]) for one in page)
    return render.paged("model_versions", rendered, token)


_NEWEST = Order(Field.ATTRIBUTE, "last_updated_timestamp", ascending=False)
_TIES = (Order(Field.ATTRIBUTE, "name"), Order(Field.ATTRIBUTE, "version_number", ascending=False))


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


def _matches(call: Call, version: AssetVersion, clauses: list[Clause]) -> bool:
    values: dict[str, str | int] = {
        "run_id": render_registry.run_of(version),
        "source": render_registry.source_of(call, version),
    }
    return all(
        holds(clause, values[clause.key] if clause.key in values else _attribute(version, clause.key))
        for clause in clauses
    )


def _attribute(version: AssetVersion, name: str) -> str | int:
    values: dict[str, str | int] = {
        "name": version.name,
        "version_number": int(version.version) if version.version.isascii() and version.version.isdigit() else 0,
        "creation_timestamp": version.created_at,
        "last_updated_timestamp": version.updated_at,
    }
    return values[name]


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
