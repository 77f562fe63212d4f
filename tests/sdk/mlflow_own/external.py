"""A plugin of pytest for MLflow's own tests: their fixtures lead to a server outside instead of one that they start.

Loaded in MLflow's environment (``-p external``) by ``scripts/mlflow_own_tests.py``, which also tells it where the server is:

    OWN_TESTS_SERVER    ``stock`` or ``regista``
    OWN_TESTS_URL       where it answers
    OWN_TESTS_KEY       Regista: by which workspaces are made
    OWN_TESTS_STATE     stock: the SQLite file that it keeps, and beside it ``.empty``, the same as it was when new
    OWN_TESTS_RESULT    the file for what became of each test, and whether it spoke to the server at all

Each test finds an empty server: that of MLflow gets its empty database back, Regista a new workspace.
"""

import contextlib
import itertools
import json
import os
import sqlite3
import uuid
from pathlib import Path

import pytest
import requests

SERVER, URL = os.environ["OWN_TESTS_SERVER"], os.environ["OWN_TESTS_URL"]
RESULT = Path(os.environ["OWN_TESTS_RESULT"])

REDIRECTED = ("test_tracking.py", "test_fluent.py", "test_fluent_autolog.py", "test_log_image.py", "test_log_figure.py")
"""Files whose tests use whatever store is set, by default SQLite in their own process: for them the server is set."""

_numbers = itertools.count()
_results: dict[str, dict[str, object]] = {}
_spoken: list[str] = []


class Given:
    """The server's address as seen by the test that runs now."""

    url = ""


def fresh() -> str:
    """The address of an empty server; within one test always the same."""
    if not Given.url:
        Given.url = _empty_workspace() if SERVER == "regista" else _emptied()
    return Given.url


def _empty_workspace() -> str:
    """A workspace of its own. A stock server makes versions of runs that it does not know; here a version has files, so that the
    runs that the registry's tests name have to be there: imported, with a file in each folder that becomes a model."""
    name = f"own-{uuid.uuid4().hex[:8]}-{next(_numbers)}"
    with requests.Session() as session:
        session.trust_env = False  # requests would put what .netrc says in the place of our header
        session.headers["Authorization"] = f"Bearer {os.environ['OWN_TESTS_KEY']}"
        session.verify = os.environ["REQUESTS_CA_BUNDLE"]
        session.post(f"{URL}/api/v1/workspaces", json={"name": name}, timeout=60).raise_for_status()
        files = f"{URL}/mlflow/workspaces/{name}/api/2.0/mlflow-artifacts/artifacts/runs/run_id"
        if "test_model_registry" in os.environ.get("PYTEST_CURRENT_TEST", ""):
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

    def __init__(self, *_arguments, **_options):
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


def _artifacts_server(request):
    url = fresh()
    root = f"{url}/api/2.0/mlflow-artifacts/artifacts"
    return request.module.ArtifactsServer("", root, os.environ.get("OWN_TESTS_FILES", ""), url, None)


REPLACED = {
    "mlflow_client": _client_of,
    "mlflow_client_with_secrets": _client,
    "client": _client_of,
    "artifacts_server": _artifacts_server,
}
IN = ("test_rest_tracking", "test_model_registry", "test_mlflow_artifacts")


def pytest_collection(session):
    from tests.tracking import integration_test_utils

    integration_test_utils.ServerThread = Outside
    integration_test_utils._init_server = Outside


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef, request):
    """Let our function make the value where the fixture would start a server."""
    module = request.node.nodeid.partition("::")[0].rpartition("/")[2].removesuffix(".py")
    replace = REPLACED.get(fixturedef.argname) if module in IN else None
    if replace is not None:
        fixturedef.func, fixturedef.argnames = _called(replace), ("request",)


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
