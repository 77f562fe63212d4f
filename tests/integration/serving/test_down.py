"""``regista down``: nothing runs afterwards but jobs, unless they are canceled, and the next server goes on from there."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from regista.client import Regista
from tests.support.scoring import PLAIN, SCRIPT, Caller, until
from tests.support.server import RunningServer, free_port, running_server

pytestmark = pytest.mark.slow

JOB = {
    "type": "command",
    "command": "echo begun; sleep 300",
    "environment": PLAIN,
}


@pytest.fixture
def home() -> Iterator[Path]:
    """A home with a short name, so that workers listen on sockets."""
    with tempfile.TemporaryDirectory(prefix="rd", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
        down(Path(folder), "--jobs")


def down(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command, as a person would type it."""
    told = {key: value for key, value in os.environ.items() if not key.startswith("REGISTA_")}
    return subprocess.run(
        [sys.executable, "-m", "regista", "down", "--home", str(home), *words],
        env=told, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


def running(home: Path) -> list[str]:
    """The command lines that have to do with a home."""
    lines = [" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])]
    return [line for line in lines if f"{home}/" in line or f"{home} " in line]


def serving(server: RunningServer, folder: Path) -> tuple[Regista, Caller]:
    """An endpoint that answers, and a job that runs."""
    client = server.client(workspace="prod")
    client.workspaces.create(name="prod")
    (folder / "weights.bin").write_text("first")
    client.models.create(name="churn", path=str(folder / "weights.bin"))
    (folder / "src").mkdir()
    (folder / "src" / "score.py").write_text(SCRIPT)
    client.online_endpoints.create(name="flights")
    client.online_deployments.create(
        name="blue",
        endpoint_name="flights",
        model="azureml:churn:1",
        environment=PLAIN,
        code_configuration={"code": str(folder / "src"), "scoring_script": "score.py"},
    )
    client.online_endpoints.update("flights", traffic={"blue": 100})
    endpoint, keys = client.online_endpoints.get("flights"), client.online_endpoints.keys("flights")
    return client, Caller(endpoint.scoring_uri, str(server.ca), keys.primary_key)


def test_everything_ends_but_jobs_and_the_next_server_goes_on(home: Path, tmp_path: Path) -> None:
    environment = {"REGISTA_GATEWAY_PORT": str(free_port())}
    with running_server(home, environment) as server:
        client, caller = serving(server, tmp_path)
        assert caller.ask()[0] == 200
        assert len(running(home)) >= 3, "server, gateway, worker"
        client.jobs.create(name="long", **JOB)
        until(lambda: client.jobs.get("long").status == "Running")
        client.transport.close()
        answer = down(home)
        assert answer.returncode == 0, answer.stderr
        assert answer.stdout == "Regista is down.\n"
        assert "1 job goes on" in answer.stderr
        assert server.process.wait(1) == 0
    assert caller.ask()[0] == 0
    assert [line for line in running(home) if f"{home}/work/" not in line] == []

    again = down(home)
    assert (again.returncode, "1 job goes on" in again.stderr) == (0, True), again.stderr

    with running_server(home, environment) as server:
        client = server.client(workspace="prod")
        caller.serves()
        assert client.online_deployments.get("flights", "blue").state == "Succeeded"
        assert "is not running" not in server.log
        assert client.jobs.get("long").status == "Running"
        client.transport.close()
        answer = down(home, "--jobs")
        assert (answer.returncode, "Canceling 1 job" in answer.stderr) == (0, True), answer.stderr
    assert running(home) == []
    assert "Nothing runs" in down(home, "--jobs").stderr

    with running_server(home, environment) as server:
        client = server.client(workspace="prod")
        until(lambda: client.jobs.get("long").status == "Canceled")
        assert caller.ask()[0] in {0, 200}
        caller.pool.clear()
        client.transport.close()


def test_what_a_killed_server_left_is_ended_too(home: Path, tmp_path: Path) -> None:
    with running_server(home) as server:
        client, caller = serving(server, tmp_path)
        client.transport.close()
        server.process.kill()
        server.process.wait()
        assert caller.ask()[0] == 200
        answer = down(home)
        assert answer.returncode == 0, answer.stderr
        assert "Ending the server" not in answer.stderr
        assert running(home) == []
        caller.pool.clear()


def test_where_nothing_was_nothing_is_done_or_made(tmp_path: Path) -> None:
    answer = down(tmp_path / "home")
    assert (answer.returncode, "Nothing runs" in answer.stderr) == (0, True), answer.stderr
    assert not (tmp_path / "home").exists()


def test_another_process_that_got_the_number_of_the_server_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as bystander:
        try:
            (tmp_path / "run").mkdir()
            said = {"url": "", "ca": "", "key_file": "", "pid": bystander.pid, "version": "", "started": 1}
            (tmp_path / "run" / "server.json").write_text(str(said).replace("'", '"'))
            assert "Nothing runs" in down(tmp_path).stderr
            assert bystander.poll() is None
        finally:
            bystander.kill()
