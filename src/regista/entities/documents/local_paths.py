"""Every place in a document where a local path stands, so that a client can resolve, upload and replace it.

The client goes from the innermost document outwards: it loads the documents that ``*_file`` fields name (each relative to
the folder of the one that names it), uploads the rest, and puts references or mappings in their places.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from regista.entities.documents.environment import names_a_file
from regista.entities.documents.reading import plain
from regista.entities.reference import is_reference

Location = tuple[str | int, ...]


class PathField(msgspec.Struct, frozen=True):
    """A local path: the keys that lead to it, what it is for, and its text without ``file:``.

    Purposes: ``code data model environment_context`` are uploaded; ``conda_file requirements_file`` are read into the
    document; ``component_file environment_file model_file`` are documents to be loaded in turn."""

    location: Location
    purpose: str
    text: str


def local_paths(document: object, kind: str) -> list[PathField]:
    """The local paths in a *document* of a *kind*: job, component, environment, model, data, online_deployment (any other
    has none). It need not be valid otherwise, yet must be plain: ``InvalidError`` as from ``parse_X`` if it is not."""
    plain(document)
    walk = _WALKS.get(kind)
    return list(walk(document, ())) if walk else []


_Found = Iterator[PathField]


def is_local(text: object) -> bool:
    """Whether *text* is a local path where content is expected: no reference, no binding, no URL."""
    if not isinstance(text, str) or not text.strip() or "${{" in text or "\n" in text:
        return False
    return not is_reference(text) and (text.startswith("file:") or not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text))


def names_a_document(text: object) -> bool:
    """Whether *text*, where an asset is expected, names a YAML file. A bare ``NAME`` or ``NAME:VERSION`` is an asset."""
    return is_local(text) and bool(re.match(r"file:|\.{0,2}/|.*\.ya?ml$", str(text), re.IGNORECASE))


def _field(holder: Mapping[Any, Any], at: Location, key: str, purpose: str) -> _Found:
    """The field *key*, where content is expected."""
    if is_local(text := holder.get(key)):
        yield PathField((*at, key), purpose, _stripped(text))


def _asset(
    holder: Mapping[Any, Any], at: Location, key: str, purpose: str, walk: Callable[[Any, Location], _Found]
) -> _Found:
    """The field *key*, where an asset is expected: a document's file, or the document itself."""
    value = holder.get(key)
    if isinstance(value, Mapping):
        yield from walk(value, (*at, key))
    elif names_a_document(value):
        yield PathField((*at, key), purpose, _stripped(value))


def _stripped(text: Any) -> str:
    return re.sub(r"^file:(//(?=/))?", "", str(text))


def _job(document: Any, at: Location) -> _Found:
    if not isinstance(document, Mapping):
        return
    yield from _field(document, at, "code", "code")
    yield from _asset(document, at, "environment", "environment_file", _environment)
    yield from _asset(document, at, "component", "component_file", _job)
    inputs, nodes = document.get("inputs"), document.get("jobs")
    for name, value in inputs.items() if isinstance(inputs, Mapping) else ():
        if isinstance(value, Mapping):
            purpose = "model" if str(value.get("type")).lower().endswith("_model") else "data"
            yield from _field(value, (*at, "inputs", name), "path", purpose)
    for name, node in nodes.items() if isinstance(nodes, Mapping) else ():
        yield from _job(node, (*at, "jobs", name))


def _environment(document: Any, at: Location) -> _Found:
    if not isinstance(document, Mapping):
        return
    yield from _field(document, at, "conda_file", "conda_file")
    pip, build = document.get("pip"), document.get("build")
    if isinstance(pip, str) and names_a_file(pip):
        yield from _field(document, at, "pip", "requirements_file")
    if isinstance(build, Mapping):
        yield from _field(build, (*at, "build"), "path", "environment_context")


def _content(purpose: str) -> Callable[[Any, Location], _Found]:
    def walk(document: Any, at: Location) -> _Found:
        if isinstance(document, Mapping):
            yield from _field(document, at, "path", purpose)

    return walk


def _deployment(document: Any, at: Location) -> _Found:
    if not isinstance(document, Mapping):
        return
    yield from _asset(document, at, "model", "model_file", _content("model"))
    yield from _asset(document, at, "environment", "environment_file", _environment)
    code = document.get("code_configuration")
    if isinstance(code, Mapping):
        yield from _field(code, (*at, "code_configuration"), "code", "code")


_WALKS: dict[str, Callable[[Any, Location], _Found]] = {
    "job": _job,
    "component": _job,
    "environment": _environment,
    "model": _content("model"),
    "data": _content("data"),
    "online_deployment": _deployment,
}
