"""Tracking in a workspace, registering in a registry, loading from another workspace: two servers to MLflow."""

import os
from pathlib import Path

import mlflow
import numpy as np
from mlflow import MlflowClient
from sklearn.linear_model import LinearRegression

THREE = not mlflow.__version__.startswith("2.")
NAME = os.environ["NAME"]
X = np.arange(10, dtype=float).reshape(10, 1)
model = LinearRegression().fit(X, X[:, 0] * 2)
mlflow.set_registry_uri(f"{os.environ['SERVER']}/mlflow/registries/{os.environ['REGISTRY']}")
mlflow.set_experiment(NAME)

with mlflow.start_run() as run:
    where = {"name": "model"} if THREE else {"artifact_path": "model"}
    info = mlflow.sklearn.log_model(model, pip_requirements=["scikit-learn"], registered_model_name=NAME, **where)
second = mlflow.register_model(f"runs:/{run.info.run_id}/model", NAME)
assert str(second.version) == "2"
client = MlflowClient()
client.set_registered_model_alias(NAME, "champion", "2")
assert client.get_model_version(NAME, "1").run_id == run.info.run_id
copied = client.copy_model_version(f"models:/{NAME}@champion", f"{NAME}-released")

mlflow.set_tracking_uri(f"{os.environ['SERVER']}/mlflow/workspaces/{os.environ['OTHER']}")
for uri in (f"models:/{NAME}/1", f"models:/{NAME}@champion", f"models:/{NAME}-released/{copied.version}"):
    assert np.allclose(mlflow.pyfunc.load_model(uri).predict(X), X[:, 0] * 2), uri
local = mlflow.artifacts.download_artifacts(f"models:/{NAME}@champion")
assert Path(local, "MLmodel").is_file()

# a registry can also be the one and only server
mlflow.set_registry_uri(None)
mlflow.set_tracking_uri(f"{os.environ['SERVER']}/mlflow/registries/{os.environ['REGISTRY']}")
assert np.allclose(mlflow.pyfunc.load_model(f"models:/{NAME}@champion").predict(X), X[:, 0] * 2)
