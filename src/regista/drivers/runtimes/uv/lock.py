"""From requirements to a lock: every package with its version and hashes, kept so that the same wish stays the same.

<home>/locks/<sha256 of requirements, Python, platform and index settings>.json
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

import msgspec

from regista.drivers.runtimes.uv.draft import PackageRequest, name_of, shown
from regista.drivers.runtimes.uv.interpreters import Interpreter
from regista.drivers.runtimes.uv.names import normal_name
from regista.drivers.runtimes.uv.program import UvProgram, index_settings
from regista.entities.environment import Lock
from regista.errors import InvalidError
from regista.interfaces.runtimes import Report

_HASH = re.compile(r"--hash=(\S+)")


class Locks:
    """The locks made on this machine. A file is complete or absent; losing all of them costs only time."""

    def __init__(self, home: Path, uv: UvProgram) -> None:
        self._folder = home / "locks"
        self._uv = uv

    def resolve(self, request: PackageRequest, python: Interpreter, report: Report) -> Lock:
        """Return the lock of *request* on *python*, from the cache or by asking the package index."""
        path = self._folder / f"{self._key(request, python)}.json"
        text = _read(path)
        if text is None:
            text = self._compile(request.requirements, python, report) if request.requirements else ""
            text = _keep(path, text)
        return Lock(text=text, python=python.version, platform=python.platform, warnings=request.warnings)

    def _key(self, request: PackageRequest, python: Interpreter) -> str:
        settings = [*index_settings(self._uv.environment()), f"source_builds={self._uv.source_builds}"]
        words = (*request.requirements, "", python.version, python.platform, *settings)
        return hashlib.sha256(msgspec.json.encode(words)).hexdigest()

    def _compile(self, requirements: tuple[str, ...], python: Interpreter, report: Report) -> str:
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder) as scratch:
            wish = Path(scratch) / "requirements.in"
            wish.write_text("".join(f"{line}\n" for line in requirements))
            text = self._uv.run(
                [
                    *("pip", "compile", "--quiet", str(wish), "--python", str(python.path)),
                    *("--generate-hashes", "--no-header", "--no-annotate"),
                ],
                report,
            )
        return _narrowed(text, requirements)


def entries(text: str) -> Iterable[list[str]]:
    """The lines of each package in a lock's text: the pinned requirement, then one line per hash."""
    entry: list[str] = []
    for line in text.splitlines():
        if entry and not line.startswith((" ", "\t")):
            yield entry
            entry = []
        if line.strip() and not line.startswith("#"):
            entry.append(line)
    if entry:
        yield entry


def _narrowed(text: str, requirements: tuple[str, ...]) -> str:
    """Keep, of a package for which the author gave hashes, those alone: uv takes the index's word instead."""
    asked = {name_of(line): set(_HASH.findall(line)) for line in requirements if "--hash=" in line}
    if not asked:
        return text
    return "".join(_entry(entry, asked.get(normal_name(name_of(entry[0])))) for entry in entries(text))


def _entry(entry: list[str], asked: set[str] | None) -> str:
    if asked is None:
        return "".join(f"{line}\n" for line in entry)
    pinned = entry[0].rstrip(" \\")
    kept = [digest for line in entry for digest in _HASH.findall(line) if digest in asked]
    if not kept:
        raise InvalidError(
            f"{shown(pinned)} has none of the hashes that the requirement names", hint="Lock the requirements again."
        )
    return " \\\n".join((pinned, *(f"    --hash={digest}" for digest in kept))) + "\n"


def _read(path: Path) -> str | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])["text"]
    except (FileNotFoundError, msgspec.DecodeError, KeyError):
        return None


def _keep(path: Path, text: str) -> str:
    """Write *text* unless another resolution was first; return the one that stays, so that all callers have the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
    scratch = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode({"text": text}))
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(scratch)
    except FileExistsError:
        first = _read(path)
        if first is not None:
            return first
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
    return text
