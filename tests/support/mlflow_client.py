"""The real ``mlflow`` package, in environments of its own, and scripts run in them against a server of ours."""

import os
import subprocess
from pathlib import Path

import msgspec

from tests.support.locked import ROOT, ScriptFailedError, locked_python
from tests.support.server import RunningServer


class MlflowClient(msgspec.Struct, frozen=True):
    """A Python with MLflow of one major version."""

    major: int
    python: Path

    def run(
        self,
        script: str,
        server: RunningServer,
        home: Path,
        *,
        workspace: str,
        key: str = "",
        seconds: float = 240,
        **variables: str,
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
            [self.python, path], env=told, cwd=home, capture_output=True, text=True, timeout=seconds, check=False
        )
        if done.returncode:
            raise ScriptFailedError(f"{script} with MLflow {self.major}:\n{done.stdout}\n{done.stderr}\n{server.log}")
        return done.stdout


def mlflow_client(major: int) -> MlflowClient:
    """The environment of a lock."""
    return MlflowClient(major, locked_python(f"mlflow-{major}"))
