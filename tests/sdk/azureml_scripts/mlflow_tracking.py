"""MLflow by the addresses that azure-ai-ml tells: with azureml-mlflow, which sends files by the blob protocol, and without."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import mlflow
from azure.identity import DefaultAzureCredential
from mlflow.tracking import MlflowClient
from recorder import NAME, SERVER, registry, workspace

ml = workspace()
uri = ml.workspaces.get().mlflow_tracking_uri
assert uri.startswith("azureml://"), uri
mlflow.set_tracking_uri(uri)
mlflow.set_experiment(f"{NAME}-experiment")
client = MlflowClient()
folder = Path(tempfile.mkdtemp())
(folder / "MLmodel").write_text("flavors: {}\n")
(folder / "data").mkdir()
(folder / "data" / "weights é.bin").write_bytes(b"weights")
large = folder.parent / f"{folder.name}-large.bin"
with large.open("wb") as file:
    for piece in range(65):
        file.write(piece.to_bytes(4, "big") * (1 << 18))

with mlflow.start_run(run_name="first") as run:
    mlflow.log_param("depth", 3)
    mlflow.log_metric("loss", 0.5, step=1)
    mlflow.log_metrics({"loss": 0.25, "auc": 0.9}, step=2)
    mlflow.log_metrics({"late": 1.0}, step=1, synchronous=False).wait()
    mlflow.set_tag("stage", "test")
    mlflow.log_text("hello", "notes/hello.txt")
    mlflow.log_dict({"a": 1}, "a.json")
    mlflow.log_artifacts(str(folder), "model")
    mlflow.log_artifact(str(large))
    mlflow.log_text("hello again", "notes/hello.txt")

found = client.get_run(run.info.run_id)
assert found.info.status == "FINISHED", found.info
assert found.data.params == {"depth": "3"}, found.data.params
assert found.data.metrics == {"loss": 0.25, "auc": 0.9, "late": 1.0}, found.data.metrics
assert [m.value for m in client.get_metric_history(run.info.run_id, "loss")] == [0.5, 0.25]
assert client.search_runs([run.info.experiment_id], "metrics.auc > 0.8")[0].info.run_id == run.info.run_id
assert found.info.artifact_uri.startswith("azureml://"), found.info.artifact_uri

listed = {one.path: one.is_dir for one in client.list_artifacts(run.info.run_id)}
assert listed == {"notes": True, "a.json": False, "model": True, large.name: False}, listed
assert {one.path for one in client.list_artifacts(run.info.run_id, "model")} == {"model/MLmodel", "model/data"}
there = Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="notes/hello.txt"))
assert there.read_text() == "hello again"
whole = Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="model"))
assert (whole / "data" / "weights é.bin").read_bytes() == b"weights"
back = Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path=large.name))
assert back.read_bytes() == large.read_bytes()

model = f"{NAME}-model"
client.create_registered_model(model)
version = client.create_model_version(model, f"{found.info.artifact_uri}/model", run.info.run_id)
assert (version.version, version.status) in {("1", "READY"), (1, "READY")}, version
assert version.run_id == run.info.run_id
fetched = Path(mlflow.artifacts.download_artifacts(f"models:/{model}/1"))
assert (fetched / "data" / "weights é.bin").read_bytes() == b"weights"
client.set_registered_model_alias(model, "best", "1")
assert str(client.get_model_version_by_alias(model, "best").version) == "1"

made = mlflow.initialize_logged_model(name="net", source_run_id=run.info.run_id)
client.log_model_artifacts(made.model_id, str(folder))
client.finalize_logged_model(made.model_id, "READY")
copied = Path(mlflow.artifacts.download_artifacts(f"models:/{made.model_id}"))
assert (copied / "MLmodel").read_text() == "flavors: {}\n"
second = client.create_model_version(model, f"models:/{made.model_id}", model_id=made.model_id)
assert str(second.version) == "2", second

central = registry()
shelf = central.registries.get().mlflow_registry_uri
assert "/registries/" in shelf, shelf
far = MlflowClient(tracking_uri=uri, registry_uri=shelf)
far.create_registered_model(f"{NAME}-shared")
shared = far.create_model_version(f"{NAME}-shared", f"{found.info.artifact_uri}/model", run.info.run_id)
assert shared.status == "READY", shared
mlflow.set_registry_uri(shelf)
fetched = Path(mlflow.artifacts.download_artifacts(f"models:/{NAME}-shared/1"))
assert (fetched / "data" / "weights é.bin").read_bytes() == b"weights"

ALONE = f"""
import mlflow
mlflow.set_experiment({NAME + "-experiment"!r})
with mlflow.start_run() as run:
    mlflow.log_metric("m", 1)
    mlflow.log_text("alone", "alone.txt")
print(mlflow.artifacts.load_text(run.info.artifact_uri + "/alone.txt"), run.info.artifact_uri)
"""


def alone(**told: str) -> str:
    """The same in a process that never saw an MLClient."""
    environment = {**os.environ, **told}
    environment.pop("RECORD", None)
    done = subprocess.run([sys.executable, "-c", ALONE], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


assert alone(MLFLOW_TRACKING_URI=uri).startswith("alone azureml://")
token = DefaultAzureCredential().get_token("https://ml.azure.com/.default").token
plain = "https" + uri.removeprefix("azureml").replace("/mlflow/v2.0/", "/mlflow/v1.0/")
assert plain.startswith(f"{SERVER}/mlflow/v1.0/"), plain
said = alone(MLFLOW_TRACKING_URI=plain, MLFLOW_TRACKING_TOKEN=token)
assert said.startswith("alone https://"), said
