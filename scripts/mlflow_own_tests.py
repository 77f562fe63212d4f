"""Runs MLflow's own tests against a server outside, a stock one or Regista, and tells where the two differ.

    MLFLOW_SOURCES=DIR python -m scripts.mlflow_own_tests stock   stock.json    [words for pytest …]
    MLFLOW_SOURCES=DIR python -m scripts.mlflow_own_tests regista regista.json  [words for pytest …]
    python -m scripts.mlflow_own_tests compare stock.json regista.json

DIR is a checkout of github.com/mlflow/mlflow, or as much of it as ``git archive REF tests pyproject.toml`` gives. Nothing of it
comes into this repository. Its fixtures are led to the server by ``tests/sdk/mlflow_own/external.py``; the client and the stock
server are those of ``tests/sdk/locks/mlflow-3-own.txt``.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet

from tests.support.authority import make_certificates
from tests.support.locked import locked_python
from tests.support.server import free_port, running_server, stop

ROOT = Path(__file__).parents[1]
FILES = (
    "tests/tracking/test_rest_tracking.py",
    "tests/tracking/test_model_registry.py",
    "tests/tracking/test_tracking.py",
    "tests/tracking/test_mlflow_artifacts.py",
    "tests/tracking/test_client.py",
    "tests/tracking/test_client_webhooks.py",
    "tests/tracking/test_client_workspace.py",
    "tests/tracking/_model_registry/test_model_registry_fluent.py",
    "tests/tracking/fluent/test_fluent.py",
    "tests/tracking/test_log_image.py",
    "tests/tracking/test_log_figure.py",
    "tests/store/artifact/test_mlflow_artifact_repo.py",
    "tests/store/artifact/test_http_artifact_repo.py",
    "tests/store/artifact/test_models_artifact_repo.py",
    "tests/store/artifact/test_runs_artifact_repo.py",
    "tests/store/artifact/test_presigned_url_artifact_repo.py",
    "tests/store/model_registry/test_rest_store.py",
    "tests/store/model_registry/test_rest_store_webhooks.py",
    "tests/store/model_registry/test_rest_store_workspace.py",
    "tests/store/workspace/test_rest_store.py",
    "tests/webhooks/test_e2e.py",
    "tests/artifacts/test_artifacts.py",
    "tests/tracing/test_fluent.py",
    "tests/tracing/test_attachments_integration.py",
    "tests/genai/prompts/test_prompts.py",
    "tests/genai/evaluate/test_evaluation.py",
    "tests/models/test_model.py",
    "tests/test_runs.py",
)
NOT_SERVED = ("gateway", "secret", "scorer", "scoring", "endpoint", "graphql", "evaluation_dataset", "managed_dataset",
              "dataset_mixed", "dataset_experiment", "experiments_rest_tracking", "promptlab", "issue", "model_definition",
              "provider", "list_models", "query_trace_metrics", "filter_correlation")  # fmt: skip
"""What is not served, by words in the names of tests: the AI gateway, GraphQL, kept data sets and scorers for evaluation, and what
belongs to them."""

Results = dict[str, dict[str, Any]]
_START_SECONDS = 300


def main(arguments: list[str]) -> int:
    """Do what the first word says; return the status of the program."""
    match arguments:
        case ["compare", stock, ours]:
            print(comparison(_read(stock), _read(ours)))
            return 0
        case ["stock" | "regista" as kind, result, *words]:
            with tempfile.TemporaryDirectory(prefix="mlflow-own-") as folder:
                told = _stock(Path(folder)) if kind == "stock" else _regista(Path(folder))
                with told as environment:
                    return _run(Path(os.environ["MLFLOW_SOURCES"]), Path(result).resolve(), words, environment)
        case _:
            print(__doc__)
            return 2


def comparison(stock: Results, ours: Results) -> str:
    """What passes against a stock server and not against Regista, by its last words; and how many there are of each."""
    both = [name for name in stock if name in ours]
    good = [
        name for name in both if stock[name]["outcome"] == "passed" and (stock[name]["spoke"] or ours[name]["spoke"])
    ]
    bad = [name for name in good if ours[name]["outcome"] != "passed"]
    lines = [f"{name}\n    {_first_line(ours[name]['said'])}" for name in bad]
    lines.append(
        f"{len(both)} tests; {len(good)} speak to a server and pass against a stock one; of these {len(bad)} do not here"
    )
    return "\n".join(lines)


def _first_line(said: str) -> str:
    return said.strip().partition("\n")[0][:200]


def _read(path: str) -> Results:
    found: Results = json.loads(Path(path).read_text())
    return found


@contextmanager
def _regista(folder: Path) -> Iterator[dict[str, str]]:
    """A server of ours. Requests that the tests write by hand find its key and its authority where curl would, too."""
    receiver = make_certificates(folder / "receiver")
    told = {"REGISTA_WEBHOOK_CA": str(receiver.ca), "REGISTA_WEBHOOK_PRIVATE": "true"}
    with running_server(folder / "home", told) as server:
        trusted = folder / "trusted.pem"
        trusted.write_bytes(server.ca.read_bytes() + receiver.ca.read_bytes())
        netrc = folder / "netrc"
        netrc.write_text(f"machine {urlsplit(server.url).hostname} login key password {server.owner_key}\n")
        netrc.chmod(0o600)
        yield {
            "OWN_TESTS_SERVER": "regista",
            "OWN_TESTS_URL": server.url,
            "OWN_TESTS_KEY": server.owner_key,
            "NETRC": str(netrc),
            "REQUESTS_CA_BUNDLE": str(trusted),
            "OWN_TESTS_CERTIFICATE": str(receiver.certificate),
            "OWN_TESTS_PRIVATE_KEY": str(receiver.key),
        }
        print("the server's log has", server.log.count("Traceback"), "tracebacks")


@contextmanager
def _stock(folder: Path) -> Iterator[dict[str, str]]:
    """``mlflow server`` with its artifacts behind it, as users run it."""
    port, state, files = free_port(), folder / "mlflow.db", folder / "artifacts"
    told = _plain() | _STOCK | {"MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": Fernet.generate_key().decode()}
    command = [str(_python()), "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
               "--backend-store-uri", f"sqlite:///{state}", "--artifacts-destination", str(files)]  # fmt: skip
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=told, cwd=folder, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(port, folder / "server.log")
        subprocess.run([sys.executable, "-c", _BACKUP, str(state)], check=True)
        yield {
            "OWN_TESTS_SERVER": "stock",
            "OWN_TESTS_URL": url,
            "OWN_TESTS_STATE": str(state),
            "OWN_TESTS_FILES": str(files),
        }
    finally:
        stop(process)


_STOCK = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
    "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
    "MLFLOW_WEBHOOK_CACHE_TTL": "0",
    "MLFLOW_WEBHOOK_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_WEBHOOK_REQUEST_TIMEOUT": "10",
}
"""As the tests of webhooks start their own."""

_BACKUP = """
import contextlib, sqlite3, sys
with contextlib.closing(sqlite3.connect(sys.argv[1])) as kept, contextlib.closing(sqlite3.connect(sys.argv[1] + ".empty")) as empty:
    kept.backup(empty)
