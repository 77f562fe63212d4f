"""Python environments of their own, each as one of ``tests/sdk/locks`` says, for packages that ours must not depend on."""

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import uv

ROOT = Path(__file__).parents[1] / "sdk"
_DONE = ".complete"


class ScriptFailedError(Exception):
    """A script ended with an error; the message is all that it said."""


def locked_python(lock: str) -> Path:
    """Build the environment of a lock, or find it: it is kept, by the lock's hash, from one test run to the next."""
    file = ROOT / "locks" / f"{lock}.txt"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    name = hashlib.sha256(file.read_bytes() + version.encode()).hexdigest()[:16]
    folder = _cache() / f"{lock}-{name}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not (folder / _DONE).exists():
            run_uv("venv", "--clear", "--python", sys.executable, str(folder))
            run_uv("pip", "install", "--python", str(folder / "bin" / "python"), "-r", str(file))
            (folder / _DONE).touch()
    return folder / "bin" / "python"


def _cache() -> Path:
    given = os.environ.get("XDG_CACHE_HOME")
    return (Path(given) if given else Path(tempfile.gettempdir())) / "regista-tests"


def run_uv(*arguments: str) -> None:
    """Run the uv of this environment: none needs to be on the path."""
    done = subprocess.run([uv.find_uv_bin(), "-q", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ScriptFailedError(f"uv {' '.join(arguments)}:\n{done.stderr}")
