"""What a caller may give to others, and to keys of its own: never more than it has, and never for longer."""

import re
from difflib import get_close_matches
from fnmatch import fnmatchcase

import msgspec

from regista.entities.access import (
    MOST_PATTERNS,
    Caller,
    Grant,
    Key,
    Permission,
    Principal,
    Role,
    RoleAssignment,
    check_grant_path,
    check_patterns,
)
from regista.entities.asset import AssetKind
from regista.entities.names import new_id, now
from regista.errors import ForbiddenError, InvalidError, NotFoundError
from regista.interfaces.catalog import Transaction
from regista.services.access.access import grants_of, hash_secret

_THINGS = (
    *(kind.plural for kind in AssetKind),
    "jobs",
    "endpoints",
    "experiments",
    "loggedModels",
    "datastores",
    "computes",
    "connections",
)
_PLACE = re.compile(
    r"/subscriptions/[^/]+(/resourceGroups/[^/]+(/(workspaces|registries)/[^/]+(/("
    + "|".join(_THINGS)
    + r")/[^/]+)?)?)?"
)
_ID = re.compile(r"[0-9a-f]{32}")
LONGEST = 10 * 366 * 86400
"""Seconds: the longest life of a key that ends at all."""
LONGEST_GRACE = 90 * 86400.0
"""Seconds that a rotated key may go on beside its heir."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a key shall be: living *seconds* (None: until revoked), narrowed to *paths* and *permissions* where given."""

    name: str
    seconds: float | None = None
    paths: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()


def sees_principals(caller: Caller) -> bool:
    """Whether the caller may read access anywhere, and so who there is."""
    return any(caller.allows(Permission.ACCESS_READ, path) for path in ("/", *caller.places_below("/")))


def require_installation(caller: Caller) -> None:
    """Raise unless the caller may change what belongs to no scope."""
    if not caller.allows(Permission.INSTALLATION_WRITE, "/"):
        raise ForbiddenError("this is for owners of the installation", hint="Ask somebody with the role Owner at '/'.")


def require_self(tx: Transaction, caller: Caller, name: str) -> Principal:
    """The principal whose keys the caller may handle: itself or, for owners of the installation, any other."""
    owner = principal_called(tx, name)
    if owner is not None and owner.id == caller.principal.id:
        return owner
    if owner is None or not sees_principals(caller):
        raise no_principal(name)
    require_installation(caller)
    return owner


def principal_called(tx: Transaction, name: str) -> Principal | None:
    """The principal that somebody means: by its name or, where nobody is called so, by its id."""
    return tx.access.find_principal(name=name) or tx.access.find_principal(name)


def check_no_id(thing: str, name: str) -> None:
    """Raise ``InvalidError`` for a name that looks like one of the ids that Regista gives: it could be taken for another's."""
    if _ID.fullmatch(name):
        raise InvalidError(
            f"{name!r} looks like an id, and cannot name a {thing}", hint="Choose a name that people know."
        )


def check_place(path: str) -> str:
    """Return *path* where a role can be given and mean something; raise ``InvalidError`` otherwise, not least for a kind
    that is misspelt: such a role would be given, and hold nowhere."""
    check_grant_path(path)
    if path != "/" and not _PLACE.fullmatch(path):
        raise InvalidError(
            f"{path[:200]!r} is no place of the tree of scopes",
            hint="/subscriptions/S, …/resourceGroups/G, …/workspaces/W or …/registries/R, and in those …/models/NAME; "
            f"things are {', '.join(_THINGS)}.",
        )
    return path


