"""Scoring by the Open Inference Protocol V2: one worker of ours beside MLServer with the same scikit-learn model, and the same
worker through the gateway beside the worker itself.

They are all there at once and are asked in turns. Beside each rate stands the CPU time that one answer took of the server,
through the gateway of both processes."""

import hashlib
import json
import os
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import psutil

import regista.agent
from benchmarks.load import load
from benchmarks.places import free_port, peer, wait_for
from benchmarks.table import Row, row, show
from regista.agent.gateway.table import Address, DeploymentSpec, EndpointSpec, Table
from regista.bootstrap.certificates import ensure_certificates

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
_INFER = "/v2/models/iris/infer"
_KEY = "the key of the endpoint"  # nobody else is served by this gateway
_CLIENTS = 16
_TURNS = 5
_SECONDS = 3
_PEER = "MLServer 1.7.1"


class Asked(NamedTuple):
    """Somebody who predicts: at which address, and which processes work for it."""

    url: str
    pids: tuple[int, ...]

    @property
    def headers(self) -> dict[str, str]:
        """The key, which a worker does not look at."""
        return {"Content-Type": "application/json", "Authorization": f"Bearer {_KEY}"}


class Turn(NamedTuple):
    """Answers a second, and the CPU time of one in microseconds."""

    rate: float
    cpu: float


def rows(folder: Path) -> list[Row]:
    """The middle one of some turns, by the ratio: what else the machine does meets those of one turn alike."""
    python = peer("mlserver", *_PACKAGES) / "bin" / "python"
    subprocess.run([str(python), "-c", _TRAIN, str(folder)], check=True, stdout=subprocess.DEVNULL)
    with ExitStack() as running:
        theirs = running.enter_context(_mlserver(python, folder))
        single = running.enter_context(_ours(python, folder, "single", batching="off", port=free_port()))
        batched = running.enter_context(_ours(python, folder, "batched", batching="on", port=free_port()))
        hidden = running.enter_context(_ours(python, folder, "hidden", batching="on", uds=str(folder / "worker.sock")))
        through = running.enter_context(_gateway(folder, hidden))
        everybody = (theirs, single, batched, through)
        _check(everybody)
        turns = [{one: _turn(one) for one in everybody} for _ in range(1 + _TURNS)][1:]  # the first one warms up
    note = "TLS, a key, a line in the access log, and the worker on a Unix socket"
    return [
        _row("scoring, one worker", turns, single, theirs, 2, _PEER),
        _row("scoring, one worker with micro-batching", turns, batched, theirs, 8, _PEER),
        _row(
            "scoring with micro-batching, through the gateway", turns, through, batched, 0.5, "the worker itself", note
        ),
    ]


def _row(
    what: str, turns: list[dict[Asked, Turn]], ours: Asked, other: Asked, least: float, name: str, note: str = ""
) -> Row:
    pairs = sorted(((turn[ours], turn[other]) for turn in turns), key=lambda pair: pair[0].rate / pair[1].rate)
    one, two = pairs[len(pairs) // 2]
    found = row(what, one.rate, two.rate, "/s", least=least, higher=True, peer_name=name, note=note)
    told = [f"{text} ({show(turn.cpu, 'µs')} CPU)" for text, turn in ((found.ours, one), (found.peer, two))]
    return msgspec.structs.replace(found, ours=told[0], peer=told[1])


def _turn(asked: Asked) -> Turn:
    before = _cpu(asked)
    found = load(asked.url, method="POST", bodies=[_BODY], headers=asked.headers, clients=_CLIENTS, seconds=_SECONDS)
    return Turn(found.rate, (_cpu(asked) - before) / found.answers * 1e6)


def _cpu(asked: Asked) -> float:
    roots = [psutil.Process(pid) for pid in asked.pids]
    times = [one.cpu_times() for root in roots for one in (root, *root.children(recursive=True))]
    return sum(one.user + one.system for one in times)


def _check(everybody: tuple[Asked, ...]) -> None:
    """Fail unless all of them predict the same."""
    said = set()
    for one in everybody:
        context = ssl._create_unverified_context() if one.url.startswith("https") else None  # noqa: S323, SLF001 - loopback
        request = urllib.request.Request(one.url, _BODY.encode(), one.headers)  # noqa: S310 - our own loopback address
        with urllib.request.urlopen(request, context=context, timeout=60) as answer:  # noqa: S310
            said.add(str(json.loads(answer.read())["outputs"][0]["data"]))
    if len(said) > 1:
        raise RuntimeError(f"they do not predict the same: {said}")


@contextmanager
def _mlserver(python: Path, folder: Path) -> Iterator[Asked]:
    port, home = free_port(), folder / "mlserver"
    home.mkdir()
    options = {
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": free_port(),
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
    with _process([str(python.parent / "mlserver"), "start", str(home)]) as process:
        wait_for(f"http://127.0.0.1:{port}/v2/health/ready", process)
        yield Asked(f"http://127.0.0.1:{port}{_INFER}", (process.pid,))


@contextmanager
def _ours(python: Path, folder: Path, name: str, **settings: object) -> Iterator[Asked]:
    site = Path(sys.prefix) / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    config, ready = folder / f"{name}.json", folder / f"{name}.ready"
    said = {"name": "iris", "model_dir": str(folder / "mlflow"), "layer": [str(site)], "ready_file": str(ready)}
    config.write_text(json.dumps(said | settings))
    program = Path(regista.agent.__file__ or "").parent / "scoring" / "__main__.py"
    with _process([str(python), str(program), "--config", str(config)]) as process:
        _wait_for_file(ready, process)
        yield Asked(f"http://127.0.0.1:{settings.get('port')}{_INFER}", (process.pid,))


@contextmanager
def _gateway(folder: Path, worker: Asked) -> Iterator[Asked]:
    """As the server starts it, before *worker*, which listens on the folder's socket."""
    deployment = DeploymentSpec(backends=(Address(uds=str(folder / "worker.sock")),))
    key = hashlib.sha256(_KEY.encode()).hexdigest()
    endpoint = EndpointSpec(keys=(key,), traffic={"blue": 100}, deployments={"blue": deployment})
    table = folder / "table.json"
    table.write_bytes(msgspec.json.encode(Table(endpoints={"bench/iris": endpoint})))
    _, certificate, secret = ensure_certificates(folder / "tls", ("127.0.0.1",))
    port = free_port()
    command = [sys.executable, "-m", "regista.agent.gateway", "--table", str(table), "--listen", f"127.0.0.1:{port}"]
    command += ["--cert", str(certificate), "--key", str(secret)]
    command += ["--access-log", str(folder / "access.jsonl")]
    with _process(command) as process:
        url = f"https://127.0.0.1:{port}"
        wait_for(f"{url}/healthz", process)
        yield Asked(f"{url}/endpoints/bench/iris{_INFER}", (process.pid, *worker.pids))


def _wait_for_file(path: Path, process: subprocess.Popen[bytes]) -> None:
    while not path.exists():
        if process.poll() is not None:
            raise RuntimeError(f"the worker ended with {process.returncode}")
        time.sleep(0.05)


@contextmanager
def _process(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
