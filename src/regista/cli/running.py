"""Running somebody else's program: in our place, or below us as if it stood in our place."""

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NoReturn

from regista.cli.frame import say

_ABSENT, _NOT_A_PROGRAM = 127, 126
"""What shells exit with for a program that is not there, or that cannot be run."""


def become(program: tuple[str, ...], environment: Mapping[str, str]) -> NoReturn:
    """Become *program*: what it exits with, and the signals it gets, are its own."""
    sys.stdout.flush()
    with _named(program):
        if os.name != "nt":
            os.execvpe(program[0], program, environment)  # noqa: S606 - what the user asked for
        _call(program, environment)


def run_below(program: tuple[str, ...], environment: Mapping[str, str]) -> NoReturn:
    """Run *program* and end as it ends; whoever sends us a signal means it."""
    sys.stdout.flush()
    with _named(program):
        if os.name == "nt":
            _call(program, environment)
        _end_as(_run(program, environment))


def _call(program: tuple[str, ...], environment: Mapping[str, str]) -> NoReturn:
    import subprocess

    sys.exit(subprocess.call(program, env=dict(environment)))


def _run(program: tuple[str, ...], environment: Mapping[str, str]) -> int:
    """What the program exits with; less than nothing for the signal that killed it."""
    passed = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2}
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    awaited = passed | {signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    try:
        usual = [signal.SIGPIPE, signal.SIGXFSZ]  # which Python ignores
        child = os.posix_spawnp(program[0], program, environment, setsigmask=before, setsigdef=usual)
        while True:
            told = signal.sigwaitinfo(awaited)
            if told.si_signo == signal.SIGCHLD:
                ended, status = os.waitpid(child, os.WNOHANG)
                if ended:
                    return os.waitstatus_to_exitcode(status)
            elif told.si_code <= 0:  # what a terminal sends, the kernel gives to both of us
                with suppress(ProcessLookupError):
                    os.kill(child, told.si_signo)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_as(code: int) -> NoReturn:
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code if code >= 0 else 128 - code)


@contextmanager
def _named(program: tuple[str, ...]) -> Iterator[None]:
    """Say which program cannot be run, and end as a shell would."""
    try:
        yield
    except FileNotFoundError:
        say(f"Error: there is no program {program[0]!r}")
        sys.exit(_ABSENT)
    except OSError as wrong:
        say(f"Error: {program[0]!r} cannot be run: {wrong.strerror}")
        sys.exit(_NOT_A_PROGRAM)