"""


def _wait(port: int, log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(log.read_text())


def _run(sources: Path, result: Path, words: list[str], environment: dict[str, str]) -> int:
    """Run pytest in MLflow's environment, from the folder of the sources."""
    told = _plain() | environment | {
        "OWN_TESTS_RESULT": str(result),
        "PYTHONPATH": os.pathsep.join((str(ROOT / "tests" / "sdk" / "mlflow_own"), str(sources))),
        "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    chosen = [word for word in words if word.startswith("tests/")]
    options = [word for word in words if word not in chosen] or ["-k", f"test_e2e or not ({' or '.join(NOT_SERVED)})"]
    files = chosen or [file for file in FILES if (sources / file).exists()]
    how = "-q -p external -p no:cacheprovider --continue-on-collection-errors --timeout 60 --tb short".split()
    command = [str(_python()), "-m", "pytest", *how, "-o", "addopts=-p no:legacypath", *options, *files]
    return subprocess.run(command, env=told, cwd=sources, check=False).returncode


def _python() -> Path:
    return locked_python("mlflow-3-own")


def _plain() -> dict[str, str]:
    told = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "REGISTA_"))}
    path = f"{_python().parent}{os.pathsep}{told.get('PATH', '')}"
    return told | {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "GIT_PYTHON_REFRESH": "quiet",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
        "PATH": path,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
