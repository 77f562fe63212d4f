"""The azureml dialect in process, spoken to in raw requests: what a client would send, and every byte of the answer."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlencode

from regista.dialects.azureml.app import application
from regista.services.house import House
from tests.support import asgi_door
from tests.support.asgi_door import HOST, ask, pieces_of

PROVIDER = "providers/Microsoft.MachineLearningServices"
VERSION = "2024-10-01-preview"


class Answer(asgi_door.Answer, frozen=True):
    """Status, headers and body of an answer."""

    @property
    def error(self) -> str:
        """The error's code, and the message behind it; empty for a success."""
        if self.status < 400:
            return ""
        told = self.json["error"]
        return f"{told['code']}: {told['message']}"

    @property
    def properties(self) -> Any:
        """``properties`` of a resource."""
        return self.json["properties"]


class Door:
    """The resource manager, as one caller uses it."""

    def __init__(self, house: House, key: str, subscription: str = "default", group: str = "default") -> None:
        self.house, self.key = house, key
        self.subscription, self.group_name = subscription, group
        self.url = f"https://{HOST}"
        self._application = application(house)

    def by(self, key: str) -> "Door":
        """The same installation, by another caller."""
        return Door(self.house, key, self.subscription, self.group_name)

    @property
    def group(self) -> str:
        """The path of the resource group."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group_name}"

    def workspace(self, name: str, rest: str = "", service: str = "") -> str:
        """A path in a workspace; *service* is the door before it (``history/v1.0``)."""
        return self._path(f"{self.group}/{PROVIDER}/workspaces/{name}", rest, service)

    def registry(self, name: str, rest: str = "", service: str = "mferp/managementfrontend") -> str:
        """A path in a registry, behind the door where its content is."""
        return self._path(f"{self.group}/{PROVIDER}/registries/{name}", rest, service)

    @staticmethod
    def _path(scope: str, rest: str, service: str) -> str:
        return (f"/{service}" if service else "") + scope + (f"/{rest}" if rest else "")

    def request(
        self, method: str, path: str, content: bytes = b"", headers: Mapping[str, str] | None = None, query: str = ""
    ) -> Answer:
        """Send one request and return the answer; *path* is percent-encoded."""
        given = {"host": HOST, "content-type": "application/json", **(headers or {})}
        if self.key and "authorization" not in given:
            given["authorization"] = f"Bearer {self.key}"
        found = ask(
            self._application,
            method,
            unquote(path),
            raw_path=path,
            query=query,
            headers=given,
            pieces=pieces_of(content),
        )
        return Answer(found.status, found.headers, found.content)

    def send(self, method: str, path: str, body: Any = None, /, **query: str) -> Answer:
        """One request with a body of JSON; the api-version is said as the SDK says it."""
        content = b"" if body is None else json.dumps(body).encode()
        return self.request(method, path, content, query=urlencode({"api-version": VERSION, **query}))

    def get(self, path: str, /, **query: str) -> Any:
        """GET, which has to succeed; the decoded answer."""
        return self._good(self.send("GET", path, None, **query))

    def put(self, path: str, body: Any, /, **query: str) -> Any:
        """PUT, which has to succeed; the decoded answer."""
        return self._good(self.send("PUT", path, body, **query))

    def post(self, path: str, body: Any = None, /, **query: str) -> Any:
        """POST, which has to succeed; the decoded answer (None where there is none)."""
        return self._good(self.send("POST", path, body, **query))

    def refused(self, method: str, path: str, body: Any = None, /, **query: str) -> str:
        """The error of a call that has to fail."""
        answer = self.send(method, path, body, **query)
        assert answer.status >= 400, answer.content
        return answer.error

    def all(self, path: str, /, **query: str) -> list[Any]:
        """What a list holds, over all its pages."""
        found = self.get(path, **query)
        items = list(found["value"])
        while following := found.get("nextLink"):
            assert following.startswith(self.url), following
            address, _, asked = following.removeprefix(self.url).partition("?")
            found = self._good(self.request("GET", address, query=asked))
            items += found["value"]
        return items

    @staticmethod
    def _good(answer: Answer) -> Any:
        assert answer.status < 300, (answer.status, answer.content)
        return json.loads(answer.content) if answer.content else None
