"""Scoring: one worker of ours beside MLServer, the same scikit-learn model, Open Inference Protocol V2."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import regista.agent
from benchmarks.load import per_second
from benchmarks.places import free_port, peer, wait_for
from benchmarks.table import Row, row

_PACKAGES = (
    "mlserver==1.7.1",
    "mlserver-sklearn==1.7.1",
    "scikit-learn",
    "mlflow-skinny>=3,<4",
    "pandas",
    "uvloop<0.22",
)
_TRAIN = """
import sys, joblib, mlflow.sklearn
from sklearn.datasets import load_iris
from sklearn.neural_network import MLPClassifier
x, y = load_iris(return_X_y=True)
model = MLPClassifier((32,), max_iter=400, random_state=1).fit(x, y)
joblib.dump(model, sys.argv[1] + "/model.joblib")
mlflow.sklearn.save_model(model, sys.argv[1] + "/mlflow", pip_requirements=["scikit-learn"], serialization_format="cloudpickle")
"""
_BODY = json.dumps({"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP64", "data": [5.1, 3.5, 1.4, 0.2]}]})


def rows(folder: Path) -> list[Row]:
    """Requests per second of each with 16 connections; ours without and with micro-batching."""
    place = peer("mlserver", *_PACKAGES)
    python = place / "bin" / "python"
    subprocess.run([str(python), "-c", _TRAIN, str(folder)], check=True, stdout=subprocess.DEVNULL)
    with _mlserver(place, folder) as url:
        theirs = _rate(url)
    found = {}
    for batching in ("off", "on"):
        with _ours(python, folder, batching) as url:
            found[batching] = _rate(url)
    return [
        row("scoring, one worker", found["off"], theirs, "/s", least=2, higher=True, peer_name="MLServer 1.7.1"),
        row(
            "scoring, one worker with micro-batching",
            found["on"],
            theirs,
            "/s",
            least=8,
            higher=True,
            peer_name="MLServer 1.7.1",
        ),
    ]


def _rate(url: str) -> float:
    return per_second(f"{url}/v2/models/iris/infer", method="POST", bodies=[_BODY], clients=16)


@contextmanager
def _mlserver(place: Path, folder: Path) -> Iterator[str]:
    port, other = free_port(), free_port()
    home = folder / "mlserver"
    home.mkdir()
    options = {
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": other,
        "metrics_port": free_port(),
        "parallel_workers": 0,
    }
    (home / "settings.json").write_text(json.dumps(options))
    model = {
        "name": "iris",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": str(folder / "model.joblib")},
    }
    (home / "model-settings.json").write_text(json.dumps(model))
    with _process([str(place / "bin" / "mlserver"), "start", str(home)], port) as url:
        yield url


@contextmanager
def _ours(python: Path, folder: Path, batching: str) -> Iterator[str]:
    port = free_port()
    site = Path(sys.prefix) / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    config = {
        "name": "iris",
        "model_dir": str(folder / "mlflow"),
        "host": "127.0.0.1",
        "port": port,
        "batching": batching,
        "layer": [str(site)],
    }
    (folder / "worker.json").write_text(json.dumps(config))
    program = Path(regista.agent.__file__ or "").parent / "scoring" / "__main__.py"
    with _process([str(python), str(program), "--config", str(folder / "worker.json")], port) as url:
        yield url


@contextmanager
def _process(command: list[str], port: int) -> Iterator[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{url}/v2/health/ready", process)
        time.sleep(1)
        yield url
    finally:
        process.terminate()
        process.wait()
