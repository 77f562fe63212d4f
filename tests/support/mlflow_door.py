"""The MLflow dialect in process, spoken to in raw requests: what a client would send, and every byte of the answer."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlencode

from regista.dialects.mlflow.app import application
from regista.services.access.access import SYSTEM
from regista.services.house import House
from tests.support import asgi_door
from tests.support.asgi_door import HOST, ask, pieces_of

API = "/api/2.0/mlflow"
FILES = "/api/2.0/mlflow-artifacts/artifacts"


class Answer(asgi_door.Answer, frozen=True):
    """Status, headers and body of an answer."""

    @classmethod
    def of(cls, answer: asgi_door.Answer) -> "Answer":
        """The same with what MLflow's answers have."""
        return cls(answer.status, answer.headers, answer.content)

    @property
    def error(self) -> str:
        """The error code, and the message behind it; empty for a success."""
        return f"{self.json['error_code']}: {self.json['message']}" if self.status >= 400 else ""


class Door:
    """One scope's address, as one caller uses it."""

    def __init__(self, house: House, base: str, key: str) -> None:
        self.house, self.base, self.key = house, base, key
        self.url = f"https://{HOST}{base}"
        self._application = application(house)

    def at(self, base: str, key: str | None = None) -> "Door":
        """The same installation through another address, or by another caller."""
        return Door(self.house, base, self.key if key is None else key)

    def request(
        self, method: str, path: str, content: bytes = b"", headers: Mapping[str, str] | None = None, query: str = ""
    ) -> Answer:
        """Send one request and return the answer; *path* is below the scope's address, percent-encoded."""
        given = {"host": HOST, "content-type": "application/json", **(headers or {})}
        if self.key and "authorization" not in given:
            given["authorization"] = f"Bearer {self.key}"
        return Answer.of(
            ask(
                self._application,
                method,
                unquote(self.base + path),
                raw_path=self.base + path,
                query=query,
                headers=given,
                pieces=pieces_of(content),
            )
        )

    def send(self, method: str, name: str, /, **fields: Any) -> Answer:
        """Call a method of the API: GET puts fields into the query, the others into a JSON body."""
        if method == "GET":
            return self.request("GET", f"{API}/{name}", query=urlencode(fields, doseq=True))
        return self.request(method, f"{API}/{name}", json.dumps(fields).encode())

    def post(self, name: str, /, **fields: Any) -> Any:
        """POST, which has to succeed; the decoded answer."""
        return self._good(self.send("POST", name, **fields))

    def get(self, name: str, /, **fields: Any) -> Any:
        """GET, which has to succeed; the decoded answer."""
        return self._good(self.send("GET", name, **fields))

    def refused(self, method: str, name: str, /, **fields: Any) -> str:
        """The error of a call that has to fail."""
        answer = self.send(method, name, **fields)
        assert answer.status >= 400, answer.content
        return answer.error

    def run(self, experiment: str = "0", **fields: Any) -> str:
        """Open a run; its id."""
        found: str = self.post("runs/create", experiment_id=experiment, **fields)["run"]["info"]["run_id"]
        return found

    def put(self, path: str, content: bytes) -> Answer:
        """Upload a file."""
        return self.request("PUT", f"{FILES}/{path}", content)

    def model(self, name: str, run: str = "", files: Mapping[str, bytes] | None = None) -> dict[str, Any]:
        """Log a folder with an MLmodel in a run and register it; the version."""
        run = run or self.at("/mlflow/workspaces/dev").run()
        for path, content in (files or {"MLmodel": b"flavors: {}\n", "model.pkl": b"weights"}).items():
            assert self.at("/mlflow/workspaces/dev").put(f"runs/{run}/model/{path}", content).status == 200
        self.send("POST", "registered-models/create", name=name)
        found: dict[str, Any] = self.post("model-versions/create", name=name, source=f"runs:/{run}/model", run_id=run)
        return dict(found["model_version"])

    @staticmethod
    def _good(answer: Answer) -> Any:
        assert answer.status == 200, answer.content
        return answer.json


def owner_key(house: House, name: str = "ada") -> str:
    """A key of somebody who owns everything."""
    from regista.entities.access import PrincipalKind

    house.principals.create(SYSTEM, name, PrincipalKind.USER)
    house.principals.assign(SYSTEM, name, "Owner", "/")
    return house.principals.create_key(SYSTEM, name, "k").secret
