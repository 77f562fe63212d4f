"""The unmodified MLflow client, versions 2 and 3, against a real server over TLS."""

import os

import pytest

from tests.support.locked import ROOT, locked_python
from tests.support.mlflow_client import MlflowClient, mlflow_client

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module", params=[2, 3], ids=["mlflow2", "mlflow3"])
def mlflow(request) -> MlflowClient:
    return mlflow_client(request.param)


@pytest.fixture(scope="module")
def scopes(server):
    """Two workspaces and a registry of this module's own."""
    client = server.client()
    for name in ("mlflow-dev", "mlflow-prod"):
        client.workspaces.create(name=name)
    client.registries.create(name="mlflow-central")
    return {"workspace": "mlflow-dev", "OTHER": "mlflow-prod", "REGISTRY": "mlflow-central"}


@pytest.mark.parametrize("script", ["tracking", "models", "autolog", "across", "prompts"])
def test_the_client_gets_what_it_expects(mlflow, server, scopes, tmp_path, script):
    mlflow.run(script, server, tmp_path, NAME=f"{script}-{mlflow.major}", **scopes)
    assert "Traceback" not in server.log


def test_traces_are_kept_without_a_warning(server, scopes, tmp_path):
    """With version 3 alone: 2.22 ends no trace with today's OpenTelemetry, not even in its own file store."""
    mlflow_client(3).run("traces", server, tmp_path, NAME="traces-3", **scopes)
    assert "Traceback" not in server.log


def test_large_files_are_sent_and_fetched_in_parts(server, scopes, tmp_path):
    """With version 3; 2.22 knows the same upload. Parts go by plain ``requests``, which trusts by a variable of its own."""
    variables = in_parts(int(os.environ.get("REGISTA_PARTS_BYTES", "20_000_000")))
    mlflow_client(3).run("parts", server, tmp_path, REQUESTS_CA_BUNDLE=str(server.ca), **variables, **scopes)
    assert "Traceback" not in server.log


def test_a_job_sends_large_files_in_parts_and_is_told_nothing_for_it(server, scopes):
    """The same script, by the client that is in the job's own environment."""
    wanted = next(
        line for line in (ROOT / "locks" / "mlflow-3.txt").read_text().splitlines() if "mlflow-skinny==" in line
    )
    script = (ROOT / "mlflow_scripts" / "parts.py").read_text()
    jobs = server.client(workspace=scopes["workspace"]).jobs
    job = jobs.create(
        command=f"cd \"$(mktemp -d)\" && python - <<'END'\n{script}\nEND\n",
        environment={"conda_file": {"dependencies": [{"pip": [wanted]}]}},
        environment_variables=in_parts(20_000_000),
    )
    said = list(jobs.follow(job.name))
    assert jobs.get(job.name).status == "Completed", said
    assert "Traceback" not in server.log


def in_parts(size: int) -> dict[str, str]:
    """Variables by which the client sends and fetches a file of *size* bytes in several parts."""
    return {
        "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "true",
        "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE": str(size // 4),
        "MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE": str(max(size // 30, 5 * 2**20)),
        "MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE": str(size // 4),
        "SIZE": str(size),
    }


def test_workspaces_are_chosen_and_made_by_the_client(server, scopes, tmp_path):
    """With version 3 alone: 2.22 knows none."""
    mlflow_client(3).run("workspaces", server, tmp_path, **scopes)
    assert "Traceback" not in server.log


_WITH_TORCH = pytest.param("mlflow-3-torch", marks=pytest.mark.timeout(7200))
"""Nothing here waits for a clock; the limits only end what hangs."""


@pytest.mark.parametrize("lock", ["mlflow-3", *([_WITH_TORCH] if os.environ.get("REGISTA_TORCH") else [])])
def test_autologging_leaves_here_what_it_leaves_in_a_store_of_mlflows_own(server, scopes, tmp_path, lock):
    """With REGISTA_TORCH=1 PyTorch, too, whose environment takes gigabytes, and ``mlflow models serve``; with STOCK a stock server
    at that address is the other side."""
    is_torch = lock.endswith("torch")
    flavors, seconds = ("pytorch", 7000) if is_torch else ("sklearn xgboost lightgbm", 540)
    more = {"STOCK": os.environ.get("STOCK", ""), "SERVE": os.environ.get("REGISTA_TORCH", "")}
    client = MlflowClient(3, locked_python(lock))
    client.run("autolog_complete", server, tmp_path, seconds=seconds, NAME=lock, FLAVORS=flavors, **more, **scopes)
    assert "Traceback" not in server.log


def test_a_reader_is_refused_with_the_reason(mlflow, server, scopes, tmp_path):
    client = server.client()
    name = f"mlflow-reader-{mlflow.major}"
    client.principals.create(name)
    client.roles.assign(name, "Reader", client.workspaces.get("mlflow-dev").path)
    key = client.keys.create(name).secret
    run = mlflow.run("one_run", server, tmp_path, workspace="mlflow-dev").split()[-1]
    mlflow.run("refused", server, tmp_path, key=key, RUN=run, **scopes)
