"""The real ``mlflow`` package, in environments of its own, and scripts run in them against a server of ours."""

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import uv

from tests.support.server import RunningServer

ROOT = Path(__file__).parents[1] / "sdk"
_DONE = ".complete"


class ScriptFailedError(Exception):
    """A script ended with an error; the message is all that it said."""


class MlflowClient(msgspec.Struct, frozen=True):
    """A Python with MLflow of one major version."""

    major: int
    python: Path

    def run(
        self, script: str, server: RunningServer, home: Path, *, workspace: str, key: str = "", **variables: str
    ) -> str:
        """Run a script of ``tests/sdk/mlflow_scripts`` with the workspace as its tracking server; return what it printed."""
        told = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "REGISTA_"))}
        told |= {
            "HOME": str(home),
            "MLFLOW_TRACKING_URI": f"{server.url}/mlflow/workspaces/{workspace}",
            "MLFLOW_TRACKING_TOKEN": key or server.owner_key,
            "MLFLOW_TRACKING_SERVER_CERT_PATH": str(server.ca),
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "GIT_PYTHON_REFRESH": "quiet",
            "SERVER": server.url,
            **variables,
        }
        path = ROOT / "mlflow_scripts" / f"{script}.py"
        done = subprocess.run(
            [self.python, path], env=told, cwd=home, capture_output=True, text=True, timeout=240, check=False
        )
        if done.returncode:
            raise ScriptFailedError(f"{script} with MLflow {self.major}:\n{done.stdout}\n{done.stderr}\n{server.log}")
        return done.stdout


def mlflow_client(major: int) -> MlflowClient:
    """Build the environment of the lock, or find it: it is kept, by the lock's hash, from one test run to the next."""
    lock = ROOT / "locks" / f"mlflow-{major}.txt"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    name = hashlib.sha256(lock.read_bytes() + version.encode()).hexdigest()[:16]
    folder = _cache() / f"mlflow-{major}-{name}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not (folder / _DONE).exists():
            _uv("venv", "--clear", "--python", sys.executable, str(folder))
            _uv("pip", "install", "--python", str(folder / "bin" / "python"), "-r", str(lock))
            (folder / _DONE).touch()
    return MlflowClient(major, folder / "bin" / "python")


def _cache() -> Path:
    given = os.environ.get("XDG_CACHE_HOME")
    return (Path(given) if given else Path(tempfile.gettempdir())) / "regista-tests"


def _uv(*arguments: str) -> None:
    done = subprocess.run([uv.find_uv_bin(), "-q", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ScriptFailedError(f"uv {' '.join(arguments)}:\n{done.stderr}")
