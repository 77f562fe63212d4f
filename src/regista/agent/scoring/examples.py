"""An example of a body that the model takes, for whoever sent one that it does not."""

from __future__ import annotations

import json
from typing import Any

from . import azure, invocations
from .faults import Fault
from .signature import Signature

MOST = 2000
_VALUES: dict[str, Any] = {
    "double": 1.5,
    "float": 1.5,
    "long": 1,
    "integer": 1,
    "boolean": True,
    "string": "text",
    "binary": "AAEC",
    "datetime": "2026-01-31T12:00:00",
}


def of(signature: Signature, sample: bytes | None) -> dict[str, Any]:
    """By path: the first row of the example that the model was saved with, else one made of the signature; none where it
    would be long, or would not be read."""
    found = {}
    for data in (_of_sample(sample), _of_signature(signature)):
        if data is None:
            continue
        for path, body in (("/score", {"input_data": data}), ("/invocations", {_form(data): data})):
            if path not in found and _is_good(path, body, signature):
                found[path] = body
    return found


def _form(data: Any) -> str:
    return "dataframe_split" if isinstance(data, dict) and set(data) == {"columns", "data"} else "inputs"


def _of_sample(sample: bytes | None) -> Any:
    """What stands in a body for ``/invocations``, cut to one row."""
    try:
        said = json.loads(sample or b"null")
        form = next(one for one in invocations.FORMS if one in said)
        data = said[form]
        if form == "dataframe_split":
            return {"columns": data["columns"], "data": data["data"][:1]}
        return data[:1] if isinstance(data, list) else data
    except (ValueError, TypeError, KeyError, StopIteration):
        return None


def _of_signature(signature: Signature) -> Any:
    if not signature.inputs or signature.tensors or any(one.type not in _VALUES for one in signature.inputs):
        return None
    row = [_VALUES[one.type] for one in signature.inputs]
    return [row] if signature.names is None else {"columns": list(signature.names), "data": [row]}


def _is_good(path: str, body: dict[str, Any], signature: Signature) -> bool:
    encoded = json.dumps(body).encode()
    try:
        if path == "/score":
            azure.read(encoded, signature)
        else:
            invocations.read(encoded, "application/json", signature)
    except (Fault, RecursionError):
        return False
    return len(encoded) <= MOST
