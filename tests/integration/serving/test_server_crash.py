"""The server is killed at the worst times; whoever asks the endpoint notices nothing."""

import os
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from regista.bootstrap.serving import end_all, open_host
from regista.bootstrap.settings import Settings
from regista.client import Regista
from regista.drivers.runtimes.uv.runtime import UvRuntime
from tests.support.scoring import PLAIN, SCRIPT, Caller, until
from tests.support.server import RunningServer, free_port, running_server

pytestmark = [pytest.mark.slow, pytest.mark.crash]


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home that outlives its servers; in the end nothing runs below it any more."""
    with tempfile.TemporaryDirectory(prefix="rk", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
        settings = Settings(home=Path(folder), catalog="", store="", gateway_port=1)
        end_all(open_host(settings, UvRuntime(Path(folder))))


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """The same gateway port for every server: an endpoint's address must not change."""
    return {"REGISTA_GATEWAY_PORT": str(free_port())}


def prepared(server: RunningServer, folder: Path) -> Regista:
    """A workspace with two versions of a model and an endpoint."""
    client = server.client(workspace="prod")
    client.workspaces.create(name="prod")
    for text in ("first", "second"):
        (folder / "weights.bin").write_text(text)
        client.models.create(name="churn", path=str(folder / "weights.bin"))
    (folder / "src").mkdir()
    (folder / "src" / "score.py").write_text(SCRIPT)
    client.online_endpoints.create(name="flights")
    return client


def kill(server: RunningServer) -> None:
    """End it without a chance to say a word."""
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()


def document(folder: Path, version: int) -> dict[str, Any]:
    """The deployment *blue* of a version."""
    return {
        "name": "blue",
        "endpoint_name": "flights",
        "model": f"azureml:churn:{version}",
        "environment": PLAIN,
        "code_configuration": {"code": str(folder / "src"), "scoring_script": "score.py"},
        "request_settings": {"max_concurrent_requests_per_instance": 8},
        "environment_variables": {"COLOUR": "blue"},
    }


class Asking:
    """Asks all the time, from a thread."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self.answers: list[tuple[int, Any]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._ended.is_set():
            self.answers.append(self._caller.ask())
            time.sleep(0.01)

    @property
    def latest(self) -> tuple[int, str]:
        """The newest answer's status and weights."""
        status, said = self.answers[-1]
        return status, said["weights"] if status == 200 else ""

    def end(self) -> Counter[int]:
        """How often each status came."""
        self._ended.set()
        self._thread.join()
        self._caller.pool.clear()
        return Counter(status for status, _ in self.answers)


def check_finished(server: RunningServer, asking: Asking, *, generation: int, weights: str) -> None:
    """The update is over: the new generation serves, alone, and it is known."""
    client = server.client(workspace="prod")
    done = client.online_deployments.wait("flights", "blue", seconds=60)
    assert done.generation == done.serving_generation == generation
    generations = server.home / "serving" / done.scope_id / "flights" / "blue"
    until(lambda: [one.name for one in generations.iterdir()] == [str(generation)])
    until(lambda: asking.latest == (200, weights))
    assert [one.generation for one in client.online_endpoints.why("flights").deployments] == [generation]


def test_a_rolling_update_is_finished_by_the_next_server_whenever_the_last_one_died(
    home: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    with running_server(home, environment) as server:
        client = prepared(server, tmp_path)
        client.online_deployments.create(**document(tmp_path, 1))
        client.online_endpoints.update("flights", traffic={"blue": 100})
        endpoint, keys = client.online_endpoints.get("flights"), client.online_endpoints.keys("flights")
        caller = Caller(endpoint.scoring_uri, str(server.ca), keys.primary_key)
        caller.serves()
        kill(server)
    asking = Asking(caller)
    texts = {1: "first", 2: "second"}
    for number, delay in enumerate((0.0, 0.05, 0.2, 0.4, 0.8)):
        wanted = 2 - number % 2
        with running_server(home, environment) as server:
            client = server.client(workspace="prod")
            client.online_deployments.update(wait=False, **document(tmp_path, wanted))
            time.sleep(delay)
            kill(server)
        with running_server(home, environment) as server:
            check_finished(server, asking, generation=number + 2, weights=texts[wanted])
            kill(server)
    counted = asking.end()
    assert counted == {200: counted.total()}
    with running_server(home, environment) as server:
        client = server.client(workspace="prod")
        history = client.online_endpoints.traffic("flights")
        served = [next(iter(change.nodes.values()), "") for change in history]
        scope = history[0].scope_id
        assert served[1:] == [f"deployment:{scope}/flights/blue/{one}" for one in (1, 2, 3, 4, 5, 6)]
        client.online_endpoints.delete("flights")
        until(lambda: not list((home / "serving").glob(f"{scope}/*/*/*")))
        client.transport.close()
