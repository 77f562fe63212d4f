"""Named environments that ship with Regista, one JSON file each: what Azure calls curated environments.

They list packages, not images: a name gives the libraries an author expects behind it, on the machine's own Python.
"""

import re
from functools import cache
from importlib import resources

import msgspec

from regista.entities.environment import CuratedEnvironment, EnvironmentSpec

_IMAGE = re.compile(r"mcr\.microsoft\.com/azureml/(?:curated/)?(?P<name>[^/:@]+)(?:[:@].*)?")
_PLATFORM = re.compile(
    r"-(?:ubuntu[0-9.]+|py(?:thon)?[0-9.]+|cpu|gpu|cuda[0-9.]*|cudnn[0-9.]*|inference|training|debian[0-9]*)(?=-|$)"
)


def curated(name: str) -> EnvironmentSpec | None:
    """Find the environment behind a curated name or the name of a curated image; None when there is none.

    ``AzureML-sklearn-1.5-ubuntu22.04-py310-cpu`` is ``sklearn-1.5``: the platform in a name says where it ran, not what is
    in it. A version that does not ship is not replaced by another one."""
    found = find(name)
    return found.spec if found else None


def find(name: str) -> CuratedEnvironment | None:
    """The same with its name, its version and what is said about it."""
    return _by_name().get(_plain(name))


@cache
def shipped() -> tuple[CuratedEnvironment, ...]:
    """All of them, by name."""
    files = (entry for entry in resources.files(__name__).iterdir() if entry.name.endswith(".json"))
    found = (msgspec.json.decode(entry.read_bytes(), type=CuratedEnvironment) for entry in files)
    return tuple(sorted(found, key=lambda one: one.name))


def _plain(name: str) -> str:
    lowered = name.strip().lower()
    image = _IMAGE.fullmatch(lowered)
    lowered = image["name"] if image else lowered
    return _PLATFORM.sub("", lowered.removeprefix("azureml-"))


@cache
def _by_name() -> dict[str, CuratedEnvironment]:
    return {name: one for one in shipped() for name in (one.name, *one.also)}
