"""A server that is killed while it tells receivers of what happened, and between the parts of an upload."""

import ssl

import httpx
import pytest

from tests.support.command_line import CommandLine
from tests.support.mlflow_client import mlflow_client
from tests.support.receiver import receiving, until
from tests.support.server import running_server

pytestmark = [pytest.mark.slow, pytest.mark.crash, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def receiver(tmp_path_factory):
    with receiving(tmp_path_factory.mktemp("receiver")) as receiver:
        yield receiver


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("regista") / "home"


@pytest.fixture(scope="module")
def serve(home, receiver):
    """Start the server, with leave to call receivers on this machine."""
    variables = {"WEBHOOK_PRIVATE": "true", "WEBHOOK_CA": str(receiver.ca), "WEBHOOK_TIMEOUT": "1", "WORKERS": "0"}
    return lambda: running_server(home, {f"REGISTA_{name}": value for name, value in variables.items()})


class Mlflow:
    """The MLflow address of the workspace ``dev``, without anything that tries again."""

    def __init__(self, server):
        self.trust = ssl.create_default_context(cafile=str(server.ca))
        headers = {"Authorization": f"Bearer {server.owner_key}"}
        self.base = f"{server.url}/mlflow/workspaces/dev"
        self.http = httpx.Client(verify=self.trust, headers=headers, timeout=30)

    def __call__(self, method, path, **options):
        answer = self.http.request(method, f"{self.base}/api/2.0/{path}", **options)
        assert answer.status_code < 400, answer.text
        return answer


def test_what_was_acknowledged_is_told_and_parts_go_on(serve, home, receiver, tmp_path):
    receiver.answers["/crash"] = [503] * 2
    with serve() as server:
        server.client().workspaces.create(name="dev")
        run = CommandLine(
            {
                **server.environment,
                "REGISTA_URL": server.url,
                "REGISTA_CA": str(server.ca),
                "REGISTA_KEY": server.owner_key,
                "REGISTA_WORKSPACE": "dev",
            }
        )
        (tmp_path / "secret").write_text("hush\n")
        words = ("--url", f"{receiver.url}crash", "-e", "model.*", "--secret-file", str(tmp_path / "secret"))
        assert run.json("webhook", "create", "ci", *words)["has_secret"] is True
        tried = run("webhook", "test", "ci", "-o", "json")
        assert (tried.status, tried.json["status"]) == (1, 503)
        assert [one["name"] for one in run.json("webhook", "list")] == ["ci"]
        assert run.json("webhook", "update", "ci", "--description", "d")["description"] == "d"
        mlflow = Mlflow(server)
        id_ = mlflow("POST", "mlflow/runs/create", json={"experiment_id": "0"}).json()["run"]["info"]["run_id"]
        upload = mlflow(
            "POST", f"mlflow-artifacts/mpu/create/runs/{id_}", json={"path": "/x/big", "num_parts": 2}
        ).json()
        first = _send(mlflow, upload, 0, b"a" * 3_000_000)
        for number in range(20):
            mlflow("POST", "mlflow/registered-models/create", json={"name": f"m{number}"})
        mlflow.http.close()
        server.process.kill()
        server.process.wait()
    with serve() as server:
        mlflow = Mlflow(server)
        parts = [first, _send(mlflow, _moved(upload, server), 1, b"b")]
        done = {"path": "/x/big", "upload_id": upload["upload_id"], "parts": parts}
        mlflow("POST", f"mlflow-artifacts/mpu/complete/runs/{id_}", json=done)
        assert mlflow("GET", f"mlflow-artifacts/artifacts/runs/{id_}/big").content == b"a" * 3_000_000 + b"b"
        mlflow.http.close()
        told = until(lambda: _named(receiver) if len(_named(receiver)) == 20 else None, 60)
        assert set(told) == {f"m{number}" for number in range(20)}
        assert all(one.is_signed_with("hush") for one in receiver.at("/crash"))
        run.environment |= {"REGISTA_URL": server.url}
        log = until(lambda: _done(run))
        assert len(log) == 20
        assert "Traceback" not in server.log
        run("webhook", "delete", "ci", "--yes")
        assert run.json("webhook", "list") == []


def test_the_client_of_mlflow_makes_webhooks_and_its_receivers_know_the_signature(serve, receiver, tmp_path):
    with serve() as server:
        server.client().workspaces.create(name="sdk")
        variables = {"RECEIVER": receiver.url, "workspace": "sdk"}
        mlflow_client(3).run("webhooks", server, tmp_path, **variables)
        came = receiver.wait("/sdk", 3)
        assert all(one.is_signed_with("hush") for one in came)
        called = [f"{one.json['entity']}.{one.json['action']}" for one in came]
        assert called == ["model_version_tag.set", "registered_model.created", "prompt_version.created"]
        assert came[2].json["data"]["template"] == "Hello {{x}}"
        assert "Traceback" not in server.log


def _send(mlflow, upload, index, content):
    credential = upload["credentials"][index]
    answer = httpx.put(credential["url"], content=content, verify=mlflow.trust)
    assert answer.status_code == 200, answer.text
    return {"part_number": credential["part_number"], "etag": answer.headers["etag"]}


def _moved(upload, server):
    """The same addresses, at the port that the server has now."""
    parts = [
        one | {"url": server.url + "/mlflow/" + one["url"].partition("/mlflow/")[2]} for one in upload["credentials"]
    ]
    return upload | {"credentials": parts}


def _named(receiver):
    """By name of the model, what was told and taken: the first came while the receiver was out of order."""
    found = [one.json for one in receiver.at("/crash")]
    return {one["path"].rpartition("/")[2] for one in found if one["type"] == "model.name"}


def _done(run):
    log = run.json("webhook", "deliveries", "ci", "--state", "delivered")
    return log if len(log) == 20 else None
