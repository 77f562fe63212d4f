"""Running somebody else's program in our place."""

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn

from regista.cli.frame import say

_ABSENT, _NOT_A_PROGRAM = 127, 126
"""What shells exit with for a program that is not there, or that cannot be run."""


def become(program: tuple[str, ...], environment: Mapping[str, str]) -> NoReturn:
    """Become *program*: what it exits with, and the signals it gets, are its own."""
    sys.stdout.flush()
    with _named(program):
        if os.name != "nt":
            for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # by Python, and so by whatever it becomes
                signal.signal(ignored, signal.SIG_DFL)
            os.execvpe(program[0], program, environment)  # noqa: S606 - what the user asked for
        _call(program, environment)


def _call(program: tuple[str, ...], environment: Mapping[str, str]) -> NoReturn:
    import subprocess

    sys.exit(subprocess.call(program, env=dict(environment)))


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
