"""Deployments for tests: scripts that need no packages, a house that serves them, and callers of the gateway."""

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import urllib3

from regista.bootstrap.settings import Settings
from regista.entities.asset import AssetKind
from regista.entities.documents.endpoint import (
    OnlineDeploymentDocument,
    parse_online_deployment,
    parse_online_endpoint,
)
from regista.entities.endpoint import Deployment, DeploymentState
from regista.entities.page import PageRequest
from regista.entities.scope import Scope
from regista.services.access.access import SYSTEM
from regista.services.house import House
from regista.services.serving.endpoints import EndpointChange, scoring_uri
from tests.support.houses import People

T = TypeVar("T")

PLAIN = {"conda_file": {"dependencies": ["python=3.11"]}}
"""An environment without packages: locked and built in a moment."""

SCRIPT = """
import json, os, time

def init():
    print("init of", os.environ.get("COLOUR"))

def run(raw):
    asked = json.loads(raw)
    time.sleep(asked.get("sleep", 0))
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "weights.bin")) as file:
        return {"colour": os.environ.get("COLOUR"), "pid": os.getpid(), "weights": file.read()}
"""
BROKEN = "def init():\n    raise RuntimeError('the tables are gone')\n\ndef run(raw):\n    return 1\n"


def until(holds: Callable[[], T], seconds: float = 150.0) -> T:
    """The first true value of *holds*; fail after *seconds*."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := holds():
            return value
        time.sleep(0.05)
    raise AssertionError("it did not come true in time")


def process_of(below: Path | str, program: str) -> int:
    """The newest process of *program* whose command line names something in a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                words = os.fsdecode((entry / "cmdline").read_bytes()).split("\0")
                if any(str(below) in word for word in words) and any(program in word for word in words[1:3]):
                    found.append(int(entry.name))
    return max(found)


@dataclass
class Caller:
    """Sends requests to one endpoint."""

    url: str
    ca: str
    key: str
    pool: urllib3.PoolManager = field(init=False)

    def __post_init__(self) -> None:
        self.pool = urllib3.PoolManager(ca_certs=self.ca, retries=False, timeout=20, maxsize=16)

    def serves(self, body: object = None) -> None:
        """Wait for an answer with success; fail with the last one there was."""
        last: list[tuple[int, Any]] = []

        def asked() -> bool:
            last[:] = [self.ask(body)]
            return last[0][0] == 200

        try:
            until(asked)
        except AssertionError as late:
            raise AssertionError(f"{self.url} answers {last}") from late

    def ask(self, body: object = None, *, key: str = "", deployment: str = "") -> tuple[int, Any]:
        """Status and JSON of one answer; 0 and the reason where there was none."""
        headers = {"Authorization": f"Bearer {key or self.key}", "Content-Type": "application/json"}
        if deployment:
            headers["azureml-model-deployment"] = deployment
        try:
            answer = self.pool.request("POST", self.url, body=json.dumps(body or {}).encode(), headers=headers)
        except urllib3.exceptions.HTTPError as gone:
            return 0, repr(gone)
        return answer.status, json.loads(answer.data)


class Site:
    """A workspace with a model, and short words for what is done with endpoints in it."""

    def __init__(self, house: House, settings: Settings, name: str) -> None:
        self.house = house
        self.settings = settings
        self.people = People(house)
        self.callers: list[Caller] = []
        self.scope: Scope = self.people.workspace(name)
        self.people.version(self.scope, name="churn", files={"weights.bin": b"first"})
        self.people.version(self.scope, name="churn", files={"weights.bin": b"second"})

    def code(self, script: str = SCRIPT, name: str = "score.py") -> str:
        """Send code; a reference to it."""
        made = self.people.version(self.scope, AssetKind.CODE, files={name: script.encode()}, anonymous=True)
        return f"azureml:{made.name}:{made.version}"

    def endpoint(self, name: str = "flights") -> Caller:
        """Make an endpoint; who calls it with its primary key."""
        made = self.house.endpoints.create(SYSTEM, self.scope.address, parse_online_endpoint({"name": name}))
        key = self.house.endpoints.keys(SYSTEM, self.scope.address, name).primary_key
        caller = Caller(scoring_uri(self.house.serving.url, made), str(self.settings.tls / "ca.pem"), key)
        self.callers.append(caller)
        return caller

    def close(self) -> None:
        """Delete the endpoints, and let go of connections: the gateway would wait for them."""
        for one in self.house.endpoints.page(SYSTEM, self.scope.address, PageRequest()).items:
            self.house.endpoints.delete(SYSTEM, self.scope.address, one.name)
        for caller in self.callers:
            caller.pool.clear()

    def document(self, name: str = "blue", endpoint: str = "flights", **fields: Any) -> OnlineDeploymentDocument:
        """A deployment that answers with its name, unless *fields* say otherwise (None takes a field away)."""
        whole = {
            "name": name,
            "endpoint_name": endpoint,
            "model": "azureml:churn:1",
            "environment": PLAIN,
            "code_configuration": {"code": self.code(), "scoring_script": "score.py"},
            "environment_variables": {"COLOUR": name},
            "request_settings": {"max_concurrent_requests_per_instance": 8},
            **fields,
        }
        return parse_online_deployment({key: value for key, value in whole.items() if value is not None})

    def deploy(self, name: str = "blue", endpoint: str = "flights", **fields: Any) -> Deployment:
        """Make or change a deployment, and wait for it to serve."""
        self.house.deployments.put(SYSTEM, self.scope.address, self.document(name, endpoint, **fields))
        found = self.settled(name, endpoint)
        assert found.state is DeploymentState.SUCCEEDED, found.message
        return found

    def get(self, name: str = "blue", endpoint: str = "flights") -> Deployment:
        """The deployment as it is."""
        return self.house.deployments.get(SYSTEM, self.scope.address, endpoint, name)

    def settled(self, name: str = "blue", endpoint: str = "flights") -> Deployment:
        """The deployment once it has succeeded or failed."""
        final = {DeploymentState.SUCCEEDED, DeploymentState.FAILED}
        until(lambda: self.get(name, endpoint).state in final, 120)
        return self.get(name, endpoint)

    def traffic(self, endpoint: str = "flights", mirror: dict[str, int] | None = None, **shares: int) -> None:
        """Set the traffic."""
        change = EndpointChange(traffic=shares, mirror_traffic=mirror or {})
        self.house.endpoints.update(SYSTEM, self.scope.address, endpoint, change)
