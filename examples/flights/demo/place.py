"""Where the demo keeps everything, and its server.

.demo/
├── home/           REGISTA_HOME: begun anew by every demo, but for what is expensive and the same every time:
│                   envs/ locks/ layers/ uv-cache/
├── data/           flights as they come from PyPI, and the sample
├── profiles.toml   who may be asked to act: owner, ops
├── ops.key
└── demo.log        every command with its whole answer; server.log beside it
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

KEPT = {"envs", "locks", "layers", "uv-cache"}
START_SECONDS = 60.0
STOP_SECONDS = 60.0


class ServerFailedError(Exception):
    """The server did not start, or did not stop."""


class Place:
    """The folder of the demo below the project's *root*, and what runs in it."""

    def __init__(self, root: Path, program: Path) -> None:
        self.root, self._program = root, program
        self.folder = root / ".demo"
        self.home = self.folder / "home"
        self.data = self.folder / "data"
        self.profiles = self.folder / "profiles.toml"
        self.log = self.folder / "demo.log"
        self.server_log = self.folder / "server.log"

    @property
    def environment(self) -> dict[str, str]:
        """What the program finds the demo's server by, and nothing that would lead it to another one."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("REGISTA_")}
        return inherited | {
            "REGISTA_HOME": str(self.home),
            "REGISTA_CONFIG": str(self.profiles),
            "COLUMNS": "160",
            "CI": "1",
        }

    def clear(self) -> None:
        """Stop what an earlier demo left running, and begin anew; environments that were built stay."""
        self.stop()
        self.folder.mkdir(exist_ok=True)
        for old in (self.log, self.server_log, self.profiles, self.folder / "ops.key"):
            old.unlink(missing_ok=True)
        self.home.mkdir(exist_ok=True, mode=0o700)
        for entry in self.home.iterdir():
            if entry.name not in KEPT:
                _remove(entry)

    def start(self) -> dict[str, Any]:
        """Start the server and return what it says about itself."""
        said = self.home / "run" / "server.json"
        said.unlink(missing_ok=True)
        port, gateway = _free_ports(2)
        command = [str(self._program), "up", "--port", str(port)]
        told = self.environment | {"REGISTA_GATEWAY_PORT": str(gateway)}
        with self.server_log.open("ab") as log:
            process = subprocess.Popen(
                command,
                env=told,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            if said.exists():
                return dict(json.loads(said.read_text()))
            time.sleep(0.05)
        raise ServerFailedError(f"the server did not start:\n{self.server_log.read_text()[-2000:]}")

    def stop(self) -> bool:
        """Stop every process of the demo: the server, the workers behind endpoints, jobs. Whether there were any."""
        found = self.processes()
        deadline = time.monotonic() + STOP_SECONDS
        # The server comes first: as long as it runs it replaces workers that end.
        for number in self._servers() or found:
            _signal(number, signal.SIGTERM)
        while self._servers() and time.monotonic() < deadline - STOP_SECONDS / 2:
            time.sleep(0.05)
        for number in self.processes():
            _signal(number, signal.SIGTERM)
        while left := self.processes():
            time.sleep(0.05)
            if time.monotonic() > deadline:
                raise ServerFailedError(f"these processes do not end: {left}")
            if time.monotonic() > deadline - STOP_SECONDS / 2:
                for number in left:
                    _signal(number, signal.SIGKILL)
        return bool(found)

    def processes(self) -> list[int]:
        """The demo's processes: its server, the gateway and the workers of its endpoints, its jobs."""
        mark = str(self.home)
        return [*self._servers(), *(number for number, words in _running() if _is_below(words, mark))]

    def _servers(self) -> list[int]:
        try:
            number = json.loads((self.home / "run" / "server.json").read_text())["pid"]
        except (OSError, ValueError, KeyError):
            return []
        words = next((words for running, words in _running() if running == number), [])
        return [number] if "up" in words and any("regista" in word for word in words) else []


def _running() -> Iterator[tuple[int, list[str]]]:
    """Every process of this user that runs, with its command line."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.stat().st_uid == os.getuid() else []
        except OSError:
            continue
        if words != [b""]:
            yield int(entry.name), [os.fsdecode(word) for word in words]


def _is_below(words: list[str], home: str) -> bool:
    """Whether a command line is that of a job or a worker of *home*: not that of a person who looks at its files."""
    if not any(f"{home}/" in word for word in words):
        return False
    program = words[0] if words else ""
    return (
        program.startswith(f"{home}/envs/")
        or program.endswith("bwrap")
        or any("regista" in one and "agent" in one for one in words)
    )


def _signal(process: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, number)


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()
