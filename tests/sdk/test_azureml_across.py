"""What the azure-ai-ml SDK made is there, equal, by the command line, the native API and MLflow's, and the other way round."""

import json
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.support.azureml_client import SCRIPTS, VERSIONS, AzuremlClient, Scopes, azureml_client
from tests.support.command_line import CommandLine
from tests.support.server import RunningServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SAID = {"description": "said once", "tags": {"a": "b"}}
NOUNS = {"data": "data", "models": "model", "environments": "environment", "components": "component"}
NAMES = {"data": "{}-data", "models": "{}-model", "environments": "{}-env", "components": "{}_component"}


@pytest.fixture(scope="module")
def scopes(server) -> Scopes:
    client = server.client()
    made = [client.workspaces.create(name=name) for name in ("across-dev", "across-prod")]
    client.registries.create(name="across-central")
    return Scopes(made[0].subscription, made[0].resource_group, "across-dev", "across-prod", "across-central")


@pytest.fixture
def run(server, monkeypatch, tmp_path) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ".cache"))
    return CommandLine(server.environment | {"REGISTA_CONFIG": str(tmp_path / ".profiles" / "profiles.toml")})


@pytest.fixture(params=VERSIONS, ids=[f"azureml{version}" for version in VERSIONS])
def azureml(request) -> AzuremlClient:
    return azureml_client(request.param)


def told(azureml: AzuremlClient, server: RunningServer, home: Path, scopes: Scopes, *words: str) -> dict[str, Any]:
    """What the script said in the end."""
    printed = azureml.run(SCRIPTS / "_across.py", server, home, scopes, *words, NAME=words[1])
    line = next(line for line in printed.splitlines() if line.startswith("TOLD "))
    found: dict[str, Any] = json.loads(line.removeprefix("TOLD "))
    return found


class Mlflow:
    """MLflow's REST API of a scope, by hand."""

    def __init__(self, server: RunningServer, place: str) -> None:
        self._pool = urllib3.PoolManager(ca_certs=str(server.ca))
        self._home = f"{server.url}/mlflow/{place}/api/2.0"
        self._base = f"{self._home}/mlflow/"
        self._headers = {"Authorization": f"Bearer {server.owner_key}"}

    def get(self, what: str, **asked: str) -> Any:
        answer = self._pool.request("GET", self._base + what, fields=asked, headers=self._headers)
        assert answer.status == 200, answer.data
        return answer.json()

    def put(self, file: str, content: bytes) -> None:
        address = f"{self._home}/mlflow-artifacts/artifacts/{file}"
        answer = self._pool.request("PUT", address, body=content, headers=self._headers)
        assert answer.status == 200, answer.data

    def post(self, what: str, **body: Any) -> Any:
        answer = self._pool.request("POST", self._base + what, json=body, headers=self._headers)
        assert answer.status == 200, answer.data
        return answer.json()


def pairs(tags: list[dict[str, str]]) -> dict[str, str]:
    return {one["key"]: one["value"] for one in tags}


def test_what_the_sdk_made_is_equal_by_every_other_door(azureml, server, scopes, run, tmp_path):
    name, dev = f"sdk{azureml.version}", ("-w", scopes.workspace)
    made = told(azureml, server, tmp_path, scopes, "make", name)
    client = server.client(workspace=scopes.workspace)
    for kind, noun in NOUNS.items():
        called = NAMES[kind].format(name)
        assert {key: made[kind][key] for key in SAID} == SAID, kind
        shown = run.json(noun, "show", f"{called}:1", *dev)
        assert {key: shown[key] for key in made[kind]} == made[kind], kind
        native = getattr(client, kind).get(called, "1")
        assert (native.version, native.description, native.tags) == ("1", *SAID.values()), kind
        assert str(native.manifest) == shown["manifest"]
    for place, client_ in (
        ("workspaces/across-dev", client),
        ("registries/across-central", server.client(registry="across-central")),
    ):
        mlflow = Mlflow(server, place)
        version = mlflow.get("model-versions/get", name=f"{name}-model", version="1")["model_version"]
        assert (version["description"], pairs(version["tags"])) == tuple(SAID.values())
        assert client_.models.get(f"{name}-model", "1").manifest == client.models.get(f"{name}-model", "1").manifest
    run("model", "download", f"{name}-model:1", *dev, "--download-path", str(tmp_path / "got"))
    assert [one.read_text() for one in (tmp_path / "got").rglob("weights")] == ["1\n2\n"]

    job = run.json("job", "show", f"{name}-job", *dev)
    assert (job["status"], job["type"]) == ("Completed", "command")
    seen = Mlflow(server, "workspaces/across-dev").get("runs/get", run_id=f"{name}-job")["run"]
    assert (seen["info"]["status"], pairs(seen["data"]["params"])["rate"]) == ("FINISHED", "0.5")
    assert {one["key"]: one["value"] for one in seen["data"]["metrics"]}["loss"] == 1.0

    traced = json.dumps(run.json("trace", "model", f"{name}-model:1", "-r", scopes.registry))
    for step in (f"{name}-job", f"{name}-data", f"{name}-env"):
        assert step in traced, step
    compared = run.json("compare", f"{scopes.workspace}/{name}-job", f"{scopes.other}/{name}-job")
    text = json.dumps(compared)
    assert '"loss"' in text
    assert "0.75" in text
    assert '"rate"' in text


