"""One request on its way through the dialect."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from regista.dialects.arm import PROVIDER
from regista.entities.access import Caller
from regista.entities.page import Page, PageRequest
from regista.entities.scope import ScopeAddress, ScopeKind
from regista.errors import InvalidError
from regista.services.house import House

__all__ = ["PROVIDER", "Answer", "Call", "Json", "Level", "Place", "listed"]

SKIP = "$skipToken"
_PAGE = 100
_MOST = 1000
T = TypeVar("T")
Json = dict[str, Any]


class Level(StrEnum):
    """What the part of the path before a route's own names."""

    ROOT = "root"
    SUBSCRIPTION = "subscription"
    GROUP = "group"
    WORKSPACE = "workspace"
    REGISTRY = "registry"


class Place(msgspec.Struct, frozen=True):
    """A path taken apart. ``service`` is the door before the resource (empty: the resource manager itself), ``rest`` the
    segments behind what ``level`` names."""

    level: Level
    service: str = ""
    subscription: str = ""
    resource_group: str = ""
    name: str = ""
    rest: tuple[str, ...] = ()


class Answer(msgspec.Struct, frozen=True):
    """What is sent back: *body* is JSON, or bytes as they are."""

    status: int = 200
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks what of which place. ``base`` is ``https://host:port`` as the client wrote it."""

    house: House
    caller: Caller
    place: Place
    method: str
    base: str
    path: str
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    content: bytes = b""

    @property
    def address(self) -> ScopeAddress:
        """The workspace or registry that the path names."""
        kind = ScopeKind.REGISTRY if self.place.level is Level.REGISTRY else ScopeKind.WORKSPACE
        return ScopeAddress(kind, self.place.name, self.place.subscription, self.place.resource_group)

    def body(self, kind: type[T]) -> T:
        """The request's body; raise ``InvalidError`` naming the field that does not fit."""
        try:
            return msgspec.json.decode(self.content or b"{}", type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as wrong:
            raise InvalidError(f"the request's body cannot be read: {wrong}") from wrong

    def properties(self, kind: type[T]) -> T:
        """``properties`` of the request's body, where ARM puts what a resource is."""
        found = self.body(Json).get("properties")
        try:
            return msgspec.convert({} if found is None else found, kind, strict=False)
        except (msgspec.MsgspecError, RecursionError) as wrong:
            raise InvalidError(f"properties cannot be read: {wrong}") from wrong

    def asked(self, name: str, default: str = "") -> str:
        """A parameter of the query, by its name in any case."""
        return next((value for key, value in self.query.items() if key.lower() == name.lower()), default)

    @property
    def page(self) -> PageRequest:
        """The page that is asked for."""
        top = self.asked("$top") or self.asked("count")
        if top and not top.isdecimal():
            raise InvalidError(f"$top={top[:20]!r} is no number")
        return PageRequest(min(int(top or _PAGE), _MOST) or _PAGE, self.asked(SKIP) or None)

    @property
    def archived(self) -> bool | None:
        """By ``listViewType``: without the archived (also when it is not said), only those, or all (None). For registries the
        SDK writes ``ListViewType.ACTIVE_ONLY``."""
        view = self.asked("listViewType", "ActiveOnly").rpartition(".")[2].replace("_", "").lower()
        return {"activeonly": False, "archivedonly": True}.get(view)


def listed(call: Call, page: Page[T], render: Callable[[T], Json]) -> Answer:
    """A page as ARM sends it; the client follows ``nextLink`` as it stands."""
    from urllib.parse import quote, urlencode

    body: Json = {"value": [render(item) for item in page.items]}
    if page.next is not None:
        kept = {key: value for key, value in call.query.items() if key.lower() != SKIP.lower()}
        body["nextLink"] = f"{call.base}{quote(call.path)}?{urlencode({**kept, SKIP: page.next})}"
    return Answer(200, body)
