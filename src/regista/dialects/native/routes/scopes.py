"""Subscriptions, resource groups, workspaces and registries."""

from collections.abc import Sequence

import msgspec
from litestar import Router, delete, get, patch, post, put
from litestar.handlers import BaseRouteHandler

from regista.dialects.native.wire import GroupBody, ScopeBody
from regista.entities.access import Caller
from regista.entities.page import Page, PageRequest
from regista.entities.scope import ResourceGroup, Scope, ScopeAddress, ScopeKind, Subscription
from regista.services.house import House
from regista.services.scopes.groups import GroupChange, SubscriptionChange
from regista.services.scopes.scopes import NewScope, ScopeChange


@get("/subscriptions", sync_to_thread=True)
def list_subscriptions(caller: Caller, house: House) -> list[Subscription]:
    """The subscriptions in which the caller may see anything."""
    return house.groups.subscriptions(caller)


@get("/subscriptions/{name:str}", sync_to_thread=True)
def get_subscription(caller: Caller, house: House, name: str) -> Subscription:
    """A subscription in which the caller may see anything."""
    return house.groups.subscription(caller, name)


@put("/subscriptions/{name:str}", sync_to_thread=True)
def put_subscription(caller: Caller, house: House, name: str, data: Subscription) -> Subscription:
    """Make a subscription; the same again changes nothing."""
    return house.groups.create_subscription(caller, msgspec.structs.replace(data, name=name))


@patch("/subscriptions/{name:str}", sync_to_thread=True)
def update_subscription(caller: Caller, house: House, name: str, data: SubscriptionChange) -> Subscription:
    """Change a subscription's display name or tags."""
    return house.groups.update_subscription(caller, name, data)


@delete("/subscriptions/{name:str}", sync_to_thread=True)
def delete_subscription(caller: Caller, house: House, name: str) -> None:
    """Delete a subscription in which nothing is."""
    house.groups.delete_subscription(caller, name)


@get("/subscriptions/{name:str}/resourceGroups", sync_to_thread=True)
def list_groups(caller: Caller, house: House, name: str) -> list[ResourceGroup]:
    """The resource groups of a subscription in which the caller may see anything."""
    return house.groups.groups(caller, name)


@get("/subscriptions/{name:str}/resourceGroups/{group:str}", sync_to_thread=True)
def get_group(caller: Caller, house: House, name: str, group: str) -> ResourceGroup:
    """A resource group in which the caller may see anything."""
    return house.groups.group(caller, name, group)


@put("/subscriptions/{name:str}/resourceGroups/{group:str}", sync_to_thread=True)
def put_group(caller: Caller, house: House, name: str, group: str, data: GroupBody) -> ResourceGroup:
    """Make a resource group; the same again changes nothing."""
    new = ResourceGroup(subscription=name, name=group, location=data.location, tags=data.tags)
    return house.groups.create_group(caller, new)


@patch("/subscriptions/{name:str}/resourceGroups/{group:str}", sync_to_thread=True)
def update_group(caller: Caller, house: House, name: str, group: str, data: GroupChange) -> ResourceGroup:
    """Change a resource group's tags."""
    return house.groups.update_group(caller, name, group, data)


@delete("/subscriptions/{name:str}/resourceGroups/{group:str}", sync_to_thread=True)
def delete_group(caller: Caller, house: House, name: str, group: str) -> None:
    """Delete a resource group in which nothing is."""
    house.groups.delete_group(caller, name, group)


def scope_routes(kind: ScopeKind, plural: str) -> Router:
    """The routes of one kind of scope, below its plural."""

    @get("/", sync_to_thread=True, operation_id=f"list_{plural}")
    def list_scopes(
        caller: Caller, house: House, page: PageRequest, subscription: str = "", resource_group: str = ""
    ) -> Page[Scope]:
        return house.scopes.page(caller, kind, page, subscription=subscription, resource_group=resource_group)

    @post("/", sync_to_thread=True, operation_id=f"create_{kind}")
    def create_scope(caller: Caller, house: House, data: ScopeBody) -> Scope:
        return house.scopes.create(caller, NewScope(kind=kind, **msgspec.structs.asdict(data)))

    @get("/{scope_name:str}", sync_to_thread=True, operation_id=f"get_{kind}")
    def get_scope(caller: Caller, house: House, scope_name: str) -> Scope:
        return house.scopes.get(caller, _address(scope_name))

    @patch("/{scope_name:str}", sync_to_thread=True, operation_id=f"update_{kind}")
    def update_scope(caller: Caller, house: House, scope_name: str, data: ScopeChange) -> Scope:
        return house.scopes.update(caller, _address(scope_name), data)

    @delete("/{scope_name:str}", sync_to_thread=True, operation_id=f"delete_{kind}")
    def delete_scope(caller: Caller, house: House, scope_name: str) -> None:
        house.scopes.delete(caller, _address(scope_name))

    def _address(name: str) -> ScopeAddress:
        return ScopeAddress.parse(kind, name)

    return Router(f"/{plural}", route_handlers=[list_scopes, create_scope, get_scope, update_scope, delete_scope])


HANDLERS: Sequence[BaseRouteHandler | Router] = (
    list_subscriptions,
    get_subscription,
    put_subscription,
    update_subscription,
    delete_subscription,
    list_groups,
    get_group,
    put_group,
    update_group,
    delete_group,
    scope_routes(ScopeKind.WORKSPACE, "workspaces"),
    scope_routes(ScopeKind.REGISTRY, "registries"),
)
