"""The control plane as the azure-ai-ml SDK asks it, over TLS, 8 clients, with a token as its credential gives them."""

import http.client
import json
import ssl
import time
import urllib.request
from pathlib import Path

from benchmarks.load import per_second
from benchmarks.places import regista
from benchmarks.table import Row, show
from regista.client import connect

_PROVIDER = "/subscriptions/default/resourceGroups/default/providers/Microsoft.MachineLearningServices"
_WORKSPACE = f"{_PROVIDER}/workspaces/bench"
_UNCHECKED = ssl._create_unverified_context()  # noqa: S323, SLF001 - loopback, and only here
_LEAST = {
    "fetch the cloud's metadata": 1500.0,
    "get a workspace": 700.0,
    "get a version of data": 600.0,
    "list 100 versions": 60.0,
    "register a version of data": 100.0,
}
"""Calls a second. The SDK itself takes about 20 ms for each call that it makes: this is what is left for the others."""


def rows(folder: Path) -> list[Row]:
    """Calls that every program makes, and the one that it is about."""
    home = folder / "home"
    with regista(home, "--workers", "0") as served:
        key = (home / "keys" / "owner.key").read_text().strip()
        connect(served.url, key=key, ca=home / "tls" / "ca.pem").workspaces.create(name="bench")
        headers = {"Authorization": f"Bearer {_token(served.url, key)}"}
        for number in range(100):
            _call(f"{served.url}{_WORKSPACE}/data/many/versions/{number + 1}", headers, _body(number))
        found = _measure(served.url, headers)
    return [
        Row(
            what=f"azureml: {what}",
            ours=show(rate, "/s"),
            peer="",
            ratio=None,
            budget=f"≥ {_LEAST[what]:,.0f} /s",
            met=rate >= _LEAST[what],
        )
        for what, rate in found.items()
    ]


def _measure(url: str, headers: dict[str, str]) -> dict[str, float]:
    asked = {
        "fetch the cloud's metadata": f"{url}/metadata/endpoints?api-version=2019-05-01",
        "get a workspace": f"{url}{_WORKSPACE}?api-version=2024-10-01-preview",
        "get a version of data": f"{url}{_WORKSPACE}/data/many/versions/7?api-version=2023-04-01-preview",
        "list 100 versions": f"{url}{_WORKSPACE}/data/many/versions?api-version=2023-04-01-preview",
    }
    found = {what: per_second(address, headers=headers) for what, address in asked.items()}
    found["register a version of data"] = _registering(url, headers)
    return found


def _registering(url: str, headers: dict[str, str], count: int = 300) -> float:
    """One after the other, as one program does: each has a path of its own, which wrk cannot make."""
    server = http.client.HTTPSConnection(url.partition("://")[2], context=_UNCHECKED)
    start = time.perf_counter()
    for number in range(count):
        path = f"{_WORKSPACE}/data/new/versions/{number + 1}"
        server.request("PUT", path, _body(number), {"Content-Type": "application/json", **headers})
        answer = server.getresponse()
        if answer.status >= 300:
            raise RuntimeError(answer.read().decode())
        answer.read()
    return count / (time.perf_counter() - start)


def _body(number: int) -> bytes:
    properties = {"dataType": "uri_file", "dataUri": f"https://example.com/{number}.csv", "tags": {"n": str(number)}}
    return json.dumps({"properties": properties}).encode()


def _token(url: str, key: str) -> str:
    asked = f"{url}/identity/token?api-version=2019-08-01&resource=https://management.azure.com"
    told: dict[str, str] = json.loads(_call(asked, {"X-IDENTITY-HEADER": key}))
    return told["access_token"]


def _call(url: str, headers: dict[str, str], body: bytes | None = None) -> bytes:
    request = urllib.request.Request(  # noqa: S310 - our own loopback address
        url, body, {"Content-Type": "application/json", **headers}, method="PUT" if body else "GET"
    )
    with urllib.request.urlopen(request, context=_UNCHECKED, timeout=60) as answer:  # noqa: S310
        found: bytes = answer.read()
    return found
