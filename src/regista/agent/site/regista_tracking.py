"""Metrics, parameters, tags and artifacts of the running job, without the mlflow package.

    import regista_tracking as tracking
    tracking.log_param("learning_rate", 0.1)
    tracking.log_metric("loss", 0.25, step=3)
    tracking.log_artifact("model.pkl", "model")

Speaks the MLflow REST API (version 2.0: runs/log-batch, runs/get, mlflow-artifacts) at ``MLFLOW_TRACKING_URI`` for the run
``MLFLOW_RUN_ID``, with ``MLFLOW_TRACKING_TOKEN`` and the certificate ``MLFLOW_TRACKING_SERVER_CERT_PATH``. A job finds all
of them in its environment; without them the calls check their arguments and record nothing, so that a script also runs
on its author's machine.

Wrong arguments raise ``ValueError``, ``TypeError`` or ``FileNotFoundError`` at once. A network that fails never does:
calls return at once, a thread sends batches, tries again with longer and longer pauses, and says on stderr, once, what
could not be recorded. What is left is sent at exit. The standard library is enough; Python 3.8 or newer.
"""  # noqa: INP001 (a folder for PYTHONPATH, not a package)

from __future__ import annotations

import atexit
import base64
import collections
import contextlib
import http.client
import json
import math
import os
import posixpath
import random
import re
import ssl
import sys
import threading
import time
import urllib.parse
from pathlib import Path
from typing import Any, Mapping  # noqa: UP035 (Python 3.8)

__all__ = ["flush", "log_artifact", "log_metric", "log_metrics", "log_param", "log_params", "set_tag", "set_tags"]

_KEY = re.compile(r"[\w/.\- :]{1,250}")  # what the server takes, so that a wrong one is told where it was written
_LONGEST = {"params": 6000, "tags": 8000}
_MOST = {"metrics": 1000, "params": 100, "tags": 100}  # of one batch, and together no more than 1000
_MOST_BYTES = 900_000
_MOST_WAITING = 200_000
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
_MOST_REFUSALS = 20  # one after another, before it must be the run that is refused and not its rows
_PATIENCE = 300.0  # seconds for one batch or file, while the job runs
_LAST_PATIENCE = 20.0  # seconds for all of it, at exit
_GATHERING = 0.5  # seconds in which calls become one batch
_TIMEOUT = 30.0


def log_metric(key: str, value: float, step: int | None = None) -> None:
    """One point of a metric's curve, at *step* (0 if not said) and now. NaN and infinities are values like others."""
    log_metrics({key: value}, step)


def log_metrics(metrics: Mapping[str, float], step: int | None = None) -> None:
    """Several points of one step."""
    if step is not None and (isinstance(step, bool) or not hasattr(step, "__index__")):
        raise TypeError(f"step is {step!r}, not a whole number")
    now = int(time.time() * 1000)
    at = 0 if step is None else int(step)
    if not -(2**63) <= at < 2**63:
        raise ValueError(f"step {step} does not fit into 64 bits")
    rows = [
        {"key": _key(key), "value": _number(key, value), "timestamp": now, "step": at} for key, value in metrics.items()
    ]
    _put("metrics", rows)


def log_param(key: str, value: Any) -> None:
    """A parameter, as text. It is written once: the server refuses another value later."""
    log_params({key: value})


def log_params(params: Mapping[str, Any]) -> None:
    """Several parameters."""
    _put("params", [_pair("params", key, value) for key, value in params.items()])


def set_tag(key: str, value: Any) -> None:
    """A tag, as text; replaces the one before."""
    set_tags({key: value})


def set_tags(tags: Mapping[str, Any]) -> None:
    """Several tags."""
    _put("tags", [_pair("tags", key, value) for key, value in tags.items()])


def log_artifact(path: str | os.PathLike[str], artifact_path: str | None = None) -> None:
    """Upload a file, or a folder with all in it, below *artifact_path*. Returns when it is there, or given up on."""
    local = Path(path)
    if not local.exists():
        raise FileNotFoundError(f"there is no file or folder {str(local)!r} to log")
    below = _inside(artifact_path or "")
    files = sorted(found for found in local.rglob("*") if found.is_file()) if local.is_dir() else [local]
    sender = _sender()
    if sender:
        for file in files:
            sender.upload(file, posixpath.join(below, file.relative_to(local.parent).as_posix()))


