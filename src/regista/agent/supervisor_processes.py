"""What the supervisor asks of the operating system: names, deaths, and who is below whom. Standard library alone."""

import contextlib
import ctypes
import gc
import os
import resource
import signal
import time
from pathlib import Path
from typing import Any

_SWEEP_PATIENCE = 10.0
_LAST_BREATH = 0.02
"""Seconds that what is below gets to end by itself: the first process of a sandbox is about to, once bwrap has ended, and
to look for it among all processes takes longer than its end."""

_PR_SET_PDEATHSIG, _PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 1, 15, 36  # linux/prctl.h

_libc = ctypes.CDLL(None, use_errno=True)


def forget_parent() -> None:
    """Undo what was inherited and would reach the attempts: ignored signals, Python's own among them, and blocked ones."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    gc.freeze()  # a collection in a fork would copy every page it looks at


def detach_stdio() -> None:
    """Let go of the spawner's pipes: its client waits for their end."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    if nothing > 2:
        os.close(nothing)


def adopt_orphans(name: bytes) -> None:
    """Become the parent of every descendant that loses its own; *name* is what `ps -o comm` shows, at most 15 bytes."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    _libc.prctl(_PR_SET_NAME, ctypes.c_char_p(name), 0, 0, 0)


def die_with(parent: int) -> None:
    """Be killed when *parent* dies, also when it died before this was called."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(127)


def _prctl(option: int, argument: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(argument), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def used() -> dict[str, float]:
    """What every process below this one has used, once all of them are reaped: bwrap ends without waiting for the first
    process of its sandbox, whose account would be missing if only bwrap's were read. Memory is that of the largest."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"cpu_seconds": usage.ru_utime + usage.ru_stime, "max_rss_bytes": usage.ru_maxrss * 1024}


def end_descendants() -> None:
    """Reap every descendant; kill those that do not end by themselves at once. Orphans of the killed come to this process,
    the subreaper, and go the same way."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    begun = time.monotonic()
    while time.monotonic() < begun + _SWEEP_PATIENCE:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        breath = begun + _LAST_BREATH - time.monotonic()
        if breath > 0 and signal.sigtimedwait({signal.SIGCHLD}, breath):
            continue
        kill_children()
        signal.sigtimedwait({signal.SIGCHLD}, 0.002)


def kill_children() -> None:
    """Kill the children of this process, and leave it to them to take theirs along."""
    me = os.getpid()
    for pid, parent, _ in processes():
        if parent == me:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def processes() -> list[tuple[int, int, int]]:
    """Process id, parent and group of everything that runs (proc(5): the name, which may hold anything, ends at ')')."""
    found = []
    with os.scandir("/proc") as entries:
        for pid in (entry.name for entry in entries if entry.name.isdigit()):
            with contextlib.suppress(OSError):
                fields = _stat(pid)
                found.append((int(pid), int(fields[1]), int(fields[2])))
    return found


def identity() -> dict[str, Any]:
    """Who this process is, beyond the reuse of its number: its start in clock ticks since the boot of that name."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return {"pid": os.getpid(), "start_ticks": int(_stat("self")[19]), "boot_id": boot}


def _stat(pid: str) -> list[str]:
    return Path("/proc", pid, "stat").read_bytes().rpartition(b")")[2].decode().split()
