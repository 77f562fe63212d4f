"""What has been understood of a specification so far, and what of it cannot be built."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from regista.drivers.runtimes.uv.names import normal_name
from regista.errors import RegistaError

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")
_QUERY = re.compile(r"(?<=://)([^\s?]*)\?\S+")


class PackageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the package index.

    ``requirements`` are PEP 508 lines, some with ``--hash`` options; ``python`` is a version (``3.11``, ``3.11.7``),
    a range (``>=3.9,<3.12``) or None for whichever is here."""

    requirements: tuple[str, ...] = ()
    python: str | None = None
    warnings: tuple[str, ...] = ()


class Draft:
    """Collects lines and failures, so that an author learns of every bad line at once and not of one per try."""

    def __init__(self) -> None:
        self.python: str | None = None
        self.failures: list[RegistaError] = []
        self._given: dict[str, None] = {}
        self._underneath: dict[str, None] = {}
        self._warnings: dict[str, None] = {}

    def require(self, line: str) -> None:
        """Add a checked requirement line; adding it again changes nothing."""
        self._given[line] = None

    def underlay(self, line: str) -> None:
        """Add a line of a curated base, which a line of the author's for the same package replaces."""
        self._underneath[line] = None

    def warn(self, sentence: str) -> None:
        """Note what was left out or taken differently."""
        self._warnings[sentence] = None

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Keep a failure of the block instead of raising it."""
        try:
            yield
        except RegistaError as failure:
            self.failures.append(failure)

    def request(self) -> PackageRequest:
        """The result; raise the first failure there was."""
        if self.failures:
            raise self.failures[0]
        named = {name_of(line) for line in self._given}
        base = [line for line in self._underneath if name_of(line) not in named]
        return PackageRequest(requirements=(*base, *self._given), python=self.python, warnings=tuple(self._warnings))


def name_of(line: str) -> str:
    """The normalised name a checked requirement line begins with."""
    found = _NAME.match(line)
    return normal_name(found.group()) if found else ""


def shown(line: object) -> str:
    """*line* as a message may quote it: short, on one line, without the credentials or the query of a URL."""
    text = _QUERY.sub(r"\1?***", _CREDENTIALS.sub("***@", str(line)))
    return repr(text if len(text) <= 120 else text[:117] + "...")
