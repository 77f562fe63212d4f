"""Tracking and the registry over MLflow's own protocol: our door beside `mlflow server`, both on SQLite, 8 clients."""

import json
import os
import ssl
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.load import per_second
from benchmarks.places import mlflow, regista
from benchmarks.table import Row, row
from regista.client import connect

RUNS = int(os.environ.get("REGISTA_BENCH_RUNS") or 10_000)
_API = "/api/2.0/mlflow"


class _Door:
    """One server, spoken to as MLflow's client does."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self.url, self.headers = url, headers
        self._context = ssl._create_unverified_context()  # noqa: S323, SLF001 - loopback, and only here

    def call(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - our own loopback address
            self.url + _API + path, data, {"Content-Type": "application/json", **self.headers}
        )
        with urllib.request.urlopen(request, context=self._context, timeout=120) as answer:  # noqa: S310
            return json.loads(answer.read() or b"{}")  # type: ignore[no-any-return]

    def rate(self, path: str, body: dict[str, Any] | None = None, seconds: int = 5) -> float:
        bodies = None if body is None else [json.dumps(body)]
        method = "GET" if body is None else "POST"
        return per_second(self.url + _API + path, method=method, bodies=bodies, headers=self.headers, seconds=seconds)


def rows(folder: Path) -> list[Row]:
    """Each figure of both, and their ratio."""
    with mlflow(folder / "mlflow") as served:
        theirs = _measure(_Door(served.url, {}))
    with regista(folder / "home", "--workers", "0") as served:
        key = (folder / "home" / "keys" / "owner.key").read_text().strip()
        connect(served.url, key=key, ca=folder / "home" / "tls" / "ca.pem").workspaces.create(name="bench")
        ours = _measure(_Door(f"{served.url}/mlflow/workspaces/bench", {"Authorization": f"Bearer {key}"}))
    budgets = {"log a batch of 1,000 metrics": 40.0, f"search {RUNS:,} runs by metric and tag": 20.0}
    return [
        row(what, ours[what], theirs[what], "/s", least=budgets.get(what, 30.0), higher=True, peer_name="mlflow server")
        for what in theirs
    ]


def _measure(door: _Door) -> dict[str, float]:
    experiment = door.call("/experiments/create", {"name": f"bench-{time.time_ns()}"})["experiment_id"]
    run = door.call("/runs/create", {"experiment_id": experiment, "start_time": 1})["run"]["info"]["run_id"]
    one = {"run_id": run, "key": "loss", "value": 0.5, "timestamp": "@N@", "step": 0}
    text = json.dumps(one).replace('"@N@"', "@N@")
    batch = {
        "run_id": run,
        "metrics": [{"key": f"m{n}", "value": n, "timestamp": "@N@", "step": n} for n in range(1000)],
    }
    many = json.dumps(batch).replace('"@N@"', "@N@")
    found = {
        "log one metric": per_second(
            f"{door.url}{_API}/runs/log-metric", method="POST", bodies=[text], headers=door.headers
        ),
        "get a run": door.rate(f"/runs/get?run_id={run}"),
        "log a batch of 1,000 metrics": per_second(
            f"{door.url}{_API}/runs/log-batch", method="POST", bodies=[many], headers=door.headers, seconds=8
        ),
    }
    name = f"bench-{time.time_ns()}"
    door.call("/registered-models/create", {"name": name})
    _version(door, name, run)
    door.call("/registered-models/alias", {"name": name, "alias": "champion", "version": "1"})
    found["get a version by alias"] = door.rate(f"/registered-models/alias?name={name}&alias=champion")
    found[f"search {RUNS:,} runs by metric and tag"] = _search(door)
    return found


def _version(door: _Door, name: str, run: str) -> None:
    """A version of one small file of the run."""
    target = f"{door.url}/api/2.0/mlflow-artifacts/artifacts/"
    info = door.call(f"/runs/get?run_id={run}")["run"]["info"]
    path = info["artifact_uri"].split("mlflow-artifacts:/")[-1].lstrip("/")
    request = urllib.request.Request(  # noqa: S310
        f"{target}{path}/model/MLmodel", b"flavors: {}\n", door.headers, method="PUT"
    )
    urllib.request.urlopen(request, context=door._context, timeout=60).read()  # noqa: S310, SLF001
    door.call("/model-versions/create", {"name": name, "source": f"{info['artifact_uri']}/model", "run_id": run})


def _search(door: _Door) -> float:
    experiment = door.call("/experiments/create", {"name": f"many-{time.time_ns()}"})["experiment_id"]

    def make(number: int) -> None:
        tags = [{"key": "team", "value": f"t{number % 20}"}]
        run = door.call("/runs/create", {"experiment_id": experiment, "start_time": number, "tags": tags})["run"][
            "info"
        ]["run_id"]
        door.call("/runs/log-metric", {"run_id": run, "key": "acc", "value": number / RUNS, "timestamp": 1, "step": 0})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(make, range(RUNS)))
    body = {"experiment_ids": [experiment], "filter": "metrics.acc > 0.5 and tags.team = 't3'", "max_results": 100}
    return door.rate("/runs/search", body, seconds=8)
