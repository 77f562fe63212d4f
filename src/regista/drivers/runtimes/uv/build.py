"""From a lock to a folder: a virtual environment, or a layer that is put beside one.

Files are clones or hard links of uv's cache: a further environment with the same packages takes a few megabytes. A hard
link also means that writing into an installed file would write into every environment: hence they are read-only by
contract, and never changed by chmod, which would reach the same shared file.
"""

import hashlib
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path

from regista.drivers.runtimes.uv.interpreters import Interpreter
from regista.drivers.runtimes.uv.program import UvProgram
from regista.drivers.runtimes.uv.shelf import Marker, Shelf
from regista.entities.environment import Lock
from regista.interfaces.runtimes import Report


class Builder:
    """Builds what a lock names below *home*, each once."""

    def __init__(self, home: Path, uv: UvProgram) -> None:
        self._uv = uv
        self._environments = Shelf(home / "envs")
        self._layers = Shelf(home / "layers")

    def find(self, lock: Lock, python: str) -> Path | None:
        """Return the finished environment of *lock* on that version of Python; None when it is absent or cannot start."""
        root = self._environments.find(identity(lock, python), _marker(lock, python))
        return root if root and (root / "bin" / "python").exists() else None

    def environment(self, lock: Lock, python: Interpreter, report: Report) -> Path:
        """Return the environment of *lock*, building it when it is not there or its interpreter is gone."""
        name, marker = identity(lock, python.version), _marker(lock, python.version)
        root = self.find(lock, python.version)
        if root is None and self._environments.find(name, marker):
            self._environments.discard(name, report)

        def make(folder: Path, held: int) -> None:
            # Relocatable, because it is built under one name and used under another.
            self._uv.run(
                ["venv", "--quiet", "--no-project", "--relocatable", "--python", str(python.path), str(folder)],
                report,
                hold=(held,),
            )
            self._install(["pip", "sync", "--python", str(folder / "bin" / "python")], lock, report, held)

        return root or self._environments.ensure(name, marker, make, report)

    def layer(self, lock: Lock, python: Interpreter, report: Report) -> Path:
        """Return a folder with the packages of *lock* for ``PYTHONPATH``, building it when it is not there."""
        name, marker = identity(lock, python.version), _marker(lock, python.version)

        def make(folder: Path, held: int) -> None:
            folder.mkdir(parents=True)
            target = ["--python", str(python.path), "--target", str(folder)]
            self._install(["pip", "install", "--no-deps", *target, "-r"], lock, report, held)

        return self._layers.find(name, marker) or self._layers.ensure(name, marker, make, report)

    def _install(self, verb: list[str], lock: Lock, report: Report, held: int) -> None:
        """Install exactly *lock*: from the cache alone when everything is there (half the time), else from the index."""
        if not lock.text.strip():
            return
        with tempfile.NamedTemporaryFile("w", prefix="regista-", suffix=".txt") as requirements:
            requirements.write(lock.text)
            requirements.flush()
            command = [*verb, requirements.name, "--require-hashes", "--link-mode", "clone"]
            if self._uv.attempt([*command, "--offline"], _silent, hold=(held,)).code != 0:
                self._uv.run(command, report, hold=(held,))


def identity(lock: Lock, python: str) -> str:
    """The name of what is built from *lock*: packages, platform, the interpreter it is built on, uv's own layout."""
    words = f"{lock.digest}\n{python}\n{_uv_layout()}"
    return hashlib.sha256(words.encode()).hexdigest()[:32]


def _marker(lock: Lock, python: str) -> Marker:
    return Marker(lock=lock.digest, python=python)


@cache
def _uv_layout() -> str:
    return version("uv").split(".")[0]


def _silent(_: str) -> None:
    """The first, offline try fails whenever something is missing, which is nobody's concern."""
