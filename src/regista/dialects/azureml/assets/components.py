"""Components: on the wire the SDK's dump of its YAML, here the YAML itself.

What differs: references are ids, the values of inputs are texts, nodes are spelled as in jobs, and what is said about the
version stands in the specification once more.
"""

import math
from typing import Any

from regista.dialects.azureml.assets.nodes import read_nodes, rendered_nodes
from regista.dialects.azureml.assets.said import kept_of, tags_of
from regista.dialects.azureml.assets.translation import Draft, Translation
from regista.dialects.azureml.assets.view import View
from regista.dialects.azureml.call import Json
from regista.entities.asset import AssetKind, AssetVersion
from regista.entities.documents.component import parse_component
from regista.entities.documents.reading import plain
from regista.errors import InvalidError

_ABOUT = frozenset(
    "name version description tags properties $schema id creation_context sourceJobId intellectualProperty".split()
)
_REFERENCES = {"code": AssetKind.CODE, "environment": AssetKind.ENVIRONMENT}
_VALUES = ("default", "min", "max")


def read(view: View, properties: Json, _: AssetVersion | None = None) -> Draft:
    """A component's document."""
    document, nodes = _document(view, properties)
    schema = _spec(properties).get("$schema")
    kept: Json = {"schema": schema} if isinstance(schema, str) and schema else {}
    return Draft(spec=document, kept=kept | ({"jobs": nodes} if nodes else {}))


def render(view: View, version: AssetVersion) -> Json:
    """The same on the wire."""
    more = kept_of(version)
    spec: Json = {"is_deterministic": True, **version.spec}
    for field, kind in _REFERENCES.items():
        if isinstance(spec.get(field), str) and spec[field]:
            spec[field] = view.reference(spec[field], kind)
    spec["inputs"] = {name: _shown_input(one) for name, one in (spec.get("inputs") or {}).items()}
    spec["outputs"] = {name: one or {"type": "uri_folder"} for name, one in (spec.get("outputs") or {}).items()}
    if isinstance(spec.get("jobs"), dict):
        spec["jobs"] = rendered_nodes(view, spec["jobs"], more.get("jobs") or {})
    about = {"name": version.name, "version": version.version, "type": version.type}
    said = {"description": version.description, "tags": tags_of(version), "$schema": more.get("schema")}
    return {"componentSpec": {**spec, **about, **{key: value for key, value in said.items() if value}}}


def is_same(view: View, version: AssetVersion, properties: Json) -> bool:
    """Whether the specification means what the stored one means: the same YAML by another door is the same component."""
    if "componentSpec" not in properties:
        return True
    given = parse_component(_document(view, properties)[0], anonymous=True)
    known = parse_component(version.spec, anonymous=True)
    return (given.spec, given.display_name) == (known.spec, known.display_name)


def _spec(properties: Json) -> Json:
    spec = properties.get("componentSpec")
    if isinstance(spec, dict):
        return spec
    raise InvalidError("properties.componentSpec: expected an object")


def _document(view: View, properties: Json) -> tuple[Json, Json]:
    """The document in a specification, and what is kept of its nodes."""
    given = {
        key: value
        for key, value in plain(_spec(properties), "componentSpec").items()
        if value is not None and key not in _ABOUT and not key.startswith("_")
    }
    for field, kind in _REFERENCES.items():
        if isinstance(given.get(field), str) and given[field]:
            given[field] = view.local(given[field], kind)
    if isinstance(given.get("inputs"), dict):
        given["inputs"] = {name: _input(one) for name, one in given["inputs"].items()}
    if given.get("is_deterministic") is True:
        del given["is_deterministic"]
    if not given.get("additional_includes", True):
        del given["additional_includes"]
    nodes: Json = {}
    if given.get("jobs"):
        given["jobs"], nodes = read_nodes(view, given["jobs"])
    return given, nodes


def _input(value: Any) -> Any:
    """A declaration whose default and bounds have the type that is declared."""
    if not isinstance(value, dict):
        return value
    typed = {key: _typed(str(value.get("type", "")).lower(), value[key]) for key in _VALUES if key in value}
    found = {key: one for key, one in {**value, **typed}.items() if one is not None}
    if found.get("optional") in (False, "False"):
        del found["optional"]
    return found


def _typed(kind: str, value: Any) -> Any:
    """The value that a text stands for; the text itself where it stands for none, or for another one."""
    if not isinstance(value, str):
        return value
    if kind == "boolean":
        return {"true": True, "false": False}.get(value.lower(), value)
    try:
        number: float = int(value) if kind == "integer" else float(value) if kind == "number" else math.nan
    except (ValueError, OverflowError):
        return value
    return number if math.isfinite(number) and abs(number) < 2**53 and value.isascii() and "_" not in value else value


def _shown_input(value: Any) -> Json:
    shown = dict(value) if isinstance(value, dict) else {}
    return shown | {key: str(shown[key]) for key in _VALUES if shown.get(key) is not None}


COMPONENTS = Translation(kind=AssetKind.COMPONENT, read=read, render=render, is_same=is_same)
