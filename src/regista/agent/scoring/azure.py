"""Azure's ``/score`` for MLflow models: ``{"input_data": ...}`` in, the bare predictions out.

``input_data`` is a frame (``columns``, ``index``, ``data``), a list of rows or of objects, or tensors by name.
https://learn.microsoft.com/azure/machine-learning/how-to-deploy-mlflow-models"""

from __future__ import annotations

from typing import Any

from .faults import BadRequestError
from .invocations import by_name, kind_of, params, records, split
from .payload import Payload
from .signature import Signature
from .wire import decode


def read(body: bytes, signature: Signature) -> Payload:
    """The payload of a body; raise ``BadRequestError`` naming what is wrong with it."""
    said = decode(body)
    if not isinstance(said, dict) or "input_data" not in said:
        raise BadRequestError('the body is not {"input_data": ...}', expected=signature.expected())
    unknown = sorted(set(said) - {"input_data", "params"})
    if unknown:
        raise BadRequestError(f"unknown: {', '.join(unknown)[:200]}; the body has input_data and params")
    payload = _table(said["input_data"], signature)
    payload.params = params(said)
    return signature.conform(payload)


def _table(data: Any, signature: Signature) -> Payload:
    if isinstance(data, dict):
        return (
            split(data, "input_data")
            if "data" in data and set(data) <= {"columns", "index", "data"}
            else by_name(data, signature)
        )
    if not isinstance(data, list):
        raise BadRequestError(f"input_data is a {kind_of(data)}, not a frame, a list or tensors by name")
    return records(data, "input_data") if data and isinstance(data[0], dict) else Payload(data)
