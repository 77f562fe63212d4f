"""The spans of a trace, from the file ``traces.json`` that its client wrote, and what they are searched by.

A client of MLflow 3 writes ids in base64, names the unit of its times and the code of a status as OpenTelemetry does; one of
MLflow 2, and 3.5, writes ids in hexadecimal digits. The value of an attribute is JSON, as text.
"""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from regista.dialects.mlflow.call import Call
from regista.dialects.mlflow.render import Json
from regista.entities.llm_trace import LlmTrace
from regista.entities.search import Clause
from regista.errors import InvalidError, NotFoundError
from regista.services.tracking.matching import holds

FILE = "traces.json"
MOST_BYTES = 16 << 20
"""The largest file that is looked into."""
ATTRIBUTE, CONTENT = "attributes.", "content"
_TYPE = "mlflow.spanType"


class _File(msgspec.Struct):
    spans: list[dict[str, Any]] = []


_decode = msgspec.json.Decoder(_File).decode


def read_spans(call: Call, trace: LlmTrace) -> list[Json]:
    """As they were written; none when there is no file yet. Raise ``InvalidError`` for a file that is none of spans, or too
    long to be looked into."""
    try:
        opened = call.house.artifacts.open(call.caller, call.address, f"traces/{trace.id}", FILE)
    except NotFoundError:
        return []
    if opened.size > MOST_BYTES:
        raise InvalidError(
            f"the spans of trace {trace.id!r} are {opened.size:,} bytes", hint=f"Fetch its file {FILE} as an artifact."
        )
    try:
        return _decode(b"".join(opened.read())).spans
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as wrong:
        raise InvalidError(f"the file {FILE} of trace {trace.id!r} holds no spans: {str(wrong)[:200]}") from wrong


def having(call: Call, traces: Sequence[LlmTrace], clauses: Sequence[Clause]) -> list[LlmTrace]:
    """Those of *traces* that have a span for which all of *clauses* hold. A file that cannot be looked into holds none."""
    if not clauses:
        return list(traces)
    return [trace for trace in traces if any(_fulfils(span, clauses) for span in _readable_spans(call, trace))]


def value_of(text: Any) -> Any:
    """The value of an attribute: what its JSON says, or what stands there if that is none."""
    try:
        return json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        return text


def status_of(span: Json) -> str:
    """``OK``, ``ERROR`` or ``UNSET``."""
    status = span.get("status")
    code = status.get("code") if isinstance(status, dict) else span.get("status_code")
    return str(code or "UNSET").removeprefix("STATUS_CODE_")


def _readable_spans(call: Call, trace: LlmTrace) -> list[Json]:
    try:
        return read_spans(call, trace)
    except InvalidError:
        return []


def _fulfils(span: Json, clauses: Sequence[Clause]) -> bool:
    return all(holds(clause, _searched(span, clause.key)) for clause in clauses)


def _searched(span: Json, key: str) -> str | None:
    if key == CONTENT:
        return json.dumps(span, ensure_ascii=False)
    if key == "status":
        return status_of(span)
    attributes = span.get("attributes")
    if key == "name" or not isinstance(attributes, dict):
        return str(span["name"]) if key == "name" and "name" in span else None
    found = attributes.get(_TYPE if key == "type" else key.removeprefix(ATTRIBUTE))
    if found is None:
        return None
    value = value_of(found)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