def flush(timeout: float = 60.0) -> bool:
    """Send what waits; True if nothing is left after at most *timeout* seconds. Happens by itself at exit."""
    sender = _current[0] if _current else None
    return sender.flush(timeout) if sender else True


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"the name {key!r} is not text")
    if not _KEY.fullmatch(key) or key != posixpath.normpath(key) or key.startswith(("/", "..")) or key == ".":
        raise ValueError(
            f"the name {key[:100]!r} is not 1 to 250 letters, digits, spaces and _ / . - : of a relative path"
        )
    return key


def _number(key: str, value: Any) -> float:
    if isinstance(value, (str, bytes)):
        raise TypeError(f"the metric {key!r} has the value {value!r}, not a number")
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf  # an int beyond all floats
    except (TypeError, ValueError) as error:
        raise TypeError(f"the metric {key!r} has a value of type {type(value).__name__}, not a number") from error


def _pair(kind: str, key: Any, value: Any) -> dict[str, Any]:
    text = str(value)
    if len(text) > _LONGEST[kind]:
        raise ValueError(f"the value of {key!r} has {len(text)} characters, and at most {_LONGEST[kind]} are kept")
    return {"key": _key(key), "value": text}


def _inside(path: str) -> str:
    if path.startswith("/") or "\\" in path or "\0" in path or ".." in path.split("/"):
        raise ValueError(f"the artifact path {path!r} does not lie inside the run's artifacts")
    return posixpath.normpath(path) if path else ""


