"""The gateway's process and its routing table: one of each a home.

<root>/gateway/
├── port            what was chosen when no port was asked for: the endpoints' addresses must not change
├── table/table.json
├── log/access.jsonl  and access.jsonl.1: the requests before those
└── tries/<number>/ see tries.py; ``fingerprint`` in it tells with what settings it was started
"""

import contextlib
import functools
import hashlib
import logging
import secrets
import socket
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

import regista
from regista.drivers.serving.asking import read_secure
from regista.drivers.serving.folders import write_whole
from regista.drivers.serving.tries import Tries, Try
from regista.errors import UnavailableError
from regista.interfaces.executors import Attempt, Executor
from regista.interfaces.serving import Route, RouteTarget

_PACKAGE = Path(regista.__file__).parent
_GRACE = 30.0
_ASK_SECONDS = 1.0
_PORTS = range(20_000, 32_000)
"""Below 32768, where Linux begins to give ports to connections and to who asks for any (``ip_local_port_range``)."""

_CHOICES = 200
_log = logging.getLogger("regista.serving")


class GatewayOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Where the gateway listens (port 0: a free one, kept), with which certificate, and by which authority it is verified.
    Its log of requests is put aside when it has ``log_bytes``; one such is kept."""

    host: str
    port: int
    certificate: Path
    key: Path
    ca: Path
    log_bytes: int = 32 * 1024 * 1024


class _Health(msgspec.Struct):
    generation: str = ""


class Gateway:
    """Starts the gateway's process, and gives it tables."""

    def __init__(self, root: Path, sockets: Path, executor: Executor, settings: GatewayOptions) -> None:
        self._root = root
        self._sockets = sockets
        self._settings = settings
        self._tries = Tries(root / "tries", executor)
        self._table = root / "table" / "table.json"
        self._in_force = ""
        self._told = ""

    @property
    def url(self) -> str:
        """``https://HOST:PORT``."""
        host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
        return f"https://{host}:{self._port}"

    def route(self, routes: Sequence[Route]) -> bool:
        """Write the table where it is another one, keep the process alive, and say whether it answers by this table."""
        content, generation = encoded_table(routes)
        if not routes and not self._table.exists():
            return True
        if not self._table.exists() or self._table.read_bytes() != content:
            self._table.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(self._table, content)
            self._in_force = ""
        if not self._is_running():
            self._in_force = ""
            return False
        if self._in_force != generation and self._asked() == generation:
            self._in_force = generation
        return self._in_force == generation

    def stop(self) -> bool:
        """Have it end; whether it has."""
        latest = self._tries.latest()
        return latest is None or latest.stop(_GRACE)

    def rest(self) -> bool:
        """Have it end until it is asked for again; whether it has."""
        latest = self._tries.latest()
        return latest is None or latest.rest(_GRACE)

    @property
    def _port(self) -> int:
        if self._settings.port:
            return self._settings.port
        chosen = self._root / "port"
        if not chosen.exists():
            self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = chosen.with_name(f".port.{secrets.token_hex(8)}")
            draft.write_text(str(_free_port(self._settings.host)))
            with contextlib.suppress(FileExistsError):
                chosen.hardlink_to(
                    draft
                )  # the first of several threads wins: an address that was told is never another
            draft.unlink()
        return int(chosen.read_text())

    def _is_running(self) -> bool:
        """Whether it runs as it should; started, or told to make room for a new one, where it does not."""
        latest = self._tries.latest()
        if latest is not None and latest.handle is None:
            self._start(latest)
        if latest is None:
            self._start(self._tries.next())
            return True
        if not latest.is_running:
            if not latest.rested:
                self._complain(latest)
            if self._tries.pause_left() <= 0:
                self._start(self._tries.next())
            return False
        mark = latest.directory / "fingerprint"
        if mark.exists() and mark.read_text() != self._fingerprint():
            latest.stop(_GRACE)
        return True

    def _complain(self, latest: Try) -> None:
        said = latest.how_it_ended(latest.status())
        if said != self._told:
            _log.error("the gateway at %s is not running: %s", self.url, said)
            self._told = said

    def _start(self, new: Try) -> None:
        for folder in (self._table.parent, self._root / "log", self._sockets):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (new.directory / "fingerprint").write_text(self._fingerprint())
        new.start(
            Attempt(
                id=f"gateway/{new.number}",
                directory=new.directory,
                argv=(
                    sys.executable,
                    "-m",
                    "regista.agent.gateway",
                    *self._arguments(),
                    "--ready-file",
                    str(new.work / "ready.json"),
                ),
                cwd=new.work,
                log=new.log,
                env={"PYTHONPATH": str(_PACKAGE.parent), "PYTHONDONTWRITEBYTECODE": "1"},
                read_only=self._read_only(),
                writable=(self._root / "log",),
            )
        )

    def _arguments(self) -> tuple[str, ...]:
        settings = self._settings
        return (
            *("--table", str(self._table)),
            *("--listen", f"{settings.host}:{self._port}"),
            *("--cert", str(settings.certificate), "--key", str(settings.key)),
            *("--access-log", str(self._root / "log" / "access.jsonl")),
            *("--access-log-bytes", str(settings.log_bytes)),
        )

    def _read_only(self) -> tuple[Path, ...]:
        python = (Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parent.parent)
        places = (*python, _PACKAGE, self._table.parent, self._sockets, self._settings.certificate, self._settings.key)
        return tuple(dict.fromkeys(place for place in places if place != Path("/")))

    def _fingerprint(self) -> str:
        certificate = hashlib.sha256(self._settings.certificate.read_bytes()).hexdigest()
        return f"{regista.__version__} {self._settings.host}:{self._port} {self._settings.log_bytes} {certificate}"

    def _asked(self) -> str:
        """The generation of the table that it answers by; "" when it does not answer."""
        context = ssl.create_default_context(cafile=str(self._settings.ca))
        answer = read_secure(self._settings.host, self._port, "/healthz", context, _ASK_SECONDS)
        with contextlib.suppress(msgspec.DecodeError):
            return msgspec.json.decode(answer or b"{}", type=_Health).generation
        return ""


