"""What is said about a version: everything but its content.

What Azure has and Regista has no field for stands as JSON under one property of the version, which no other door explains
and this one never shows.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from regista.dialects.azureml.assets.anonymous import is_mark
from regista.dialects.azureml.call import Json
from regista.dialects.azureml.render import system_data
from regista.entities.asset import AssetVersion
from regista.errors import InvalidError, UnsupportedError
from regista.services.assets.assets import VersionChange

KEPT = "regista.azureml"
_REFUSED = {
    "autoDeleteSetting": "Regista deletes no version by itself",
    "intellectualProperty": "Regista protects nothing from those who may read it",
    "defaultDeploymentTemplate": "Regista has no deployment templates",
    "allowedDeploymentTemplates": "Regista has no deployment templates",
}


class Said(msgspec.Struct, rename="camel", kw_only=True):
    """The fields that ``properties`` of every kind have; None is not said."""

    description: str | None = None
    tags: dict[str, Any] | None = None
    properties: dict[str, Any] | None = None
    is_anonymous: bool | None = None
    is_archived: bool | None = None
    stage: str | None = None


def refuse_promises(properties: Mapping[str, Any]) -> None:
    """Raise ``UnsupportedError`` for a field that would promise what nobody keeps."""
    for field, why in _REFUSED.items():
        if properties.get(field):
            raise UnsupportedError(f"{field} is not served: {why}", hint="Leave it out.")


def texts(given: Mapping[str, Any] | None, what: str) -> dict[str, str] | None:
    """Tags or properties as text to text; a null counts as not there."""
    if given is None:
        return None
    found = {}
    for key, value in given.items():
        if isinstance(value, dict | list):
            raise InvalidError(f"{what}.{key[:80]}: expected a text")
        if value is not None:
            found[key] = str(value)
    return found


def with_kept(properties: dict[str, str] | None, kept: Json) -> dict[str, str]:
    """Properties, with what is kept for this door under its key."""
    found = {key: value for key, value in (properties or {}).items() if key != KEPT}
    return found | {KEPT: msgspec.json.encode(kept, order="sorted").decode()} if kept else found


def kept_of(version: AssetVersion) -> Json:
    """What was kept; nothing for versions that came through other doors."""
    try:
        return msgspec.json.decode(version.properties.get(KEPT, "{}"), type=Json)
    except msgspec.MsgspecError:
        return {}


def change_of(said: Said, version: AssetVersion, kept: Json) -> VersionChange:
    """What a request changes about a version that is there; what it does not say stays."""
    tags, properties = texts(said.tags, "tags"), texts(said.properties, "properties")
    if tags is not None:
        tags |= {key: value for key, value in version.tags.items() if is_mark(key)}
    kept = kept_of(version) | kept
    return VersionChange(
        description=said.description,
        tags=tags,
        archived=said.is_archived,
        properties=with_kept(version.properties if properties is None else properties, kept),
        stage=said.stage,
    )


def tags_of(version: AssetVersion) -> dict[str, str]:
    """The tags without this door's own."""
    return {key: value for key, value in version.tags.items() if not is_mark(key)}


def rendered(version: AssetVersion) -> Json:
    """The fields as they are answered."""
    return {
        "description": version.description or None,
        "tags": tags_of(version),
        "properties": {key: value for key, value in version.properties.items() if key != KEPT},
        "isArchived": version.archived,
        "isAnonymous": version.anonymous,
        "provisioningState": "Succeeded",
        "stage": version.stage or None,
    }


def made(version: AssetVersion) -> Json:
    """Who made it, and when."""
    return system_data(version.created_at, version.created_by, version.updated_at)
