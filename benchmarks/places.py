"""What a benchmark needs: a server of ours on a fresh home, and peers in environments of their own."""

import hashlib
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

CACHE = Path(os.environ.get("REGISTA_BENCH_CACHE") or Path.home() / ".cache" / "regista-bench")
"""Where the peers' environments are kept between runs."""


def free_port() -> int:
    """A port that nobody listens on now."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 300) -> None:
    """Return when *url* answers; raise when the process ends or the time is over."""
    context = ssl._create_unverified_context()  # noqa: S323, SLF001 - only whether somebody answers on loopback
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, context=context, timeout=2):  # noqa: S310 - our own loopback address
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if process.poll() is not None:
                raise RuntimeError(f"the server ended with {process.returncode}") from None
            time.sleep(0.01)
    raise TimeoutError(url)


class Served:
    """A server that answers at ``url``: started by *command*, answering after ``seconds``; *awaited* returns when it does."""

    def __init__(self, command: list[str], url: str, awaited: Callable[[subprocess.Popen[bytes]], None]) -> None:
        self._command, self.url, self._awaited = command, url, awaited
        self._process, self.seconds = self._started()

    @property
    def pid(self) -> int:
        """Of its first process."""
        return self._process.pid

    def restart(self) -> None:
        """Begin anew, whatever it was busy with."""
        os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._process, self.seconds = self._started()

    def stop(self) -> None:
        """Let it end, or kill it."""
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)  # and whoever it left
        self._process.wait()

    def _started(self) -> tuple[subprocess.Popen[bytes], float]:
        start = time.perf_counter()
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, start_new_session=True
        )
        try:
            self._awaited(process)
        except BaseException:
            process.kill()
            process.wait()
            raise
        return process, time.perf_counter() - start


@contextmanager
def regista(home: Path, *options: str) -> Iterator[Served]:
    """Our server on *home*."""
    port = free_port()
    command = [sys.executable, "-m", "regista", "up", "--home", str(home), "--port", str(port), *options]
    url = f"https://127.0.0.1:{port}"
    with running(command, url, partial(wait_for, f"{url}/health")) as served:
        yield served


@contextmanager
def mlflow(folder: Path, *options: str, database: str = "") -> Iterator[Served]:
    """MLflow's own server with its defaults, on SQLite unless a *database* is given."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    store = [
        "--backend-store-uri",
        database or f"sqlite:///{folder}/mlflow.db",
        "--artifacts-destination",
        str(folder / "artifacts"),
    ]
    command = [
        str(peer("mlflow", "mlflow>=3.1,<4", "psycopg2-binary>=2.9") / "bin" / "mlflow"),
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    url = f"http://127.0.0.1:{port}"
    with running([*command, *store, *options], url, partial(wait_for, f"{url}/health")) as served:
        yield served


@contextmanager
def running(command: list[str], url: str, awaited: Callable[[subprocess.Popen[bytes]], None]) -> Iterator[Served]:
    """What *command* starts; it is ended behind the block."""
    served = Served(command, url, awaited)
    try:
        yield served
    finally:
        served.stop()


def peer(name: str, *requirements: str) -> Path:
    """The virtual environment of a peer, built once with uv."""
    from uv import find_uv_bin

    place = CACHE / f"{name}-{hashlib.sha256(' '.join(requirements).encode()).hexdigest()[:12]}"
    if not (place / "ready").exists():
        shutil.rmtree(place, ignore_errors=True)
        uv = find_uv_bin()
        subprocess.run([uv, "venv", "-q", "-p", sys.executable, str(place)], check=True)
        subprocess.run([uv, "pip", "install", "-q", "-p", str(place / "bin" / "python"), *requirements], check=True)
        (place / "ready").touch()
    return place


def memory(pid: int) -> float:
    """Megabytes that a process and its children hold (PSS, so that shared pages count once)."""
    import psutil

    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return sum(one.memory_full_info().pss for one in processes) / 1e6