class _RefusedError(Exception):
    """The server answered, and it will not answer otherwise."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Connection:
    """One kept-alive connection. Only ever talks to the tracking server: the token goes nowhere else."""

    def __init__(self, uri: str) -> None:
        parts = urllib.parse.urlsplit(uri)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("MLFLOW_TRACKING_URI is not an http or https address")
        self.prefix = parts.path.rstrip("/")
        self.origin = _origin(parts)
        self._headers = _authorization(parts)
        self._connection: http.client.HTTPConnection | None = None

    def send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> dict[str, Any]:
        """The answer's JSON; raise ``_RefusedError``, or ``OSError``/``HTTPException`` for what may pass."""
        if self._connection is None:
            self._connection = self._connect()
        try:
            self._connection.request(method, path, body, {**self._headers, **headers})
            answer = self._connection.getresponse()
            content = answer.read()
        except BaseException:
            self.close()
            raise
        if answer.status in _AGAIN:
            raise _BusyError(answer.status, answer.getheader("Retry-After"))
        if answer.status >= 300:
            raise _RefusedError(answer.status, _said(content) or answer.reason)
        with contextlib.suppress(ValueError):
            return dict(json.loads(content or b"{}"))
        return {}

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> http.client.HTTPConnection:
        scheme, host, port = self.origin
        if scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=_TIMEOUT)
        context = ssl.create_default_context(cafile=os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH") or None)
        if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() == "true":
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection(host, port, timeout=_TIMEOUT, context=context)


class _BusyError(OSError):
    """The server asks for patience."""

    def __init__(self, status: int, after: str | None) -> None:
        super().__init__(f"the server answered {status}")
        self.after = min(60.0, float(after)) if after and after.isdigit() else 0.0


def _origin(parts: urllib.parse.SplitResult) -> tuple[str, str, int]:
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _authorization(parts: urllib.parse.SplitResult) -> dict[str, str]:
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    if token:
        return {"Authorization": f"Bearer {token}"}
    user = os.environ.get("MLFLOW_TRACKING_USERNAME") or urllib.parse.unquote(parts.username or "")
    password = os.environ.get("MLFLOW_TRACKING_PASSWORD") or urllib.parse.unquote(parts.password or "")
    if not user:
        return {}
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def _said(content: bytes) -> str:
    with contextlib.suppress(ValueError, AttributeError):
        return str(json.loads(content).get("message", ""))[:300]
    return ""


class _Sender:
    """Gathers rows in order and sends them as batches, from a thread that starts with the first row."""

    def __init__(self, uri: str, run: str) -> None:
        self._uri, self._run = uri, run
        self._changed = threading.Condition()
        self._rows: collections.deque[tuple[str, dict[str, Any], int]] = collections.deque()
        self._sending = False
        self._hurry = False
        self._deadline = math.inf  # set at exit
        self._thread: threading.Thread | None = None
        self._connection = _Connection(uri)
        self._artifacts = ""
        self._warned: set[str] = set()
        self._refusals = 0  # single rows in a row

    def put(self, kind: str, rows: list[dict[str, Any]]) -> None:
        """Leave *rows* to the thread. They are dropped, with a warning, when far too many wait already."""
        sized = [(kind, row, len(json.dumps(row)) + 2) for row in rows]
        with self._changed:
            if len(self._rows) + len(sized) > _MOST_WAITING:
                self.warn("full", f"more than {_MOST_WAITING} values wait for the server; new ones are dropped")
                return
            self._rows.extend(sized)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="regista-tracking", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
            done = self._changed.wait_for(lambda: not self._rows and not self._sending, timeout)
            self._hurry = False
            return done

    def finish(self) -> None:
        """Send the rest before the interpreter ends, within a limit."""
        with self._changed:
            self._deadline = time.monotonic() + _LAST_PATIENCE
            self._changed.notify_all()
        if not self.flush(_LAST_PATIENCE):
            self.warn("exit", f"{len(self._rows)} values and a batch under way could not be recorded before the exit")

    def upload(self, file: Path, name: str) -> None:
        """Put one file among the run's artifacts, over a connection of its own: the thread goes on meanwhile."""
        connection = _Connection(self._uri)
        try:
            place = self._place(connection)
            if place is None:
                return
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(file.stat().st_size)}
            self._patiently(connection, "PUT", f"{place}/{urllib.parse.quote(name)}", file, headers)
        except _RefusedError as refused:
            self.warn(f"artifact {refused.status}", f"the artifact {name!r} was refused ({refused.status}): {refused}")
        except (OSError, http.client.HTTPException, KeyError, TypeError) as error:
            self.warn("network", f"the artifact {name!r} could not be uploaded: {error}")
        finally:
            connection.close()

    def warn(self, kind: str, text: str) -> None:
        """Say it on stderr, once for each *kind*."""
        if kind not in self._warned:
            self._warned.add(kind)
            print(f"regista_tracking: {text}", file=sys.stderr, flush=True)

    def _place(self, connection: _Connection) -> str | None:
        """The path of the run's artifacts on the tracking server; asked once."""
        if not self._artifacts:
            path = f"{connection.prefix}/api/2.0/mlflow/runs/get?run_id={urllib.parse.quote(self._run, safe='')}"
            uri = str(self._patiently(connection, "GET", path, None, {})["run"]["info"]["artifact_uri"])
            parts = urllib.parse.urlsplit(uri)
            if parts.scheme == "mlflow-artifacts":
                self._artifacts = f"{connection.prefix}/api/2.0/mlflow-artifacts/artifacts/{parts.path.strip('/')}"
            elif _origin(parts) == connection.origin:
                self._artifacts = parts.path.rstrip("/")
            else:
                self.warn(
                    "place",
                    f"artifacts are kept at a {parts.scheme or 'local'} address, which only mlflow can write to",
                )
                return None
        return self._artifacts

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._rows))
                self._changed.wait_for(lambda: self._hurry or len(self._rows) >= _MOST["metrics"], _GATHERING)
                batch = self._take()
                self._sending = True
            try:
                self._deliver(batch)
            except Exception as error:
                self.warn("network", f"values could not be recorded: {error!r}")
            with self._changed:
                self._sending = False
                self._changed.notify_all()

    def _take(self) -> list[tuple[str, dict[str, Any]]]:
        """The longest beginning of what waits that one batch may hold."""
        batch: list[tuple[str, dict[str, Any]]] = []
        counts, size = dict.fromkeys(_MOST, 0), 0
        while self._rows and len(batch) < 1000:
            kind, row, length = self._rows[0]
            if counts[kind] == _MOST[kind] or (batch and size + length > _MOST_BYTES):
                break
            self._rows.popleft()
            batch.append((kind, row))
            counts[kind] += 1
            size += length
        return batch

    def _deliver(self, batch: list[tuple[str, dict[str, Any]]]) -> None:
        """Send *batch*; one that is refused for its content is halved, so that a wrong row takes no right one along.
        Sending a row again changes nothing (the server ignores repeated rows), hence neither do retries."""
        body: dict[str, Any] = {"run_id": self._run, "metrics": [], "params": [], "tags": []}
        for kind, row in batch:
            body[kind].append(row)
        path = f"{self._connection.prefix}/api/2.0/mlflow/runs/log-batch"
        try:
            content = json.dumps(body).encode()
            self._patiently(self._connection, "POST", path, content, {"Content-Type": "application/json"})
            self._refusals = 0
        except _RefusedError as refused:
            if refused.status in {400, 413} and len(batch) > 1 and self._refusals < _MOST_REFUSALS:
                self._deliver(batch[: len(batch) // 2])
                self._deliver(batch[len(batch) // 2 :])
                return
            self._refusals += 1
            named = f" {batch[0][1]['key']!r}" if len(batch) == 1 else ""
            self.warn(f"{refused.status}{named}", f"the server refused{named} ({refused.status}): {refused}")
        except (OSError, http.client.HTTPException) as error:
            self.warn("network", f"values could not be recorded, the server does not answer: {error}")

    def _patiently(
        self, connection: _Connection, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> dict[str, Any]:
        """Send until there is an answer. A ``Path`` as *body* is opened anew for every try."""
        pause, until, failures = 0.2, time.monotonic() + _PATIENCE, 0
        while True:
            deadline = self._deadline
            try:
                if isinstance(body, Path):
                    with body.open("rb") as file:
                        return connection.send(method, path, file, headers)
                return connection.send(method, path, body, headers)
            except ssl.SSLCertVerificationError:
                raise  # trying again cannot help
            except (OSError, http.client.HTTPException) as error:
                failures += 1
                wait = max(pause * random.uniform(0.5, 1.0), getattr(error, "after", 0.0))  # noqa: S311 (no secret)
                if time.monotonic() + wait > min(until, deadline):
                    raise
                if failures > 1:  # the first may be a kept connection that the server closed meanwhile
                    self.warn("waiting", f"the tracking server does not take values now ({error}); trying again")
                with self._changed:
                    woken = self._changed.wait_for(lambda: self._deadline != deadline, wait)  # noqa: B023 (used at once)
                pause = 0.2 if woken else min(pause * 2, 20.0)


_current: list[_Sender | None] = []  # nothing before the first call; None where there is no server to send to
_beginning = threading.Lock()


def _sender() -> _Sender | None:
    with _beginning:
        if not _current:
            uri, run = os.environ.get("MLFLOW_TRACKING_URI", ""), os.environ.get("MLFLOW_RUN_ID", "")
            if uri and run:
                sender = _Sender(uri, run)
                _current.append(sender)
                atexit.register(_finish, os.getpid())
                if "multiprocessing.util" in sys.modules:  # its processes end without atexit
                    sys.modules["multiprocessing.util"].Finalize(None, _finish, args=(os.getpid(),), exitpriority=10)
            else:
                print("regista_tracking: not inside a job, nothing is recorded", file=sys.stderr, flush=True)
                _current.append(None)
    return _current[0]


def _put(kind: str, rows: list[dict[str, Any]]) -> None:
    sender = _sender()
    if sender and rows:
        sender.put(kind, rows)


def _finish(owner: int) -> None:
    if _current and _current[0] and owner == os.getpid():
        _current[0].finish()


def _forked() -> None:
    """A child of fork has the rows but not the thread: it begins anew, and its parent sends what it had."""
    global _beginning  # noqa: PLW0603 (it may have been held)
    _beginning = threading.Lock()
    _current.clear()


os.register_at_fork(after_in_child=_forked)
