"""What computes and connections have in common: where they stand, and who may see and change them there."""

from collections.abc import Sequence
from typing import Literal

from regista.entities.access import Caller, Permission
from regista.entities.scope import Scope, ScopeAddress, ScopeKind
from regista.errors import AlreadyExistsError, ConflictError, NotFoundError
from regista.interfaces.catalog import Transaction
from regista.services.access.access import require
from regista.services.scopes.scopes import resolve_scope

Noun = Literal["compute", "connection"]

MOST = 1000
"""Of each noun in one workspace."""


def resource_path(scope: Scope, noun: Noun, name: str) -> str:
    """Where one stands in the tree of scopes."""
    return f"{scope.path}/{noun}s/{name}"


def workspace(tx: Transaction, caller: Caller, address: ScopeAddress, noun: Noun) -> Scope:
    """The workspace; a registry has none of these."""
    scope = resolve_scope(tx, caller, address)
    if scope.kind is not ScopeKind.WORKSPACE:
        raise NotFoundError(f"{address} has no {noun}s", hint="Only workspaces have.")
    return scope


def sees(caller: Caller, scope: Scope, noun: Noun, name: str) -> bool:
    """Whether it exists for the caller."""
    return caller.allows(Permission.RESOURCES_READ, resource_path(scope, noun, name))


def readable(tx: Transaction, caller: Caller, address: ScopeAddress, noun: Noun, name: str) -> Scope:
    """The workspace, where *caller* may read the thing; raise ``NotFoundError`` otherwise."""
    scope = workspace(tx, caller, address, noun)
    if not sees(caller, scope, noun, name):
        raise absent(scope, noun, name)
    return scope


def writable(tx: Transaction, caller: Caller, address: ScopeAddress, noun: Noun, name: str) -> Scope:
    """The workspace, where *caller* may change the thing; raise as ``require`` does."""
    scope = workspace(tx, caller, address, noun)
    require(
        caller,
        Permission.RESOURCES_WRITE,
        resource_path(scope, noun, name),
        read=Permission.RESOURCES_READ,
        what=f"{noun} {name[:80]!r} for you",
    )
    return scope


def absent(scope: Scope, noun: Noun, name: str) -> NotFoundError:
    """The refusal, the same for what is not there and what the caller may not read."""
    return NotFoundError(
        f"there is no {noun} {name[:80]!r} in {scope.kind} {scope.name!r}",
        hint="It does not exist, or you may not read it.",
    )


def refuse_new(
    scope: Scope, noun: Noun, name: str, *, is_there: bool, others: Sequence[object], only: str | None
) -> None:
    """Raise ``ConflictError`` when a new one is one too many, ``AlreadyExistsError`` when one that is there was to be made
    (*only* ``create``)."""
    if not is_there and len(others) >= MOST:
        raise ConflictError(f"workspace {scope.name!r} has {MOST} {noun}s already", hint="Delete some.")
    if is_there and only == "create":
        raise AlreadyExistsError(
            f"workspace {scope.name!r} has a {noun} {name!r} already", hint="Update it, or choose another name."
        )
