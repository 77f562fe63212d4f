"""Traces as MLflow's clients read them: of MLflow 3 (times as text), and of MLflow 2 (times as numbers)."""

from datetime import UTC, datetime
from typing import Any

from regista.dialects.mlflow import render
from regista.dialects.mlflow.call import Call
from regista.dialects.mlflow.render import Json
from regista.entities.llm_trace import Assessment, AssessmentKind, LlmTrace, LlmTraceStatus

ARTIFACT_LOCATION = "mlflow.artifactLocation"
"""The tag that tells a client where the spans of a trace are."""
SCHEMA = "mlflow.trace_schema.version"
STATES = {
    LlmTraceStatus.UNSPECIFIED: "STATE_UNSPECIFIED",
    LlmTraceStatus.RUNNING: "IN_PROGRESS",
    LlmTraceStatus.OK: "OK",
    LlmTraceStatus.ERROR: "ERROR",
}


def trace_info(call: Call, trace: LlmTrace) -> Json:
    """As MLflow 3 reads it."""
    found: Json = {
        "trace_id": trace.id,
        "trace_location": {
            "type": "MLFLOW_EXPERIMENT",
            "mlflow_experiment": {"experiment_id": str(trace.experiment)},
        },
        "request_time": _time(trace.started_at),
        "state": STATES[trace.status],
        "trace_metadata": trace.metadata,
        "tags": _tags(call, trace),
        "assessments": [assessment(trace, one) for one in trace.assessments],
    }
    said = {
        "client_request_id": trace.request_id or None,
        "request_preview": trace.request_preview,
        "response_preview": trace.response_preview,
        "execution_duration": None if trace.duration is None else _duration(trace.duration),
    }
    return found | {name: value for name, value in said.items() if value is not None}


def old_trace_info(call: Call, trace: LlmTrace) -> Json:
    """As MLflow 2 reads it."""
    state = STATES[trace.status]
    found: Json = {
        "request_id": trace.id,
        "experiment_id": str(trace.experiment),
        "timestamp_ms": trace.started_at,
        "status": "TRACE_STATUS_UNSPECIFIED" if trace.status is LlmTraceStatus.UNSPECIFIED else state,
        "request_metadata": render.tags(trace.metadata),
        "tags": render.tags(_tags(call, trace)),
    }
    return found if trace.duration is None else found | {"execution_time_ms": trace.duration}


def assessment(trace: LlmTrace, one: Assessment) -> Json:
    """What was thought of a trace."""
    value: Json = {"value": one.value} if one.value is not None else {}
    if one.format:
        value = {"serialized_value": {"serialization_format": one.format, "value": one.value}}
    if one.error and one.kind is AssessmentKind.FEEDBACK:
        value["error"] = one.error
    found: Json = {
        "assessment_id": one.id,
        "assessment_name": one.name,
        "trace_id": trace.id,
        "source": {"source_type": one.source_type or "SOURCE_TYPE_UNSPECIFIED", "source_id": one.source_id},
        "create_time": _time(one.created_at),
        "last_update_time": _time(one.updated_at),
        str(one.kind): value,
        "metadata": one.metadata,
        "valid": one.valid,
    }
    rest = {"rationale": one.rationale, "span_id": one.span_id, "overrides": one.overrides}
    return found | {name: text for name, text in rest.items() if text}


def _tags(call: Call, trace: LlmTrace) -> dict[str, str]:
    return trace.tags | {ARTIFACT_LOCATION: call.uri(f"traces/{trace.id}")}


def _time(at: int) -> str:
    seconds, millis = divmod(at, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{millis:03d}Z"


def _duration(millis: int) -> str:
    return f"{millis // 1000}.{millis % 1000:03d}s"


def whole(info: Json) -> dict[str, Any]:
    """A trace without spans around its info."""
    return {"trace": {"trace_info": info}}
