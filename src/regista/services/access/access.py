"""Who is calling, and may it? Every other service asks here first.

What a caller may not read does not exist for it: the answer is "not found". What it may read but not do is forbidden,
and the answer names the missing permission.
"""

import hashlib
import threading
import time
from collections.abc import Callable

import msgspec

from regista.entities.access import BUILT_IN_ROLES, Caller, Grant, Key, Permission, Principal, PrincipalKind
from regista.entities.names import now
from regista.entities.scope import Scope
from regista.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.access.tokens import Claims, Token, Tokens, is_token

_CACHE_SECONDS = 2.0
_CACHE_SIZE = 4096

SYSTEM = Caller(
    principal=Principal(id="system", kind=PrincipalKind.SERVICE, name="system"),
    grants=(Grant("/", ("*",)),),
)
"""Regista itself: workers finishing what a caller was allowed to start."""


_Mark = tuple[str | frozenset[str], ...]
_Known = tuple[float, Key | None, Caller]
"""Until when a caller is remembered, the key with which it calls, and the caller."""


def hash_secret(secret: str) -> str:
    """What is kept of a key: it holds 256 random bits, so one SHA-256 is enough and there is nothing to guess."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Access:
    """Turns a key into a caller, and answers whether a caller may.

    A caller is remembered for two seconds: that is how long a right taken away on another server still holds here; on
    this server ``forget`` makes it immediate."""

    def __init__(self, catalog: Catalog, tokens: Tokens) -> None:
        self._catalog = catalog
        self._tokens = tokens
        self._callers: dict[_Mark, _Known] = {}
        self._generation = 0
        self._lock = threading.Lock()

    def authenticate(
        self, secret: str, *, address: str = "", request_id: str = "", audiences: frozenset[str] = frozenset()
    ) -> Caller:
        """Return the caller whose key is *secret*, or who holds it as a token for one of *audiences* (none: keys alone are
        taken); raise ``UnauthenticatedError`` when it opens nothing."""
        _, caller = self._living(secret, audiences)
        return msgspec.structs.replace(caller, address=address, request_id=request_id)

    def exchange(self, secret: str, audience: str) -> Token:
        """A token for *audience* that speaks for the key *secret*; a token is never exchanged for another, or it would live
        for ever. Raise ``UnauthenticatedError`` for what is no living key, ``InvalidError`` for no audience."""
        key, caller = self._living(secret, frozenset())
        return self._tokens.issue(caller.principal.id, key.id, audience, key.expires_at)

    def signed_for(self, principal_id: str, key_id: str) -> Caller:
        """Whom something speaks for that was signed for a principal and its key, with what that may do now and without the
        key's limits. Raise ``UnauthenticatedError`` when the key has ended, ``ForbiddenError`` when its principal is gone.
        Without a key id the principal is all that counts."""

        def find(tx: Transaction) -> tuple[Key | None, Caller]:
            caller = msgspec.structs.replace(self.caller_for(tx, principal_id), key=key_id)
            found = tx.keys.find(key_id) if key_id else None
            return found[0] if found and found[0].principal_id == principal_id else None, caller

        _, key, caller = self._remembered(("signed", principal_id, key_id), find)
        if key_id and (key is None or not key.is_live(now())):
            raise UnauthenticatedError(
                "the key that this was signed for has expired or was revoked",
                hint="Ask for a new one, with a living key.",
            )
        return caller

    def _living(self, secret: str, audiences: frozenset[str]) -> tuple[Key, Caller]:
        hashed = hash_secret(secret)

        def find(tx: Transaction) -> tuple[Key | None, Caller]:
            if audiences and is_token(secret):
                claims = self._tokens.read(secret, audiences)
                found = _caller_of_token(tx, claims)
            else:
                found = _caller_of(tx, hashed)
            if found is None:
                raise UnauthenticatedError(
                    "the key is not known here", hint="Check REGISTA_KEY or the profile: regista profile list."
                )
            return found

        _, key, caller = self._remembered((hashed, audiences), find)
        if key is None or not key.is_live(now()):
            raise UnauthenticatedError(
                "the key has expired or was revoked", hint="Ask for a new one: regista key create."
            )
        if caller.expires_at is not None and caller.expires_at <= now():
            raise UnauthenticatedError("the token has expired", hint="Fetch a new one.")
        return key, caller

    def _remembered(self, mark: _Mark, find: Callable[[Transaction], tuple[Key | None, Caller]]) -> _Known:
        known = self._callers.get(mark)
        if known is not None and known[0] >= time.monotonic():
            return known
        generation = self._generation
        known = (time.monotonic() + _CACHE_SECONDS, *self._catalog.read(find))
        with self._lock:
            if len(self._callers) >= _CACHE_SIZE:
                self._callers.clear()
            if generation == self._generation:  # nothing was taken away while we were looking
                self._callers[mark] = known
        return known

    def forget(self) -> None:
        """Drop what is remembered: called by whoever changed principals, keys, roles or assignments."""
        with self._lock:
            self._generation += 1
            self._callers.clear()

    def caller_for(self, tx: Transaction, principal_id: str) -> Caller:
        """The caller that a principal would be with a key of full reach: for work done on its behalf later."""
        return self._on_behalf(tx, tx.access.find_principal(principal_id))

    def caller_named(self, tx: Transaction, name: str) -> Caller:
        """The same by the principal's name, which is what ``created_by`` holds."""
        return self._on_behalf(tx, tx.access.find_principal(name=name))

    @staticmethod
    def _on_behalf(tx: Transaction, principal: Principal | None) -> Caller:
        if principal is None or principal.disabled:
            raise ForbiddenError("the principal on whose behalf this was to be done is gone or disabled")
        return Caller(principal=principal, grants=grants_of(tx, principal.id))


