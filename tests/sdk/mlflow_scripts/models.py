"""Logging, registering, finding and loading models in one workspace."""

import os

import mlflow
import numpy as np
from mlflow import MlflowClient
from refusals import refusal
from sklearn.linear_model import LogisticRegression

THREE = not mlflow.__version__.startswith("2.")
NAME = os.environ["NAME"]
client = MlflowClient()
X = np.arange(40, dtype=float).reshape(20, 2)
y = np.array([0] * 10 + [1] * 10)
model = LogisticRegression().fit(X, y)


def log(**more):
    where = {"name": "model"} if THREE else {"artifact_path": "model"}
    return mlflow.sklearn.log_model(model, pip_requirements=["scikit-learn"], **where, **more)


def same(uri):
    assert (mlflow.pyfunc.load_model(uri).predict(X) == model.predict(X)).all(), uri
    assert (mlflow.sklearn.load_model(uri).coef_ == model.coef_).all(), uri


mlflow.set_experiment(NAME)
with mlflow.start_run() as run:
    mlflow.log_metric("acc", 0.75)
    info = log(registered_model_name=NAME)
same(info.model_uri)
same(f"runs:/{run.info.run_id}/model")
same(f"models:/{NAME}/1")
same(f"models:/{NAME}/latest")

if THREE:
    logged = mlflow.get_logged_model(info.model_id)
    assert logged.status == "READY"
    assert logged.source_run_id == run.info.run_id
    assert [(m.key, m.value) for m in logged.metrics] == [("acc", 0.75)]
    assert logged.tags["mlflow.modelVersions"]
    mlflow.log_metric("acc", 0.25, step=1, model_id=info.model_id, run_id=run.info.run_id)
    measured = [(m.value, m.step) for m in mlflow.get_logged_model(info.model_id).metrics]
    assert sorted(measured) == [(0.25, 1), (0.75, 0)], measured
    found = mlflow.search_logged_models([run.info.experiment_id], "metrics.acc > 0.5", output_format="list")
    assert [one.model_id for one in found] == [info.model_id]
    outputs = client.get_run(run.info.run_id).outputs.model_outputs
    assert [one.model_id for one in outputs] == [info.model_id]
else:
    assert "mlflow.log-model.history" in client.get_run(run.info.run_id).data.tags

with mlflow.start_run() as second_run:
    info = log()
version = mlflow.register_model(info.model_uri, NAME, tags={"a": "b"})
assert (version.version, version.status, version.run_id) in {
    ("2", "READY", second_run.info.run_id),
    (2, "READY", second_run.info.run_id),
}
client.set_registered_model_alias(NAME, "champion", "1")
same(f"models:/{NAME}@champion")
client.set_registered_model_alias(NAME, "champion", "2")
assert str(client.get_model_version_by_alias(NAME, "champion").version) == "2"
assert client.get_registered_model(NAME).aliases == {"champion": "2"}
client.delete_registered_model_alias(NAME, "champion")
with refusal("Registered model alias champion not found"):
    client.get_model_version_by_alias(NAME, "champion")

client.set_model_version_tag(NAME, "2", "c", "d")
client.delete_model_version_tag(NAME, "2", "a")
assert client.get_model_version(NAME, "2").tags == {"c": "d"}
client.update_model_version(NAME, "2", description="described")
client.set_registered_model_tag(NAME, "e", "f")
client.update_registered_model(NAME, description="all of them")
registered = client.get_registered_model(NAME)
assert (registered.description, registered.tags) == ("all of them", {"e": "f"})
assert [
    str(one.version) for one in client.search_model_versions(f"name = '{NAME}'", order_by=["version_number ASC"])
] == ["1", "2"]
assert [one.name for one in client.search_registered_models(f"name LIKE '{NAME}%'")] == [NAME]
assert client.search_model_versions(f"run_id = '{run.info.run_id}'")[0].name == NAME

copy = client.copy_model_version(f"models:/{NAME}/1", f"{NAME} copy")
assert client.get_model_version_download_uri(NAME, "1").startswith(os.environ["SERVER"])
same(f"models:/{NAME} copy/{copy.version}")

client.delete_model_version(NAME, "2")
client.rename_registered_model(f"{NAME} copy", f"{NAME} other")
same(f"models:/{NAME} other/1")
client.delete_registered_model(f"{NAME} other")
with refusal("RESOURCE_ALREADY_EXISTS"):
    client.create_registered_model(NAME)
