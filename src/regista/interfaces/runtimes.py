"""Turning an environment's specification into something a process can start in."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from regista.entities.environment import EnvironmentSpec, Lock


class BuiltEnvironment(msgspec.Struct, frozen=True, kw_only=True):
    """An environment on this machine's disk, shared and never written to by those who run in it."""

    root: Path
    python: Path
    variables: dict[str, str] = {}
    read_only: tuple[Path, ...] = ()
    """Folders beside ``root`` that a confined process has to see as well: the interpreter's own home."""


class Problem(msgspec.Struct, frozen=True):
    """Why something would fail, and what to do about it."""

    what: str
    fix: str


Report = Callable[[str], None]
"""Receives one line of progress at a time."""


class Runtime(Protocol):
    """Locks and builds environments. Drivers are checked by ``regista.conformance.runtimes.RuntimeContract``."""

    def problems(self, spec: EnvironmentSpec) -> list[Problem]:
        """What would keep ``lock`` from succeeding, found without the network and in milliseconds; empty when it can."""

    def lock(self, spec: EnvironmentSpec, report: Report = ...) -> Lock:
        """Resolve *spec* to exact packages with hashes. The same specification gives the same lock from the cache.

        Raise ``InvalidError`` for a specification that cannot be resolved (naming the requirement), ``UnsupportedError``
        for one this runtime does not build, ``UnavailableError`` when the package index does not answer."""

    def build(self, lock: Lock, report: Report = ...) -> BuiltEnvironment:
        """Return the environment of *lock*, building it when this machine does not have it yet.

        Idempotent, safe against ``kill -9`` and against two builders at once (the second waits or builds the same)."""
