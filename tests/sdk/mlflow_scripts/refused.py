"""What a caller without the right sees: the client's own exceptions, with the reason."""

import os

import mlflow
from mlflow import MlflowClient
from refusals import refusal

client = MlflowClient()
run = client.get_run(os.environ["RUN"])
with refusal("PERMISSION_DENIED"):
    client.log_metric(run.info.run_id, "m", 1)
with refusal("PERMISSION_DENIED"):
    client.set_tag(run.info.run_id, "a", "b")
with refusal("PERMISSION_DENIED"):
    client.create_experiment("not mine")
with refusal("PERMISSION_DENIED"):
    client.delete_run(run.info.run_id)
with refusal("PERMISSION_DENIED"):
    client.log_text(run.info.run_id, "x", "x.txt")
assert client.get_run(run.info.run_id).data.metrics == {"m": 1.0}

mlflow.set_tracking_uri(f"{os.environ['SERVER']}/mlflow/workspaces/{os.environ['OTHER']}")
with refusal("RESOURCE_DOES_NOT_EXIST"):
    MlflowClient().search_experiments()

os.environ["MLFLOW_TRACKING_TOKEN"] = "wrong"
with refusal("UNAUTHENTICATED"):
    MlflowClient().search_experiments()
