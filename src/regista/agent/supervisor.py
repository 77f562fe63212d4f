"""The program that stays with one attempt: starts it once, ends it when asked, writes down how it ended.

It imports the standard library and ``supervisor_log.py`` alone, and runs as ``python -I -S supervisor.py DIRECTORY``
(or ``--serve``, see ``serve``).

    DIRECTORY/
      attempt.json     what to run; mode 0600, its environment may hold tokens
      lock             flock, held while the watcher or the supervisor lives: what tells "running" from "lost"
      status.json      replaced by rename: "running" before the process starts, "exited" when it has ended
      stop.json        {"grace": seconds}; noticed at SIGTERM, or within a second
      supervisor.log   exists only when the supervisor itself failed

    spawner ── watcher ── supervisor ── [bwrap ──] the attempt's process
               session    session       session

Nothing here is a child of whoever submitted the attempt, nor in its session: killing that process, or its whole group,
ends no attempt. The supervisor adopts what daemonises and kills it in the end. Should the supervisor be killed, the
kernel kills its child and the watcher kills whatever else was left, so that an attempt reported as lost runs nowhere.
"""

import contextlib
import ctypes
import errno
import fcntl
import gc
import json
import math
import os
import resource
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from regista.agent.supervisor_log import Log
else:
    sys.path.append(str(Path(__file__).parent))  # -I leaves it out
    from supervisor_log import Log

GRACE = 10.0
"""Seconds between SIGTERM and SIGKILL where nobody said otherwise: at a timeout, or at a SIGTERM without ``stop.json``."""

