"""MLflow's scoring protocol: ``POST /invocations`` answers ``{"predictions": ...}``.

JSON bodies have one of ``dataframe_split``, ``dataframe_records``, ``instances``, ``inputs`` and optionally ``params``; CSV
bodies have a header line. https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/#json-input"""

# ruff: noqa: B905 - zip(strict=) came with Python 3.10, models may be older

from __future__ import annotations

import csv
import io
import re
from typing import Any

from .faults import BadRequestError
from .payload import Payload
from .signature import Signature
from .wire import decode

FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")


def read(body: bytes, content_type: str, signature: Signature) -> Payload:
    """The payload of a body; raise ``BadRequestError`` naming what is wrong with it."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "text/csv":
        return signature.conform(_from_csv(body))
    if kind not in (
        "",
        "application/json",
        "application/x-www-form-urlencoded",
        "application/octet-stream",
        "text/plain",
    ):
        raise BadRequestError(f"content type {kind[:80]} is not understood; send application/json or text/csv")
    said = decode(body)
    if not isinstance(said, dict):
        raise BadRequestError(f"the body is a JSON {kind_of(said)}, not an object with one of {', '.join(FORMS)}")
    present = [form for form in FORMS if form in said]
    unknown = sorted(set(said) - {*FORMS, "params"})
    if len(present) != 1 or unknown:
        extra = f"; unknown: {', '.join(unknown)[:200]}" if unknown else ""
        raise BadRequestError(f"the body needs exactly one of {', '.join(FORMS)}{extra}", expected=signature.expected())
    payload = table(present[0], said[present[0]], signature)
    payload.params = params(said)
    return signature.conform(payload)


def params(said: dict[str, Any]) -> dict[str, Any] | None:
    """MLflow's inference parameters beside the data."""
    given = said.get("params")
    if given is not None and not isinstance(given, dict):
        raise BadRequestError("params is not an object")
    return given


def table(form: str, data: Any, signature: Signature) -> Payload:
    """The payload of one of ``FORMS``."""
    if form == "dataframe_split":
        return split(data, form)
    if form == "dataframe_records":
        if not isinstance(data, list):
            raise BadRequestError("dataframe_records is not a list of objects")
        return records(data, form)
    if form == "instances":
        if not isinstance(data, list):
            raise BadRequestError("instances is not a list")
        return records(data, form) if data and isinstance(data[0], dict) else Payload(data)
    return by_name(data, signature) if isinstance(data, dict) else _inputs(data)


def _inputs(data: Any) -> Payload:
    return records(data, "inputs") if isinstance(data, list) and data and isinstance(data[0], dict) else _listed(data)


def _listed(data: Any) -> Payload:
    return Payload(data if isinstance(data, list) else [data])


def split(data: Any, where: str) -> Payload:
    """A frame as ``{"columns": [...], "data": [[...]]}``; without columns the rows stand alone."""
    if not isinstance(data, dict) or not isinstance(data.get("data"), list):
        raise BadRequestError(f'{where} is not {{"columns": [...], "data": [[...]]}}')
    rows, columns = data["data"], data.get("columns")
    if columns is None:
        return Payload(rows)
    if not isinstance(columns, list) or not all(isinstance(one, (str, int)) for one in columns):
        raise BadRequestError(f"{where}.columns is not a list of names")
    names = tuple(str(one) for one in columns)
    if len(set(names)) != len(names):
        raise BadRequestError(f"{where}.columns names a column twice")
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(names):
            raise BadRequestError(f"{where}.data: row {number} has not {len(names)} values, one for each column")
    return Payload(rows, names)


def records(data: list[Any], where: str) -> Payload:
    """A frame as a list of objects; a key that some lack is empty there."""
    names: dict[str, None] = {}
    for number, row in enumerate(data):
        if not isinstance(row, dict):
            raise BadRequestError(f"{where}: element {number} is a {kind_of(row)}, not an object")
        names.update(dict.fromkeys(row))
    return Payload([[row.get(name) for name in names] for row in data], tuple(names))


def by_name(data: dict[str, Any], signature: Signature) -> Payload:
    """Columns by name, or tensors by name where the signature asks for tensors."""
    if signature.tensors:
        return Payload([], None, None, data)
    lists = {name: value if isinstance(value, list) else [value] for name, value in data.items()}
    if len({len(value) for value in lists.values()}) > 1:
        raise BadRequestError("the columns have different lengths")
    return Payload([list(row) for row in zip(*lists.values())], tuple(lists))


def kind_of(value: Any) -> str:
    """JSON's word for *value*."""
    names = {dict: "object", list: "list", str: "string", bool: "boolean", int: "number", float: "number"}
    return names.get(type(value), "null")


_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def _cell(text: str) -> Any:
    if text in ("", "nan", "NaN"):
        return None
    if text in ("true", "True", "false", "False"):
        return text in ("true", "True")
    if _NUMBER.fullmatch(text) is None:
        return text
    return int(text) if text.lstrip("+-").isdigit() and len(text) < 19 else float(text)


def _from_csv(body: bytes) -> Payload:
    try:
        lines = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadRequestError(f"the body is not CSV: {error}") from error
    lines = [line for line in lines if line]
    if not lines:
        raise BadRequestError("the CSV body is empty; its first line names the columns")
    return split({"columns": lines[0], "data": [[_cell(one) for one in line] for line in lines[1:]]}, "the CSV body")
