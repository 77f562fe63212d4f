"""The process that becomes the attempt's, and what bwrap tells of it. Standard library alone."""

import contextlib
import json
import os
import resource
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regista.agent.supervisor_processes import die_with
else:
    from supervisor_processes import die_with

_JOB_OOM_SCORE = "500"  # when memory runs out the kernel takes the job before its supervisor or the server


_GO = b"\0"
"""Ends the name of the folder, and once more says that what stands there is to be executed."""


class Starter:
    """A child that waits for its attempt's folder, makes itself ready and then executes what ``attempt.json`` there says.

    Forked before there is an attempt: a fork, and the pages that both sides then copy, cost a millisecond or two. It dies
    with its parent."""

    def __init__(self, output: int, report: "SandboxReport") -> None:
        """What it will run writes to *output*; where that is bwrap, it tells *report*."""
        order, self._order = os.pipe()
        self.failure, failure = os.pipe()  # closed by the execution, and by the death
        supervisor = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self._order)
                os.close(self.failure)
                _become_bare(supervisor, output)
                directory, rest = _told(order, b"")
                argv, env = _ready(json.loads(Path(os.fsdecode(directory), "attempt.json").read_bytes()), report.writer)
                _told(order, rest)
                os.execvpe(argv[0], argv, env)  # noqa: S606 (a shell is what we do not want)
            except OSError as error:
                os.write(failure, f"{error.errno} {error.strerror}".encode())
            finally:
                os._exit(127)
        os.close(order)
        os.close(failure)

    def prepare(self, directory: str) -> None:
        """Have it make itself ready for the attempt; returns at once."""
        self._say(os.fsencode(directory))

    def start(self) -> None:
        """Have it execute the attempt; raise the ``OSError`` of a program that cannot be executed."""
        self._say(b"")
        os.close(self._order)
        with os.fdopen(self.failure, "rb") as pipe:
            failed = pipe.read().decode()
        if failed:
            os.waitpid(self.pid, 0)
            raise OSError(int(failed.split(" ", 1)[0]), failed.split(" ", 1)[1])

    def _say(self, word: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # it is dead, and ``failure`` says why
            os.write(self._order, word + _GO)


def _told(order: int, begun: bytes) -> tuple[bytes, bytes]:
    """What is said on *order* before the next end of a word, and what came after it. Ends the process when nobody is left
    to say anything."""
    while _GO not in begun:
        more = os.read(order, 1 << 16)
        if not more:
            os._exit(127)
        begun += more
    word, _, rest = begun.partition(_GO)
    return word, rest


def _become_bare(supervisor: int, output: int) -> None:
    """Turn a fork of the supervisor into a bare process: own session, own standard streams, nothing inherited."""
    os.setsid()
    die_with(supervisor)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.umask(0o022)
    os.dup2(output, 1)
    os.dup2(output, 2)


def _ready(attempt: dict[str, Any], report: int) -> tuple[list[str], dict[str, str]]:
    """Take on the limits and the place of the attempt; return what is to be executed, and its environment."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_JOB_OOM_SCORE)
    for name, wanted in {"RLIMIT_CORE": 0, **attempt["limits"]}.items():
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (allowed, allowed if name != "RLIMIT_NOFILE" else hard))
    if attempt["sandbox"]:
        return _sandboxed(attempt, report), {"PATH": os.defpath}
    os.chdir(attempt["cwd"])
    return attempt["argv"], attempt["env"]


def _sandboxed(attempt: dict[str, Any], report: int) -> list[str]:
    """The command line of bwrap. Options go through a file descriptor, because the environment would otherwise be readable in
    the process list, and the job's environment is set inside, because LD_PRELOAD must not reach bwrap itself."""
    sandbox = attempt["sandbox"]
    options = [*_copies(sandbox["copies"]), *sandbox["options"], "--clearenv", "--chdir", attempt["cwd"]]
    for name, value in attempt["env"].items():
        options += ["--setenv", name, value]
    given = os.memfd_create("options", 0)
    with os.fdopen(os.dup(given), "wb") as file:
        file.write(b"".join(os.fsencode(option) + b"\0" for option in options))
    os.lseek(given, 0, os.SEEK_SET)
    os.set_inheritable(report, True)
    return [sandbox["program"], "--args", str(given), "--json-status-fd", str(report), "--", *attempt["argv"]]


def _copies(files: list[str]) -> list[str]:
    """Options by which bwrap copies *files* to their own places; what cannot be read is not there for the attempt."""
    options = []
    for file in files:
        with contextlib.suppress(OSError):
            opened = os.open(file, os.O_RDONLY)
            os.set_inheritable(opened, True)
            options += ["--file", str(opened), file]
    return options


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
