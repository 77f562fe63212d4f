"""Real workers and a real gateway as processes, for tests of what is between a caller and a model."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3

SCORING = Path(__file__).parents[2] / "src/regista/agent/scoring/__main__.py"
KEY = "correct horse"
PINNED = "azureml-model-deployment"

NAMED_SCRIPT = """
import json, os, time

def init():
    pass

def run(raw):
    asked = json.loads(raw)
    time.sleep(asked.get("sleep", 0))
    return {"from": os.environ["NAME"], "pid": os.getpid(), "got": asked.get("value")}
"""


def until(holds: Callable[[], Any], seconds: float = 60.0) -> Any:
    """The first true value of *holds*; fail after *seconds*."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := holds():
            return value
        time.sleep(0.02)
    raise AssertionError("it did not come true in time")


@dataclass
class Answer:
    """An HTTP answer with its JSON, if it has some."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Running:
    """A process that said where it listens."""

    process: subprocess.Popen[bytes]
    log: Path
    where: dict[str, Any]
    pool: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(maxsize=32, retries=False, timeout=20)
    )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.where['port']}"

    def call(self, path: str, body: Any = None, headers: dict[str, str] | None = None, method: str = "") -> Answer:
        """POST *body* (bytes as they are, anything else as JSON) or GET without one."""
        raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        got = self.pool.request(
            method or ("GET" if raw is None else "POST"), self.url + path, body=raw, headers=headers or {}
        )
        return Answer(got.status, {name.lower(): value for name, value in got.headers.items()}, got.data)

    def raw(self, sent: bytes, seconds: float = 5.0) -> bytes:
        """Everything that comes back for these bytes until the other side closes (or *seconds* have passed)."""
        return talk(self.where["port"], sent, seconds)

    def text(self) -> str:
        return self.log.read_text()

    def stop(self, number: int = signal.SIGTERM, seconds: float = 20.0) -> int:
        """Signal it, and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(seconds)


def talk(port: int, sent: bytes, seconds: float = 5.0) -> bytes:
    came = b""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as line, suppress(OSError):
        line.sendall(sent)
        while block := line.recv(65536):
            came += block
    return came


def _started(arguments: list[str], folder: Path, name: str, env: dict[str, str] | None = None) -> Running:
    ready, log = folder / f"{name}.ready.json", folder / f"{name}.log"
    ready.unlink(missing_ok=True)
    with log.open("ab") as out:
        process = subprocess.Popen(
            [*arguments], stdout=out, stderr=out, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}
        )

    def said() -> Any:
        if process.poll() is not None:
            raise AssertionError(f"{name} ended with status {process.returncode}:\n{log.read_text()}")
        return ready.exists() and json.loads(ready.read_text())

    try:
        return Running(process, log, until(said, 60))
    except BaseException:
        process.kill()
        raise


@dataclass
class Plane:
    """Starts workers and gateways in one folder and ends them all."""

    folder: Path
    started: list[Running] = field(default_factory=list)

    def configure(self, name: str, **settings: Any) -> Path:
        path = self.folder / f"{name}.json"
        said = {"name": name, "ready_file": str(self.folder / f"{name}.ready.json"), **settings}
        if "uds" not in said:
            said.setdefault("port", 0)
        path.write_text(json.dumps(said))
        return path

    def worker(self, name: str = "m", **settings: Any) -> Running:
        """A worker, ready; settings are those of its configuration."""
        config = self.configure(name, **settings)
        running = _started([sys.executable, str(SCORING), "--config", str(config)], self.folder, name)
        self.started.append(running)
        return running

    def named_worker(self, name: str, **settings: Any) -> Running:
        """A worker whose answers tell its name and process."""
        script = self.folder / "named.py"
        script.write_text(NAMED_SCRIPT)
        env = {"NAME": name.partition("-")[0]}
        return self.worker(name, scoring_script=str(script), env=env, **{"max_concurrent": 8, **settings})

    def scripted(self, code: str, name: str = "m", **settings: Any) -> Running:
        script = self.folder / f"{name}_score.py"
        script.write_text(code)
        return self.worker(name, scoring_script=str(script), **settings)

    def gateway(self, *options: str) -> Running:
        arguments = [sys.executable, "-m", "regista.agent.gateway", "--table", str(self.table)]
        ready = self.folder / "gateway.ready.json"
        access = self.folder / "access.log"
        more = ["--listen", "127.0.0.1:0", "--ready-file", str(ready), "--access-log", str(access), *options]
        running = _started([*arguments, *more], self.folder, "gateway")
        self.started.append(running)
        return running

    @property
    def table(self) -> Path:
        return self.folder / "table.json"

    def write_table(self, generation: str = "1", **endpoint: Any) -> None:
        """One endpoint, ``ws/ep``, by rename as the server does it."""
        said = {"auth": "key", "keys": [hashlib.sha256(KEY.encode()).hexdigest()], **endpoint}
        self.write_raw_table({"generation": generation, "endpoints": {"ws/ep": said}})

    def write_raw_table(self, table: Any) -> None:
        draft = self.folder / "table.json.tmp"
        draft.write_text(table if isinstance(table, str) else json.dumps(table))
        draft.replace(self.table)

    def access_lines(self) -> list[dict[str, Any]]:
        path = self.folder / "access.log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def backend(*workers: Running, **spec: Any) -> dict[str, Any]:
    """A deployment of the table over *workers*."""
    return {"backends": [{"host": "127.0.0.1", "port": one.where["port"]} for one in workers], **spec}


def score(gateway: Running, value: Any = None, key: str | None = KEY, **more: Any) -> Answer:
    """Call ``ws/ep``; *more* are the body's other fields, or ``headers``."""
    headers = dict(more.pop("headers", {}))
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    return gateway.call("/endpoints/ws/ep/score", {"value": value, **more}, headers)


@contextmanager
def plane(folder: Path) -> Iterator[Plane]:
    """A plane whose processes are gone afterwards."""
    made = Plane(folder)
    try:
        yield made
    finally:
        for running in made.started:
            running.pool.clear()
            if running.process.poll() is None:
                running.process.kill()
            running.process.wait()
