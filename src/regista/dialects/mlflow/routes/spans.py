"""Traces with their spans, for clients that ask for both at once. To read spans takes the right to download."""

from regista.dialects.mlflow import wire_traces as wire
from regista.dialects.mlflow.call import Call, Route
from regista.dialects.mlflow.render import Json
from regista.dialects.mlflow.render_spans import span
from regista.dialects.mlflow.render_traces import trace_info
from regista.dialects.mlflow.routes.traces import check_count
from regista.dialects.mlflow.spans import read_spans
from regista.entities.llm_trace import LlmTrace
from regista.errors import InvalidError, NotFoundError

_MOST_SPANS = 100_000


def get(call: Call, asked: wire.GetTrace) -> Json:
    """By id. One without spans is told only where that will do (``allow_partial``)."""
    trace = call.house.llm_traces.get(call.caller, call.address, asked.trace_id)
    found = _whole(call, trace)
    if not found["spans"] and not asked.allow_partial:
        raise NotFoundError(f"Trace with ID {trace.id} is not fully exported yet, please try again later.")
    return {"trace": found}


def get_many(call: Call, asked: wire.TraceIds) -> Json:
    """Those of the ids that there are and that have spans."""
    check_count(asked.trace_ids)
    found: list[Json] = []
    count = 0
    for trace in call.house.llm_traces.get_all(call.caller, call.address, asked.trace_ids):
        whole = _whole(call, trace)
        count += len(whole["spans"])
        if count > _MOST_SPANS:
            raise InvalidError(f"these traces have more than {_MOST_SPANS:,} spans", hint="Ask for fewer at once.")
        found += [whole] if whole["spans"] else []
    return {"traces": found}


def _whole(call: Call, trace: LlmTrace) -> Json:
    return {"trace_info": trace_info(call, trace), "spans": [span(one) for one in read_spans(call, trace)]}


ROUTES = {
    ("GET", "traces/get"): Route(get, wire.GetTrace),
    ("GET", "traces/batchGet"): Route(get_many, wire.TraceIds),
}
