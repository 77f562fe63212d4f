"""Traces: made by a decorator and by hand, found, tagged, linked to runs, judged and deleted. No warning may be said."""

import logging
import os
import sys
import warnings

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

MAJOR = int(mlflow.__version__.partition(".")[0])
NAME = os.environ["NAME"]
said = []


class Heard(logging.Handler):
    """Keeps what MLflow complains about."""

    def emit(self, record):
        said.append(record.getMessage())


logging.getLogger("mlflow").addHandler(Heard(level=logging.WARNING))
warnings.simplefilter("ignore")
client = MlflowClient()
experiment = mlflow.set_experiment(f"traces-{NAME}").experiment_id


@mlflow.trace(name="answer", span_type="LLM")
def answer(question):
    """A call with a step inside."""
    with mlflow.start_span("search") as span:
        span.set_inputs({"q": question})
        span.set_outputs(["naïve 名前", 3])
    if not question:
        raise ValueError("nothing was asked")
    return f"so: {question}"


def flush():
    """Wait for what is sent in the background; MLflow 2 has no public word for it."""
    if MAJOR > 2:
        mlflow.flush_trace_async_logging()
    else:
        from mlflow.tracing.provider import _get_trace_exporter

        exporter = _get_trace_exporter()
        if hasattr(exporter, "_async_queue"):
            exporter._async_queue.flush()


def trace_id(trace):
    """MLflow 2 calls it the request's."""
    return trace.info.trace_id if MAJOR > 2 else trace.info.request_id


def found(text="", **more):
    """Names of traces, in the order of the answer."""
    flush()
    where = {"locations" if MAJOR > 2 else "experiment_ids": [experiment]}
    traces = client.search_traces(**where, filter_string=text, **more)
    return [trace.info.tags["mlflow.traceName"] for trace in traces]


answer("who?")
try:
    answer("")
except ValueError:
    pass
else:
    raise AssertionError
with mlflow.start_run() as run:
    with mlflow.start_span("by hand") as span:
        span.set_inputs({"x": 1})
        span.set_attribute("depth", 7)
        span.set_outputs({"y": 2})
    flush()

assert found() == ["by hand", "answer", "answer"], found()
assert found(order_by=["timestamp_ms ASC"])[-1] == "by hand"
assert found("trace.status = 'ERROR'") == ["answer"]
assert found("status = 'OK' AND name = 'by hand'") == ["by hand"]
assert found("name = 'answer'", max_results=1) == ["answer"]
assert found("timestamp_ms > 0 AND execution_time_ms >= 0", order_by=["execution_time_ms DESC"]).count("answer") == 2
assert found(f"request_metadata.`mlflow.sourceRun` = '{run.info.run_id}'") == ["by hand"]
assert found(run_id=run.info.run_id) == ["by hand"]

where = {"locations" if MAJOR > 2 else "experiment_ids": [experiment]}
page = client.search_traces(**where, max_results=2)
rest = client.search_traces(**where, max_results=2, page_token=page.token)
assert (len(page), len(rest), rest.token) == (2, 1, None)

hand = page[0]
assert hand.info.status == "OK"
again = client.get_trace(trace_id(hand))
assert [span.name for span in again.data.spans] == ["by hand"]
assert again.data.spans[0].outputs == {"y": 2}
assert again.data.spans[0].get_attribute("depth") == 7
whole = client.get_trace(trace_id(page[1]))
assert {span.name for span in whole.data.spans} == {"answer", "search"}
assert any(span.outputs == ["naïve 名前", 3] for span in whole.data.spans)
if MAJOR > 2:
    assert mlflow.search_traces(locations=[experiment]).shape[0] == 3

assert found("span.name = 'search'") == ["answer", "answer"]
assert found("span.name = 'search' AND trace.text LIKE '%who?%' AND status = 'OK'") == ["answer"]
assert found("span.attributes.depth = '7'") == ["by hand"]

client.set_trace_tag(trace_id(hand), "team", "blue")
assert found("tags.team = 'blue'") == ["by hand"]
assert client.get_trace(trace_id(hand)).info.tags["team"] == "blue"
client.delete_trace_tag(trace_id(hand), "team")
assert found("tag.team = 'blue'") == []

if MAJOR > 2:
    with mlflow.start_run() as other:
        pass
    client.link_traces_to_run([trace_id(page[1])], other.info.run_id)
    assert found(run_id=other.info.run_id) == ["answer"]

    with mlflow.start_span("late") as span:
        pass
    client.link_traces_to_run([span.trace_id], other.info.run_id)  # it is sent in the background, perhaps later
    assert found(run_id=other.info.run_id) == ["late", "answer"]
    assert client.delete_traces(experiment, trace_ids=[span.trace_id]) == 1

    with mlflow.start_span("asked") as span:
        mlflow.update_current_trace(client_request_id="req-1", metadata={"mlflow.trace.session": "s1"}, tags={"a": "b"})
    assert found("client_request_id = 'req-1'") == ["asked"]
    assert found("metadata.`mlflow.trace.session` = 's1' AND tag.a = 'b'") == ["asked"]

    target = trace_id(hand)
    first = mlflow.log_feedback(trace_id=target, name="good", value=True, rationale="it is", metadata={"k": "v"})
    mlflow.log_feedback(trace_id=target, name="score", value=0.75)
    wanted = mlflow.log_expectation(trace_id=target, name="wanted", value={"y": [2, None]})
    thoughts = {one.name: one for one in client.get_trace(target).info.assessments}
    assert thoughts["good"].value is True
    assert thoughts["good"].rationale == "it is"
    assert thoughts["score"].value == 0.75
    assert thoughts["wanted"].value == {"y": [2, None]}, thoughts["wanted"]
    assert found("feedback.good = 'true' AND feedback.score > 0.5") == ["by hand"]
    assert found("feedback.score > 0.8") == []
    mlflow.override_feedback(trace_id=target, assessment_id=first.assessment_id, value=False)
    assert mlflow.get_assessment(target, first.assessment_id).valid is False
    assert found("feedback.good = 'true'") == []
    mlflow.update_assessment(
        trace_id=target,
        assessment_id=wanted.assessment_id,
        assessment=mlflow.entities.Expectation(name="wanted", value="z"),
    )
    assert mlflow.get_assessment(target, wanted.assessment_id).value == "z"
    mlflow.delete_assessment(target, wanted.assessment_id)
    try:
        mlflow.get_assessment(target, wanted.assessment_id)
    except MlflowException:
        pass
    else:
        raise AssertionError

assert client.delete_traces(experiment, **{"trace_ids" if MAJOR > 2 else "request_ids": [trace_id(hand)]}) == 1
assert "by hand" not in found()
try:
    client.get_trace(trace_id(hand))
except MlflowException:
    pass
else:
    raise AssertionError
assert client.delete_traces(experiment, max_timestamp_millis=2**52, max_traces=1) == 1
assert client.delete_traces(experiment, max_timestamp_millis=2**52) == (2 if MAJOR > 2 else 1)
assert found() == []
flush()
assert not said, said
sys.stdout.write("traces are kept")
