"""Inputs and outputs of jobs and of nodes, from the wire to documents.

{jobInputType: uri_folder, uri, mode}     content              {job_input_type: literal, value}     a value or a binding
{jobOutputType: uri_folder, uri, mode, assetName, assetVersion}                                     an output
"""

import re
from typing import Any

from regista.dialects.azureml.jobs.spelling import INPUT_MODES, OUTPUT_MODES, data_type, fields, ours, text
from regista.entities.reference import AssetReference, DatastoreReference, parse_reference
from regista.errors import InvalidError, UnsupportedError

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_OUR_PLACE = re.compile(
    r"azureml://(?:[^/]+/)*?datastores/workspaceblobstore/paths/azureml/[^/]+/[^/]+/?", re.IGNORECASE
)
_SCHEMES = {"azureml", "regista", "https", "http", "runs", "models"}


def read_input(value: object, where: str, *, inferred: bool = False) -> Any:
    """One input; None where nothing is given. *inferred*: a value that is text gets the type that it looks like, because
    the wire has texts alone and a pipeline's nodes want to know."""
    if not isinstance(value, dict):
        return value
    given = fields(value, where)
    kind = data_type(given.get("job_input_type") or given.get("type") or ("literal" if "value" in given else ""))
    if kind == "literal":
        return _literal(given, where, inferred=inferred)
    uri = text(given.get("uri", given.get("path")), f"{where}.uri")
    if not uri:
        return None
    check_scheme(uri, where)
    return _without_nulls({"type": kind, "path": uri, "mode": _mode(given.get("mode"), INPUT_MODES)})


def _literal(given: dict[str, Any], where: str, *, inferred: bool) -> Any:
    value = given.get("value")
    if value is None:
        return None
    if isinstance(value, dict | list):
        raise InvalidError(f"{where}.value: expected a text, a number or a boolean")
    kind = literal_type(value) if inferred and isinstance(value, str) else None
    return _without_nulls({"type": kind, "value": value, "mode": _mode(given.get("mode"), INPUT_MODES)})


def literal_type(value: str) -> str:
    """The narrowest type of a text that does not change it."""
    if value in {"True", "False"}:
        return "boolean"
    if value.isascii() and len(value) < 300 and _NUMBER.fullmatch(value):
        return "integer" if value.isdecimal() and str(int(value)) == value else "number"
    return "string"


def read_output(value: object, where: str) -> Any:
    """One output; a node's may be a binding."""
    if not isinstance(value, dict):
        return value
    given = fields(value, where)
    kind = data_type(given.get("job_output_type") or given.get("type") or "")
    mode = _mode(given.get("mode"), OUTPUT_MODES)
    if kind == "literal" or "value" in given:
        return _without_nulls({"path": text(given.get("value"), f"{where}.value") or None, "mode": mode})
    return _without_nulls(
        {
            "type": kind or None,
            "mode": mode,
            "path": _place(text(given.get("uri", given.get("path")), f"{where}.uri"), where),
            "name": given.get("asset_name", given.get("name")),
            "version": given.get("asset_version", given.get("version")),
            "description": given.get("description"),
        }
    )


def _place(uri: str, where: str) -> str | None:
    """Where an output goes besides: a path of a datastore, or where its name stands. Regista keeps it itself in any case."""
    if not uri or _OUR_PLACE.fullmatch(uri.replace("${{", "").replace("}}", "")):
        return None
    check_scheme(uri, where)
    if isinstance(parse_reference(uri), AssetReference | DatastoreReference):
        return uri
    raise UnsupportedError(
        f"{where}.uri: an output does not go to {uri[:200]!r}",
        hint="Write azureml://datastores/workspaceblobstore/paths/FOLDER, or leave the path out.",
    )


def check_scheme(uri: str, where: str) -> None:
    """Refuse what is neither one of our references nor on the web."""
    scheme, colon, _ = uri.partition("://")
    if colon and scheme.lower() not in _SCHEMES:
        raise UnsupportedError(
            f"{where}.uri: Regista reads nothing from {scheme[:20]!r} ({uri[:100]!r})",
            hint="Register the data, or name it by its https address.",
        )


def _mode(value: object, spelled: dict[str, str]) -> Any:
    return None if value is None else ours(value, {**spelled, "mount": "Mount"})


def _without_nulls(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if value is not None}
