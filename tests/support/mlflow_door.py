"""The MLflow dialect in process, spoken to in raw requests: what a client would send, and every byte of the answer."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlencode

import msgspec

from regista.dialects.mlflow.app import application
from regista.services.access.access import SYSTEM
from regista.services.house import House

API = "/api/2.0/mlflow"
FILES = "/api/2.0/mlflow-artifacts/artifacts"
HOST = "regista.test:8470"


class Answer(msgspec.Struct, frozen=True):
    """Status, headers and body of an answer."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.content)

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
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(self.base + path),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
            "scheme": "https",
            "client": ("127.0.0.1", 5),
            "request_id": "request-1",
        }
        return asyncio.run(self._exchange(scope, content))

    async def _exchange(self, scope: dict[str, Any], content: bytes) -> Answer:
        chunks = [content[at : at + 65_536] for at in range(0, len(content), 65_536)] or [b""]
        said: list[Any] = []

        async def receive() -> dict[str, Any]:
            if not chunks:
                await asyncio.Event().wait()  # the client is there until it has its answer
            chunk = chunks.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(chunks)}

        async def send(message: Any) -> None:
            said.append(message)

        await self._application(scope, receive, send)
        headers = {name.decode(): value.decode() for name, value in said[0]["headers"]}
        return Answer(said[0]["status"], headers, b"".join(message.get("body", b"") for message in said[1:]))

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
