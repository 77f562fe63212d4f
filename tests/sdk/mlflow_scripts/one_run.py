"""Opens a run and prints its id."""

import sys

import mlflow

with mlflow.start_run() as run:
    mlflow.log_metric("m", 1)
sys.stdout.write(run.info.run_id)