def check_permissions(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Return *patterns* when each of them allows something; raise ``InvalidError`` with what there is otherwise."""
    for pattern in check_patterns(patterns):
        if not any(fnmatchcase(one, pattern) for one in Permission):
            near = get_close_matches(pattern, list(Permission), n=1)
            raise InvalidError(
                f"{pattern!r} is no permission" + (f": did you mean {near[0]!s}?" if near else ""),
                hint=f"There are, and patterns such as assets/* over them: {', '.join(Permission)}.",
            )
    return patterns


def no_principal(name: str) -> NotFoundError:
    """The answer for one that is not there, or that the caller may not know."""
    return NotFoundError(f"there is no principal {name[:80]!r}", hint="See: regista principal list")


def drafted_key(tx: Transaction, caller: Caller, owner: Principal, wish: Wish, secret: str) -> Key:
    """The key as it may be issued; raise ``ForbiddenError`` for one that is wider than the caller."""
    if wish.seconds is not None and not 0 < wish.seconds < LONGEST:
        raise InvalidError("a key lives more than nothing and less than ten years", hint="Give its life in seconds.")
    paths, permissions = wish.paths, wish.permissions
    if caller.limits:
        paths = paths or tuple(dict.fromkeys(limit.path for limit in caller.limits))
        permissions = permissions or caller.limits[0].permissions
    at = now()
    key = Key(
        id=new_id(),
        principal_id=owner.id,
        name=wish.name,
        secret_hash=hash_secret(secret),
        paths=_checked_paths(paths),
        permissions=check_permissions(permissions),
        created_at=at,
        expires_at=_end(None if wish.seconds is None else at + int(wish.seconds * 1000), caller.expires_at),
    )
    require_no_wider(tx, caller, owner, key)
    return key


def _checked_paths(paths: tuple[str, ...]) -> tuple[str, ...]:
    if len(paths) > MOST_PATTERNS:
        raise InvalidError(f"a key is narrowed to at most {MOST_PATTERNS} paths", hint="Name a path above them.")
    return tuple(check_place(path) for path in paths)


def require_no_wider(tx: Transaction, caller: Caller, owner: Principal, key: Key) -> None:
    """Raise where *key* would open to its holder what the caller's own key does not, or what *owner* has and it has not."""
    reach = [Grant(path, key.permissions or ("*",)) for path in key.paths or ("/",)]
    if caller.limits and not all(_limited(caller, grant) for grant in reach):
        raise ForbiddenError(
            "a key does nothing for a key that is wider than itself", hint="Use the wider key for this."
        )
    if owner.id != caller.principal.id:
        lacking = [grant for grant in grants_of(tx, owner.id) if not caller.holds(grant)]
        if lacking:
            raise ForbiddenError(
                f"nobody gives more than it has: {owner.name} has rights at {lacking[0].path} that you lack",
                hint="Ask somebody with the role Owner at '/'.",
            )


def _limited(caller: Caller, grant: Grant) -> bool:
    """Whether all that *grant* allows is within what the caller's key is narrowed to."""
    return all(
        any(limit.covers(permission, grant.path) for limit in caller.limits)
        for permission in Permission
        if grant.covers(permission, grant.path)
    )


def heir_of(tx: Transaction, caller: Caller, owner: Principal, old: Key, secret: str) -> Key:
    """A key like *old* with another secret; one that narrowed and short-lived keys have no right to is ``ForbiddenError``."""
    require_no_wider(tx, caller, owner, old)
    at = now()
    end = None if old.expires_at is None else at + old.expires_at - old.created_at
    if caller.limits:  # a narrowed key is handed to a program for a while: the program does not prolong it
        end = _end(end, caller.expires_at)
    return msgspec.structs.replace(old, id=new_id(), secret_hash=hash_secret(secret), created_at=at, expires_at=end)


def _end(wanted: int | None, latest: int | None) -> int | None:
    return wanted if latest is None else latest if wanted is None else min(wanted, latest)


def require_delegable(caller: Caller, role: Role, path: str) -> None:
    """Raise unless the caller may give *role* at *path*."""
    if not caller.allows(Permission.ACCESS_WRITE, path):
        raise ForbiddenError(
            f"{caller.principal.name} may not give roles at {path}", hint="It takes access/write there: the role Owner."
        )
    require_held(caller, Grant(path, role.permissions))


def require_held(caller: Caller, grant: Grant) -> None:
    """Raise unless the caller may itself do all that *grant* allows."""
    beyond = [one for one in Permission if grant.covers(one, grant.path) and not caller.allows(one, grant.path)]
    if beyond:
        raise ForbiddenError(
            f"nobody gives more than it has: {caller.principal.name} lacks {beyond[0]} at {grant.path}"
        )


def may_see(caller: Caller, assignment: RoleAssignment) -> bool:
    """Whether the caller may know of an assignment: its own, and those where it may read access."""
    own = assignment.principal_id == caller.principal.id
    return own or caller.allows(Permission.ACCESS_READ, assignment.path)
