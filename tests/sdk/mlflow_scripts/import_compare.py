"""Whether the client sees in each import what it sees in its source: PAIRS are lines of three URIs, source, here, and the
registry here."""

import hashlib
import os
import tempfile
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities import ViewType

LARGEST = 1.7976931348623157e308


def number(value):
    return "nan" if value != value else max(-LARGEST, min(LARGEST, value))


def files(**of):
    with tempfile.TemporaryDirectory() as folder:
        try:
            root = Path(mlflow.artifacts.download_artifacts(**of, dst_path=folder))
        except Exception as nothing:  # noqa: BLE001 - whatever the client says of a run without files
            return f"none: {type(nothing).__name__}" if "runs:" not in str(of) else {}
        return {
            str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }


def runs(client, experiment):
    for found in client.search_runs(
        [experiment.experiment_id], run_view_type=ViewType.ALL, order_by=["start_time ASC"]
    ):
        run = client.get_run(found.info.run_id)  # a search of MLflow's own store leaves out the models that it used
        info, name = run.info, run.info.run_id
        yield {
            "info": (
                name,
                info.run_name,
                info.experiment_id,
                info.status,
                info.start_time,
                info.end_time,
                info.lifecycle_stage,
            ),
            "params": run.data.params,
            "tags": run.data.tags,
            "latest": {key: number(value) for key, value in run.data.metrics.items()},
            "history": {  # a file store keeps the same measurement twice
                key: sorted({(m.step, m.timestamp, str(number(m.value))) for m in client.get_metric_history(name, key)})
                for key in run.data.metrics
            },
            "datasets": sorted(
                (d.dataset.to_dictionary().items(), [(t.key, t.value) for t in d.tags])
                for d in run.inputs.dataset_inputs
            ).__repr__(),
            "inputs": sorted(one.model_id for one in run.inputs.model_inputs),
            "outputs": sorted((one.model_id, one.step) for one in run.outputs.model_outputs),
            "files": files(artifact_uri=f"runs:/{name}/") if info.lifecycle_stage == "active" else {},
        }


def logged_models(client, experiment):
    for one in client.search_logged_models([experiment.experiment_id]):
        yield {
            "info": (one.model_id, one.name, one.experiment_id, one.source_run_id, str(one.status), one.creation_timestamp,
                     one.last_updated_timestamp),
            "params": one.params,
            "tags": one.tags,
            "metrics": sorted((m.key, number(m.value), m.step, m.run_id) for m in one.metrics),
            "files": files(artifact_uri=f"models:/{one.model_id}"),
        }  # fmt: skip


PLACES = {"mlflow.artifactLocation", "mlflow.trace.spansLocation"}


def judgement(one):
    """Without whether an expectation is valid: what reads it over HTTP passes over that."""
    found = one.to_dictionary()
    return {key: value for key, value in found.items() if key != "valid" or "expectation" not in found}


def traces(client, experiment):
    found = client.search_traces(locations=[experiment.experiment_id])
    for one in sorted(found, key=lambda one: one.info.trace_id):
        info = one.info
        yield {
            "info": (info.trace_id, str(info.state), info.request_time, info.execution_duration, info.client_request_id,
                     info.request_preview, info.response_preview),
            "metadata": info.trace_metadata,
            "tags": {key: value for key, value in info.tags.items() if key not in PLACES},
            "judged": sorted((judgement(one) for one in info.assessments), key=lambda one: one["assessment_id"]),
            "spans": sorted((span.to_dict() for span in one.data.spans), key=lambda one: one["span_id"]),
        }  # fmt: skip


def of_runs(client, experiment):
    """By run, the traces that were made in it or linked to it."""
    for run in client.search_runs([experiment.experiment_id]):
        name = run.info.run_id
        found = client.search_traces(locations=[experiment.experiment_id], filter_string=f"run_id = '{name}'")
        yield name, sorted(one.info.trace_id for one in found)


def hooks(client):
    try:
        return [(one.name, one.url, [str(event) for event in one.events], one.description, one.creation_timestamp)
                for one in client.list_webhooks()]  # fmt: skip
    except NotImplementedError:  # a store of files
        return []


def versions(client, name):
    for one in sorted(client.search_model_versions(f"name = '{name}'"), key=lambda one: int(one.version)):
        yield {
            "info": (str(one.version), one.current_stage, one.description or "", one.source, one.run_id, one.status,
                     one.creation_timestamp, one.last_updated_timestamp),
            "tags": one.tags,
            "files": files(artifact_uri=f"models:/{name}/{one.version}"),
        }  # fmt: skip


def seen(tracking, registry):
    mlflow.set_tracking_uri(tracking)
    mlflow.set_registry_uri(registry)
    client = MlflowClient()
    experiments = sorted(client.search_experiments(view_type=ViewType.ALL), key=lambda one: int(one.experiment_id))
    return {
        "experiments": [
            (one.experiment_id, one.name, one.lifecycle_stage, one.tags)
            + ((one.creation_time, one.last_update_time) if one.name != "Default" else ())
            for one in experiments
        ],
        "runs": {one.name: [*runs(client, one)] for one in experiments},
        "logged": {one.name: [*logged_models(client, one)] for one in experiments if one.lifecycle_stage == "active"},
        "traces": {one.name: [*traces(client, one)] for one in experiments if one.lifecycle_stage == "active"},
        "of runs": {one.name: dict(of_runs(client, one)) for one in experiments if one.lifecycle_stage == "active"},
        "webhooks": hooks(client),
        "models": {
            one.name: (one.description or "", one.tags, {alias: str(version) for alias, version in one.aliases.items()}, one.creation_timestamp, one.last_updated_timestamp,
                       [*versions(client, one.name)])
            for one in client.search_registered_models()
        },
    }  # fmt: skip


def differences(here, there, path=""):
    if isinstance(here, dict) and isinstance(there, dict):
        for key in sorted({*here, *there}, key=str):
            yield from differences(here.get(key), there.get(key), f"{path}/{key}")
    elif isinstance(here, list | tuple) and isinstance(there, list | tuple) and len(here) == len(there):
        for index, (one, other) in enumerate(zip(here, there, strict=True)):
            yield from differences(one, other, f"{path}/{index}")
    elif here != there:
        yield f"{path}: {there!r} came here as {here!r}"


known = {}
for line in os.environ["PAIRS"].splitlines():
    source, here, registry = line.split()
    if source not in known:
        known[source] = seen(source, source)
    found = [*differences(seen(here, registry), known[source])]
    assert not found, f"{here}:\n" + "\n".join(found)
    assert known[source]["models"]["churn"][5], "there are versions"
    assert sorted(len(one["spans"]) for one in known[source]["traces"]["churn"]) == [1, 2, 2]
    assert len(known[source]["webhooks"]) == ("sqlite" in source)
    assert mlflow.sklearn.load_model("models:/churn@champion").predict([[3.0]])[0] == 1
