"""One request on its way through the dialect."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec

from regista.dialects import arm
from regista.dialects.desk import Pace
from regista.entities.access import Caller
from regista.entities.scope import ScopeAddress, ScopeKind
from regista.services.house import House

PREFIX = "/mlflow"

FILES = "/api/2.0/mlflow-artifacts"
"""What is about files, below the address of a scope."""

ARTIFACTS = f"{FILES}/artifacts"
"""Where files are, below the address of a scope."""


class Place(msgspec.Struct, frozen=True):
    """A path taken apart: the kind and the name of the scope, and what comes behind it, without a leading slash. The others
    are known where the scope is addressed as a resource of Azure; ``version`` is the one that stands in such a path.
    ``shared``: the path is that of the installation, and the name came in a header."""

    kind: ScopeKind
    name: str
    rest: str
    subscription: str = ""
    group: str = ""
    version: str = ""
    shared: bool = False

    @property
    def prefix(self) -> str:
        """The path of the scope, percent-encoded."""
        return _prefix(self)

    @property
    def address(self) -> ScopeAddress:
        """What the path names; raise ``InvalidError`` for a name that is none."""
        return _address(self)


@lru_cache(maxsize=1024)
def _prefix(place: Place) -> str:
    plural = "workspaces" if place.kind is ScopeKind.WORKSPACE else "registries"
    if place.version:
        return f"{PREFIX}/{place.version}{arm.scope_path(place.subscription, place.group, plural, place.name)}"
    return f"{PREFIX}/{plural}/{quote(place.name, safe=':')}"


@lru_cache(maxsize=1024)
def _address(place: Place) -> ScopeAddress:
    if place.version:
        return ScopeAddress(place.kind, place.name, place.subscription, place.group)
    return ScopeAddress.parse(place.kind, place.name)


class Call(msgspec.Struct):
    """Who asks what of which scope. ``base`` is the URL of the scope as the client wrote it, ``rest`` what is in the path
    behind the route's own part, ``size`` the bytes of the body. ``plugin``: the client is azureml-mlflow, which fetches files
    by addresses of its own (``azureml://…``) and with its own credential. ``shared``: as of the place."""

    house: House
    caller: Caller
    address: ScopeAddress
    base: str
    rest: tuple[str, ...] = ()
    size: int = 0
    plugin: bool = False
    shared: bool = False

    def uri(self, owner: str) -> str:
        """The absolute address of the files of *owner* (``runs/RUN``, ``models/m-…``, ``versions/ID``): absolute, so that it
        means the same to a client whose tracking and registry are two servers."""
        if self.plugin:
            return f"azureml://{self.base.partition('://')[2]}{arm.files_path(owner)}"
        return f"{self.base}{ARTIFACTS}/{owner}"


Handler = Callable[[Call, Any], Any]
"""Takes the call and the decoded request, returns what is to be encoded; None is ``{}``."""


class Route(msgspec.Struct, frozen=True):
    """What is done with a request, of which kind it is, in which kinds of scope there is such a thing, and how much
    work it is. ``status`` is that of success."""

    handler: Handler
    request: type[msgspec.Struct]
    kinds: tuple[ScopeKind, ...] = (ScopeKind.WORKSPACE,)
    pace: Pace = Pace.LONG
    status: int = 200
