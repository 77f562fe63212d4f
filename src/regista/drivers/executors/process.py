"""Attempts as processes of this machine, each under a supervisor of its own that outlives the server.

``regista/agent/supervisor.py`` draws the attempt's folder; this module writes ``attempt.json`` and ``stop.json`` in it and
reads the rest. Whether an attempt lives is told by its lock and not by process numbers, so that a server in another
container on the same machine gives the same answer.
"""

import errno
import fcntl
import functools
import os
import select
import signal
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import msgspec

from regista.drivers.executors import bubblewrap
from regista.drivers.executors.spawner import Spawner
from regista.errors import (
    ConflictError,
    InternalError,
    InvalidError,
    NotFoundError,
    RegistaError,
    StorageFullError,
    UnavailableError,
    UnsupportedError,
)
from regista.interfaces.executors import Attempt, AttemptState, AttemptStatus, Handle

_LOOK_AGAIN = 0.25
_PATH = "/usr/local/bin:/usr/bin:/bin"


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What this machine can hold a job to. ``confined`` false means: a job reads and writes whatever the server's user
    may, sees its processes and has its network; ``problem`` says why."""

    confined: bool
    network_isolation: bool
    problem: str = ""


class _Status(msgspec.Struct, frozen=True, kw_only=True):
    """``status.json``; what it must hold to be believed."""

    id: str
    state: Literal["running", "exited"]
    pid: int
    start_ticks: int
    boot_id: str
    started_at: float
    exit_code: int | None = None
    reason: Literal["", "timeout", "stopped", "failed_to_start"] = ""
    message: str = ""
    ended_at: float | None = None
    usage: dict[str, float] = {}


class ProcessExecutor:
    """Runs attempts as processes: confined by bubblewrap where it works, with resource limits and a scrubbed environment
    everywhere. The environment of a job is ``Attempt.env`` over a minimal base, never the server's.

    *confine* true refuses to run a job unconfined, false never confines, None confines where the machine can."""

    name = "process"

    def __init__(
        self,
        python: str = sys.executable,
        *,
        confine: bool | None = None,
        open_files: int = 65_536,
        processes: int | None = None,
        log_limit: int | None = None,
        rotate_logs: bool = False,
    ) -> None:
        """*log_limit* is how many bytes are kept of an attempt's log: the first ones, and a line that says that it was cut;
        with *rotate_logs* the last ones, in two files (``agent/supervisor_log.py`` draws them)."""
        self._confine = confine
        self._limits = {"RLIMIT_NOFILE": open_files} | ({"RLIMIT_NPROC": processes} if processes else {})
        self._log = {"log_limit": log_limit, "log_rotates": rotate_logs}
        self._spawner = Spawner(python)

    def capabilities(self) -> Capabilities:
        """What jobs are held to here; the first call tries bwrap out (some 10 ms)."""
        problem = "confinement is switched off" if self._confine is False else bubblewrap.problem()
        return Capabilities(confined=not problem, network_isolation=not problem, problem=problem)

    def submit(self, attempt: Attempt) -> Handle:
        """Start *attempt*; return once its supervisor has recorded it. An attempt is never started twice, not even if the
        machine dies in between: then it is lost. Raise ``ConflictError`` where the folder is another attempt's."""
        _check(attempt)
        handle = Handle(self.name, {"id": attempt.id, "directory": str(attempt.directory), "log": str(attempt.log)})
        try:
            if not self._prepared(attempt):
                self._prepare(attempt)
            if not (attempt.directory / "status.json").exists():
                self._spawner.launch(attempt.directory)
        except OSError as error:
            raise _translated(error, attempt.directory) from error
        return handle

    def status(self, handle: Handle) -> AttemptStatus:
        """Where the attempt stands. The lock is asked before the second look, so that an end recorded between the two
        looks is not taken for a loss."""
        directory = _directory(handle)
        recorded = _recorded(directory)
        if recorded is None or recorded.state == "running":
            alive = _is_locked(directory)
            recorded = _recorded(directory)
            if alive and (recorded is None or recorded.state == "running"):
                return AttemptStatus(state=AttemptState.RUNNING, started_at=recorded.started_at if recorded else None)
        if recorded is None or recorded.state == "running":
            return AttemptStatus(
                state=AttemptState.LOST,
                message="neither the process nor its supervisor is there, and no end was recorded",
                started_at=recorded.started_at if recorded else None,
            )
        return AttemptStatus(
            state=AttemptState.EXITED,
            exit_code=recorded.exit_code,
            reason=recorded.reason,
            message=recorded.message,
            started_at=recorded.started_at,
            ended_at=recorded.ended_at,
            usage=recorded.usage,
        )

    def wait(self, handle: Handle, timeout: float) -> AttemptStatus:
        """Like ``status``, but first sleep until the attempt has ended, at most *timeout* seconds."""
        recorded = _recorded(_directory(handle))
        supervisor = _open_process(recorded) if recorded is not None and recorded.state == "running" else None
        if supervisor is not None:
            try:
                poll = select.poll()
                poll.register(supervisor, select.POLLIN)
                poll.poll(max(0.0, timeout) * 1000)
            finally:
                os.close(supervisor)
        elif self.status(handle).state is AttemptState.RUNNING:  # under a supervisor in another container
            time.sleep(min(max(0.0, timeout), _LOOK_AGAIN))
        return self.status(handle)

    def stop(self, handle: Handle, grace: float = 10.0) -> None:
        """Have the supervisor end the attempt; quiet when it has ended. A second call can shorten the grace."""
        directory = _directory(handle)
        recorded = _recorded(directory)
        if recorded is None or recorded.state != "running" or not _is_locked(directory):
            return
        try:
            _write(directory / "stop.json", msgspec.json.encode({"grace": max(0.0, grace)}))
        except OSError as error:
            raise _translated(error, directory) from error
        supervisor = _open_process(recorded)
        if supervisor is None:
            return  # in another container, or ending now: it looks for stop.json by itself
        try:
            signal.pidfd_send_signal(supervisor, signal.SIGTERM)
        except ProcessLookupError:
            pass
        finally:
            os.close(supervisor)

    def read_log(self, handle: Handle, offset: int = 0, limit: int = 1 << 20) -> bytes:
        """Bytes of the log from *offset*, at most *limit*."""
        if offset < 0 or limit < 0:
            raise InvalidError(
                f"cannot read {limit} bytes of a log from byte {offset}", hint="Neither may be negative."
            )
        _directory(handle)
        try:
            with Path(handle.data["log"]).open("rb") as log:
                return os.pread(log.fileno(), limit, offset)
        except FileNotFoundError:
            return b""
        except (OSError, KeyError, OverflowError) as error:
            raise UnavailableError(
                f"the log of attempt {handle.data.get('id', '?')!r} cannot be read: {error}"
            ) from error

    def close(self) -> None:
        """Let go of the helper process; attempts go on and the executor can be used again."""
        self._spawner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _prepared(self, attempt: Attempt) -> bool:
        try:
            found = msgspec.json.decode((attempt.directory / "attempt.json").read_bytes())
        except FileNotFoundError:
            return False
        except msgspec.DecodeError as error:
            raise InternalError(f"{attempt.directory / 'attempt.json'} is damaged: {error}") from error
        if not isinstance(found, dict) or found.get("id") != attempt.id:
            raise ConflictError(
                f"{attempt.directory} belongs to another attempt than {attempt.id!r}",
                hint="Give every attempt a folder of its own.",
            )
        return True

    def _prepare(self, attempt: Attempt) -> None:
        """Make the attempt's folders and write ``attempt.json``, whole or not at all."""
        confined = self._confines(attempt)
        home, temporary = attempt.directory / "home", attempt.directory / "tmp"
        for folder in (home, temporary, attempt.cwd, attempt.log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        base = {"PATH": _PATH, "LANG": "C.UTF-8", "HOME": str(home), "TMPDIR": "/tmp" if confined else str(temporary)}  # noqa: S108 (the sandbox's own)
        sandbox = None
        if confined:
            options = bubblewrap.options(attempt, temporary=temporary, own=(attempt.cwd, home))
            sandbox = {"program": bubblewrap.path(), "options": options, "copies": bubblewrap.copies()}
        order = {
            "id": attempt.id,
            "argv": attempt.argv,
            "cwd": str(attempt.cwd),
            "log": str(attempt.log),
            "env": base | attempt.env,
            "timeout": attempt.timeout,
            "limits": self._limits,
            "sandbox": sandbox,
            **self._log,
        }
        _write(attempt.directory / "attempt.json", msgspec.json.encode(order))

    def _confines(self, attempt: Attempt) -> bool:
        able = self.capabilities()
        if not able.confined and (self._confine or not attempt.network):
            wish = "confined" if self._confine else "without the network"
            raise UnsupportedError(
                f"attempt {attempt.id!r} is to run {wish}, and here {able.problem}",
                hint="Install bubblewrap (`apt install bubblewrap`) and allow user namespaces, or lift the demand.",
            )
        return able.confined


def _check(attempt: Attempt) -> None:
    """Refuse what could not be run as asked, before anything is written."""
    if not attempt.id or len(attempt.id) > 500 or not attempt.id.isprintable():
        raise InvalidError(f"{attempt.id[:50]!r} cannot identify an attempt", hint="Use 1 to 500 printable characters.")
    if not attempt.argv or not attempt.argv[0]:
        raise InvalidError(f"attempt {attempt.id!r} has no program to run")
    if any("\0" in word for word in (*attempt.argv, *attempt.env, *attempt.env.values())):
        raise InvalidError(f"attempt {attempt.id!r} has a zero byte in its command or environment")
    if any(not name or "=" in name for name in attempt.env):
        raise InvalidError(f"attempt {attempt.id!r} has an environment variable without a name, or with '=' in it")
    if attempt.timeout is not None and not 0 < attempt.timeout < float("inf"):
        raise InvalidError(f"attempt {attempt.id!r} has the timeout {attempt.timeout}", hint="Give seconds above 0.")
    _check_paths(attempt)


def _check_paths(attempt: Attempt) -> None:
    if not attempt.directory.is_dir():
        raise InvalidError(f"the folder {attempt.directory} of attempt {attempt.id!r} does not exist")
    for place in (attempt.directory, attempt.cwd, attempt.log, *attempt.read_only, *attempt.writable):
        if not place.is_absolute() or "\0" in str(place):
            raise InvalidError(f"{str(place)!r} of attempt {attempt.id!r} is not an absolute path")
    whole = attempt.directory.resolve()
    for place in (attempt.cwd, attempt.log):
        if whole not in place.resolve().parents:
            raise InvalidError(f"{place} does not lie below the folder {whole} of attempt {attempt.id!r}")
    for place in (*attempt.read_only, *attempt.writable):
        _check_visible(place, attempt)
    if any(place.resolve() in (whole, *whole.parents) for place in attempt.writable):
        raise InvalidError(
            f"attempt {attempt.id!r} may not write to {whole}, which holds its own records",
            hint="List the folders below it instead.",
        )


def _check_visible(place: Path, attempt: Attempt) -> None:
    try:
        found = place.stat()
    except OSError as error:
        raise InvalidError(f"{place}, which attempt {attempt.id!r} is to see, does not exist") from error
    if os.path.samestat(found, _root()):
        raise InvalidError(f"attempt {attempt.id!r} cannot be given the whole file system")


@functools.cache
def _root() -> os.stat_result:
    return Path("/").stat()


def _directory(handle: Handle) -> Path:
    if handle.executor != ProcessExecutor.name or "directory" not in handle.data:
        raise InvalidError(f"the handle is of the executor {handle.executor!r}, not of 'process'")
    return Path(handle.data["directory"])


def _recorded(directory: Path) -> _Status | None:
    """What the supervisor wrote last; None for nothing, and for a record that it cannot have written."""
    try:
        return msgspec.json.decode((directory / "status.json").read_bytes(), type=_Status)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return None
    except OSError as error:
        raise _translated(error, directory) from error


def _is_locked(directory: Path) -> bool:
    """Whether a supervisor, or the watcher that cleans up after one, is alive."""
    try:
        lock = os.open(directory / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise _translated(error, directory) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _open_process(recorded: _Status) -> int | None:
    """A file descriptor of exactly the supervisor that wrote *recorded*, None when it is gone. Its number may long be
    another process's: the descriptor is opened first and its start compared afterwards."""
    try:
        opened = os.pidfd_open(recorded.pid)
    except (OSError, OverflowError):
        return None
    try:
        stat = Path(f"/proc/{recorded.pid}/stat").read_bytes().rpartition(b")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        if int(stat[19]) == recorded.start_ticks and boot == recorded.boot_id:
            return opened
    except OSError:
        pass
    os.close(opened)
    return None


def _write(path: Path, content: bytes) -> None:
    """Put *content* at *path* for the owner's eyes only; a reader sees all of it or the file as it was before."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(content)
    draft.replace(path)


def _translated(error: OSError, directory: Path) -> RegistaError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StorageFullError(f"the disk of {directory} is full", hint="Free space and submit again.")
    if error.errno == errno.ENOENT:
        return NotFoundError(f"the attempt's folder {directory} is gone")
    return UnavailableError(f"the attempt's folder {directory} cannot be used: {error.strerror}")
