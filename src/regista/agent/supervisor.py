"""The program that stays with one attempt: starts it once, ends it when asked, writes down how it ended.

It and the ``supervisor_*.py`` beside it import the standard library alone. Run as ``python -I -S supervisor.py DIRECTORY``
(or ``--serve``, see ``serve``).

    DIRECTORY/
      attempt.json     what to run; mode 0600, its environment may hold tokens
      lock             flock, held while the watcher or the supervisor lives: what tells "running" from "lost"
      status.json      replaced by rename: "running" before the process starts, "exited" when it has ended
      stop.json        {"grace": seconds}; noticed at SIGTERM, or within a second
      supervisor.log   exists only when the supervisor itself failed

    spawner ── watcher ── supervisor ── starter, which becomes [bwrap ──] the attempt's process
               session    session       session

Nothing here is a child of whoever submitted the attempt, nor in its session: killing that process, or its whole group,
ends no attempt. The supervisor adopts what daemonises and kills it in the end. Should the supervisor be killed, the
kernel kills its child and the watcher kills whatever else was left, so that an attempt reported as lost runs nowhere.

The three are a *crew*. The spawner keeps one that waits for the next attempt: to fork and to set up three processes takes
as long as the sandbox. A crew that waits ends with the spawner, and with any one of its members.
"""

import contextlib
import errno
import fcntl
import json
import os
import select
import signal
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from regista.agent.supervisor_attempt import Supervisor
    from regista.agent.supervisor_processes import adopt_orphans, detach_stdio, end_descendants, forget_parent
else:
    sys.path.append(str(Path(__file__).parent))  # -I leaves it out
    from supervisor_attempt import Supervisor
    from supervisor_processes import adopt_orphans, detach_stdio, end_descendants, forget_parent

_LAUNCH_PATIENCE = 10.0
_LONGEST = 1 << 16


def main(arguments: list[str]) -> int:
    """``DIRECTORY`` launches one attempt and returns once it is under way; ``--serve`` launches many."""
    if arguments == ["--serve"]:
        forget_parent()
        serve()
        return 0
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: supervisor.py DIRECTORY | --serve", file=sys.stderr)
        return 2
    forget_parent()
    problem = launch(Crew(), arguments[0])
    if problem:
        print(problem, file=sys.stderr)
    return 1 if problem else 0


def serve() -> None:
    """Launch one attempt per NUL-terminated path on stdin; answer each with a line of JSON: "" or what went wrong.

    A warm process that only forks: starting an interpreter for every attempt costs ten times as much. It holds no state
    and ends with its stdin; attempts do not notice."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps the watchers
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    crew = Crew()
    pending = b""
    while chunk := os.read(0, _LONGEST):
        pending += chunk
        while b"\0" in pending:
            path, pending = pending.split(b"\0", 1)
            os.write(1, json.dumps(launch(crew, os.fsdecode(path))).encode() + b"\n")
            crew = Crew()


def launch(crew: "Crew", directory: str) -> str:
    """Start the attempt in *directory* unless it was started before; return "" or what went wrong. A crew that died while it
    waited has started nothing, and another takes its place."""
    answer = crew.launch(directory) or Crew().launch(directory)
    return "" if answer == "ok" else answer or f"the supervisor of {directory} died before it began"


class Crew:
    """The spawner's side of a watcher with its supervisor and starter, which wait for one attempt."""

    def __init__(self) -> None:
        orders, self._orders = os.pipe()
        self._answer, reply = os.pipe()
        if os.fork() == 0:
            code = 1
            try:
                os.close(self._orders)
                os.close(self._answer)
                watch(orders, reply)
                code = 0
            finally:
                os._exit(code)
        os.close(orders)
        os.close(reply)

    def launch(self, directory: str) -> str:
        """Have it start the attempt; return "ok", what went wrong, or "" when it is dead."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._orders, os.fsencode(directory))
        os.close(self._orders)
        answer = os.read(self._answer, _LONGEST)
        os.close(self._answer)
        return answer.decode()


def watch(orders: int, reply: int) -> None:
    """Wait for an attempt; own its lock, have it supervised, and end what a killed supervisor leaves behind."""
    os.setsid()
    for number in (signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    detach_stdio()
    adopt_orphans(b"regista-watch")
    channel, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    supervisor = os.fork()
    if supervisor == 0:
        code = 1
        try:
            os.close(orders)
            channel.close()
            supervise(other, reply)
            code = 0
        finally:
            os._exit(code)
    other.close()
    directory = os.read(orders, _LONGEST) if _first(orders, channel.fileno()) == {orders} else b""
    if directory and _hand_over(channel, directory, reply):
        os.close(reply)
        os.waitpid(supervisor, 0)
        end_descendants()
        _bring_to_disk(os.fsdecode(directory))


def _hand_over(channel: socket.socket, directory: bytes, reply: int) -> bool:
    """Give the supervisor the attempt with its lock; False when it cannot be started, or was started before."""
    try:
        lock = _lock(os.fsdecode(directory))
    except OSError as error:
        os.write(reply, os.fsencode(f"{os.fsdecode(directory)}: {error.strerror}"))
        return False
    if lock is None:
        os.write(reply, b"ok")
        return False
    socket.send_fds(channel, [directory], [lock])
    return True


def supervise(channel: socket.socket, reply: int) -> None:
    """Wait for an attempt, and stay with it to its end."""
    os.setsid()
    adopt_orphans(b"regista-job")
    supervisor = Supervisor()
    if _first(channel.fileno(), supervisor.starter.failure) != {channel.fileno()}:
        return
    message, lock, _, _ = socket.recv_fds(channel, _LONGEST, 1, socket.MSG_CMSG_CLOEXEC)
    if not lock:
        return
    directory = os.fsdecode(message)
    try:
        supervisor.run(directory, reply)
    except BaseException:
        _leave_note(directory)


def _first(*files: int) -> set[int]:
    """Wait until one of *files* can be read, or has lost who was at the other end."""
    poll = select.poll()
    for file in files:
        poll.register(file, select.POLLIN)
    return {file for file, _ in poll.poll()}


def _lock(directory: str) -> int | None:
    """Take the attempt's lock for this process and its supervisor, or None when the attempt was started before.

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


def _bring_to_disk(directory: str) -> None:
    """Let the end that was recorded survive a power cut. Nobody waits for this: whoever takes what the attempt left brings
    that to the disk, and then knows the end by other means."""
    with contextlib.suppress(OSError):
        for path in (Path(directory, "status.json"), Path(directory)):
            opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            os.fsync(opened)
            os.close(opened)


def _leave_note(directory: str) -> NoReturn:
    with contextlib.suppress(OSError), Path(directory, "supervisor.log").open("a") as note:
        traceback.print_exc(file=note)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
