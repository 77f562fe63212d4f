"""Importing from stores that the real MLflow filled, as its unmodified client sees both sides."""

import base64
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress

import pytest
import sqlalchemy as sa

from tests.support.mlflow_client import mlflow_client

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

_QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet", "MLFLOW_ALLOW_FILE_STORE": "true"}
_QUIET |= {
    "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": base64.urlsafe_b64encode(b"k" * 32).decode()
}  # else one for each process
_METRICS = int(os.environ.get("REGISTA_IMPORTED_METRICS", "60000"))


@pytest.fixture(scope="module")
def stores(server, tmp_path_factory):
    """A folder with ``mlflow.db``, its files in ``mlruns`` beside it, and a file store in ``files/mlruns``."""
    home = tmp_path_factory.mktemp("stores")
    (home / "files").mkdir()
    uris = f"sqlite:///{home}/mlflow.db file://{home}/files/mlruns"
    mlflow_client(3).run("import_fill", server, home, workspace="none", STORES=uris, **_QUIET)
    return home


def regista(server, cache, *arguments, key=None):
    """The command line, as the owner or with *key*."""
    told = os.environ | server.environment | {"REGISTA_CACHE": str(cache)} | ({"REGISTA_KEY": key} if key else {})
    command = [sys.executable, "-m", "regista", "import", "mlflow", *arguments]
    return subprocess.run(command, env=told, capture_output=True, text=True, timeout=240, check=False)


