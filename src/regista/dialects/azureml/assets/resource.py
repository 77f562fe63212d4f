"""The requests that all kinds of asset share, in workspaces and in registries: versions and names, made, read, listed,
archived and restored."""

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote

from regista.dialects.azureml.assets.anonymous import NAMES, find_marked, marked
from regista.dialects.azureml.assets.said import change_of, made, refuse_promises, rendered, texts, with_kept
from regista.dialects.azureml.assets.translation import Draft, Translation
from regista.dialects.azureml.assets.view import View
from regista.dialects.azureml.call import Answer, Call, Json, Level, listed
from regista.dialects.azureml.ids import scope_id
from regista.dialects.azureml.operations import SOON
from regista.dialects.azureml.render import resource, system_data
from regista.dialects.azureml.routing import Route
from regista.entities.asset import ANONYMOUS, Asset, AssetVersion
from regista.entities.page import Page
from regista.entities.search import Clause, Field
from regista.errors import AlreadyExistsError, InvalidError, NotFoundError, UnsupportedError
from regista.services.assets.assets import VersionChange
from regista.services.assets.versions import NewVersion

_DEFAULT = "azureml_default"
_NEWEST = ("", "createdtime desc", "createdat desc")
_DOOR = "/mferp/managementfrontend"
_PATH_IS_FIXED = "Asset paths cannot be updated."
"""The SDK knows this sentence, with the code of ``InvalidError`` before it, and explains it in its own words."""


def get(translation: Translation, call: Call, name: str, version: str) -> Answer:
    """One version; ``azureml_default`` is the latest."""
    view = View(call)
    return Answer(200, _version(translation, view, _get(translation, view, name, version)))


def put(translation: Translation, call: Call, name: str, version: str) -> Answer:
    """Make a version, or change what is said about one whose content is the same. 409 for other content under its name."""
    properties = _properties(call)
    refuse_promises(properties)
    view = View(call)
    anonymous = properties.get("isAnonymous") is True or name in NAMES
    known = None if anonymous and name != ANONYMOUS else _find(translation, call, name, version)
    if known is not None and translation.is_same(view, known, properties):
        return _done(translation, view, _changed(translation, call, known, properties), 200)
    draft = translation.read(view, properties, known)
    found = _registered(translation, view, draft, ("", "") if anonymous else (name, version), known)
    if anonymous:
        found = _tagged(call, marked(view, found, name, version), draft)
    elif (known is not None and known.id == found.id) or properties.get("isArchived") is True:
        found = _changed(translation, call, found, properties)
    return _done(translation, view, found, 200 if known else 201)


def versions(translation: Translation, call: Call, name: str) -> Answer:
    """The versions of a name, newest first; none of a name that is not there."""
    if (order := call.asked("$orderBy").lower()) not in _NEWEST:
        raise UnsupportedError(f"versions are listed newest first, not by {order[:50]!r}", hint="Leave $orderBy out.")
    view = View(call)
    clauses, stage = _tags(call.asked("tags")), call.asked("stage")
    page = call.house.assets.versions(
        call.caller, call.address, translation.kind, name, call.page, archived=call.archived, clauses=clauses
    )
    wanted = _pairs(call.asked("properties"))
    items = tuple(one for one in page.items if (not stage or one.stage == stage) and _has(one.properties, wanted))
    return listed(call, Page(items, page.next), lambda one: _version(translation, view, one))


def names(translation: Translation, call: Call) -> Answer:
    """The names of a kind, newest first."""
    view = View(call)
    page = call.house.assets.assets(call.caller, call.address, translation.kind, call.page, archived=call.archived)
    return listed(call, page, lambda one: _name(translation, view, one))


def get_name(translation: Translation, call: Call, name: str) -> Answer:
    """A name, with its latest version and the next number."""
    view = View(call)
    found = call.house.assets.get_asset(call.caller, call.address, translation.kind, name)
    return Answer(200, _name(translation, view, found))


def put_name(translation: Translation, call: Call, name: str) -> Answer:
    """Change what is said about a name; only a version makes one."""
    properties = _properties(call)
    description, archived = properties.get("description"), properties.get("isArchived")
    tags = properties.get("tags")
    if not isinstance(description, str | None) or not isinstance(archived, bool | None):
        raise InvalidError("properties.description is a text, properties.isArchived true or false")
    if not isinstance(tags, dict | None):
        raise InvalidError("properties.tags: expected an object")
    change = VersionChange(description=description, tags=texts(tags, "tags"), archived=archived)
    changed = call.house.assets.update_asset(call.caller, call.address, translation.kind, name, change)
    view = View(call)
    return Answer(201 if view.in_registry else 200, _name(translation, view, changed))


def delete(translation: Translation, call: Call, name: str, version: str) -> Answer:
    """Delete a version for good; 204 when there is none."""
    try:
        call.house.assets.delete(call.caller, call.address, translation.kind, name, version)
    except NotFoundError:
        return Answer(204)
    return Answer(200)


