"""Endpoints by the command line, against a real server."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from regista.bootstrap.serving import end_all, open_host
from regista.bootstrap.settings import Settings
from regista.drivers.runtimes.uv.runtime import UvRuntime
from tests.support.command_line import CommandLine
from tests.support.scoring import SCRIPT, until
from tests.support.server import running_server

pytestmark = pytest.mark.slow

DEPLOYMENT = """\
$schema: https://azuremlschemas.azureedge.net/latest/managedOnlineDeployment.schema.json
name: blue
endpoint_name: flights
model:
  path: model
environment:
  conda_file: conda.yml
  image: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04:latest
code_configuration:
  code: src
  scoring_script: score.py
environment_variables: {COLOUR: blue}
instance_type: Standard_DS3_v2
instance_count: 1
"""


@pytest.fixture(scope="module")
def regista() -> Iterator[CommandLine]:
    """The command line of the owner of a fresh server."""
    with tempfile.TemporaryDirectory(prefix="rc", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        with running_server(home) as server:
            yield CommandLine(server.environment)
        end_all(open_host(Settings(home=home, catalog="", store="", gateway_port=1), UvRuntime(home)))


def files(folder: Path) -> Path:
    """A deployment's document with everything it names beside it."""
    for path, text in {
        "blue.yml": DEPLOYMENT,
        "conda.yml": "dependencies:\n- python=3.11\n",
        "src/score.py": SCRIPT,
        "model/weights.bin": "first",
        "request.json": "{}",
    }.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    return folder / "blue.yml"


def test_from_a_file_to_an_answer_and_why(regista: CommandLine, tmp_path: Path) -> None:
    document = str(files(tmp_path))
    assert regista("workspace", "create", "prod").status == 0
    before = regista("can-i", "deploy", "-f", document, "-w", "prod")
    assert (before.status, "FAIL  endpoint" in before.out) == (1, True)
    made = regista.json("online-endpoint", "create", "flights", "-w", "prod")
    assert made["scoring_uri"].endswith("/endpoints/prod/flights/score")
    after = regista("can-i", "deploy", "-f", document, "-w", "prod")
    assert (after.status, "FAIL" in after.out) == (0, False), after.out
    deployed = regista.json("online-deployment", "create", "-f", document, "-w", "prod", "--all-traffic")
    assert (deployed["state"], deployed["serving_generation"]) == ("Succeeded", 1)
    card = regista("online-deployment", "show", "blue", "-e", "flights", "-w", "prod").out
    assert re.search(r"^model +anonymous:[0-9a-f]{12}$", card, re.MULTILINE)
    request = ("--request-file", str(tmp_path / "request.json"), "-w", "prod")
    until(lambda: regista("online-endpoint", "invoke", "flights", *request).status == 0)
    assert regista("online-endpoint", "invoke", "flights", *request).json["weights"] == "first"
    assert "init of blue" in regista("online-deployment", "get-logs", "blue", "-e", "flights", "-w", "prod").out
    keys = regista.json("online-endpoint", "get-credentials", "flights", "-w", "prod")
    fresh = regista.json("online-endpoint", "regenerate-keys", "flights", "--key-type", "secondary", "-w", "prod")
    assert fresh["primary_key"] == keys["primary_key"]
    assert fresh["secondary_key"] != keys["secondary_key"]
    why = regista("why", "flights", "-w", "prod")
    assert "blue: 100 % of the requests, generation 1" in why.out, why.err
    refused = regista("online-deployment", "delete", "blue", "-e", "flights", "--yes", "-w", "prod")
    assert (refused.status, "100 %" in refused.err) == (1, True)
    assert regista("online-endpoint", "update", "flights", "--traffic", "blue=0", "-w", "prod").status == 0
    assert regista("online-deployment", "delete", "blue", "-e", "flights", "--yes", "-w", "prod").status == 0
    history = regista.json("online-endpoint", "history", "flights", "-w", "prod")
    assert [change["traffic"] for change in history] == [{}, {"blue": 100}, {"blue": 0}]
    assert regista("online-endpoint", "delete", "flights", "--yes", "-w", "prod").status == 0
