"""One attempt under its supervisor: started, watched, ended when asked, and its end written down. Standard library alone."""

import contextlib
import errno
import json
import math
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regista.agent.supervisor_log import Log
    from regista.agent.supervisor_processes import end_descendants, identity, kill_children, processes, used
    from regista.agent.supervisor_starter import SandboxReport, Starter
else:
    from supervisor_log import Log
    from supervisor_processes import end_descendants, identity, kill_children, processes, used
    from supervisor_starter import SandboxReport, Starter

GRACE = 10.0
"""Seconds between SIGTERM and SIGKILL where nobody said otherwise: at a timeout, or at a SIGTERM without ``stop.json``."""

_POLL = 1.0
_WATCHED = frozenset({signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


class Supervisor:
    """One attempt, from its first status to its last."""

    def __init__(self) -> None:
        """Do what can be done before there is an attempt."""
        self._output, writer = os.pipe()
        self._report = SandboxReport()
        self.starter = Starter(writer, self._report)
        os.close(writer)
        os.close(self._report.writer)
        self._identity = identity()
        self._directory = ""
        self._reason = ""
        self._kill_at = math.inf
        self._expires_at = math.inf
        self._asked = False  # SIGTERM was sent to the attempt
        self._killed = False
        self._stop_seen: int | None = None
        self._pid = self.starter.pid
        self._sandbox: SandboxReport | None = None
        self._log: Log | None = None

    def run(self, directory: str, reply: int) -> None:
        """Start the process, stay until it has ended, record its end. Leaves no descendant behind."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # the starter, which has its own, may be dead
        self._directory = directory
        self.starter.prepare(directory)
        try:
            attempt: dict[str, Any] = json.loads(Path(directory, "attempt.json").read_bytes())
            started = {"id": attempt["id"], "state": "running", "started_at": time.time(), **self._identity}
            _write_status(directory, started)
        except (OSError, ValueError, KeyError) as error:
            os.write(reply, f"{directory}: {error!r}".encode())
            return
        os.write(reply, b"ok")
        os.close(reply)
        try:
            ended = self._run(attempt)
        finally:
            end_descendants()
            if self._log:
                self._log.finish()
        if ended["reason"] != "failed_to_start":
            ended["usage"] = used()
        _write_status(directory, {**started, "state": "exited", **ended}, patient=True)

    def _run(self, attempt: dict[str, Any]) -> dict[str, Any]:
        if attempt["timeout"] is not None:
            self._expires_at = time.monotonic() + attempt["timeout"]
        try:
            self._start(attempt)
        except OSError as error:
            return _failed_to_start(f"{attempt['argv'][0]}: {error.strerror}", missing=error.errno == errno.ENOENT)
        status = self._stay()
        ended_at = time.time()
        if self._sandbox and not self._reason and os.WIFEXITED(status) and not self._sandbox.ran():
            if self._log:
                self._log.finish()  # whoever could still write to it never ran
            said = _last_line(attempt["log"])
            return _failed_to_start(said, missing="No such file" in said)
        return {
            "exit_code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status),
            "reason": self._reason,
            "ended_at": ended_at,
        }

    def _start(self, attempt: dict[str, Any]) -> None:
        """Have the program executed; raise the ``OSError`` of one that cannot be."""
        rotates = attempt.get("log_rotates", False)
        self._log = Log(self._output, attempt["log"], attempt.get("log_limit"), rotates=rotates)
        self._log.start()
        self._sandbox = self._report if attempt["sandbox"] else None
        self.starter.start()

    def _stay(self) -> int:
        """Wait for the process, reaping adopted ones on the way; act on the clock and on requests to stop."""
        while True:
            while True:
                ended, status = os.waitpid(-1, os.WNOHANG)
                if ended == self._pid:
                    return status
                if ended == 0:
                    break
            self._act()
            received = signal.sigtimedwait(_WATCHED, self._pause())
            if received and received.si_signo != signal.SIGCHLD:
                self._stop("stopped", self._requested_grace(default=GRACE))

    def _pause(self) -> float:
        due = min(self._expires_at, self._kill_at) - time.monotonic()
        return max(0.0, min(_POLL if self._asked or not self._reason else 0.02, due if not self._killed else _POLL))

    def _act(self) -> None:
        grace = self._requested_grace()
        if grace is not None:
            self._stop("stopped", grace)
        if time.monotonic() >= self._expires_at:
            self._stop("timeout", GRACE)
        if self._reason and not self._asked:
            self._asked = self._ask()
        if time.monotonic() >= self._kill_at:
            self._kill()

    def _requested_grace(self, default: float | None = None) -> float | None:
        """The grace of a ``stop.json`` not seen before, else *default*."""
        request = Path(self._directory, "stop.json")
        try:
            written = request.stat().st_mtime_ns
            if written == self._stop_seen:
                return default if self._stop_seen is None else None
            self._stop_seen = written
            return max(0.0, float(json.loads(request.read_bytes())["grace"]))
        except FileNotFoundError:
            return default
        except (OSError, ValueError, KeyError, TypeError):
            return GRACE

    def _stop(self, reason: str, grace: float | None) -> None:
        """Begin to end the attempt; the first reason stays, a later request can only hasten the end."""
        if grace is None:
            return
        self._reason = self._reason or reason
        self._expires_at = math.inf
        self._kill_at = min(self._kill_at, time.monotonic() + grace)

    def _ask(self) -> bool:
        """Send SIGTERM to the process group; False while the sandbox has not yet put anybody in it.

        bwrap itself must not get it: it would die at once and take the job along without grace. The first process of a
        sandbox shares the job's group and ignores the signal, as process 1 of a namespace does."""
        group = self._sandbox.group() if self._sandbox else self._pid
        if group is None or (self._sandbox and not any(g == group and p != group for p, _, g in processes())):
            return False
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGTERM)
        return True

    def _kill(self) -> None:
        """Kill the group; if that did not end it within a second, everything below this process."""
        group = self._sandbox.group() if self._sandbox else self._pid
        if group is not None and not self._killed:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        else:
            kill_children()
        self._killed = True


def _failed_to_start(message: str, *, missing: bool) -> dict[str, Any]:
    """The shell's exit codes: 127 for a program that is not there, 126 for one that cannot be executed."""
    code = 127 if missing else 126
    return {"exit_code": code, "reason": "failed_to_start", "message": message, "ended_at": time.time()}


def _last_line(path: str) -> str:
    with contextlib.suppress(OSError), Path(path).open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - 1000))
        return file.read().decode(errors="replace").strip().rpartition("\n")[2]
    return "the sandbox could not be made"


def _write_status(directory: str, status: dict[str, Any], *, patient: bool = False) -> None:
    """Replace ``status.json`` whole. *patient* waits for a full disk to be given space."""
    path, draft = Path(directory, "status.json"), Path(directory, ".status.json")
    for patience in (0.2, 1, 5, 20, 60, None):
        try:
            draft.write_text(json.dumps(status))
            draft.replace(path)
            break
        except OSError as error:
            if not patient or patience is None or error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            time.sleep(patience)
