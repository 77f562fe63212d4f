"""What each kind of asset adds to the requests that all share."""

from collections.abc import Callable

import msgspec

from regista.dialects.azureml.assets.origins import Origin
from regista.dialects.azureml.assets.said import Said
from regista.dialects.azureml.assets.view import View
from regista.dialects.azureml.call import Json
from regista.entities.asset import AssetKind, AssetVersion


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What the content of a version is to be: its type, its specification, where its files are, and what is kept beside."""

    type: str = ""
    spec: Json = {}
    origin: Origin = Origin()
    kept: Json = {}
    tags: dict[str, str] = {}


class Translation(msgspec.Struct, frozen=True, kw_only=True):
    """One kind. ``read`` turns ``properties`` of a request into a draft (of a version
    that is known, or of a new one), ``render`` the content of a version into
    ``properties``; ``is_same`` tells without looking at any byte whether ``properties`` describe the content that is there,
    ``kept`` what they say for this door alone. ``container`` adds to the properties of a name."""

    kind: AssetKind
    read: Callable[[View, Json, AssetVersion | None], Draft]
    render: Callable[[View, AssetVersion], Json]
    is_same: Callable[[View, AssetVersion, Json], bool]
    kept: Callable[[Json], Json] = lambda _: {}
    container: Callable[[View, str, str], Json] = lambda *_: {}
    said: type[Said] = Said
    fixed_path: bool = False
    """Whether other content is told to be a path that cannot change: the SDK has a sentence of its own for that."""


def text_of(properties: Json, key: str) -> str | None:
    """A text among *properties*; raise ``InvalidError`` for anything else."""
    from regista.errors import InvalidError

    value = properties.get(key)
    if value is None or isinstance(value, str):
        return value or None
    raise InvalidError(f"properties.{key}: expected a text")
