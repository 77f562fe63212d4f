"""A plugin of pytest for MLflow's own tests: their fixtures lead to a server outside instead of one that they start.

Loaded in MLflow's environment (``-p external``) by ``scripts/mlflow_own_tests.py``, which also tells it where the server is:

    OWN_TESTS_SERVER    ``stock`` or ``regista``
    OWN_TESTS_URL       where it answers
    OWN_TESTS_KEY       Regista: by which workspaces are made
    OWN_TESTS_CERTIFICATE, OWN_TESTS_PRIVATE_KEY    Regista: of the receiver of webhooks, which it calls by https alone
    OWN_TESTS_STATE     stock: the SQLite file that it keeps, and beside it ``.empty``, the same as it was when new
    OWN_TESTS_RESULT    the file for what became of each test, and whether it spoke to the server at all

Each test finds an empty server: that of MLflow gets its empty database back, Regista a new workspace.
"""

import contextlib
import functools
import itertools
import json
import os
import socket
import sqlite3
import ssl
import threading
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

SERVER, URL = os.environ["OWN_TESTS_SERVER"], os.environ["OWN_TESTS_URL"]
RESULT = Path(os.environ["OWN_TESTS_RESULT"])

REDIRECTED = ("test_tracking.py", "test_client.py", "test_fluent.py", "test_fluent_autolog.py", "test_log_image.py",
              "test_log_figure.py", "test_model_registry_fluent.py", "test_models_artifact_repo.py", "test_artifacts.py",
              "test_attachments_integration.py", "test_prompts.py", "test_evaluation.py", "test_runs.py",
              "test_model.py")  # fmt: skip
"""Files whose tests use whatever store is set, by default SQLite in their own process: for them the server is set."""

_numbers = itertools.count()
_results: dict[str, dict[str, object]] = {}
_spoken: list[str] = []


class Given:
    """The server's address as seen by the test that runs now."""

    url = ""


WITH_A_RUN = ("test_model_registry.py", "test_mlflow_artifacts.py")


def fresh() -> str:
    """The address of an empty server; within one test always the same."""
    if not Given.url:
        Given.url = _empty_workspace() if SERVER == "regista" else _emptied()
    return Given.url


def _empty_workspace() -> str:
    """A workspace of its own. A stock server makes versions of runs that it does not know, and keeps files that belong to nothing;
    here a version has files, and files belong to something. So the run that the registry's tests name is there, imported, with a
    file in each folder that becomes a model, and is where the tests of artifacts write what they write beside all runs."""
    name = f"own-{uuid.uuid4().hex[:8]}-{next(_numbers)}"
    with requests.Session() as session:
        session.trust_env = False  # requests would put what .netrc says in the place of our header
        session.headers["Authorization"] = f"Bearer {os.environ['OWN_TESTS_KEY']}"
        session.verify = os.environ["REQUESTS_CA_BUNDLE"]
        session.post(f"{URL}/api/v1/workspaces", json={"name": name}, timeout=60).raise_for_status()
        files = f"{URL}/mlflow/workspaces/{name}/api/2.0/mlflow-artifacts/artifacts/runs/run_id"
        if any(file in os.environ.get("PYTEST_CURRENT_TEST", "") for file in WITH_A_RUN):
            run = f"{URL}/api/v1/workspaces/{name}/imports/runs"
            session.put(run, json={"name": "run_id"}, timeout=60).raise_for_status()
            for folder in ("model", "another_model"):
                session.put(f"{files}/{folder}/MLmodel", data=b"flavors: {}", timeout=60).raise_for_status()
    _spoken.clear()
    return f"{URL}/mlflow/workspaces/{name}"


def _emptied() -> str:
    state = os.environ["OWN_TESTS_STATE"]
    with (
        contextlib.closing(sqlite3.connect(f"{state}.empty")) as empty,
        contextlib.closing(sqlite3.connect(state)) as kept,
    ):
        empty.backup(kept)
    return URL


class Outside:
    """Stands for ``ServerThread`` and for what ``_init_server`` returns."""

    def __init__(self, *_arguments, **_options) -> None:
        pass

    def __enter__(self) -> str:
        return fresh()

    def __exit__(self, *_what):
        return None


def _client(_request):
    from mlflow import MlflowClient

    return MlflowClient(fresh())


def _client_of(request):
    if getattr(request, "param", "") == "file":
        pytest.skip("no server keeps files")
    return _client(request)