def _caller_of(tx: Transaction, hashed: str) -> tuple[Key, Caller] | None:
    found = tx.keys.find(secret_hash=hashed)
    if found is None or found[1].disabled:
        return None
    return _speaking_for(tx, *found)


def _caller_of_token(tx: Transaction, claims: Claims) -> tuple[Key, Caller] | None:
    found = tx.keys.find(claims.key)
    if found is None or found[1].id != claims.sub or found[1].disabled:
        return None
    key, caller = _speaking_for(tx, *found)
    return key, msgspec.structs.replace(caller, expires_at=claims.exp * 1000)


def _speaking_for(tx: Transaction, key: Key, principal: Principal) -> tuple[Key, Caller]:
    return key, caller_by_key(key, principal, grants_of(tx, principal.id))


def caller_by_key(key: Key, principal: Principal, grants: tuple[Grant, ...]) -> Caller:
    """The caller that *principal* with *grants* is by one of its keys."""
    limits = tuple(Grant(path, key.permissions or ("*",)) for path in key.paths or ("/",))
    narrowed = bool(key.paths or key.permissions)
    limited = limits if narrowed else ()
    return Caller(principal=principal, grants=grants, limits=limited, expires_at=key.expires_at, key=key.id)


def grants_of(tx: Transaction, principal_id: str) -> tuple[Grant, ...]:
    """What the role assignments of a principal come to; an assignment of a role that is gone comes to nothing."""
    roles = {role.name: role for role in (*tx.access.roles(), *BUILT_IN_ROLES)}
    assigned = tx.access.assignments(principal_id=principal_id)
    return tuple(Grant(one.path, roles[one.role].permissions) for one in assigned if one.role in roles)


def require(caller: Caller, permission: Permission, path: str, *, read: Permission, what: str) -> None:
    """Let *caller* do *permission* to *what* at *path*, or raise: not found when it may not even *read* it."""
    if not caller.allows(read, path):
        raise NotFoundError(f"there is no {what}", hint="It does not exist, or you may not read it.")
    if not caller.allows(permission, path):
        raise ForbiddenError(
            f"{caller.principal.name} may read {what} but lacks {permission!s} for this",
            hint=f"Ask an owner: regista role assign --principal {caller.principal.name} --role ROLE --scope {path}",
        )


def sees(caller: Caller, scope: Scope) -> bool:
    """Whether the scope exists for the caller: it may read the scope, or has some right on something inside."""
    if caller.allows(Permission.SCOPES_READ, scope.path):
        return True
    return any(caller.allows(Permission.ASSETS_READ, path) for path in caller.places_below(scope.path))
