"""The requests about traces. Clients of MLflow 3 tell a trace when it ended; those of MLflow 2 when it begins and ends."""

from datetime import datetime
from typing import Any

import msgspec

from regista.dialects.mlflow.wire import Int64, Tag, Text


class ExperimentLocation(msgspec.Struct):
    """An experiment as the place of a trace."""

    experiment_id: Text


class TraceLocation(msgspec.Struct):
    """Where a trace is; there are no other places here than experiments."""

    mlflow_experiment: ExperimentLocation | None = None


class AssessmentSource(msgspec.Struct):
    """Who thinks so."""

    source_type: str = ""
    source_id: str = ""


class AssessmentError(msgspec.Struct):
    """Why there is no value."""

    error_code: str = ""
    error_message: str = ""
    stack_trace: str = ""


class SerializedValue(msgspec.Struct):
    """A value that JSON has no form for, as text."""

    serialization_format: str = ""
    value: str = ""


class AssessedValue(msgspec.Struct):
    """What ``feedback`` and ``expectation`` hold."""

    value: Any = None
    serialized_value: SerializedValue | None = None
    error: AssessmentError | None = None


class AssessmentWire(msgspec.Struct):
    """One assessment."""

    assessment_id: str = ""
    assessment_name: str = ""
    span_id: str = ""
    source: AssessmentSource | None = None
    create_time: datetime | None = None
    last_update_time: datetime | None = None
    feedback: AssessedValue | None = None
    expectation: AssessedValue | None = None
    rationale: str | None = None
    metadata: dict[str, str] | None = None
    overrides: str = ""
    valid: bool = True


class TraceInfo(msgspec.Struct):
    """A trace without its spans."""

    trace_location: TraceLocation
    request_time: datetime
    trace_id: str = ""
    client_request_id: str = ""
    request_preview: str | None = None
    response_preview: str | None = None
    execution_duration: str | None = None
    state: str = ""
    trace_metadata: dict[str, str] = {}
    tags: dict[str, str] = {}
    assessments: list[AssessmentWire] = []


class WholeTrace(msgspec.Struct):
    """A trace; clients leave the spans out."""

    trace_info: TraceInfo


class StartTrace(msgspec.Struct):
    """``POST traces``: of MLflow 3 with ``trace``, of MLflow 2 with the others."""

    trace: WholeTrace | None = None
    experiment_id: str = ""
    timestamp_ms: Int64 = 0
    request_metadata: list[Tag] = []
    tags: list[Tag] = []


class EndTrace(msgspec.Struct):
    """``PATCH traces/ID``, of MLflow 2."""

    timestamp_ms: Int64
    status: str = ""
    request_metadata: list[Tag] = []
    tags: list[Tag] = []


class SearchTraces(msgspec.Struct):
    """``POST traces/search`` of MLflow 3 with ``locations``, ``GET traces`` of MLflow 2 with ``experiment_ids``."""

    locations: list[TraceLocation] = []
    experiment_ids: list[str] = []
    filter: str = ""
    max_results: Int64 = 100
    order_by: list[str] = []
    page_token: str = ""


class GetTrace(msgspec.Struct):
    """``GET traces/get``."""

    trace_id: Text
    allow_partial: bool = False


class TraceIds(msgspec.Struct):
    """``POST traces/batchGetInfos`` and ``GET traces/batchGet``."""

    trace_ids: list[str] = []


class TraceTag(msgspec.Struct):
    """``PATCH`` and ``DELETE traces/ID/tags``."""

    key: Text
    value: str = ""


class DeleteTraces(msgspec.Struct):
    """``POST traces/delete-traces``: those of the ids, or those up to a time."""

    experiment_id: Text
    max_timestamp_millis: Int64 | None = None
    max_traces: Int64 | None = None
    request_ids: list[str] = []
    trace_ids: list[str] = []


class LinkTraces(msgspec.Struct):
    """``POST traces/link-to-run``."""

    run_id: Text
    trace_ids: list[str] = []


class PromptVersion(msgspec.Struct):
    """A version of a prompt."""

    name: Text
    version: str = ""


class LinkPrompts(msgspec.Struct):
    """``POST traces/link-prompts``."""

    trace_id: Text
    prompt_versions: list[PromptVersion] = []


class AssessTrace(msgspec.Struct):
    """``POST traces/ID/assessments`` and ``PATCH traces/ID/assessments/A``: what is there is to be changed."""

    assessment: AssessmentWire
