"""One tracking URI for all workspaces, and workspaces made and deleted as MLflow 3 does."""

import os
import tempfile
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException

NAME, OTHER = os.environ["MLFLOW_TRACKING_URI"].rpartition("/")[2], os.environ["OTHER"]
os.environ.pop("MLFLOW_WORKSPACE", None)
mlflow.set_tracking_uri(os.environ["SERVER"] + "/mlflow")

made = mlflow.create_workspace("mlflow-made", description="by the client")
assert (made.name, made.description) == ("mlflow-made", "by the client")
assert {"mlflow-made", NAME, OTHER} <= {one.name for one in mlflow.list_workspaces()}
assert mlflow.update_workspace("mlflow-made", description="changed").description == "changed"
assert mlflow.get_workspace("mlflow-made").description == "changed"
refusal = ""
try:
    mlflow.create_workspace("mlflow-made")
except MlflowException as error:
    refusal = error.error_code
assert refusal == "RESOURCE_ALREADY_EXISTS", refusal

runs = {}
for name in (NAME, OTHER):
    mlflow.set_workspace(name)
    mlflow.set_experiment("shared-name")
    with mlflow.start_run() as run:
        mlflow.log_metric("m", 1.0)
        mlflow.log_text(name, "where.txt")
    runs[name] = run.info.run_id
for name in (NAME, OTHER):
    mlflow.set_workspace(name)
    found = mlflow.search_runs(experiment_names=["shared-name"])
    assert list(found["run_id"]) == [runs[name]], found
    with tempfile.TemporaryDirectory() as folder:
        path = mlflow.artifacts.download_artifacts(run_id=runs[name], artifact_path="where.txt", dst_path=folder)
        assert Path(path).read_text() == name

mlflow.delete_workspace("mlflow-made")
assert "mlflow-made" not in {one.name for one in mlflow.list_workspaces()}
