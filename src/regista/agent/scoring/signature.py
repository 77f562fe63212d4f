"""What an MLflow model says that it wants: the ``signature`` of its MLmodel file.

The column types are those of MLflow's ``DataType``: boolean, integer, long, float, double, string, binary, datetime;
arrays, objects and maps pass through unchecked. https://mlflow.org/docs/latest/ml/model/signatures/"""

# ruff: noqa: B905 - zip(strict=) came with Python 3.10, models may be older

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from .faults import BadRequestError, StartError
from .payload import Payload


class Column(NamedTuple):
    """One column (or, with ``shape``, one tensor) of a signature."""

    name: str | None
    type: str
    required: bool
    shape: tuple[int, ...] | None

    def said(self) -> dict[str, Any]:
        """As told to a caller who sent something else."""
        told: dict[str, Any] = {"name": self.name, "type": self.type, "required": self.required}
        if self.shape is not None:
            told["shape"] = list(self.shape)
        return told


class Signature:
    """The inputs and outputs of a model; without ``inputs`` any payload will do."""

    def __init__(self, inputs: list[Column] | None, outputs: list[Column] | None, params: list[str] | None) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self.params = params
        self.names: tuple[str, ...] | None = None
        if inputs and all(one.name is not None and one.shape is None for one in inputs):
            self.names = tuple(str(one.name) for one in inputs)
        self.tensors = bool(inputs) and any(one.shape is not None for one in inputs or [])

    def expected(self) -> list[dict[str, Any]] | None:
        return [one.said() for one in self.inputs] if self.inputs else None

    def conform(self, payload: Payload) -> Payload:
        """*payload* with the signature's columns in the signature's order; columns it does not name are dropped, as
        MLflow does. Raise ``BadRequestError`` for what is missing or of the wrong type."""
        self._check_params(payload.params)
        if self.names is None or payload.named is not None:
            return payload
        rows = self._arranged(payload, self.names)
        return Payload(self._checked(rows), self.names, payload.params)

    def _check_params(self, params: dict[str, Any] | None) -> None:
        unknown = sorted(set(params or ()) - set(self.params or ()))
        if unknown and self.params is not None:
            raise BadRequestError(
                f"unknown params: {', '.join(unknown)}; the model takes {', '.join(self.params) or 'none'}"
            )

    def _arranged(self, payload: Payload, names: tuple[str, ...]) -> list[Any]:
        if payload.columns == names:
            return payload.rows
        if payload.columns is None:
            return [self._widened(row, number, len(names)) for number, row in enumerate(payload.rows)]
        place = {name: index for index, name in enumerate(payload.columns)}
        missing = [str(one.name) for one in self.inputs or [] if one.required and one.name not in place]
        if missing:
            raise BadRequestError(f"missing columns: {', '.join(missing)}", expected=self.expected())
        order = [place.get(name) for name in names]
        return [[None if index is None else row[index] for index in order] for row in payload.rows]

    def _widened(self, row: Any, number: int, width: int) -> list[Any]:
        cells = row if isinstance(row, list) else [row]
        if len(cells) != width:
            raise BadRequestError(
                f"row {number} has {len(cells)} values, the model wants {width}", expected=self.expected()
            )
        return cells

    def _checked(self, rows: list[Any]) -> list[Any]:
        inputs = self.inputs or []
        readers = [_READERS.get(one.type) for one in inputs]
        checked = []
        for number, row in enumerate(rows):
            try:
                checked.append([cell if read is None else read(cell) for read, cell in zip(readers, row)])
            except (ValueError, TypeError):
                raise self._misfit(number, row) from None
        for index, one in enumerate(inputs):
            if one.required and one.type in _NEVER_EMPTY and any(row[index] is None for row in checked):
                raise BadRequestError(f"column {one.name} has no value in some row", expected=self.expected())
        return checked

    def _misfit(self, number: int, row: list[Any]) -> BadRequestError:
        for one, cell in zip(self.inputs or [], row):
            read = _READERS.get(one.type)
            try:
                if read is not None:
                    read(cell)
            except (ValueError, TypeError):
                told = f"row {number}, column {one.name}: {cell!r:.80} is not of type {one.type}"
                return BadRequestError(told, expected=self.expected())
        return BadRequestError(f"row {number} does not fit the signature", expected=self.expected())


_NEVER_EMPTY = frozenset({"long", "integer", "boolean"})


def _number(cell: Any) -> Any:
    if cell is None or type(cell) is float or type(cell) is int:
        return cell
    raise TypeError


def _whole(cell: Any) -> Any:
    if cell is None or (type(cell) is int and -(2**63) <= cell < 2**63):
        return cell
    if type(cell) is float and cell.is_integer() and abs(cell) < 2**53:
        return int(cell)
    raise TypeError


def _boolean(cell: Any) -> Any:
    if cell is None or cell is True or cell is False:
        return cell
    raise TypeError


def _text(cell: Any) -> Any:
    if cell is None or isinstance(cell, str):
        return cell
    raise TypeError


def _bytes(cell: Any) -> Any:
    if cell is None:
        return cell
    try:
        return base64.b64decode(_text(cell), validate=True)
    except binascii.Error as error:
        raise ValueError from error


_READERS: dict[str, Callable[[Any], Any]] = {
    "double": _number,
    "float": _number,
    "long": _whole,
    "integer": _whole,
    "boolean": _boolean,
    "string": _text,
    "binary": _bytes,
}


def _columns(said: Any) -> list[Column] | None:
    if not said:
        return None
    listed = json.loads(said) if isinstance(said, str) else said
    columns = []
    for one in listed:
        spec = one.get("tensor-spec")
        if spec is not None:
            columns.append(Column(one.get("name"), str(spec["dtype"]), True, tuple(spec["shape"])))
        else:
            columns.append(
                Column(one.get("name"), str(one["type"]), one.get("required", not one.get("optional", False)), None)
            )
    return columns


def parse(said: dict[str, Any] | None) -> Signature:
    """The signature written in an MLmodel file; raise ``StartError`` if it cannot be understood."""
    if not said:
        return Signature(None, None, None)
    try:
        params = said.get("params")
        listed = json.loads(params) if isinstance(params, str) else params
        names = None if listed is None else [str(one["name"]) for one in listed]
        return Signature(_columns(said.get("inputs")), _columns(said.get("outputs")), names)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StartError(f"the model's signature cannot be understood: {error}") from error
