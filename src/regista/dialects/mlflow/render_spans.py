"""Spans as OpenTelemetry's protobuf says them in JSON, which is how ``traces/get`` and ``traces/batchGet`` tell them."""

import base64
import binascii
from typing import Any

from regista.dialects.mlflow.render import Json, number
from regista.dialects.mlflow.spans import status_of, value_of
from regista.errors import InvalidError

_TRACE_ID, _SPAN_ID = 16, 8
_WHOLE = range(-(2**63), 2**63)


def span(given: Json) -> Json:
    """One, from how a client wrote it; raise ``InvalidError`` when that is no span."""
    try:
        return _span(given, given.get("context") or given)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as wrong:
        raise InvalidError(f"the trace has a span that cannot be read: {str(wrong)[:200]}") from wrong


def _span(given: Json, context: Json) -> Json:
    old = "start_time" in given
    status = {"code": f"STATUS_CODE_{status_of(given)}", "message": _message(given)}
    found: Json = {
        "trace_id": _id(context["trace_id"], _TRACE_ID),
        "span_id": _id(context["span_id"], _SPAN_ID),
        "parent_span_id": _id(given.get("parent_id" if old else "parent_span_id"), _SPAN_ID),
        "name": str(given["name"]),
        "start_time_unix_nano": int(given["start_time" if old else "start_time_unix_nano"]),
        "end_time_unix_nano": int(given.get("end_time" if old else "end_time_unix_nano") or 0),
        "attributes": [_pair(key, value_of(value)) for key, value in (given.get("attributes") or {}).items()],
        "events": [_event(one) for one in given.get("events") or ()],
        "status": {name: text for name, text in status.items() if text},
    }
    return {name: value for name, value in found.items() if value not in ("", 0, [])}


def _message(given: Json) -> str:
    status = given.get("status")
    return str((status.get("message") if isinstance(status, dict) else given.get("status_message")) or "")


def _event(given: Json) -> Json:
    return {
        "time_unix_nano": int(given["time_unix_nano"] if "time_unix_nano" in given else given["timestamp"]),
        "name": str(given["name"]),
        "attributes": [_pair(key, value) for key, value in (given.get("attributes") or {}).items()],
    }


def _pair(key: str, value: Any) -> Json:
    """What is nothing has no value."""
    return {"key": key} if value is None else {"key": key, "value": _any(value)}


def _any(value: Any) -> Json:
    match value:
        case None:
            return {}
        case bool():
            return {"bool_value": value}
        case int() if value in _WHOLE:
            return {"int_value": value}
        case float():
            return {"double_value": number(value)}
        case list():
            return {"array_value": {"values": [_any(one) for one in value]}}
        case dict():
            return {"kvlist_value": {"values": [_pair(key, one) for key, one in value.items()]}}
        case _:
            return {"string_value": str(value)}


def _id(text: Any, size: int) -> str:
    """An id in base64, from that or from hexadecimal digits behind ``0x`` or ``tr-``."""
    if not text:
        return ""
    try:
        if len(base64.b64decode(text, validate=True)) == size:
            return str(text)
    except binascii.Error:
        pass
    return base64.b64encode(int(text.removeprefix("tr-"), 16).to_bytes(size, "big")).decode()