_POLL = 1.0
_LAUNCH_PATIENCE = 10.0
_SWEEP_PATIENCE = 10.0
_WATCHED = frozenset({signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
_PR_SET_PDEATHSIG, _PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 1, 15, 36  # linux/prctl.h
_JOB_OOM_SCORE = "500"  # when memory runs out the kernel takes the job before its supervisor or the server

_libc = ctypes.CDLL(None, use_errno=True)


def main(arguments: list[str]) -> int:
    """``DIRECTORY`` launches one attempt and returns once it is under way; ``--serve`` launches many."""
    if arguments == ["--serve"]:
        _forget_parent()
        serve()
        return 0
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: supervisor.py DIRECTORY | --serve", file=sys.stderr)
        return 2
    _forget_parent()
    problem = launch(arguments[0])
    if problem:
        print(problem, file=sys.stderr)
    return 1 if problem else 0


def _forget_parent() -> None:
    """Undo what was inherited and would reach the attempts: ignored signals, Python's own among them, and blocked ones."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    gc.freeze()  # a collection in a fork would copy every page it looks at


def serve() -> None:
    """Launch one attempt per NUL-terminated path on stdin; answer each with a line of JSON: "" or what went wrong.

    A warm process that only forks: starting an interpreter for every attempt costs ten times as much. It holds no state
    and ends with its stdin; attempts do not notice."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps the watchers
    pending = b""
    while chunk := os.read(0, 1 << 16):
        pending += chunk
        while b"\0" in pending:
            path, pending = pending.split(b"\0", 1)
            os.write(1, json.dumps(launch(os.fsdecode(path))).encode() + b"\n")


def launch(directory: str) -> str:
    """Start the attempt in *directory* unless it was started before; return "" or what went wrong."""
    answers, reply = os.pipe()
    if os.fork() == 0:
        code = 1
        try:
            os.close(answers)
            watch(directory, reply)
            code = 0
        finally:
            os._exit(code)
    os.close(reply)
    with os.fdopen(answers, "rb") as pipe:
        answer = pipe.read()
    return "" if answer == b"ok" else answer.decode() or f"the supervisor of {directory} died before it began"


def watch(directory: str, reply: int) -> None:
    """Own the attempt's lock, start its supervisor, and end what a killed supervisor leaves behind."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        lock = _lock(directory)
    except OSError as error:
        os.write(reply, f"{directory}: {error.strerror}".encode())
        return
    if lock is None:
        os.write(reply, b"ok")
        return
    _detach_stdio()
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    _name(b"regista-watch")
    supervisor = os.fork()
    if supervisor == 0:
        code = 1
        try:
            os.setsid()
            Supervisor(directory).run(reply)
            code = 0
        except BaseException:
            _leave_note(directory)
        finally:
            os._exit(code)
    os.close(reply)
    os.waitpid(supervisor, 0)
    end_descendants()


def _lock(directory: str) -> int | None:
    """Take the attempt's lock for this process and its children, or None when the attempt was started before.

    Who only asks whether an attempt lives holds the lock shared for a moment; hence the second and third try."""
    status = Path(directory, "status.json")
    lock = os.open(Path(directory, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + _LAUNCH_PATIENCE
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return None if status.exists() else lock
        if status.exists():
            return None
        if time.monotonic() > deadline:
            raise OSError(errno.ETIMEDOUT, "another supervisor holds the lock and says nothing")
        time.sleep(0.005)


class Supervisor:
    """One attempt, from its first status to its last."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._reason = ""
        self._kill_at = math.inf
        self._expires_at = math.inf
        self._asked = False  # SIGTERM was sent to the attempt
        self._killed = False
        self._stop_seen: int | None = None
        self._pid = 0
        self._sandbox: SandboxReport | None = None
        self._log: Log | None = None

    def run(self, reply: int) -> None:
        """Start the process, stay until it has ended, record its end. Leaves no descendant behind."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        _name(b"regista-job")
        try:
            attempt: dict[str, Any] = json.loads(Path(self._directory, "attempt.json").read_bytes())
            started = {"id": attempt["id"], "state": "running", "started_at": time.time(), **_identity()}
            _write_status(self._directory, started, durable=False)
        except (OSError, ValueError, KeyError) as error:
            os.write(reply, f"{self._directory}: {error!r}".encode())
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
            ended["usage"] = _used()
        _write_status(self._directory, {**started, "state": "exited", **ended}, durable=True)

    def _run(self, attempt: dict[str, Any]) -> dict[str, Any]:
        if attempt["timeout"] is not None:
            self._expires_at = time.monotonic() + attempt["timeout"]
        try:
            self._pid = self._start(attempt)
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

    def _start(self, attempt: dict[str, Any]) -> int:
        """Fork and execute; raise the ``OSError`` of a program that cannot be executed."""
        argv, env, cwd = attempt["argv"], attempt["env"], attempt["cwd"]
        if attempt["sandbox"]:
            self._sandbox = SandboxReport()
            argv, env, cwd = _sandboxed(attempt, self._sandbox.writer), {"PATH": os.defpath}, "/"
        self._log = Log(attempt["log"], attempt.get("log_limit"), rotates=attempt.get("log_rotates", False))
        errors, failure = os.pipe()
        supervisor = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                _become(supervisor, self._log.writer, attempt["limits"])
                os.chdir(cwd)
                os.execvpe(argv[0], argv, env)  # noqa: S606 (a shell is what we do not want)
            except OSError as error:
                os.write(failure, f"{error.errno} {error.strerror}".encode())
            finally:
                os._exit(127)
        os.close(failure)
        self._log.start()
        if self._sandbox:
            os.close(self._sandbox.writer)
        with os.fdopen(errors, "rb") as pipe:
            failed = pipe.read().decode()
        if failed:
            os.waitpid(pid, 0)
            raise OSError(int(failed.split(" ", 1)[0]), failed.split(" ", 1)[1])
        return pid

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
        if group is None or (self._sandbox and not any(g == group and p != group for p, _, g in _processes())):
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
            _kill_children()
        self._killed = True


class SandboxReport:
    """What bwrap tells through ``--json-status-fd``: who leads the job's group, and whether the job ever ran.

    One JSON document a line: ``child-pid`` when the sandbox is made, ``exit-code`` only if the program was executed."""

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._text = b""

    def group(self) -> int | None:
        """The process group of the job, in this process's own numbering."""
        return self._find("child-pid")

    def ran(self) -> bool:
        """Whether the program was executed. Asked after bwrap has ended."""
        return self._find("exit-code") is not None

    def _find(self, key: str) -> int | None:
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self._reader, 4096):
                self._text += chunk
        for line in self._text.splitlines():
            with contextlib.suppress(ValueError):
                document = json.loads(line)
                if key in document:
                    return int(document[key])
        return None


def _sandboxed(attempt: dict[str, Any], report: int) -> list[str]:
    """The command line of bwrap. Options go through a file descriptor, because the environment would otherwise be readable in
    the process list, and the job's environment is set inside, because LD_PRELOAD must not reach bwrap itself."""
    options = [*attempt["sandbox"]["options"], "--clearenv", "--chdir", attempt["cwd"]]
    for name, value in attempt["env"].items():
        options += ["--setenv", name, value]
    given = os.memfd_create("options", 0)
    with os.fdopen(os.dup(given), "wb") as file:
        file.write(b"".join(os.fsencode(option) + b"\0" for option in options))
    os.lseek(given, 0, os.SEEK_SET)
    os.set_inheritable(report, True)
    program = attempt["sandbox"]["program"]
    return [program, "--args", str(given), "--json-status-fd", str(report), "--", *attempt["argv"]]


def _become(supervisor: int, output: int, limits: dict[str, int]) -> None:
    """Turn a fork of the supervisor into a bare process: own session, own standard streams, nothing inherited."""
    os.setsid()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != supervisor:
        os._exit(127)  # it died before the line above
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.umask(0o022)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_JOB_OOM_SCORE)
    for name, wanted in {"RLIMIT_CORE": 0, **limits}.items():
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (allowed, allowed if name != "RLIMIT_NOFILE" else hard))
    os.dup2(output, 1)
    os.dup2(output, 2)


