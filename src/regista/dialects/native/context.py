"""What every handler is given: the services, who calls, and the scope in the path."""

from functools import partial
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.handlers import BaseRouteHandler

from regista.dialects.desk import Desk, Pace
from regista.entities.access import Caller
from regista.entities.asset import AssetKind
from regista.entities.page import MAX_PAGE, PageRequest
from regista.entities.scope import ScopeAddress, ScopeKind
from regista.errors import InvalidError, NotFoundError, UnauthenticatedError
from regista.services.house import House


def bearer(header: str) -> str:
    """The key in an Authorization header; raise ``UnauthenticatedError`` when there is none."""
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise UnauthenticatedError(
            "this needs a key", hint="Send it as 'Authorization: Bearer KEY'; the CLI takes REGISTA_KEY."
        )
    return secret.strip()


async def authenticated(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Find out who calls, by the key in the Authorization header, before anything of the body is read."""
    house: House = connection.app.state.house
    desk: Desk = connection.app.state.desk
    secret = bearer(connection.headers.get("authorization", ""))
    address = connection.client.host if connection.client else ""
    request_id = str(connection.scope.get("request_id", ""))
    find = partial(house.access.authenticate, secret, address=address, request_id=request_id)
    connection.state.caller = await desk.do(Pace.GLANCE, find)


def provide_caller(request: Request[Any, Any, Any]) -> Caller:
    """Who calls, as ``authenticated`` found out."""
    caller: Caller = request.state.caller
    return caller


def provide_house(request: Request[Any, Any, Any]) -> House:
    """The services."""
    house: House = request.app.state.house
    return house


def provide_page(limit: int = 100, cursor: str | None = None) -> PageRequest:
    """``?limit=&cursor=``, with the limit cut to what a page may hold."""
    if limit < 1:
        raise InvalidError("limit must be at least 1")
    return PageRequest(limit=min(limit, MAX_PAGE), cursor=cursor)


def provide_kind(kinds: str) -> AssetKind:
    """The kind that the plural in the path names."""
    found = AssetKind.of_plural(kinds)
    if found is None:
        raise NotFoundError(
            f"there are no {kinds[:50]!r}", hint=f"Kinds are: {', '.join(kind.plural for kind in AssetKind)}."
        )
    return found


def provide_workspace(scope_name: str) -> ScopeAddress:
    """The workspace in the path: ``NAME`` or ``SUBSCRIPTION:RESOURCE_GROUP:NAME``."""
    return ScopeAddress.parse(ScopeKind.WORKSPACE, scope_name)


def provide_registry(scope_name: str) -> ScopeAddress:
    """The registry in the path."""
    return ScopeAddress.parse(ScopeKind.REGISTRY, scope_name)


COMMON = {
    "caller": Provide(provide_caller, sync_to_thread=False),
    "house": Provide(provide_house, sync_to_thread=False),
    "page": Provide(provide_page, sync_to_thread=False),
}
