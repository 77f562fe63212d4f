"""What a job or a deployment runs in: a specification, and the lock that makes it reproducible."""

from typing import Any

import msgspec

from regista.entities.digest import Digest, digest_of


class EnvironmentSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An environment as its author wrote it, with files read in: at least one of image, conda, pip or dockerfile.

    ``conda`` is the parsed conda file (a mapping with ``dependencies``, ``channels``, ``name``); ``pip`` is requirement
    lines; ``dockerfile`` the text of the build context's Dockerfile, ``context`` the digest of the context's manifest,
    ``context_files`` the text of its small files (requirements, conda files) by their path in the context."""

    image: str | None = None
    conda: dict[str, Any] | None = None
    pip: tuple[str, ...] = ()
    dockerfile: str | None = None
    context: Digest | None = None
    context_files: dict[str, str] = {}
    os_type: str = msgspec.field(default_factory=lambda: "linux")  # always written: part of what versions are known by
    environment_variables: dict[str, str] = {}


class CuratedEnvironment(msgspec.Struct, frozen=True, kw_only=True):
    """One that ships with Regista: ``version`` counts its revisions; ``also`` are further names for the same thing."""

    name: str
    version: str
    description: str
    spec: EnvironmentSpec
    also: tuple[str, ...] = ()


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """Every package with its version and hashes: the reproducible environment, and what travels with it.

    ``text`` is a requirements file with hashes (PyPI's ``requirements.txt`` with ``--hash``), empty for none;
    ``python`` the full version of the interpreter, ``platform`` e.g. ``linux-x86_64``; ``runtime`` who can build it."""

    text: str
    python: str
    platform: str
    runtime: str = "uv"
    warnings: tuple[str, ...] = ()

    @property
    def digest(self) -> Digest:
        """What names the built environment: the packages, the interpreter and the platform."""
        return digest_of(f"{self.runtime}\n{self.python}\n{self.platform}\n{self.text}".encode())

    @property
    def packages(self) -> dict[str, str]:
        """Name to exact version, from the lock's text."""
        pairs = (
            line.split(";")[0].split("==", 1) for line in self.text.splitlines() if "==" in line and line[0].isalnum()
        )
        return {name.strip(): rest.split()[0].rstrip("\\").strip() for name, rest in pairs}
