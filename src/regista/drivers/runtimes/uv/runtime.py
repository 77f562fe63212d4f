"""The uv runtime: conda files, pip lists, curated names and simple Dockerfiles become shared virtual environments.

<home>/locks/     what was resolved, see lock.py
<home>/envs/      what was built, see shelf.py
<home>/layers/    what is put beside an environment without changing it
<home>/uv-cache/  uv's cache, whose files the environments share
"""

import sysconfig
from collections.abc import Iterable
from pathlib import Path

from regista.drivers.runtimes.uv.build import Builder
from regista.drivers.runtimes.uv.bytecode import Compiling, compile_environment
from regista.drivers.runtimes.uv.draft import Draft, PackageRequest
from regista.drivers.runtimes.uv.interpreters import Interpreter, Interpreters
from regista.drivers.runtimes.uv.lock import Locks
from regista.drivers.runtimes.uv.program import UvProgram
from regista.drivers.runtimes.uv.requirement import add_pip_lines
from regista.drivers.runtimes.uv.translate import failures, translate
from regista.entities.environment import EnvironmentSpec, Lock
from regista.errors import RegistaError, UnavailableError, UnsupportedError
from regista.interfaces.runtimes import BuiltEnvironment, Problem, Report

_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


def _silent(_: str) -> None:
    """Nobody follows the progress."""


class UvRuntime:
    """Locks and builds environments with uv below *home*.

    *pythons* are interpreters to prefer over those found on the machine. *python_fallback* takes the nearest Python when
    the wanted one is absent, with a warning in the lock; without it that is an error. *source_builds* lets packages without
    a wheel be built, which runs their authors' code with the server's rights (and without its variables). *compiling* has each
    environment compiled in the background as soon as it is asked for."""

    def __init__(
        self,
        home: Path,
        *,
        pythons: tuple[Path, ...] = (),
        python_fallback: bool = True,
        source_builds: bool = True,
        compiling: bool = False,
    ) -> None:
        home = home.absolute()
        self._uv = UvProgram(home, source_builds=source_builds)
        self._interpreters = Interpreters(self._uv, pythons)
        self._locks = Locks(home, self._uv)
        self._builder = Builder(home, self._uv)
        self._fallback = python_fallback
        self._compiling = Compiling() if compiling else None

    def problems(self, spec: EnvironmentSpec) -> list[Problem]:
        found = [_problem(failure) for failure in failures(spec)]
        try:
            _ = self._uv.path
            if not found and not self._fallback:
                self._interpreters.choose(translate(spec).python, fallback=False)
        except RegistaError as failure:
            found.append(_problem(failure))
        return found

    def lock(self, spec: EnvironmentSpec, report: Report = _silent) -> Lock:
        request = translate(spec)
        python, warning = self._interpreters.choose(request.python, fallback=self._fallback)
        warnings = (*request.warnings, *([warning] if warning else []))
        for sentence in warnings:
            report(sentence)
        told = PackageRequest(requirements=request.requirements, python=request.python, warnings=warnings)
        return self._locks.resolve(told, python, report)

    def build(self, lock: Lock, report: Report = _silent) -> BuiltEnvironment:
        """As the interface says. A lock made on another patch of the same Python is built on the patch that is here."""
        _check_buildable(lock)
        root = self._builder.find(lock, lock.python)
        if root is None:
            python = self._interpreters.like(lock.python)
            if python is None:
                have = ", ".join(self._interpreters.versions())
                raise UnsupportedError(
                    f"python {lock.python} is not available here, have {have}",
                    hint="Install it or name its path in the setting 'pythons'; or lock the environment again here.",
                )
            if python.version != lock.python:
                report(f"locked for python {lock.python}, built on {python.version}")
            root = self._builder.environment(lock, python, report)
        if self._compiling:
            self._compiling.want(root)
        return _built(root)

    def layer(self, requirements: tuple[str, ...], python: Path, report: Report = _silent) -> Path:
        """Return a folder with *requirements* and what they need, to be put on the ``PYTHONPATH`` of *python*.

        Locked and built once, like an environment; the environment *python* belongs to is neither read nor changed."""
        draft = Draft()
        add_pip_lines(draft, requirements, "layer")
        interpreter = self._interpreter(python)
        lock = self._locks.resolve(draft.request(), interpreter, report)
        return self._builder.layer(lock, interpreter, report)

    def compile_bytecode(self, lock: Lock) -> bool:
        """Compile what is installed so that the first import in each process is fast; says whether it is done.

        It takes many seconds and gives way to other work: call it in the background. Idempotent; a second call is free."""
        return compile_environment(self.build(lock).root)

    def _interpreter(self, python: Path) -> Interpreter:
        found = self._interpreters.probe(python.absolute())
        if found is None:
            raise UnavailableError(f"{python} does not start", hint="Build the environment again.")
        return found


def _check_buildable(lock: Lock) -> None:
    here = sysconfig.get_platform()
    if lock.runtime != "uv":
        raise UnsupportedError(f"a lock of the {lock.runtime} runtime is not built by uv", hint="Lock it again here.")
    if lock.platform != here:
        raise UnsupportedError(
            f"the lock is for {lock.platform}, this machine is {here}",
            hint="Lock the environment again on this platform.",
        )


def _built(root: Path) -> BuiltEnvironment:
    python = root / "bin" / "python"
    return BuiltEnvironment(
        root=root,
        python=python,
        variables={"VIRTUAL_ENV": str(root), "PATH": f"{root / 'bin'}:{_SYSTEM_PATH}"},
        read_only=tuple(_homes(python)),
    )


def _homes(python: Path) -> Iterable[Path]:
    """The folder the interpreter lives in, as the environment names it and as it really is."""
    named = python.readlink().parent.parent
    return dict.fromkeys((named, python.resolve().parent.parent))


def _problem(failure: RegistaError) -> Problem:
    return Problem(failure.message, failure.hint)
