"""What was thought of traces: feedback and expectations."""

from datetime import UTC, datetime

import msgspec

from regista.dialects.desk import Pace
from regista.dialects.mlflow import limits, wire_traces as wire
from regista.dialects.mlflow.call import Call, Route
from regista.dialects.mlflow.errors import missing
from regista.dialects.mlflow.render import Json
from regista.dialects.mlflow.render_traces import assessment
from regista.dialects.mlflow.wire import Nothing
from regista.entities.llm_trace import Assessment, AssessmentKind
from regista.errors import InvalidError
from regista.services.tracking import llm_traces


def create(call: Call, asked: wire.AssessTrace) -> Json:
    """Add one."""
    made = call.house.llm_traces.assess(call.caller, call.address, call.rest[0], assessment_of(asked.assessment))
    return _said(call, made)


def get(call: Call, _: Nothing) -> Json:
    """By id."""
    trace = call.house.llm_traces.get(call.caller, call.address, call.rest[0])
    return {"assessment": assessment(trace, llm_traces.assessment_of(trace, call.rest[1]))}


def update(call: Call, asked: wire.AssessTrace) -> Json:
    """Change what is given."""
    given = asked.assessment

    def changed(known: Assessment) -> Assessment:
        fields: Json = {
            "name": given.assessment_name or known.name,
            "rationale": known.rationale if given.rationale is None else given.rationale,
            "metadata": known.metadata | _metadata(given),
        }
        if given.feedback is not None or given.expectation is not None:
            fields |= _value(given)
        if fields.get("kind", known.kind) is not known.kind:
            raise InvalidError(f"assessment {known.id!r} is {known.kind}, and stays so")
        return msgspec.structs.replace(known, **fields)

    made = call.house.llm_traces.reassess(call.caller, call.address, call.rest[0], call.rest[1], changed)
    return _said(call, made)


def delete(call: Call, _: Nothing) -> None:
    """Remove one."""
    call.house.llm_traces.delete_assessment(call.caller, call.address, call.rest[0], call.rest[1])


def assessment_of(given: wire.AssessmentWire) -> Assessment:
    """What a client says; raise ``InvalidError`` when it is neither feedback nor an expectation."""
    if not given.assessment_name:
        raise missing("assessment_name")
    source = given.source or wire.AssessmentSource()
    return Assessment(
        id=given.assessment_id,
        name=given.assessment_name[: limits.MAX_KEY],
        source_type=source.source_type[: limits.MAX_KEY],
        source_id=source.source_id[: limits.MAX_KEY],
        rationale=given.rationale or "",
        span_id=given.span_id,
        metadata=_metadata(given),
        overrides=given.overrides,
        valid=given.valid,
        created_at=_millis(given.create_time),
        updated_at=_millis(given.last_update_time),
        **_value(given),
    )


def _value(given: wire.AssessmentWire) -> Json:
    said = given.feedback or given.expectation
    if said is None or (given.feedback is not None and given.expectation is not None):
        raise InvalidError("Exactly one of `expectation` or `feedback` should be specified.")
    kind = AssessmentKind.FEEDBACK if given.feedback is not None else AssessmentKind.EXPECTATION
    if said.serialized_value is not None:
        text = said.serialized_value
        return {"kind": kind, "value": text.value, "format": text.serialization_format, "error": {}}
    if given.expectation is not None and isinstance(said.value, dict | list):
        written = msgspec.json.encode(said.value).decode()
        return {"kind": kind, "value": written, "format": "JSON_FORMAT", "error": {}}
    error = msgspec.structs.asdict(said.error) if said.error else {}
    return {"kind": kind, "value": said.value, "format": "", "error": {k: v for k, v in error.items() if v}}


def _metadata(given: wire.AssessmentWire) -> dict[str, str]:
    return {key: value[: limits.MAX_TAG] for key, value in (given.metadata or {}).items()}


def _millis(at: datetime | None) -> int:
    if at is None:
        return 0
    return max(0, int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000))


def _said(call: Call, made: Assessment) -> Json:
    trace = call.house.llm_traces.get(call.caller, call.address, call.rest[0])
    return {"assessment": assessment(trace, made)}


TEMPLATES = {
    ("POST", "traces/*/assessments"): Route(create, wire.AssessTrace),
    ("GET", "traces/*/assessments/*"): Route(get, Nothing, pace=Pace.GLANCE),
    ("PATCH", "traces/*/assessments/*"): Route(update, wire.AssessTrace),
    ("DELETE", "traces/*/assessments/*"): Route(delete, Nothing),
}