def _used() -> dict[str, float]:
    """What every process below this one has used, once all of them are reaped: bwrap ends without waiting for the first
    process of its sandbox, whose account would be missing if only bwrap's were read. Memory is that of the largest."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"cpu_seconds": usage.ru_utime + usage.ru_stime, "max_rss_bytes": usage.ru_maxrss * 1024}


def end_descendants() -> None:
    """Kill and reap every descendant. Orphans of the killed come to this process, the subreaper, and go the same way."""
    deadline = time.monotonic() + _SWEEP_PATIENCE
    while time.monotonic() < deadline:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        _kill_children()
        time.sleep(0.002)


def _kill_children() -> None:
    me = os.getpid()
    for pid, parent, _ in _processes():
        if parent == me:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _processes() -> list[tuple[int, int, int]]:
    """Process id, parent and group of everything that runs (proc(5): the name, which may hold anything, ends at ')')."""
    found = []
    with os.scandir("/proc") as entries:
        for pid in (entry.name for entry in entries if entry.name.isdigit()):
            with contextlib.suppress(OSError):
                fields = _stat(pid)
                found.append((int(pid), int(fields[1]), int(fields[2])))
    return found


def _stat(pid: str) -> list[str]:
    return Path("/proc", pid, "stat").read_bytes().rpartition(b")")[2].decode().split()


def _identity() -> dict[str, Any]:
    """Who this process is, beyond the reuse of its number: its start in clock ticks since the boot of that name."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return {"pid": os.getpid(), "start_ticks": int(_stat("self")[19]), "boot_id": boot}


def _failed_to_start(message: str, *, missing: bool) -> dict[str, Any]:
    """The shell's exit codes: 127 for a program that is not there, 126 for one that cannot be executed."""
    code = 127 if missing else 126
    return {"exit_code": code, "reason": "failed_to_start", "message": message, "ended_at": time.time()}


def _last_line(path: str) -> str:
    with contextlib.suppress(OSError), Path(path).open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - 1000))
        return file.read().decode(errors="replace").strip().rpartition("\n")[2]
    return "the sandbox could not be made"


def _write_status(directory: str, status: dict[str, Any], *, durable: bool) -> None:
    """Replace ``status.json`` whole. *durable* survives a power cut, and waits for a full disk to be given space."""
    path, draft = Path(directory, "status.json"), Path(directory, ".status.json")
    for patience in (0.2, 1, 5, 20, 60, None):
        try:
            with draft.open("w") as file:
                json.dump(status, file)
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            draft.replace(path)
            break
        except OSError as error:
            if not durable or patience is None or error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            time.sleep(patience)
    if durable:
        folder = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
        os.fsync(folder)
        os.close(folder)


def _leave_note(directory: str) -> NoReturn:
    with contextlib.suppress(OSError), Path(directory, "supervisor.log").open("a") as note:
        traceback.print_exc(file=note)
    os._exit(1)


def _detach_stdio() -> None:
    """Let go of the spawner's pipes: its client waits for their end."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    if nothing > 2:
        os.close(nothing)


def _prctl(option: int, argument: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(argument), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _name(text: bytes) -> None:
    _libc.prctl(_PR_SET_NAME, ctypes.c_char_p(text), 0, 0, 0)  # what `ps -o comm` shows; at most 15 bytes


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
