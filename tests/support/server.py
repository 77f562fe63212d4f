"""A real server process on a fresh home, for tests of what users run and call."""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regista.client import Regista

_START_SECONDS = 60.0


class ServerFailedError(Exception):
    """The server ended, or said nothing, before it answered."""


@dataclass
class RunningServer:
    """A server process; everything it keeps is below *home*."""

    home: Path
    url: str
    process: subprocess.Popen[bytes]

    @property
    def ca(self) -> Path:
        """The file of the authority that signed its certificate."""
        return self.home / "tls" / "ca.pem"

    @property
    def owner_key(self) -> str:
        """The key of the installation's owner."""
        return (self.home / "keys" / "owner.key").read_text().strip()

    @property
    def log(self) -> str:
        """What it wrote so far."""
        return (self.home / "server.log").read_text(errors="replace")

    @property
    def environment(self) -> dict[str, str]:
        """By which the command line and the Python client find it, as its owner."""
        return {"REGISTA_HOME": str(self.home), "REGISTA_CONFIG": str(self.home / "profiles.toml")}

    def client(self, *, key: str = "", workspace: str | None = None, registry: str | None = None) -> "Regista":
        """The Python client, as the owner unless another *key* is given."""
        from regista.client import connect

        return connect(self.url, key=key or self.owner_key, ca=self.ca, workspace=workspace, registry=registry)


@contextmanager
def running_server(home: Path, environment: Mapping[str, str] | None = None, *words: str) -> Iterator[RunningServer]:
    """Start ``regista up`` on *home* (with *words*), which may have been used before, and stop it in the end.

    Raise ``ServerFailedError`` with its log when it does not come up."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "run" / "server.json").unlink(missing_ok=True)
    told = {key: value for key, value in os.environ.items() if not key.startswith("REGISTA_")}
    told |= {"REGISTA_PORT": "0", "REGISTA_GATEWAY_PORT": str(free_port())} | dict(environment or {})
    command = [sys.executable, "-m", "regista", "up", "--home", str(home), *words]
    with (home / "server.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=told, cwd=home)
    server = RunningServer(home, "", process)
    try:
        server.url = _announced(server)
        yield server
    finally:
        gc.collect()  # idle connections of this process would hold up the farewell
        stop(process)


def _announced(server: RunningServer) -> str:
    """The address, once the server says that it answers there."""
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and server.process.poll() is None:
        try:
            said = json.loads((server.home / "run" / "server.json").read_text())
            return str(said["url"])
        except FileNotFoundError:
            time.sleep(0.02)
    raise ServerFailedError(f"the server did not start:\n{server.log}")


def stop(process: subprocess.Popen[bytes], seconds: float = 15.0) -> None:
    """End it as a service manager would: first kindly."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