def _registry_store(_request):
    from mlflow.store.model_registry.rest_store import RestStore
    from mlflow.utils.rest_utils import MlflowHostCreds

    url = fresh()
    return RestStore(lambda: MlflowHostCreds(url))


def _artifacts_server(request):
    url = fresh()
    root = f"{url}/api/2.0/mlflow-artifacts/artifacts" + ("/runs/run_id" if SERVER == "regista" else "")
    return request.module.ArtifactsServer("", root, os.environ.get("OWN_TESTS_FILES", ""), url, None)


REPLACED = {
    "mlflow_client": _client_of,
    "mlflow_client_with_secrets": _client,
    "client": _client_of,
    "artifacts_server": _artifacts_server,
    "store": _registry_store,
}
IN = (
    "test_rest_tracking",
    "test_model_registry",
    "test_mlflow_artifacts",
    "test_client_webhooks",
    "test_rest_store_webhooks",
)


def pytest_collection(session):
    from tests.tracking import integration_test_utils

    integration_test_utils.ServerThread = Outside
    integration_test_utils._init_server = Outside


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef, request):
    """Let our function make the value where the fixture would start a server."""
    module = request.node.nodeid.partition("::")[0].rpartition("/")[2].removesuffix(".py")
    if module == "test_e2e":
        _lead_outside(request.module)
    replace = REPLACED.get(fixturedef.argname) if module in IN else None
    if replace is not None:
        fixturedef.func, fixturedef.argnames = _called(replace), ("request",)


def _lead_outside(module):
    """The tests of webhooks start a server and a receiver in processes of their own; the receiver stays."""
    if module._run_mlflow_server is Outside:
        return
    module._run_mlflow_server = Outside
    module.wait_until_ready = functools.partial(module.wait_until_ready, max_attempts=60)
    if SERVER == "regista":
        plain = module.AppClient
        module.AppClient = lambda base: plain(_by_https(base))


def _by_https(base: str) -> str:
    """An address by https behind which is *base*."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.environ["OWN_TESTS_CERTIFICATE"], os.environ["OWN_TESTS_PRIVATE_KEY"])
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            client, _ = listening.accept()
            threading.Thread(target=_pass_on, args=(context, client, urlsplit(base).port), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return f"https://localhost:{listening.getsockname()[1]}"


def _pass_on(context: ssl.SSLContext, client: socket.socket, port: int) -> None:
    """One request and its answer; the receiver is told to close the connection behind it."""
    with contextlib.suppress(OSError), context.wrap_socket(client, server_side=True) as caller:
        head, _, body = _read_head(caller)
        length = next(
            (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        while len(body) < length:
            body += caller.recv(65536)
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
        with socket.create_connection(("127.0.0.1", port)) as receiver:
            receiver.sendall(b"\r\n".join([*lines, b"Connection: close", b"", body]))
            while answer := receiver.recv(65536):
                caller.sendall(answer)


def _read_head(caller: ssl.SSLSocket) -> tuple[bytes, bytes, bytes]:
    received = b""
    while b"\r\n\r\n" not in received and (some := caller.recv(65536)):
        received += some
    return received.partition(b"\r\n\r\n")


def _called(replace):
    def value(request):
        return replace(request)

    return value


@pytest.fixture(autouse=True)
def _the_server(request, tracking_uri_mock, monkeypatch):
    """Set the server for tests that set none, after their own conftest has set the database."""
    Given.url = ""
    _spoken.clear()
    if request.path.name in REDIRECTED and "notrackingurimock" not in request.keywords:
        import mlflow

        mlflow.set_tracking_uri(fresh())
        monkeypatch.setenv("MLFLOW_TRACKING_URI", fresh())
    yield
    if Given.url:
        Given.url = ""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    kept = _results.setdefault(item.nodeid, {"outcome": "passed", "said": "", "spoke": False})
    kept["spoke"] = kept["spoke"] or bool(_spoken)
    if report.when == "teardown":
        RESULT.write_text(json.dumps(_results, indent=1))
    if report.outcome != "passed" and kept["outcome"] == "passed":
        kept["outcome"] = report.outcome
        kept["said"] = _last_words(report)
    return report


def _last_words(report) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return (crash.message if crash else str(report.longrepr))[:1500]


_send = requests.Session.send


def _listening(self, request, **options):
    if str(request.url).startswith(URL):
        _spoken.append(request.url)
    return _send(self, request, **options)


requests.Session.send = _listening
