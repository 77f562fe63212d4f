"""Named environments that ship with Regista, one JSON file each: what Azure calls curated environments.

They list packages, not images: a name gives the libraries an author expects behind it, on the machine's own Python.
"""

import re
from functools import cache
from importlib import resources

import msgspec

from regista.entities.environment import EnvironmentSpec

_IMAGE = re.compile(r"mcr\.microsoft\.com/azureml/(?:curated/)?(?P<name>[^/:@]+)(?:[:@].*)?")
_PLATFORM = re.compile(
    r"-(?:ubuntu[0-9.]+|py(?:thon)?[0-9.]+|cpu|gpu|cuda[0-9.]*|cudnn[0-9.]*|inference|training|debian[0-9]*)(?=-|$)"
)


class Curated(msgspec.Struct, frozen=True, kw_only=True):
    """One file: ``version`` counts Regista's own revisions of it; ``also`` are further names for the same thing."""

    name: str
    version: str
    description: str
    spec: EnvironmentSpec
    also: tuple[str, ...] = ()


def curated(name: str) -> EnvironmentSpec | None:
    """Find the environment behind a curated name or the name of a curated image; None when there is none.

    ``AzureML-sklearn-1.5-ubuntu22.04-py310-cpu`` is ``sklearn-1.5``: the platform in a name says where it ran, not what is
    in it. A version that does not ship is not replaced by another one."""
    found = _by_name().get(_plain(name))
    return found.spec if found else None


def curated_names() -> list[tuple[str, str, str]]:
    """Name, version and description of each, sorted by name."""
    return sorted((one.name, one.version, one.description) for one in _shelf())


def _plain(name: str) -> str:
    lowered = name.strip().lower()
    image = _IMAGE.fullmatch(lowered)
    lowered = image["name"] if image else lowered
    return _PLATFORM.sub("", lowered.removeprefix("azureml-"))


@cache
def _shelf() -> tuple[Curated, ...]:
    files = (entry for entry in resources.files(__name__).iterdir() if entry.name.endswith(".json"))
    return tuple(msgspec.json.decode(entry.read_bytes(), type=Curated) for entry in files)


@cache
def _by_name() -> dict[str, Curated]:
    return {name: one for one in _shelf() for name in (one.name, *one.also)}
