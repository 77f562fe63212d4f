"""MLflow's own client, many at once, logging to a server that is killed again and again.

What was acknowledged is there, once, and no client noticed more than a pause. The everyday length is short; the whole thing,
50 clients for ten minutes with a kill each minute, is ``REGISTA_WRITING_SECONDS=600 REGISTA_WRITERS=50``."""

import collections
import json
import os
import threading
import time

import pytest

from tests.support.mlflow_client import mlflow_client
from tests.support.server import free_port, running_server

pytestmark = [pytest.mark.slow, pytest.mark.crash, pytest.mark.timeout(1200)]

SECONDS = float(os.environ.get("REGISTA_WRITING_SECONDS", "20"))
WRITERS = int(os.environ.get("REGISTA_WRITERS", "10"))
PROCESSES = 2
KILLS = max(2, int(SECONDS // 60))


def start_clients(mlflow, server, folder):
    """The processes of the writers, and what each of them said in the end."""
    said = []

    def run():
        try:
            said.append(
                mlflow.run(
                    "persistent_writers",
                    server,
                    folder,
                    workspace="dev",
                    seconds=SECONDS + 200,
                    SECONDS=str(SECONDS),
                    THREADS=str(WRITERS // PROCESSES),
                    BOOK=str(folder),
                    MLFLOW_HTTP_REQUEST_MAX_RETRIES="7",
                )
            )
        except Exception as fault:  # noqa: BLE001 - it belongs to the test's own thread
            said.append(str(fault).partition("Regista answers at")[0])  # without the server's log

    threads = [threading.Thread(target=run) for _ in range(PROCESSES)]
    for thread in threads:
        thread.start()
    return threads, said


def test_what_was_acknowledged_is_there_once_and_clients_go_on_by_themselves(tmp_path):
    home, folder, ports = tmp_path / "home", tmp_path / "books", {"REGISTA_PORT": str(free_port())}
    folder.mkdir()
    mlflow = mlflow_client(3)
    with running_server(home, ports) as server:
        server.client().workspaces.create(name="dev")
        threads, said = start_clients(mlflow, server, folder)
        time.sleep(SECONDS / (KILLS + 1) + 4)  # the clients' imports take their time
        server.process.kill()
    for _ in range(KILLS - 1):
        with running_server(home, ports) as server:
            time.sleep(SECONDS / (KILLS + 1))
            server.process.kill()
    with running_server(home, ports) as server:
        for thread in threads:
            thread.join()
        assert [one for one in said if one.strip() != "written"] == []
        check(server, folder)


def check(server, folder):
    """Every point of every book is in the history, and nothing is there twice."""
    books = list(folder.glob("*.jsonl"))
    assert len(books) == WRITERS // PROCESSES * PROCESSES
    for book in books:
        acknowledged = [tuple(point) for line in book.read_text().splitlines() for point in json.loads(line)]
        assert acknowledged
        for key in ("single", "batched"):
            steps = collections.Counter(history(server, book.stem, key))
            assert set(steps.values()) <= {1}
            missing = {step for name, step in acknowledged if name == key} - set(steps)
            assert not missing


def history(server, run, key):
    """The steps of a metric, by the API."""
    import ssl

    import httpx

    trust = ssl.create_default_context(cafile=str(server.ca))
    token, steps = "", []
    with httpx.Client(verify=trust, headers={"Authorization": f"Bearer {server.owner_key}"}, timeout=60) as client:
        while True:
            asked = {"run_id": run, "metric_key": key, "max_results": "25000", "page_token": token}
            url = f"{server.url}/mlflow/workspaces/dev/api/2.0/mlflow/metrics/get-history"
            page = client.get(url, params=asked).raise_for_status().json()
            steps += [one["step"] for one in page.get("metrics", [])]
            if not (token := page.get("next_page_token", "")):
                return steps
