"""Fill stores of MLflow's own, each with the same sorts of things: the tracking URIs are in STORES."""

import contextlib
import os

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.entities import AssessmentSource, WebhookEvent
from sklearn.linear_model import LogisticRegression

X, Y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])


@mlflow.trace(name="answer", span_type="LLM")
def answer(question):
    """A call with a step inside."""
    with mlflow.start_span("search") as span:
        span.set_inputs({"q": question})
        span.set_outputs(["naïve 名前", 3])
    if not question:
        raise ValueError("nothing was asked")
    return f"so: {question}"


def traces(client, run):
    """Four of them: one of a run, one that failed, one that was judged and linked, one of an experiment that will be deleted."""
    answer("who?")
    judged = mlflow.get_last_active_trace_id()
    with contextlib.suppress(ValueError):
        answer("")
    with mlflow.start_run(run_id=run), mlflow.start_span("by hand") as span:
        span.set_inputs({"x": 1})
        mlflow.update_current_trace(
            tags={"team": "a"}, metadata={"mlflow.trace.session": "s-1"}, client_request_id="c-1"
        )
    mlflow.flush_trace_async_logging()
    person = AssessmentSource(source_type="HUMAN", source_id="ada")
    first = mlflow.log_feedback(trace_id=judged, name="good", value=0.5, source=person, rationale="so so")
    mlflow.override_feedback(trace_id=judged, assessment_id=first.assessment_id, value=True, source=person)
    mlflow.log_expectation(trace_id=judged, name="wanted", value={"a": [1, "b"]}, source=person, metadata={"m": "1"})
    mlflow.log_feedback(trace_id=judged, name="broken", error=ValueError("no"), source=person)
    client.set_trace_tag(judged, "größe", "x" * 300)
    if "sqlite" in mlflow.get_tracking_uri():
        client.link_traces_to_run([judged], run)


def webhooks(client):
    """A store of files has none."""
    events = [WebhookEvent.from_str("model_version.created"), WebhookEvent.from_str("model_version_alias.deleted")]
    client.create_webhook("told", "https://93.184.216.34/hook", events, description="of versions", secret="geheim")
    gone = client.create_webhook("gone", "https://93.184.216.34/gone", events)
    client.delete_webhook(gone.webhook_id)


def fill(uri: str) -> None:
    mlflow.set_tracking_uri(uri)
    client = MlflowClient()
    client.create_experiment("churn", tags={"team": "a"})
    gone = client.create_experiment("gone")
    mlflow.set_experiment("churn")
    with mlflow.start_run(run_name="parent") as parent:
        mlflow.log_params({"a": 1, "long": "x" * 500, "nested/key": "n"})
        for step in range(30):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metric("nan", float("nan"))
        mlflow.log_metric("inf", float("inf"))
        mlflow.log_metric("nested/metric", -1.5, step=-3)
        mlflow.log_input(mlflow.data.from_numpy(X, targets=Y, name="train"), context="training")
        model = LogisticRegression().fit(X, Y)
        logged = mlflow.sklearn.log_model(
            model, name="model", registered_model_name="churn", pip_requirements=["scikit-learn"]
        )
        mlflow.log_text("hello", "notes/a b.txt")
        mlflow.log_text("", "empty.txt")
        mlflow.set_tag("unicode", "größer \U0001f600")
        with mlflow.start_run(nested=True, run_name="child"):
            mlflow.log_metric("accuracy", 0.5, model_id=logged.model_id)
    with mlflow.start_run(run_name="deleted") as deleted:
        mlflow.log_metric("x", 1)
        mlflow.log_text("kept all the same", "f.txt")
    client.delete_run(deleted.info.run_id)
    with mlflow.start_run(run_name="failed") as failed:
        pass
    client.set_terminated(failed.info.run_id, "FAILED")
    with mlflow.start_run(experiment_id=gone):
        mlflow.log_metric("y", 2)
        answer("gone?")
    mlflow.flush_trace_async_logging()
    client.delete_experiment(gone)
    two = client.create_model_version(
        "churn", f"models:/{logged.model_id}", parent.info.run_id, description="two", tags={"k": "v"}
    )
    client.create_model_version("churn", f"runs:/{parent.info.run_id}/notes", parent.info.run_id)
    client.delete_model_version("churn", "1")
    client.set_registered_model_alias("churn", "champion", two.version)
    client.transition_model_version_stage("churn", two.version, "Production")
    client.update_registered_model("churn", description="about churn")
    client.set_registered_model_tag("churn", "t", "1")
    client.create_registered_model("empty")
    mlflow.set_experiment("churn")
    traces(client, parent.info.run_id)
    if "sqlite" in uri:
        webhooks(client)


for store in os.environ["STORES"].split():
    fill(store)
