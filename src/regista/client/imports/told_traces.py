"""Traces as MLflow writes them down in JSON and YAML: version 3 with times as text, version 2 with numbers.

Who is asked for the spans is another matter: they are a file of the trace.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from regista.client.imports.records import SourceFile, SourceTrace, Told
from regista.entities.llm_trace import Assessment, AssessmentKind

Json = Mapping[str, Any]

SPANS, PLACE, WHERE = "traces.json", "mlflow.artifactLocation", "mlflow.trace.spansLocation"
IN_DATABASE, IN_ARCHIVE = "TRACKING_STORE", "ARCHIVE_REPO"
"""What the tag ``mlflow.trace.spansLocation`` says where the spans are no file."""
_DURATIONS = ("execution_duration", "execution_duration_ms", "execution_time_ms")
"""What the duration is called by servers, in files, and by MLflow 2."""
_ISSUE, _JSON = "issue", "JSON_FORMAT"


def told_trace(
    info: Json, experiment: str, tell: Told, files: Callable[[], Iterator[SourceFile]], linked: Iterable[str] = ()
) -> SourceTrace:
    """A trace by its info; what was thought of it and cannot be read is told."""
    trace = str(info.get("trace_id") or info["request_id"])
    began = info.get("request_time", info.get("timestamp_ms"))
    took = next((info[name] for name in _DURATIONS if info.get(name) is not None), None)
    return SourceTrace(
        id=trace,
        experiment=experiment,
        linked=tuple(linked),
        status=str(info.get("state") or info.get("status") or ""),
        request_id=str(info.get("client_request_id") or ""),
        request_preview=info.get("request_preview"),
        response_preview=info.get("response_preview"),
        started_at=_moment(began),
        duration=None if took is None else _duration(took),
        metadata=_texts(info.get("trace_metadata", info.get("request_metadata"))),
        tags=_texts(info.get("tags")),
        assessments=assessments(trace, info.get("assessments") or (), told_assessment, tell),
        files=files,
    )


def assessments(trace: str, given: Any, read: Callable[[Any], Assessment], tell: Told) -> tuple[Assessment, ...]:
    """Those that can be read; the others are told."""
    found = []
    for one in given:
        try:
            found.append(read(one))
        except (KeyError, ValueError, TypeError, AttributeError, msgspec.MsgspecError) as wrong:
            tell(f"trace {trace}", f"an assessment of it cannot be imported: {str(wrong)[:200]}")
    return tuple(found)


def told_assessment(one: Json) -> Assessment:
    """Feedback or an expectation; raise ``ValueError`` for anything else."""
    kind, source = kind_of(one), one.get("source") or {}
    said = one[str(kind)]
    text = said.get("serialized_value")
    value, form = (text["value"], text.get("serialization_format") or "") if text else (said.get("value"), "")
    return Assessment(
        id=str(one.get("assessment_id") or ""),
        name=str(one["assessment_name"]),
        kind=kind,
        value=value,
        format=form,
        error=_texts(said.get("error")),
        source_type=str(source.get("source_type") or ""),
        source_id=str(source.get("source_id") or ""),
        rationale=str(one.get("rationale") or ""),
        span_id=str(one.get("span_id") or ""),
        metadata=_texts(one.get("metadata")),
        overrides=str(one.get("overrides") or ""),
        valid=bool(one.get("valid", True)),
        created_at=_moment(one.get("create_time")),
        updated_at=_moment(one.get("last_update_time")),
    )


def kind_of(one: Json) -> AssessmentKind:
    """What sort of assessment it is."""
    for kind in AssessmentKind:
        if one.get(str(kind)) is not None:
            return kind
    raise ValueError(
        "it refers to an issue" if one.get(_ISSUE) is not None else "it is neither feedback nor expectation"
    )


def written_value(kind: AssessmentKind, value: Any) -> tuple[Any, str]:
    """A value and how it is written: what an expectation expects is text where it has parts."""
    if kind is AssessmentKind.EXPECTATION and isinstance(value, dict | list):
        return msgspec.json.encode(value).decode(), _JSON
    return value, ""


def _texts(given: Any) -> dict[str, str]:
    """A mapping, or pairs of key and value, as MLflow 2 has them."""
    rows = given.items() if isinstance(given, Mapping) else ((one["key"], one.get("value")) for one in given or ())
    return {str(key): "" if value is None else str(value) for key, value in rows}


def _moment(at: Any) -> int:
    if isinstance(at, datetime):  # as YAML reads it
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000 + 0.5)
    if isinstance(at, str) and not at.isdigit():
        return _moment(msgspec.convert(at, datetime))
    return int(at or 0)


def _duration(took: Any) -> int:
    if isinstance(took, str) and took.endswith("s"):
        return int(float(took[:-1]) * 1000 + 0.5)
    return int(took)
