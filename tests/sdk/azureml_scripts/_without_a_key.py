"""A program that ``regista connect azureml`` runs: everything works by the tokens that the door on this machine gives it."""

import json
import os
import sys
import tempfile
from pathlib import Path

import mlflow
from azure.ai.ml import MLClient
from azure.ai.ml.entities import Data
from azure.identity import DefaultAzureCredential

subscription, group, workspace, name = sys.argv[1:]
ml = MLClient(DefaultAzureCredential(), subscription, group, workspace)
file = Path(tempfile.mkdtemp()) / "rows.csv"
file.write_text("a,b\n1,2\n")
made = ml.data.create_or_update(Data(name=name, version="1", path=str(file), type="uri_file"))
assert ml.data.get(name, "1").path == made.path
mlflow.set_tracking_uri(ml.workspaces.get().mlflow_tracking_uri)
mlflow.set_experiment(name)
with mlflow.start_run() as run:
    mlflow.log_metric("loss", 0.5)
    mlflow.log_text("hello", "notes.txt")
assert mlflow.get_run(run.info.run_id).data.metrics == {"loss": 0.5}
sys.stdout.write(f"{json.dumps(dict(os.environ))}\n")
