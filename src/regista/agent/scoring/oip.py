"""The Open Inference Protocol, version 2, over HTTP with JSON tensors.

https://github.com/open-inference/open-inference-protocol/blob/main/specification/protocol/inference_rest.md"""

# ruff: noqa: B905 - zip(strict=) came with Python 3.10, models may be older

from __future__ import annotations

import math
from typing import Any

from .faults import BadRequestError
from .payload import Payload
from .prediction import Prediction
from .signature import Signature
from .wire import decode

_OF_MLFLOW = {
    "double": "FP64",
    "float": "FP32",
    "long": "INT64",
    "integer": "INT32",
    "boolean": "BOOL",
    "string": "BYTES",
    "binary": "BYTES",
}
_OF_NUMPY = {
    "bool": "BOOL",
    "float16": "FP16",
    "float32": "FP32",
    "float64": "FP64",
    **{f"{sign}int{bits}": f"{sign.upper()}INT{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
_READ: dict[str, tuple[type, ...]] = {
    "BOOL": (bool,),
    "BYTES": (str,),
    **dict.fromkeys(("FP16", "FP32", "FP64"), (int, float)),
    **{f"{sign}INT{bits}": (int,) for sign in ("", "U") for bits in (8, 16, 32, 64)},
}


def read(body: bytes, signature: Signature) -> tuple[Payload, str | None]:
    """The payload of an inference request and its id. One input is a table or tensor of its own; several are columns, or
    tensors by name where the signature asks for them."""
    said = decode(body)
    if not isinstance(said, dict) or not isinstance(said.get("inputs"), list) or not said["inputs"]:
        raise BadRequestError("the body has no list of inputs", expected=signature.expected())
    asked = said.get("id")
    if asked is not None and not isinstance(asked, str):
        raise BadRequestError("id is not a string")
    tensors = [_tensor(one, number) for number, one in enumerate(said["inputs"])]
    names = [name for name, _ in tensors]
    if len(set(names)) != len(names):
        raise BadRequestError("two inputs have the same name")
    return signature.conform(_payload(tensors, signature)), asked


def _payload(tensors: list[tuple[str, Any]], signature: Signature) -> Payload:
    if signature.tensors and signature.inputs and signature.inputs[0].name is not None:
        return Payload([], None, None, dict(tensors))
    name, values = tensors[0]
    if len(tensors) == 1 and signature.names != (name,):
        return Payload(values)
    columns = {name: [_single(cell) for cell in values] for name, values in tensors}
    if len({len(values) for values in columns.values()}) > 1:
        raise BadRequestError("the inputs have different numbers of rows")
    return Payload([list(row) for row in zip(*columns.values())], tuple(columns))


def _single(cell: Any) -> Any:
    return cell[0] if isinstance(cell, list) and len(cell) == 1 else cell


def _tensor(said: Any, number: int) -> tuple[str, Any]:
    if not isinstance(said, dict) or not isinstance(said.get("name"), str):
        raise BadRequestError(f"input {number} has no name")
    name, shape, datatype, data = said["name"], said.get("shape"), said.get("datatype"), said.get("data")
    if (
        not isinstance(shape, list)
        or not 0 < len(shape) <= 32
        or not all(type(one) is int and one >= 0 for one in shape)
    ):
        raise BadRequestError(f"input {name}: shape is not a list of sizes")
    if not isinstance(datatype, str) or datatype not in _READ:
        raise BadRequestError(f"input {name}: datatype is not one of {', '.join(_READ)}")
    if not isinstance(data, list):
        raise BadRequestError(f"input {name}: data is not a list (binary tensors are not supported)")
    flat = _flat(data)
    if len(flat) != math.prod(shape) or 0 in shape[1:]:
        raise BadRequestError(f"input {name}: {len(flat)} values do not fill the shape {shape}")
    _check(flat, name, datatype)
    return name, _shaped(flat, shape)


def _check(flat: list[Any], name: str, datatype: str) -> None:
    kinds = _READ[datatype]
    for value in flat:
        if not isinstance(value, kinds) or (isinstance(value, bool) and datatype != "BOOL"):
            raise BadRequestError(f"input {name}: {value!r:.80} is not of type {datatype}")


def _flat(data: list[Any]) -> list[Any]:
    if not any(isinstance(one, list) for one in data):
        return data
    flat: list[Any] = []
    for one in data:
        flat.extend(_flat(one) if isinstance(one, list) else [one])
    return flat


def _shaped(flat: list[Any], shape: list[int]) -> Any:
    for size in reversed(shape[1:]):
        flat = [flat[at : at + size] for at in range(0, len(flat), size)]
    return flat


def outputs(prediction: Prediction, signature: Signature) -> list[dict[str, Any]]:
    """The prediction as named tensors: one per key of a dict or of records, else one called as the signature calls it."""
    values = prediction.values
    if isinstance(values, dict):
        return [_output(str(name), value, None) for name, value in values.items()]
    if isinstance(values, list) and values and isinstance(values[0], dict):
        return [_output(str(name), [row.get(name) for row in values], None) for name in values[0]]
    named = signature.outputs[0].name if signature.outputs else None
    return [_output(named or "predict", values, prediction.dtype)]


def _output(name: str, values: Any, dtype: str | None) -> dict[str, Any]:
    if hasattr(values, "tolist"):
        dtype, values = str(getattr(values, "dtype", "")), values.tolist()
    if not isinstance(values, list):
        values = [values]
    shape, leaf = [], values
    while isinstance(leaf, (list, tuple)):
        shape.append(len(leaf))
        leaf = leaf[0] if leaf else None
    return {"name": name, "shape": shape, "datatype": _OF_NUMPY.get(dtype or "") or _guess(leaf), "data": values}


def _guess(leaf: Any) -> str:
    if isinstance(leaf, bool):
        return "BOOL"
    return "INT64" if isinstance(leaf, int) else "FP64" if isinstance(leaf, float) else "BYTES"


def metadata(signature: Signature) -> dict[str, Any]:
    """``inputs`` and ``outputs`` of ``GET /v2/models/{model}``."""

    def told(columns: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": one.name or f"tensor-{number}",
                "datatype": _OF_MLFLOW.get(one.type) or _OF_NUMPY.get(one.type, "BYTES"),
                "shape": list(one.shape) if one.shape is not None else [-1],
            }
            for number, one in enumerate(columns or [])
        ]

    return {"inputs": told(signature.inputs), "outputs": told(signature.outputs)}
