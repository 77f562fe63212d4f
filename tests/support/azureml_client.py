"""The real ``azure-ai-ml`` package, in environments of its own, and scripts run in them against a server of ours."""

import atexit
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from tests.support.command_line import CommandLine
from tests.support.locked import ROOT, ScriptFailedError, locked_python
from tests.support.server import RunningServer
from tests.support.warm import Warm

VERSIONS = ("135", "134")
"""Of the locks: azure-ai-ml 1.35.2 and 1.34.1."""

SCRIPTS = ROOT / "azureml_scripts"
SECONDS = 400
_WARM: dict[tuple[Path, str], Warm] = {}
_FOREIGN = ("MLFLOW_", "REGISTA_", "AZURE", "ARM_", "IDENTITY_", "REGISTRY_DISCOVERY", "REQUESTS_CA_BUNDLE")
_QUIET = {
    "AZURE_ML_DISABLE_ON_DISK_CACHE": "1",
    "AZUREML_RUN_POLLING_INTERVAL_MIN": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}


def scripts() -> list[str]:
    """Those of the folder; what begins with an underscore is run by a test of its own."""
    return sorted(path.stem for path in SCRIPTS.glob("[!_]*.py") if path.stem != "recorder")


class Scopes(msgspec.Struct, frozen=True):
    """Where scripts work: two workspaces of one resource group, and a registry."""

    subscription: str
    resource_group: str
    workspace: str
    other: str
    registry: str


class AzuremlClient(msgspec.Struct, frozen=True):
    """A Python with one version of azure-ai-ml."""

    version: str
    python: Path

    def run(
        self, script: Path, server: RunningServer, home: Path, scopes: Scopes, *words: str, **variables: str
    ) -> str:
        """Run *script* with what ``regista connect azureml`` says, and return what it printed."""
        environment = self.environment(server, home, scopes)
        status, printed = self._warm(environment).run(script, words, environment | variables, home, SECONDS)
        if status:
            raise ScriptFailedError(f"{script.stem} with azure-ai-ml {self.version}:\n{printed}\n{server.log[-20000:]}")
        return printed

    def _warm(self, environment: dict[str, str]) -> Warm:
        """The process of this version for this server; a new one where the last was ended."""
        key = (self.python, environment["SERVER"])
        if key not in _WARM or not _WARM[key].is_alive:
            _WARM[key] = Warm(self.python, SCRIPTS / "_warm.py", environment)
            atexit.register(_WARM[key].close)
        return _WARM[key]

    def connected(self, script: str, server: RunningServer, home: Path, *words: str) -> str:
        """Have ``regista connect azureml`` run a script of the folder, and return what it printed."""
        told = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        command = [sys.executable, "-m", "regista", "connect", "azureml", "--", str(self.python)]
        done = subprocess.run(
            [*command, str(SCRIPTS / f"{script}.py"), *words],
            env=told | server.environment | _QUIET | {"HOME": str(home)},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if done.returncode:
            raise ScriptFailedError(f"{script} with azure-ai-ml {self.version}:\n{done.stderr}\n{server.log[-20000:]}")
        return done.stdout

    def recorded(self, script: str, server: RunningServer, home: Path, scopes: Scopes) -> dict[str, Any]:
        """Run a script of the folder and return what its recorder wrote."""
        record = home / "record.json"
        self.run(
            SCRIPTS / f"{script}.py",
            server,
            home,
            scopes,
            RECORD=str(record),
            NAME=f"{script}-{self.version}".replace("_", "-"),
        )
        found: dict[str, Any] = json.loads(record.read_text())
        return found

    def environment(self, server: RunningServer, home: Path, scopes: Scopes) -> dict[str, str]:
        """What a script is told: this test's own surroundings, the exports of ``connect``, and where to work."""
        told = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        exports: dict[str, str] = CommandLine(server.environment).json("connect", "azureml")
        return told | exports | _QUIET | {
            "HOME": str(home),
            "SERVER": server.url,
            "SUBSCRIPTION": scopes.subscription,
            "RESOURCE_GROUP": scopes.resource_group,
            "WORKSPACE": scopes.workspace,
            "OTHER": scopes.other,
            "REGISTRY": scopes.registry,
            "PYTHONPATH": str(SCRIPTS),
        }  # fmt: skip


def azureml_client(version: str) -> AzuremlClient:
    """The environment of a lock."""
    return AzuremlClient(version, locked_python(f"azureml-{version}"))
