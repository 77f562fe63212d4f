"""One request on its way through the dialect."""

from collections.abc import Callable
from typing import Any

import msgspec

from regista.entities.access import Caller
from regista.entities.scope import ScopeAddress, ScopeKind
from regista.services.house import House

ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
"""Where files are, below the address of a scope."""


class Place(msgspec.Struct, frozen=True):
    """A path taken apart: the kind and the name of the scope, and what comes behind it, without a leading slash."""

    kind: ScopeKind
    name: str
    rest: str


class Call(msgspec.Struct):
    """Who asks what of which scope. ``base`` is the URL of the scope as the client wrote it, ``rest`` what is in the path
    behind the route's own part, ``size`` the bytes of the body."""

    house: House
    caller: Caller
    address: ScopeAddress
    base: str
    rest: tuple[str, ...] = ()
    size: int = 0

    def uri(self, owner: str) -> str:
        """The absolute address of the files of *owner* (``runs/RUN``, ``models/m-…``, ``versions/ID``): absolute, so that it
        means the same to a client whose tracking and registry are two servers."""
        return f"{self.base}{ARTIFACTS}/{owner}"


Handler = Callable[[Call, Any], Any]
"""Takes the call and the decoded request, returns what is to be encoded; None is ``{}``."""


class Route(msgspec.Struct, frozen=True):
    """What is done with a request, of which kind it is, and in which kinds of scope there is such a thing. ``quick``: it
    reads one small thing."""

    handler: Handler
    request: type[msgspec.Struct]
    kinds: tuple[ScopeKind, ...] = (ScopeKind.WORKSPACE,)
    quick: bool = False
