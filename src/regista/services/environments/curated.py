"""What ships with Regista: environments under names that everybody knows, as ``sklearn-1.5``.

They stand in the registry ``azureml``, which is always there: whoever may call may read them, and nobody changes them. A job
names one with that registry or without; what a workspace calls so itself comes first."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from regista.entities.asset import Asset, AssetKind, AssetVersion
from regista.entities.environment import CuratedEnvironment, EnvironmentSpec
from regista.entities.page import Page, PageRequest
from regista.entities.reference import AssetReference
from regista.entities.scope import BUILT_IN_REGISTRY, ScopeAddress
from regista.errors import AbsentError, NotFoundError

_MAKER = "Regista"
_SEE = f"See: regista environment list --registry-name {BUILT_IN_REGISTRY}"


class CuratedEnvironments(Protocol):
    """Finds what ships."""

    def find(self, name: str) -> CuratedEnvironment | None:
        """The environment behind a name such as ``AzureML-sklearn-1.5``; None for a name that nobody knows."""

    def shipped(self) -> Sequence[CuratedEnvironment]:
        """All of them, by name."""


def curated_for(shelf: CuratedEnvironments, reference: AssetReference, missing: NotFoundError) -> EnvironmentSpec:
    """The environment that ships under the name of *reference*; raise *missing*, which says that nothing else is called so,
    where none does: with where to look for one that does, if one may be meant."""
    if reference.workspace or reference.workspace_id or reference.registry not in {"", BUILT_IN_REGISTRY}:
        raise missing
    if (found := shelf.find(reference.name)) is not None:
        return found.spec
    if reference.registry:
        raise _absent(reference.name) from missing
    missing.hint = f"{missing.hint}; what ships with Regista: regista environment list -r {BUILT_IN_REGISTRY}"
    raise missing


class BuiltInRegistry:
    """The registry ``azureml``, for those who look into it."""

    def __init__(self, shelf: CuratedEnvironments) -> None:
        self._shelf = shelf

    def is_meant(self, address: ScopeAddress, kind: AssetKind) -> bool:
        """Whether it is its environments that *address* and *kind* speak of."""
        return address.is_built_in and kind is AssetKind.ENVIRONMENT

    def assets(self, request: PageRequest) -> Page[Asset]:
        """All names, on one page."""
        return Page() if request.cursor else Page(tuple(map(_asset, self._shelf.shipped())))

    def asset(self, name: str) -> Asset:
        """A name; raise ``NotFoundError``."""
        return _asset(self._found(name))

    def versions(self, name: str | None, request: PageRequest) -> Page[AssetVersion]:
        """The one version that there is of *name* (of every name: None)."""
        found = self._shelf.shipped() if name is None else filter(None, [self._shelf.find(name)])
        return Page() if request.cursor else Page(tuple(map(_version, found)))

    def version(self, name: str, version: str, label: str) -> AssetVersion:
        """A version by number, by ``latest``, or the one that there is; raise ``NotFoundError``."""
        found = self._found(name)
        if version not in {"", found.version} or label.lower() not in {"", "latest"}:
            raise _absent(name, version or label)
        return _version(found)

    def _found(self, name: str) -> CuratedEnvironment:
        found = self._shelf.find(name)
        if found is None:
            raise _absent(name)
        return found


def _asset(one: CuratedEnvironment) -> Asset:
    return Asset(
        id=f"{BUILT_IN_REGISTRY}-{one.name}",
        scope_id=BUILT_IN_REGISTRY,
        kind=AssetKind.ENVIRONMENT,
        name=one.name,
        description=one.description,
        latest_version=one.version,
        created_by=_MAKER,
    )


def _version(one: CuratedEnvironment) -> AssetVersion:
    return AssetVersion(
        id=f"{BUILT_IN_REGISTRY}-{one.name}",
        scope_id=BUILT_IN_REGISTRY,
        kind=AssetKind.ENVIRONMENT,
        name=one.name,
        version=one.version,
        spec=msgspec.to_builtins(one.spec),
        description=one.description,
        created_by=_MAKER,
    )


def _absent(name: str, version: str = "") -> AbsentError:
    about = f"environment {name[:100]!r}" + (f" version {version[:100]!r}" if version else "")
    return AbsentError(
        f"no {about} ships with Regista", hint=_SEE, what=str(AssetKind.ENVIRONMENT), name=name, version=version
    )