def routes(translation: Translation) -> tuple[Route, ...]:
    """The routes of a kind, in both scopes."""
    kinds = translation.kind.plural
    version = f"{kinds}/{{name}}/versions/{{version}}"
    table: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
        ("GET", kinds, names),
        ("GET", f"{kinds}/{{name}}", get_name),
        ("PUT", f"{kinds}/{{name}}", put_name),
        ("GET", f"{kinds}/{{name}}/versions", versions),
        ("GET", version, get),
        ("PUT", version, put),
        ("DELETE", version, delete),
    )
    return tuple(
        Route(method, (level,), template, partial(handler, translation), service)
        for method, template, handler in table
        for level, service in ((Level.WORKSPACE, ""), (Level.REGISTRY, "mferp"))
    )


def _properties(call: Call) -> Json:
    found = call.body(dict[str, Any]).get("properties")
    if not isinstance(found, dict):
        raise InvalidError("properties: expected an object")
    return found


def _get(translation: Translation, view: View, name: str, version: str) -> AssetVersion:
    if found := find_marked(view, translation.kind, name, version):
        return found
    call = view.call
    wanted = "" if version == _DEFAULT else version
    return call.house.assets.get(call.caller, call.address, translation.kind, name, wanted)


def _find(translation: Translation, call: Call, name: str, version: str) -> AssetVersion | None:
    try:
        return call.house.assets.get(call.caller, call.address, translation.kind, name, version)
    except NotFoundError:
        return None


def _registered(
    translation: Translation, view: View, draft: Draft, named: tuple[str, str], known: AssetVersion | None
) -> AssetVersion:
    """The version of the draft; a name that is taken by other content is told as the SDK expects it of the kind."""
    call, origin = view.call, draft.origin
    said = call.properties(translation.said)
    new = NewVersion(
        kind=translation.kind,
        name=named[0],
        version=named[1],
        type=draft.type,
        manifest=origin.manifest,
        spec=draft.spec,
        description=said.description or "",
        tags=(texts(said.tags, "tags") or {}) | draft.tags,
        properties=with_kept(texts(said.properties, "properties"), draft.kept),
        stage=said.stage or "",
        anonymous=not named[0],
        source=origin.source,
    )
    try:
        return call.house.registration.create(call.caller, call.address, new, origin.path, origin.home)
    except AlreadyExistsError as taken:
        if known is None or not translation.fixed_path or new.manifest.digest == known.manifest:
            raise
        raise InvalidError(_PATH_IS_FIXED) from taken


def _changed(translation: Translation, call: Call, version: AssetVersion, properties: Json) -> AssetVersion:
    change = change_of(call.properties(translation.said), version, translation.kept(properties))
    return call.house.assets.update(call.caller, call.address, version.kind, version.name, version.version, change)


def _tagged(call: Call, version: AssetVersion, draft: Draft) -> AssetVersion:
    """Content that was there before under no name lacks the tags of the draft."""
    if draft.tags.items() <= version.tags.items():
        return version
    change = VersionChange(tags={**version.tags, **draft.tags})
    return call.house.assets.update(call.caller, call.address, version.kind, version.name, version.version, change)


def _done(translation: Translation, view: View, version: AssetVersion, status: int) -> Answer:
    """The answer to a version's making. What is made in a registry was accepted, and is done where the answer points to:
    azure-ai-ml before 1.35 takes nothing else."""
    body = _version(translation, view, version)
    if not view.in_registry:
        return Answer(status, body)
    kinds, name = version.kind.plural, quote(version.name)
    place = f"{_DOOR}{scope_id(view.scope)}/{kinds}/{name}/versions/{quote(version.version)}"
    return Answer(202, body, (("location", view.call.base + place), *SOON))


def _version(translation: Translation, view: View, version: AssetVersion) -> Json:
    properties = rendered(version) | translation.render(view, version)
    type_ = f"{'registries' if view.in_registry else 'workspaces'}/{version.kind.plural}/versions"
    return resource(view.id(version), version.version, type_, properties, systemData=made(version))


def _name(translation: Translation, view: View, asset: Asset) -> Json:
    kinds = asset.kind.plural
    properties: Json = {
        "description": asset.description or None,
        "tags": asset.tags,
        "properties": {},
        "isArchived": asset.archived,
        "latestVersion": asset.latest_version or None,
        "nextVersion": str(asset.next_version),
        "provisioningState": "Succeeded",
        **translation.container(view, asset.name, asset.latest_version),
    }
    identifier = f"{scope_id(view.scope)}/{kinds}/{asset.name}"
    if view.in_registry:
        identifier = f"azureml://registries/{view.scope.name}/{kinds}/{asset.name}"
    type_ = f"{'registries' if view.in_registry else 'workspaces'}/{kinds}"
    about = system_data(asset.created_at, asset.created_by, asset.updated_at)
    return resource(identifier, asset.name, type_, properties, systemData=about)


def _pairs(text: str) -> dict[str, str | None]:
    """``key=value,key``, as queries have them; None for a key alone."""
    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return {key.strip(): value if mark else None for key, mark, value in pairs}


def _tags(text: str) -> list[Clause]:
    return [
        Clause(Field.TAG, key, "IS NOT NULL") if value is None else Clause(Field.TAG, key, "=", value)
        for key, value in _pairs(text).items()
    ]


def _has(properties: dict[str, str], wanted: dict[str, str | None]) -> bool:
    return all(key in properties and value in {None, properties[key]} for key, value in wanted.items())
