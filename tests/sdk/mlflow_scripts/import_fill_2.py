"""Fill a server of MLflow 2: a run with files, a registered model, and a trace by the calls that its client makes when it ends one
(with today's OpenTelemetry it ends none). Prints the ids of the run and of the trace."""

import os

import mlflow
import numpy as np
import requests
from mlflow import MlflowClient
from sklearn.linear_model import LogisticRegression

HERE = os.environ["MLFLOW_TRACKING_URI"]
X, Y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
SPANS = '{"spans": [{"name": "old", "context": {"trace_id": "0x1", "span_id": "0x2"}, "start_time": 5}]}'

experiment = mlflow.set_experiment("old").experiment_id
with mlflow.start_run() as run:
    mlflow.log_metric("loss", 0.5)
    mlflow.log_text("hello", "notes.txt")
    model = LogisticRegression().fit(X, Y)
    mlflow.sklearn.log_model(
        model, artifact_path="model", registered_model_name="old", pip_requirements=["scikit-learn"]
    )


def asked(method, path, **body):
    answer = requests.request(method, f"{HERE}/api/2.0/mlflow/{path}", json=body, timeout=60)
    answer.raise_for_status()
    return answer.json()


said = [{"key": "mlflow.sourceRun", "value": run.info.run_id}]
info = asked("POST", "traces", experiment_id=experiment, timestamp_ms=5, request_metadata=said, tags=[])["trace_info"]
trace = info["request_id"]
asked(
    "PATCH",
    f"traces/{trace}",
    request_id=trace,
    timestamp_ms=12,
    status="OK",
    tags=[{"key": "mlflow.traceName", "value": "old"}],
)
place = next(one["value"] for one in info["tags"] if one["key"] == "mlflow.artifactLocation").removeprefix(
    "mlflow-artifacts:"
)
sent = requests.put(f"{HERE}/api/2.0/mlflow-artifacts/artifacts{place}/traces.json", data=SPANS, timeout=60)
sent.raise_for_status()
assert MlflowClient().get_model_version("old", "1").run_id == run.info.run_id
print(run.info.run_id, trace)  # noqa: T201 - the answer
