"""The routing table: one JSON file, written by the server and replaced by rename.

{"generation": "42",
 "endpoints": {"WORKSPACE/ENDPOINT": {
    "auth": "key", "keys": ["<sha256 of a key, hex>"],
    "traffic": {"blue": 90, "green": 10}, "mirror": {"green": 5},
    "deployments": {"blue": {"backends": [{"host": "127.0.0.1", "port": 9001}, {"uds": "/run/green.sock"}],
                             "health": "/v2/health/ready", "max_concurrent": 4, "timeout_ms": 60000}}}}}
"""

import re
from pathlib import Path
from typing import Annotated, Literal

import msgspec

Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Ed25519 = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")]
Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_PREFIX = re.compile(r"/[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class TableError(Exception):
    """The routing table cannot be used; the one before it stays in force."""


class Address(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a worker listens: a Unix socket, or a host and a port."""

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    uds: str | None = None


class DeploymentSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One deployment. ``max_concurrent`` counts requests to all its workers together; one too many waits for at most
    ``max_queue_wait_ms`` and is then refused. An empty ``health`` means: do not ask."""

    backends: tuple[Address, ...] = ()
    health: str = "/v2/health/ready"
    max_concurrent: Positive | None = None
    max_queue_wait_ms: Annotated[int, msgspec.Meta(ge=0)] = 500
    timeout_ms: Positive = 60_000


class EndpointSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One endpoint; ``path`` is its prefix, ``/endpoints/WORKSPACE/ENDPOINT`` if not said. For ``auth`` ``token`` it says who
    signs tokens (the bytes of an Ed25519 public key), and for which audiences and keys they are."""

    path: str = ""
    auth: Literal["key", "token", "none"] = "key"
    keys: tuple[Sha256, ...] = ()
    signer: Ed25519 = ""
    audiences: tuple[str, ...] = ()
    callers: tuple[str, ...] = ()
    traffic: dict[str, Percent] = {}
    mirror: dict[str, Percent] = {}
    deployments: dict[str, DeploymentSpec] = {}
    max_body_bytes: Positive | None = None


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every endpoint of this host. ``generation`` is the server's own mark, told back by ``/healthz``."""

    endpoints: dict[str, EndpointSpec] = {}
    generation: str = ""


def parse(raw: bytes) -> Table:
    """Raise ``TableError`` naming the first thing that is wrong."""
    try:
        table = msgspec.json.decode(raw, type=Table)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TableError(f"the routing table is wrong: {error}") from error
    for name, endpoint in table.endpoints.items():
        _check(name, endpoint)
    return table


def read(path: Path) -> Table:
    """The table in *path*; an absent file is an empty table."""
    try:
        return parse(path.read_bytes())
    except FileNotFoundError:
        return Table()
    except OSError as error:
        raise TableError(f"the routing table cannot be read: {error.strerror}") from error


def prefix(name: str, endpoint: EndpointSpec) -> str:
    return endpoint.path or f"/endpoints/{name}"


def _check(name: str, endpoint: EndpointSpec) -> None:
    if _PREFIX.fullmatch(prefix(name, endpoint)) is None:
        raise TableError(f"endpoint {name}: the path {prefix(name, endpoint)} has not three plain segments")
    if endpoint.auth == "token" and not (endpoint.signer and endpoint.audiences):
        raise TableError(f"endpoint {name}: nothing says who signs its tokens, and for what")
    for deployment in endpoint.deployments:
        if _NAME.fullmatch(deployment) is None:
            raise TableError(f"endpoint {name}: {deployment!r} is no name for a deployment")
    for share in (endpoint.traffic, endpoint.mirror):
        unknown = sorted(set(share) - set(endpoint.deployments))
        if unknown:
            raise TableError(f"endpoint {name}: no deployment is called {', '.join(unknown)}")
    for deployment, spec in endpoint.deployments.items():
        if any((one.port is None) == (one.uds is None) for one in spec.backends):
            raise TableError(f"endpoint {name}, deployment {deployment}: a backend has a port or a uds, not both")
        if spec.health and re.fullmatch(r"/[!-~]*", spec.health) is None:
            raise TableError(f"endpoint {name}, deployment {deployment}: health is not a path")
