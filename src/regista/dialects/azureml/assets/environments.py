"""Environments: an image, a conda file as text, a build context.

{image, condaFile, build: {contextUri, dockerfilePath}, osType, inferenceConfig}
"""

from typing import Any

import yaml

from regista.dialects.azureml.assets.addresses import context_uri
from regista.dialects.azureml.assets.origins import origin
from regista.dialects.azureml.assets.said import kept_of
from regista.dialects.azureml.assets.translation import Draft, Translation, text_of
from regista.dialects.azureml.assets.view import View
from regista.dialects.azureml.call import Json
from regista.entities.asset import ANONYMOUS, AssetKind, AssetVersion
from regista.entities.environment import EnvironmentSpec
from regista.entities.reference import AssetReference
from regista.errors import InvalidError, NotFoundError
from regista.services.assets.versions import NewVersion
from regista.services.environments.environments import context_number, read_spec

_MOST_TEXT = 1024 * 1024
_DOCKERFILE = "Dockerfile"


def read(view: View, properties: Json, _: AssetVersion | None = None) -> Draft:
    """An environment's document. A build context becomes code of its own, which the document names."""
    document: Json = {}
    if image := text_of(properties, "image"):
        document["image"] = image
    if conda := text_of(properties, "condaFile"):
        document["conda_file"] = read_conda(conda)
    if build := _object(properties, "build"):
        document["build"] = _context(view, build)
    if system := text_of(properties, "osType"):
        document["os_type"] = system
    return Draft(spec=document, kept=kept(properties))


def kept(properties: Json) -> Json:
    """Routes of an image that serves by itself, and where the Dockerfile stands."""
    found: Json = {}
    if config := _object(properties, "inferenceConfig"):
        found["inferenceConfig"] = config
    build = _object(properties, "build")
    if build.get("dockerfilePath"):
        found["dockerfilePath"] = _dockerfile(build)
    return found


def render(view: View, version: AssetVersion) -> Json:
    """The same on the wire; requirements that are Regista's own are shown as a conda file."""
    spec, more = read_spec(version), kept_of(version)
    shown: Json = {
        "image": spec.image,
        "condaFile": _conda(spec),
        "osType": "Windows" if spec.os_type == "windows" else "Linux",
        "inferenceConfig": more.get("inferenceConfig"),
        "environmentType": "UserCreated",
    }
    if spec.context is not None:
        dockerfile = more.get("dockerfilePath") or _DOCKERFILE
        shown["build"] = {"contextUri": _shown_context(view, version), "dockerfilePath": dockerfile}
    return {key: value for key, value in shown.items() if value is not None}


def is_same(view: View, version: AssetVersion, properties: Json) -> bool:
    """Whether the environment that was answered is sent back."""
    shown = render(view, version)
    if str(properties.get("osType") or shown["osType"]).lower() != shown["osType"].lower():
        return False
    return all((properties.get(key) or None) == shown.get(key) for key in ("image", "condaFile", "build"))


def read_conda(text: str) -> Json:
    """The mapping in a conda file. No aliases: with those a small file could become a giant."""
    if len(text) > _MOST_TEXT:
        raise InvalidError("properties.condaFile is too long")
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.CSafeLoader)):
            raise InvalidError("properties.condaFile has YAML aliases", hint="Write its values out.")
        found = yaml.load(text, yaml.CSafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as wrong:
        raise InvalidError(f"properties.condaFile is not YAML: {str(wrong)[:300]}") from wrong
    if not isinstance(found, dict):
        raise InvalidError("properties.condaFile is not a mapping", hint="Such as {dependencies: [python=3.11]}.")
    return found


def _context_code(view: View, version: AssetVersion) -> AssetVersion | None:
    """That code, in the same scope; None where it is not there."""
    call, number = view.call, context_number(version)
    try:
        return call.house.assets.get(call.caller, call.address, AssetKind.CODE, ANONYMOUS, number)
    except NotFoundError:
        return None


def _context(view: View, build: Json) -> Json:
    call = view.call
    found = origin(view, AssetKind.CODE, _text(build, "contextUri"), "build.contextUri")
    if found.path:
        raise InvalidError(
            "properties.build.contextUri: a build context is a folder that was uploaded", hint="Upload it anew."
        )
    new = NewVersion(kind=AssetKind.CODE, anonymous=True, manifest=found.manifest, source=found.source)
    code = call.house.registration.create(call.caller, call.address, new)
    reference = AssetReference(name=code.name, version=code.version)
    return {"path": str(reference), "dockerfile_path": _dockerfile(build)}


def _dockerfile(build: Json) -> str:
    return (_text(build, "dockerfilePath") or _DOCKERFILE).removeprefix("./")


def _shown_context(view: View, version: AssetVersion) -> str | None:
    code = _context_code(view, version)
    return context_uri(view, code) if code else None


def _conda(spec: EnvironmentSpec) -> str | None:
    conda: Any = spec.conda
    if conda is None and spec.pip:
        conda = {"dependencies": ["pip", {"pip": list(spec.pip)}]}
    return None if conda is None else yaml.safe_dump(conda, sort_keys=True, allow_unicode=True)


def _object(properties: Json, key: str) -> Json:
    value = properties.get(key) or {}
    if not isinstance(value, dict):
        raise InvalidError(f"properties.{key}: expected an object")
    return value


def _text(build: Json, key: str) -> str | None:
    value = build.get(key)
    if isinstance(value, str | None):
        return value
    raise InvalidError(f"properties.build.{key}: expected a text")


ENVIRONMENTS = Translation(kind=AssetKind.ENVIRONMENT, read=read, render=render, is_same=is_same, kept=kept)
