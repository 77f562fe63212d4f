"""The real ``azure-storage-blob`` package, in an environment of its own, and scripts run in it against a server of ours."""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from tests.support.locked import ROOT, ScriptFailedError, locked_python

SCRIPTS = ROOT / "azure_storage_scripts"
_LOCK = "azure-storage"
_FOREIGN = ("AZURE", "REGISTA_", "REQUESTS_CA_BUNDLE", "SSL_CERT")


def run(script: str, url: str, home: Path, *, ca: Path | None = None, seconds: float = 500, **variables: str) -> str:
    """Run a script with what *variables* tell it; return what it printed. Raise ``ScriptFailedError`` with what it said."""
    told = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    told |= {"HOME": str(home), "URL": url, **({"REQUESTS_CA_BUNDLE": str(ca)} if ca else {}), **variables}
    done = subprocess.run(
        [locked_python(_LOCK), SCRIPTS / f"{script}.py"],
        env=told,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    if done.returncode:
        raise ScriptFailedError(f"{script}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


@contextmanager
def served(application: Any) -> Iterator[str]:
    """Serve *application* from a thread of this process, without TLS; its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(application, log_level="warning", access_log=False, lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
