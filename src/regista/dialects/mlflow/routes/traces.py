"""Traces.

Spans travel as the file ``traces.json`` of their trace, at the place that the tag ``mlflow.artifactLocation`` names, and not
by OTLP (``/v1/traces``): one upload for each trace instead of a request for each span, on the way that clients of MLflow 2 and
3 have in common, and with the checksums and rights of every artifact. A client that tries OTLP is told 501 in the words on
which it stops trying, without a warning.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from regista.dialects.desk import Pace
from regista.dialects.mlflow import limits, render, wire_traces as wire
from regista.dialects.mlflow.call import Call, Route
from regista.dialects.mlflow.errors import missing, wrong_value
from regista.dialects.mlflow.offsets import page_by_offset
from regista.dialects.mlflow.render import Json
from regista.dialects.mlflow.render_traces import ARTIFACT_LOCATION, STATES, old_trace_info, trace_info, whole
from regista.dialects.mlflow.routes.assessments import assessment_of
from regista.dialects.mlflow.spans import having
from regista.dialects.mlflow.trace_searches import PROMPTS, sort_traces, trace_clauses, trace_orders
from regista.dialects.mlflow.wire import Nothing, Tag
from regista.entities.llm_trace import LlmTrace, LlmTraceStatus
from regista.entities.names import now
from regista.entities.page import MAX_PAGE, PageRequest
from regista.errors import InvalidError

_MOST, _MOST_IDS = 500, 100
_MOST_LOOKED_INTO = 1000
_SOURCE_RUN = "mlflow.sourceRun"
_LOCATIONS = frozenset({ARTIFACT_LOCATION, "mlflow.trace.spansLocation", "mlflow.trace.archiveLocation"})
"""Where the spans are is ours to tell."""
_LATEST = 253_402_300_799_999
_LONGEST = 315_576_000_000_000
_DURATION = re.compile(r"(\d{1,12})(?:\.(\d{1,9}))?s")
_STATES = {name: status for status, name in STATES.items()} | {
    "": LlmTraceStatus.UNSPECIFIED,
    "TRACE_STATUS_UNSPECIFIED": LlmTraceStatus.UNSPECIFIED,
    "0": LlmTraceStatus.UNSPECIFIED,
    "1": LlmTraceStatus.OK,
    "2": LlmTraceStatus.ERROR,
    "3": LlmTraceStatus.RUNNING,
}


def start(call: Call, asked: wire.StartTrace) -> Json:
    """Record one: whole, or (of MLflow 2) as begun."""
    if asked.trace is None:
        return {"trace_info": old_trace_info(call, _begin(call, asked))}
    info = asked.trace.trace_info
    if info.trace_location.mlflow_experiment is None:
        raise InvalidError("a trace belongs to an experiment", hint="Give trace_location.mlflow_experiment.")
    if not info.trace_id:
        raise missing("trace_id")
    new = LlmTrace(
        id=info.trace_id,
        scope_id="",
        experiment=limits.experiment_number(info.trace_location.mlflow_experiment.experiment_id),
        run=info.trace_metadata.get(_SOURCE_RUN, ""),
        status=_status(info.state),
        request_id=info.client_request_id,
        request_preview=info.request_preview,
        response_preview=info.response_preview,
        started_at=_moment(info.request_time),
        duration=_duration(info.execution_duration),
        metadata=_pairs(info.trace_metadata, "trace_metadata"),
        tags=_tags(info.tags),
        assessments=tuple(assessment_of(one) for one in info.assessments),
    )
    return whole(trace_info(call, call.house.llm_traces.put(call.caller, call.address, new)))


def _begin(call: Call, asked: wire.StartTrace) -> LlmTrace:
    metadata = _mapping(asked.request_metadata)
    new = LlmTrace(
        id="",
        scope_id="",
        experiment=limits.experiment_number(asked.experiment_id or "0"),
        run=metadata.get(_SOURCE_RUN, ""),
        status=LlmTraceStatus.RUNNING,
        started_at=_time(asked.timestamp_ms or now(), "timestamp_ms"),
        metadata=_pairs(metadata, "request_metadata"),
        tags=_tags(_mapping(asked.tags)),
    )
    return call.house.llm_traces.put(call.caller, call.address, new)


def end(call: Call, asked: wire.EndTrace) -> Json:
    """It is over, of MLflow 2."""
    at, status = _time(asked.timestamp_ms, "timestamp_ms"), _status(asked.status)
    metadata, tags = _pairs(_mapping(asked.request_metadata), "request_metadata"), _tags(_mapping(asked.tags))

    def ended(trace: LlmTrace) -> LlmTrace:
        return msgspec.structs.replace(
            trace,
            status=status,
            duration=max(0, at - trace.started_at),
            metadata=trace.metadata | metadata,
            tags=trace.tags | tags,
        )

    return {
        "trace_info": old_trace_info(call, call.house.llm_traces.change(call.caller, call.address, call.rest[0], ended))
    }


def get(call: Call, _: Nothing) -> Json:
    """By id, without its spans."""
    return whole(trace_info(call, call.house.llm_traces.get(call.caller, call.address, call.rest[0])))


def get_old(call: Call, _: Nothing) -> Json:
    """The same for MLflow 2."""
    return {"trace_info": old_trace_info(call, call.house.llm_traces.get(call.caller, call.address, call.rest[0]))}


def get_many(call: Call, asked: wire.TraceIds) -> Json:
    """Those of the ids that there are."""
    check_count(asked.trace_ids)
    found = call.house.llm_traces.get_all(call.caller, call.address, asked.trace_ids)
    return {"trace_infos": [trace_info(call, one) for one in found]}


def search(call: Call, asked: wire.SearchTraces) -> Json:
    """Those of experiments, by attributes, tags, metadata and assessments."""
    places = [one.mlflow_experiment.experiment_id for one in asked.locations if one.mlflow_experiment]
    found, token = _found(call, asked, places)
    return render.paged("traces", (trace_info(call, one) for one in found), token)


def search_old(call: Call, asked: wire.SearchTraces) -> Json:
    """The same for MLflow 2."""
    found, token = _found(call, asked, asked.experiment_ids)
    return render.paged("traces", (old_trace_info(call, one) for one in found), token)


def _found(call: Call, asked: wire.SearchTraces, places: Sequence[str]) -> tuple[Sequence[LlmTrace], str | None]:
    """A page: by key where the order is that of the list, by offset where all have to be sorted. One by key ends early, and
    says that there is more, when it has looked into the spans of many traces."""
    limit = limits.check_results(asked.max_results, _MOST)
    (clauses, of_spans), orders = trace_clauses(asked.filter), trace_orders(asked.order_by)
    experiments = [limits.experiment_number(text) for text in places]
    traces = call.house.llm_traces
    found: list[LlmTrace] = []
    cursor = None if orders else asked.page_token or None
    seen = 0
    while True:
        request = PageRequest(MAX_PAGE if orders else limit - len(found), cursor)
        page = traces.search(call.caller, call.address, experiments, clauses, request)
        found += having(call, page.items, of_spans)
        cursor = page.next
        seen += len(page.items)
        if orders and cursor is None:
            return page_by_offset(sort_traces(found, orders), limit, asked.page_token)
        if not orders and (cursor is None or len(found) >= limit or seen >= _MOST_LOOKED_INTO):
            return found, cursor


def set_tag(call: Call, asked: wire.TraceTag) -> None:
    """Set or replace a tag."""
    limits.tag_value(asked.value, limits.MAX_TAG)
    tags = {limits.check_key(_changeable(asked.key), "key"): asked.value}
    call.house.llm_traces.set_tags(call.caller, call.address, call.rest[0], tags)


def delete_tag(call: Call, asked: wire.TraceTag) -> None:
    """Remove a tag."""
    call.house.llm_traces.delete_tag(call.caller, call.address, call.rest[0], _changeable(asked.key))


def delete(call: Call, asked: wire.DeleteTraces) -> Json:
    """Delete some for good."""
    experiment = limits.experiment_number(asked.experiment_id)
    ids, until, most = asked.request_ids or asked.trace_ids, asked.max_timestamp_millis, asked.max_traces
    if bool(ids) is (until is not None):
        raise InvalidError("Either `max_timestamp_millis` or `trace_ids` must be specified, but not both")
    traces = call.house.llm_traces
    if until is None:
        if most is not None:
            raise InvalidError("`max_traces` can't be specified if `trace_ids` is specified")
        check_count(ids)
        return {"traces_deleted": traces.delete(call.caller, call.address, experiment, ids)}
    if most is not None and most <= 0:
        raise InvalidError(f"`max_traces` must be a positive integer, received {most}")
    return {"traces_deleted": traces.delete_oldest(call.caller, call.address, experiment, until, most)}


def link_to_run(call: Call, asked: wire.LinkTraces) -> None:
    """Link some to a run."""
    check_count(asked.trace_ids)
    call.house.llm_traces.link(call.caller, call.address, asked.run_id, asked.trace_ids)


def link_prompts(call: Call, asked: wire.LinkPrompts) -> None:
    """Note the versions of prompts that a trace used: a tag that holds them as JSON."""
    new = [{"name": one.name, "version": one.version} for one in asked.prompt_versions]

    def linked(trace: LlmTrace) -> LlmTrace:
        try:
            known = msgspec.json.decode(trace.tags.get(PROMPTS, "[]"), type=list[dict[str, str]])
        except msgspec.MsgspecError:
            known = []
        text = msgspec.json.encode([*known, *(one for one in new if one not in known)]).decode()
        limits.tag_value(text, limits.MAX_TAG)
        return msgspec.structs.replace(trace, tags=trace.tags | {PROMPTS: text})

    call.house.llm_traces.change(call.caller, call.address, asked.trace_id, linked)


def check_count(ids: Sequence[str]) -> None:
    """Raise ``InvalidError`` for more ids than a request can name."""
    if len(ids) > _MOST_IDS:
        raise InvalidError(f"A request can name at most {_MOST_IDS} traces. Got {len(ids)}.")


def _changeable(key: str) -> str:
    if key in _LOCATIONS:
        raise InvalidError(f"The tag '{key}' is immutable: the server says where the spans of a trace are.")
    return key


def _mapping(given: Sequence[Tag]) -> dict[str, str]:
    return {one.key: one.value for one in given}


def _pairs(given: dict[str, str], what: str) -> dict[str, str]:
    return {limits.check_key(key, f"{what}.key"): value[: limits.MAX_TAG] for key, value in given.items()}


def _tags(given: dict[str, str]) -> dict[str, str]:
    return _pairs({key: value for key, value in given.items() if key not in _LOCATIONS}, "tags")


def _status(text: str) -> LlmTraceStatus:
    if text not in _STATES:
        raise wrong_value("state", text)
    return _STATES[text]


def _moment(at: datetime) -> int:
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return _time(int(aware.timestamp() * 1000 + 0.5), "request_time")


def _time(at: int, name: str) -> int:
    if not 0 <= at <= _LATEST:
        raise wrong_value(name, at)
    return at


def _duration(text: str | None) -> int | None:
    if text is None:
        return None
    match = _DURATION.fullmatch(text)
    millis = int(match[1]) * 1000 + int((match[2] or "0").ljust(9, "0")[:3]) if match else -1
    if not 0 <= millis <= _LONGEST:
        raise wrong_value("execution_duration", text)
    return millis


ROUTES = {
    ("POST", "traces"): Route(start, wire.StartTrace),
    ("GET", "traces"): Route(search_old, wire.SearchTraces),
    ("POST", "traces/search"): Route(search, wire.SearchTraces, pace=Pace.SEARCH),
    ("POST", "traces/batchGetInfos"): Route(get_many, wire.TraceIds),
    ("POST", "traces/delete-traces"): Route(delete, wire.DeleteTraces),
    ("POST", "traces/link-to-run"): Route(link_to_run, wire.LinkTraces),
    ("POST", "traces/link-prompts"): Route(link_prompts, wire.LinkPrompts),
}
TEMPLATES = {
    ("GET", "traces/*"): Route(get, Nothing, pace=Pace.GLANCE),
    ("PATCH", "traces/*"): Route(end, wire.EndTrace),
    ("GET", "traces/*/info"): Route(get_old, Nothing, pace=Pace.GLANCE),
    ("PATCH", "traces/*/tags"): Route(set_tag, wire.TraceTag),
    ("DELETE", "traces/*/tags"): Route(delete_tag, wire.TraceTag),
}