CONDA = "name: plain\ndependencies:\n- pip\n"
COMPONENT = """
name: {name}_component
version: "1"
description: said once
tags: {{a: b}}
type: command
inputs: {{rate: {{type: number, default: 0.5}}}}
command: echo ${{{{inputs.rate}}}}
environment: azureml:{name}-env:1
"""
JOB = """
command: echo 1 > ${{{{outputs.model}}}}/weights
environment: azureml:{name}-env:1
experiment_name: {name}-experiment
tags: {{a: b}}
outputs: {{model: {{type: custom_model}}}}
"""


def test_what_other_doors_made_is_equal_in_the_sdk(azureml, server, scopes, run, tmp_path):
    name, dev = f"cli{azureml.version}", ("-w", scopes.workspace)
    said = ("--description", "said once", "--tags", "a=b", "--version", "1")
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "weights").write_text("1\n")
    for path, content in (("conda.yml", CONDA), ("component.yml", COMPONENT), ("job.yml", JOB)):
        (tmp_path / path).write_text(content.format(name=name))
    run.json("data", "create", f"{name}-data", *dev, *said, "--path", "rows", "--type", "uri_folder")
    run.json("model", "create", f"{name}-model", *dev, *said, "--path", "rows")
    run.json("model", "share", f"{name}-model:1", *dev, "-r", scopes.registry)
    run.json("environment", "create", f"{name}-env", *dev, *said, "--image", "python", "--conda-file", "conda.yml")
    run.json("component", "create", "--file", "component.yml", *dev)
    answer = run("job", "create", "--file", "job.yml", "--name", f"{name}-job", "--stream", *dev)
    assert answer.status == 0, answer.err
    mlflow = Mlflow(server, "workspaces/across-dev")
    number = mlflow.post("experiments/create", name=f"{name}-mlflow")["experiment_id"]
    made = mlflow.post("runs/create", experiment_id=number)["run"]["info"]["run_id"]
    mlflow.put(f"runs/{made}/model/weights", b"1\n")
    mlflow.post("runs/update", run_id=made, status="FINISHED")
    mlflow.post("registered-models/create", name=f"{name}-mlflow")
    tags = [{"key": "a", "value": "b"}]
    source = f"runs:/{made}/model"
    mlflow.post("model-versions/create", name=f"{name}-mlflow", source=source, description="said once", tags=tags)

    found = told(azureml, server, tmp_path, scopes, "read", name, made)
    same = {"version": "1", **SAID}
    assert found["data"] == same | {"type": "uri_folder"}
    assert found["models"] == found["shelf"] == same | {"type": "custom_model"}
    assert found["environments"] == same | {"image": "python", "conda_file": {"name": "plain", "dependencies": ["pip"]}}
    assert found["components"] == same | {"command": "echo ${{inputs.rate}}", "rate": 0.5}
    assert found["files"] == found["output"] == {"weights": "1\n"}
    assert {key: found["mlflow"][key] for key in same} == same
    assert found["job"] == {
        "status": "Completed", "command": "echo 1 > ${{outputs.model}}/weights", "experiment": f"{name}-experiment", "tags": {"a": "b"},
    }  # fmt: skip
    assert found["run"] == {"status": "Completed", "experiment": f"{name}-mlflow"}
