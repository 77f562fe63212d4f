"""Who may do what, where.

A permission is a word such as ``assets/read``; a role is a list of patterns over them; a role assignment gives a role to
a principal at a path of the tree of scopes, and so everywhere below it:

    /                                                     the installation
    └── /subscriptions/S
        └── …/resourceGroups/G
            ├── …/workspaces/W
            │   └── …/models/NAME                         one asset with all its versions
            └── …/registries/R
"""

from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache

import msgspec

from regista.errors import InvalidError

MOST_PATTERNS = 100
"""Patterns of one role, and paths or patterns of one key: every call looks at all of them."""


class Permission(StrEnum):
    """Everything that can be allowed. Reading names, reading bytes and reading logs are three different things."""

    SCOPES_READ = "scopes/read"
    SCOPES_WRITE = "scopes/write"
    SCOPES_DELETE = "scopes/delete"
    ASSETS_READ = "assets/read"
    ASSETS_DOWNLOAD = "assets/download"
    ASSETS_WRITE = "assets/write"
    ASSETS_DELETE = "assets/delete"
    PROVENANCE_READ = "provenance/detail"
    """The logs, code and data pointers inside a capsule; its card and its metrics need only ``assets/read``."""
    JOBS_READ = "jobs/read"
    JOBS_LOGS = "jobs/logs"
    JOBS_WRITE = "jobs/write"
    JOBS_CANCEL = "jobs/cancel"
    ENDPOINTS_READ = "endpoints/read"
    ENDPOINTS_WRITE = "endpoints/write"
    ENDPOINTS_DELETE = "endpoints/delete"
    ENDPOINTS_LOGS = "endpoints/logs"
    ENDPOINTS_KEYS = "endpoints/keys"
    RESOURCES_READ = "resources/read"
    """Computes, datastores and connections."""
    RESOURCES_WRITE = "resources/write"
    ACCESS_READ = "access/read"
    ACCESS_WRITE = "access/write"
    AUDIT_READ = "audit/records"
    """Who did and read what, from where; not among what ``*/read`` allows."""
    INSTALLATION_WRITE = "installation/write"
    """Stores, regions, principals: things that belong to no scope."""


class PrincipalKind(StrEnum):
    """A person or a program."""

    USER = "user"
    SERVICE = "service"


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who can be a caller."""

    id: str
    kind: PrincipalKind
    name: str
    display_name: str = ""
    disabled: bool = False
    created_at: int = 0


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A secret of a principal, kept as its SHA-256 alone (it is 256 random bits: there is nothing to guess).

    ``paths`` and ``permissions``, where given, narrow what the key can do below what its principal may."""

    id: str
    principal_id: str
    name: str
    secret_hash: str
    paths: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    created_at: int = 0
    expires_at: int | None = None
    revoked_at: int | None = None

    def is_live(self, at: int) -> bool:
        """Whether the key opens anything at the time *at*."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


class IssuedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key and its secret, which is shown this once."""

    key: Key
    secret: str


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """A named list of permission patterns (``assets/*``, ``*/read``, ``*``)."""

    name: str
    permissions: tuple[str, ...]
    description: str = ""
    built_in: bool = False


class RoleAssignment(msgspec.Struct, frozen=True, kw_only=True):
    """A principal has a role at a path and everywhere below it."""

    id: str
    principal_id: str
    role: str
    path: str
    created_at: int = 0
    created_by: str = ""


class Grant(msgspec.Struct, frozen=True):
    """What one assignment comes to: patterns that hold at a path and below."""

    path: str
    permissions: tuple[str, ...]

    def covers(self, permission: str, path: str) -> bool:
        """Whether *permission* at *path* is within this grant."""
        return is_within(path, self.path) and _is_among(permission, self.permissions)


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls a service, with what rights, from where. Built once a request by ``services.access.access``."""

    principal: Principal
    grants: tuple[Grant, ...] = ()
    limits: tuple[Grant, ...] = ()
    """What the key narrows the grants to; empty: to nothing less."""
    expires_at: int | None = None
    """When the key ends with which it calls: what it issues ends no later."""
    key: str = ""
    """The id of that key: what is signed for it ends when it is revoked."""
    address: str = ""
    request_id: str = ""

    def allows(self, permission: Permission, path: str) -> bool:
        """Whether the caller may do *permission* at *path*."""
        for grant in self.grants:
            if grant.covers(permission, path):
                return not self.limits or any(limit.covers(permission, path) for limit in self.limits)
        return False

    def allows_below(self, permission: Permission, path: str) -> bool:
        """Whether the caller may do *permission* at *path* or anywhere below it: enough to know that *path* exists."""
        if self.allows(permission, path):
            return True
        return any(self.allows(permission, inner) for inner in self.places_below(path))

    def places_below(self, path: str) -> list[str]:
        """The paths below *path* at which the caller has, or its key is narrowed to, something."""
        places = {one.path for one in (*self.grants, *self.limits)}
        return sorted(place for place in places if place != path and is_within(place, path))

    def holds(self, grant: Grant) -> bool:
        """Whether the caller may do all that *grant* allows, everywhere that it does: it may give what it holds."""
        within = [one for one in Permission if grant.covers(one, grant.path)]
        return all(self.allows(permission, grant.path) for permission in within)


@lru_cache(maxsize=1024)
def _is_among(permission: str, patterns: tuple[str, ...]) -> bool:
    """Whether one of *patterns* means *permission*: asked several times at every call, and always of the same few roles."""
    return any(fnmatchcase(permission, pattern) for pattern in patterns)


def check_grant_path(path: str) -> str:
    """Return *path* when it is one of the tree of scopes; raise ``InvalidError`` otherwise."""
    if path == "/" or (path.startswith("/") and not path.endswith("/") and "//" not in path and len(path) <= 1024):
        return path
    raise InvalidError(
        f"{path[:100]!r} is not a path of the tree of scopes", hint="Such as /, /subscriptions/S or a scope's path."
    )


def check_patterns(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Return *patterns* when there are neither too many nor too long ones; raise ``InvalidError`` otherwise."""
    if len(patterns) > MOST_PATTERNS or any(len(pattern) > 100 for pattern in patterns):
        raise InvalidError(
            f"there are at most {MOST_PATTERNS} permission patterns of 100 characters",
            hint="Such as assets/read, jobs/* or */read.",
        )
    return patterns


def is_within(path: str, ancestor: str) -> bool:
    """Whether *path* is *ancestor* or lies below it."""
    return ancestor in {"/", path} or path.startswith(ancestor + "/")


_READ = ("*/read", "assets/download", "jobs/logs", "endpoints/logs")
_WORK = ("assets/*", "jobs/*", "endpoints/*", "resources/*", "provenance/*")

BUILT_IN_ROLES: tuple[Role, ...] = tuple(
    Role(name=name, permissions=permissions, description=description, built_in=True)
    for name, permissions, description in (
        ("Reader", ("*/read", "assets/download"), "See everything and download assets: no logs, no keys, no changes."),
        (
            "Registry User",
            ("scopes/read", "assets/*", "provenance/*"),
            "Use and publish assets, see their provenance in full.",
        ),
        (
            "Data Scientist",
            (*_READ, *_WORK),
            "All work inside a workspace: not the workspace itself, nor who may use it.",
        ),
        ("Contributor", ("scopes/*", *_READ, *_WORK), "Everything but giving access to others."),
        ("Owner", ("*",), "Everything."),
    )
)
