"""The Python interpreters of this machine.

Order of search: the paths in the settings, the interpreter Regista itself runs on, those uv finds installed, those of
pyenv. uv is always given a path, never a version: a version may hit a pyenv shim that answers for nothing.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import msgspec

from regista.drivers.runtimes.uv.program import UvProgram
from regista.errors import UnavailableError, UnsupportedError

_PROBE = (
    "import sys,sysconfig,json,platform;print(json.dumps(dict(version=platform.python_version(),"
    "platform=sysconfig.get_platform(),home=sys.base_prefix,"
    "path=getattr(sys,'_base_executable','') or sys.executable)))"
)
_OLDEST = (3, 8)
"""What the pinned uv still makes environments for."""


class Interpreter(msgspec.Struct, frozen=True):
    """One that was started and answered: full version, platform (``linux-x86_64``) and the folder it lives in."""

    path: Path
    version: str
    platform: str
    home: Path


class Candidate(msgspec.Struct, frozen=True):
    """One that was seen and not yet started."""

    path: Path
    version: tuple[int, ...]


class Interpreters:
    """Finds the interpreter for a wish. What is installed is looked up once per process."""

    def __init__(self, uv: UvProgram, given: tuple[Path, ...] = ()) -> None:
        self._uv = uv
        self._given = given
        self._probed: dict[Path, Interpreter | None] = {}

    def choose(self, wanted: str | None, *, fallback: bool) -> tuple[Interpreter, str]:
        """Return the first interpreter that fits *wanted* and an empty warning, or the nearest one and a warning.

        Raise ``UnsupportedError`` when none fits and *fallback* is not allowed."""
        for candidate in self._candidates:
            found = self.probe(candidate.path) if fits(candidate.version, wanted) else None
            if found:
                return found, ""
        nearest = self._nearest(wanted)
        if not fallback and nearest:
            raise UnsupportedError(
                f"python {wanted} is not available here, have {self._versions()}",
                hint="Install it, name its path in the setting 'pythons', or allow 'python_fallback'.",
            )
        if nearest is None:
            raise UnavailableError("no Python interpreter was found", hint="Name one in the setting 'pythons'.")
        return nearest, f"python {wanted} is not available here; {nearest.version} is used instead"

    def like(self, version: str) -> Interpreter | None:
        """Find one a lock made for *version* can be built with: the same, else another patch of the same minor."""
        minor = ".".join(version.split(".")[:2])
        for wanted in (version, minor):
            for candidate in self._candidates:
                found = self.probe(candidate.path) if fits(candidate.version, wanted) else None
                if found:
                    return found
        return None

    def versions(self) -> list[str]:
        """What is here, newest first, each version once."""
        found = {candidate.version for candidate in self._candidates}
        return [".".join(map(str, version)) for version in sorted(found, reverse=True)]

    def probe(self, path: Path) -> Interpreter | None:
        """Start *path* once and ask it what it is; None when it does not answer."""
        if path not in self._probed:
            self._probed[path] = _ask(path)
        return self._probed[path]

    @property
    def _candidates(self) -> Iterator[Candidate]:
        """In the order of search. Looking around takes a second on some machines: only who gets that far pays for it."""
        seen: set[Path] = set()
        for source in (self._settings, _own, lambda: self._installed):
            for candidate in source():
                path = candidate.path.resolve()
                if candidate.version[:2] >= _OLDEST and path not in seen:
                    seen.add(path)
                    yield candidate

    def _settings(self) -> Iterator[Candidate]:
        for path in self._given:
            found = self.probe(path)
            if found:
                yield Candidate(found.path, numbers(found.version))

    @cached_property
    def _installed(self) -> tuple[Candidate, ...]:
        return tuple(sorted((*self._listed(), *_pyenv()), key=lambda one: one.version, reverse=True))

    def _listed(self) -> Iterator[Candidate]:
        class Listed(msgspec.Struct):
            path: str
            version: str
            implementation: str = "cpython"
            variant: str = "default"

        listing = self._uv.attempt(["python", "list", "--only-installed", "--output-format", "json"], lambda _: None)
        if listing.code == 0:
            for one in msgspec.json.decode(listing.output, type=list[Listed]):
                if one.implementation == "cpython" and one.variant == "default" and "/shims/" not in one.path:
                    yield Candidate(Path(one.path), numbers(one.version))

    def _nearest(self, wanted: str | None) -> Interpreter | None:
        asked = re.search(r"\d+\.(\d+)", wanted or "")
        minor = int(asked[1]) if asked else sys.version_info.minor
        by_distance = sorted(self._candidates, key=lambda one: (abs(one.version[1] - minor), -one.version[1]))
        return next((found for one in by_distance if (found := self.probe(one.path))), None)

    def _versions(self) -> str:
        return ", ".join(self.versions())


def _own() -> Iterator[Candidate]:
    """The interpreter below the virtual environment Regista may be installed in."""
    path = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    if path.exists():
        yield Candidate(path, tuple(sys.version_info[:3]))


def _pyenv() -> Iterator[Candidate]:
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for path in pyenv.glob("versions/*/bin/python"):
        version = path.parent.parent.name
        if re.fullmatch(r"\d+\.\d+\.\d+", version):
            yield Candidate(path, numbers(version))


def _ask(path: Path) -> Interpreter | None:
    try:
        answer = subprocess.run(
            [path, "-I", "-c", _PROBE], capture_output=True, timeout=30, check=True, stdin=subprocess.DEVNULL
        )
        said = msgspec.json.decode(answer.stdout, type=dict[str, str])
        return Interpreter(Path(said["path"]), said["version"], said["platform"], Path(said["home"]))
    except (OSError, subprocess.SubprocessError, msgspec.DecodeError):
        return None


def numbers(version: str) -> tuple[int, ...]:
    """``3.11.7`` as numbers; what follows them (``rc1``) is left out."""
    return tuple(int(part) for part in re.findall(r"\d+", re.split(r"[^0-9.]", version)[0]))


def fits(version: tuple[int, ...], wanted: str | None) -> bool:
    """Whether *version* is what ``3.11``, ``3.11.7`` or a range such as ``>=3.9,<3.12`` asks for."""
    if not wanted:
        return True
    return all(_fits_clause(version, clause.strip()) for clause in wanted.split(","))


def _fits_clause(version: tuple[int, ...], clause: str) -> bool:
    found = re.fullmatch(r"(>=|<=|==|!=|~=|>|<)?\s*([0-9.]+?)(\.\*)?", clause)
    if found is None:
        return False
    operator, asked = found[1] or "==", numbers(found[2])
    same = version[: len(asked)] == asked
    padded = asked + (0,) * (3 - len(asked))
    return {
        "==": same,
        "!=": not same,
        ">=": version >= asked,
        "<=": version <= padded,
        ">": version > padded,
        "<": version < asked,
        "~=": version >= asked and version[: len(asked) - 1] == asked[:-1],
    }[operator]
