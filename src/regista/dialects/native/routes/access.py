"""Principals, keys, roles, role assignments, and stores."""

from collections.abc import Sequence

from litestar import delete, get, post, put
from litestar.handlers import BaseRouteHandler

from regista.dialects.native.wire import AssignmentBody, KeyBody, PrincipalBody, RoleBody, StoreBody
from regista.entities.access import Caller, IssuedKey, Key, Principal, Role, RoleAssignment
from regista.entities.scope import Store
from regista.services.house import House


@get("/principals", sync_to_thread=True)
def list_principals(caller: Caller, house: House) -> list[Principal]:
    """All principals, or only the caller where it may not see others."""
    return house.principals.page(caller)


@post("/principals", sync_to_thread=True)
def create_principal(caller: Caller, house: House, data: PrincipalBody) -> Principal:
    """Make a principal without any right."""
    return house.principals.create(caller, data.name, data.kind, data.display_name)


@post("/principals/{name:str}/disable", sync_to_thread=True, status_code=200)
def disable_principal(caller: Caller, house: House, name: str) -> Principal:
    """Close every door to a principal."""
    return house.principals.disable(caller, name)


@post("/principals/{name:str}/enable", sync_to_thread=True, status_code=200)
def enable_principal(caller: Caller, house: House, name: str) -> Principal:
    """Open the doors again."""
    return house.principals.disable(caller, name, disabled=False)


@get("/principals/{name:str}/keys", sync_to_thread=True)
def list_keys(caller: Caller, house: House, name: str) -> list[Key]:
    """A principal's keys, without anything secret."""
    return house.principals.keys(caller, name)


@post("/principals/{name:str}/keys", sync_to_thread=True)
def create_key(caller: Caller, house: House, name: str, data: KeyBody) -> IssuedKey:
    """Issue a key; its secret is shown this once."""
    return house.principals.create_key(
        caller, name, data.name, seconds=data.seconds, paths=data.paths, permissions=data.permissions
    )


@post("/principals/{name:str}/keys/{key:str}/rotate", sync_to_thread=True)
def rotate_key(caller: Caller, house: House, name: str, key: str, grace_seconds: float = 0) -> IssuedKey:
    """Issue a key like the old one, which ends after the grace."""
    return house.principals.rotate_key(caller, name, key, grace_seconds=grace_seconds)


@delete("/principals/{name:str}/keys/{key:str}", sync_to_thread=True)
def revoke_key(caller: Caller, house: House, name: str, key: str) -> None:
    """End a key now."""
    house.principals.revoke_key(caller, name, key)


@get("/roles", sync_to_thread=True)
def list_roles(caller: Caller, house: House) -> list[Role]:  # noqa: ARG001 - every call has a caller
    """Built-in and custom roles."""
    return house.principals.roles()


@put("/roles/{name:str}", sync_to_thread=True)
def put_role(caller: Caller, house: House, name: str, data: RoleBody) -> Role:
    """Make or change a custom role."""
    return house.principals.put_role(
        caller, Role(name=name, permissions=data.permissions, description=data.description)
    )


@delete("/roles/{name:str}", sync_to_thread=True)
def delete_role(caller: Caller, house: House, name: str) -> None:
    """Remove a custom role that nobody has."""
    house.principals.delete_role(caller, name)


@get("/roleAssignments", sync_to_thread=True)
def list_assignments(caller: Caller, house: House, principal: str = "", path: str = "") -> list[RoleAssignment]:
    """Role assignments that the caller may see."""
    return house.principals.assignments(caller, principal=principal, path=path)


@post("/roleAssignments", sync_to_thread=True)
def create_assignment(caller: Caller, house: House, data: AssignmentBody) -> RoleAssignment:
    """Give a role at a path and everywhere below it."""
    return house.principals.assign(caller, data.principal, data.role, data.path)


@delete("/roleAssignments/{assignment:str}", sync_to_thread=True)
def delete_assignment(caller: Caller, house: House, assignment: str) -> None:
    """Take a role away."""
    house.principals.unassign(caller, assignment)


@get("/stores", sync_to_thread=True)
def list_stores(caller: Caller, house: House) -> Sequence[Store]:
    """Stores and the regions bound to them."""
    return house.stores.page(caller)


@put("/stores/{name:str}", sync_to_thread=True)
def put_store(caller: Caller, house: House, name: str, data: StoreBody) -> Store:
    """Add a store, or bind other regions to one."""
    return house.stores.put(caller, Store(name=name, url=data.url, regions=data.regions))


HANDLERS: Sequence[BaseRouteHandler] = (
    list_principals,
    create_principal,
    disable_principal,
    enable_principal,
    list_keys,
    create_key,
    rotate_key,
    revoke_key,
    list_roles,
    put_role,
    delete_role,
    list_assignments,
    create_assignment,
    delete_assignment,
    list_stores,
    put_store,
)