def _free_port(host: str) -> int:
    """A port that is free, and that the system gives to nobody who asks for any: else somebody's connection could have it
    whenever the gateway comes back."""
    for _ in range(_CHOICES):
        port = _PORTS[secrets.randbelow(len(_PORTS))]
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as free, contextlib.suppress(OSError):
            free.bind((host, port))
            return port
    raise UnavailableError(
        f"{host} has no free port between {_PORTS[0]} and {_PORTS[-1]}", hint="Choose one by REGISTA_GATEWAY_PORT."
    )


def encoded_table(routes: Sequence[Route]) -> tuple[bytes, str]:
    """The table as ``agent/gateway/table.py`` reads it, and its generation: the digest of the rest of it."""
    endpoints = {route.path: _endpoint(route) for route in sorted(routes, key=lambda route: route.path)}
    generation = hashlib.sha256(msgspec.json.encode(endpoints, order="sorted")).hexdigest()[:16]
    return msgspec.json.encode({"generation": generation, "endpoints": endpoints}, order="sorted"), generation


def _endpoint(route: Route) -> dict[str, object]:
    return {
        **_opening(route),
        "traffic": route.traffic,
        "mirror": route.mirror,
        "deployments": {name: _deployment(target) for name, target in route.targets.items()},
    }


def _opening(route: Route) -> dict[str, object]:
    if route.tokens is None:
        return {"auth": "key", "keys": route.key_hashes}
    rule = route.tokens
    return {"auth": "token", "signer": _raw(rule.signer), "audiences": rule.audiences, "callers": rule.callers}


@functools.cache
def _raw(pem: str) -> str:
    """An Ed25519 public key as the hexadecimal digits of its 32 bytes."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

    return load_pem_public_key(pem.encode()).public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def _deployment(target: RouteTarget) -> dict[str, object]:
    return {
        "backends": [msgspec.to_builtins(address) for address in target.addresses],
        "max_concurrent": target.concurrency,
        "max_queue_wait_ms": int(target.queue_seconds * 1000),
        "timeout_ms": max(1, int(target.request_timeout * 1000)),
    }
