"""Experiments, runs, metrics, parameters, tags, data sets, files and search, by the fluent API and by the client."""

import math
import os
import tempfile
from pathlib import Path

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType
from refusals import refusal

client = MlflowClient()
mlflow.set_experiment(os.environ["NAME"])
experiment = client.get_experiment_by_name(os.environ["NAME"])
assert client.get_experiment_by_name("nothing of the kind") is None

with mlflow.start_run(run_name="first", tags={"given": "at the start"}, description="what it is") as run:
    mlflow.log_param("alpha", 0.1)
    mlflow.log_params({"beta": 2, "gamma": "x" * 6001})
    for step in range(5):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_metrics({"acc": 0.9, "nan": math.nan, "inf": math.inf}, step=1)
    mlflow.set_tags({"team": "red", "mlflow.note.content": "noted"})
    mlflow.log_input(mlflow.data.from_numpy(np.eye(3), name="eye"), context="train")
    mlflow.log_text("hello", "texts/hello.txt")
    mlflow.log_dict({"a": 1}, "config.json")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "inner").mkdir()
        Path(folder, "inner", "deep.bin").write_bytes(bytes(range(256)) * 10_000)
        Path(folder, "empty").write_bytes(b"")
        mlflow.log_artifacts(folder, "folder")
    with mlflow.start_run(nested=True, run_name="child") as child:
        mlflow.log_metric("loss", 5)

found = client.get_run(run.info.run_id)
assert found.info.status == "FINISHED"
assert found.info.run_name == "first"
assert found.info.end_time >= found.info.start_time > 0
assert found.data.params["alpha"] == "0.1"
assert len(found.data.params["gamma"]) == 6000
assert found.data.metrics["loss"] == 0.2
assert found.data.metrics["acc"] == 0.9
assert math.isnan(found.data.metrics["nan"])
assert found.data.metrics["inf"] > 1e308
assert found.data.tags["team"] == "red"
assert found.data.tags["given"] == "at the start"
assert found.inputs.dataset_inputs[0].dataset.name == "eye"
assert found.inputs.dataset_inputs[0].tags[0].value == "train"
assert [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, "loss")] == [
    (step, 1 / (step + 1)) for step in range(5)
]
assert client.get_run(child.info.run_id).data.tags["mlflow.parentRunId"] == run.info.run_id

listed = {(one.path, one.is_dir, one.file_size) for one in client.list_artifacts(run.info.run_id)}
assert listed == {("config.json", False, 12), ("folder", True, None), ("texts", True, None)}, listed
assert mlflow.artifacts.load_text(f"{run.info.artifact_uri}/texts/hello.txt") == "hello"
assert mlflow.artifacts.load_dict(f"runs:/{run.info.run_id}/config.json") == {"a": 1}
with tempfile.TemporaryDirectory() as folder:
    local = Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="folder", dst_path=folder))
    assert (local / "inner" / "deep.bin").read_bytes() == bytes(range(256)) * 10_000
    assert (local / "empty").read_bytes() == b""
with tempfile.TemporaryDirectory() as folder:
    local = Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, dst_path=folder))
    assert (local / "texts" / "hello.txt").read_text() == "hello"

# one batch after another, the second refused as a whole
second = client.create_run(experiment.experiment_id, run_name="second", start_time=5)
client.log_batch(
    second.info.run_id,
    metrics=[Metric("m", float(n), n, n) for n in range(1000)],
)
client.log_batch(
    second.info.run_id,
    params=[Param(f"p{n}", str(n)) for n in range(100)],
    tags=[RunTag(f"t{n}", "") for n in range(100)],
)
with refusal("INVALID_PARAMETER_VALUE: Changing param values is not allowed"):
    client.log_batch(second.info.run_id, metrics=[Metric("other", 1.0, 1, 1)], params=[Param("p1", "another")])
assert "other" not in client.get_run(second.info.run_id).data.metrics
assert len(client.get_metric_history(second.info.run_id, "m")) == 1000
client.set_terminated(second.info.run_id, "FAILED")
client.update_run(second.info.run_id, name="renamed")
client.delete_tag(second.info.run_id, "t1")
assert "t1" not in client.get_run(second.info.run_id).data.tags

# search
runs = mlflow.search_runs(
    [experiment.experiment_id], "metrics.acc > 0.5 and params.alpha = '0.1' and tags.team = 'red'"
)
assert list(runs.run_id) == [run.info.run_id]
ordered = client.search_runs([experiment.experiment_id], order_by=["metrics.loss DESC"])
assert [one.info.run_name for one in ordered] == ["child", "first", "renamed"], ordered
pages, token = [], None
while True:
    page = client.search_runs([experiment.experiment_id], order_by=["start_time ASC"], max_results=1, page_token=token)
    pages += [one.info.run_name for one in page]
    token = page.token
    if not token:
        break
assert pages == ["renamed", "first", "child"], pages
assert client.search_runs([experiment.experiment_id], "attributes.status = 'FAILED'")[0].info.run_name == "renamed"
with refusal("Invalid clause(s) in filter string"):
    client.search_runs([experiment.experiment_id], "metrics.a > 1 OR metrics.b > 1")

# deleting and bringing back
client.delete_run(second.info.run_id)
assert len(client.search_runs([experiment.experiment_id])) == 2
assert len(client.search_runs([experiment.experiment_id], run_view_type=ViewType.DELETED_ONLY)) == 1
client.restore_run(second.info.run_id)
client.delete_experiment(experiment.experiment_id)
assert client.get_experiment(experiment.experiment_id).lifecycle_stage == "deleted"
client.restore_experiment(experiment.experiment_id)
client.rename_experiment(experiment.experiment_id, os.environ["NAME"] + " renamed")
client.set_experiment_tag(experiment.experiment_id, "k", "v")
assert client.search_experiments(filter_string="tags.k = 'v'")[0].name == os.environ["NAME"] + " renamed"
assert "Default" in {one.name for one in client.search_experiments()}
