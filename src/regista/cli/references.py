"""How commands are told which version of an asset is meant."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from regista.cli.frame import named
from regista.entities.asset import AssetKind

if TYPE_CHECKING:
    from regista.client import Regista
    from regista.client.assets import AssetClient

F = TypeVar("F", bound=Callable[..., Any])


def assets_of(client: "Regista", kind: AssetKind) -> "AssetClient":
    """The client's side of a kind."""
    found: AssetClient = client.code if kind is AssetKind.CODE else getattr(client, kind.plural)
    return found


def versioned(function: F) -> F:
    """A name with a version or a label, also as ``NAME:VERSION`` and ``NAME@LABEL``; the command gets all three."""

    @named
    @click.option("-v", "--version", default="", help="The version, where the name does not say it.")
    @click.option("-l", "--label", default="", help="An alias, or latest, instead of a version.")
    @functools.wraps(function)
    def wrapped(*args: Any, name: str, version: str, label: str, **kwargs: Any) -> Any:
        bare, said_version, said_label = taken_apart(name)
        if said_version and version not in {"", said_version}:
            raise click.UsageError(f"two versions are given: {said_version!r} and {version!r}")
        version, label = version or said_version, label or said_label
        if version and label:
            raise click.UsageError("give a version or a label, not both")
        return function(*args, name=bare, version=version, label=label, **kwargs)

    return wrapped  # type: ignore[return-value]


def taken_apart(name: str) -> tuple[str, str, str]:
    """Name, version and label of ``NAME``, ``NAME:VERSION`` or ``NAME@LABEL``."""
    bare, colon, version = name.partition(":")
    if colon:
        return bare, version, ""
    bare, _, label = name.partition("@")
    return bare, "", label