def imported(server, cache, *arguments):
    """What an import that has to be whole says, by sort."""
    done = regista(server, cache, *arguments, "-o", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Everything is here." in done.stderr
    report = json.loads(done.stdout)
    assert all("comes without its secret" in note for note in report["notes"])
    return {line["what"]: line["here"] for line in report["lines"]}


@contextmanager
def stock_server(home, major=3):
    """MLflow's own server over the SQLite store, that of version 2, which knows no SQLAlchemy of today, over files; its address."""
    store = f"sqlite:///{home}/mlflow.db" if major == 3 else f"{home}/kept"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [mlflow_client(major).python, "-m", "mlflow", "server", "--backend-store-uri", store,
               "--artifacts-destination", f"{home}/mlruns", "--port", str(port), "--workers", "1"]  # fmt: skip
    told = (
        os.environ | _QUIET | {"PATH": f"{command[0].parent}{os.pathsep}{os.environ['PATH']}"}
    )  # version 2 starts gunicorn by its name
    with (home / "stock.log").open("wb") as log:
        process = subprocess.Popen(command, env=told, cwd=home, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + 240
        while True:
            assert time.monotonic() < deadline, (home / "stock.log").read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, (home / "stock.log").read_text()
            time.sleep(0.3)
        yield f"http://127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def copied(source, url):
    """The tables of a SQLite file in PostgreSQL, without what is not data."""
    old, new = sa.create_engine(f"sqlite:///{source}"), sa.create_engine(url)
    found = sa.MetaData()
    found.reflect(old)
    with old.connect() as reading, new.begin() as writing:
        for table in found.tables.values():
            columns = [sa.Column(one.name, one.type.as_generic()) for one in table.columns]
            copy = sa.Table(table.name, sa.MetaData(), *columns)
            copy.create(writing)
            if rows := [dict(row) for row in reading.execute(sa.select(table)).mappings()]:
                writing.execute(sa.insert(copy), rows)
    old.dispose()
    new.dispose()


def test_all_that_the_client_sees_is_here_from_whatever_source(server, stores, tmp_path, postgres_database):
    client = server.client()
    for name in ("import-server", "import-sqlite", "import-files", "import-postgres"):
        client.workspaces.create(name=name)
    client.registries.create(name="import-central")
    before = {path: path.stat().st_mtime_ns for path in stores.rglob("*") if path.is_file()}
    database, files = f"sqlite:///{stores}/mlflow.db", str(stores / "files" / "mlruns")
    with_files = ["--artifacts", str(stores / "mlruns")]
    from_sqlite = imported(server, tmp_path, database, *with_files, "-w", "import-sqlite")
    differing = {"bytes": 0, "webhooks": 0, "tags": 0}  # each of its stores notes other things of a trace
    from_files = imported(server, tmp_path, files, "-w", "import-files", "-r", "import-central")
    assert from_files | differing == from_sqlite | differing
    copied(stores / "mlflow.db", postgres_database)
    assert imported(server, tmp_path, postgres_database, *with_files, "-w", "import-postgres") == from_sqlite
    assert before == {path: path.stat().st_mtime_ns for path in stores.rglob("*") if path.is_file()}, "it only reads"
    with stock_server(stores) as url:
        assert imported(server, tmp_path, url, "-w", "import-server") == from_sqlite
    assert [from_sqlite[what] for what in ("runs", "traces", "assessments", "webhooks")] == [5, 4, 4, 1]
    assert from_sqlite["metrics"] == 36
    here = f"{server.url}/mlflow/workspaces/import-"
    pairs = [(database, f"{here}{name}", f"{here}{name}") for name in ("sqlite", "postgres", "server")]
    pairs.append((f"file://{files}", f"{here}files", f"{server.url}/mlflow/registries/import-central"))
    told = "\n".join(" ".join(pair) for pair in pairs)
    mlflow_client(3).run("import_compare", server, tmp_path, workspace="none", PAIRS=told, **_QUIET)
    assert "Traceback" not in server.log


def test_who_may_make_no_webhooks_is_told_so_and_gets_the_rest(server, stores, tmp_path):
    client = server.client()
    place = client.workspaces.create(name="import-scientist").path
    client.principals.create("import-scientist")
    client.roles.assign("import-scientist", "Data Scientist", place)
    key = client.keys.create("import-scientist").secret
    asked = [
        f"sqlite:///{stores}/mlflow.db",
        "--artifacts",
        str(stores / "mlruns"),
        "-w",
        "import-scientist",
        "-o",
        "json",
    ]
    done = regista(server, tmp_path, *asked, key=key)
    report = json.loads(done.stdout)
    assert (done.returncode, report["whole"], report["notes"]) == (1, False, [])
    assert [problem.partition(":")[0] for problem in report["problems"]] == ["webhook 'told'"]
    assert [line["what"] for line in report["lines"] if line["differs"]] == ["webhooks"]


def test_a_server_of_mlflow_2_is_read_too(server, tmp_path):
    client = server.client(workspace="import-two")
    client.workspaces.create(name="import-two")
    with stock_server(tmp_path, major=2) as url:
        quiet = _QUIET | {
            "MLFLOW_TRACKING_URI": url,
            "MLFLOW_TRACKING_TOKEN": "",
            "MLFLOW_TRACKING_SERVER_CERT_PATH": "",
        }
        run, trace = mlflow_client(2).run("import_fill_2", server, tmp_path, workspace="none", **quiet).split()[-2:]
        found = imported(server, tmp_path / "cache", url, "-w", "import-two")
    wanted = {"runs": 1, "metrics": 1, "traces": 1, "registered_models": 1, "versions": 1, "webhooks": 0}
    assert {what: found[what] for what in wanted} == wanted
    files = "/mlflow/workspaces/import-two/api/2.0/mlflow-artifacts/artifacts"
    assert b'"name": "old"' in client.transport.fetch(f"{files}/traces/{trace}/traces.json")
    assert client.transport.fetch(f"{files}/runs/{run}/notes.txt") == b"hello"


def test_an_import_that_was_killed_goes_on_and_nothing_comes_twice(server, stores, tmp_path):
    server.client().workspaces.create(name="import-killed")
    with (
        closing(sqlite3.connect(stores / "mlflow.db")) as old,
        closing(sqlite3.connect(tmp_path / "large.db")) as large,
    ):
        old.backup(large)
        many = [(f"{n:032x}", 1_700_000_000_000 + n) for n in range(60)]
        large.executemany(
            "INSERT INTO runs (run_uuid, name, status, start_time, end_time, lifecycle_stage, artifact_uri, experiment_id)"
            " VALUES (?, 'many', 'FINISHED', ?, 1700000001000, 'active', '', 1)", many)  # fmt: skip
        large.executemany(
            "INSERT INTO metrics VALUES ('m', ?, 1700000000000, ?, ?, 0)",
            ((step / 7, many[step % len(many)][0], step) for step in range(_METRICS)))  # fmt: skip
        large.commit()
    asked = [f"sqlite:///{tmp_path}/large.db", "--artifacts", str(stores / "mlruns"), "-w", "import-killed"]
    told = os.environ | server.environment | {"REGISTA_CACHE": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "-m", "regista", "import", "mlflow", *asked], env=told)
    runs = server.client(workspace="import-killed").jobs
    deadline = time.monotonic() + 120
    while len([*runs.list()]) < 15 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was killed in the middle"
    found = imported(server, tmp_path, *asked)
    assert [found[what] for what in ("runs", "metrics", "traces", "webhooks")] == [65, 36 + _METRICS, 4, 1]
    assert imported(server, tmp_path / "another-cache", *asked) == found, "the book is no truth of its own"
