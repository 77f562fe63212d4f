"""Principals, their keys, roles, and who has which role where."""

import secrets

import msgspec

from regista.entities.access import (
    BUILT_IN_ROLES,
    Caller,
    Grant,
    IssuedKey,
    Key,
    Permission,
    Principal,
    PrincipalKind,
    Role,
    RoleAssignment,
)
from regista.entities.names import check_name, new_id, now
from regista.errors import AlreadyExistsError, ForbiddenError, InvalidError, NotFoundError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.access import Access, hash_secret, require
from regista.services.journal import note

SECRET_PREFIX = "rga_"  # noqa: S105 - the mark by which scanners find a leaked key, not a secret


class PrincipalService:
    """Gives and takes rights. Whoever assigns a role needs ``access/write`` at that path and cannot give more than it has."""

    def __init__(self, catalog: Catalog, access: Access) -> None:
        self._catalog = catalog
        self._access = access

    def create(self, caller: Caller, name: str, kind: PrincipalKind, display_name: str = "") -> Principal:
        """Make a principal without any right; raise ``AlreadyExistsError`` when the name is taken."""
        _require_installation(caller)
        principal = Principal(
            id=new_id(), kind=kind, name=check_name("principal", name), display_name=display_name, created_at=now()
        )

        def work(tx: Transaction) -> Principal:
            tx.access.put_principal(principal)
            note(tx, caller, "principal.create", f"/principals/{name}", kind=kind)
            return principal

        return self._catalog.write(work)

    def page(self, caller: Caller) -> list[Principal]:
        """All principals for who may give roles somewhere, else only the caller itself."""
        if not any(caller.allows(Permission.ACCESS_READ, grant.path) for grant in caller.grants):
            return [caller.principal]
        return self._catalog.read(lambda tx: tx.access.principals())

    def disable(self, caller: Caller, name: str, *, disabled: bool = True) -> Principal:
        """Close (or open again) every door to the principal at once."""
        _require_installation(caller)

        def work(tx: Transaction) -> Principal:
            changed = msgspec.structs.replace(_principal(tx, name), disabled=disabled)
            tx.access.put_principal(changed)
            note(tx, caller, "principal.disable" if disabled else "principal.enable", f"/principals/{name}")
            return changed

        changed = self._catalog.write(work)
        self._access.forget()
        return changed

    def create_key(
        self,
        caller: Caller,
        principal: str,
        name: str,
        *,
        seconds: float | None = None,
        paths: tuple[str, ...] = (),
        permissions: tuple[str, ...] = (),
    ) -> IssuedKey:
        """Issue a key, living *seconds* (None: until revoked) and narrowed to *paths* and *permissions* where given.

        Everybody may issue keys for itself, never wider than the key it calls with."""
        secret = SECRET_PREFIX + secrets.token_urlsafe(32)

        def work(tx: Transaction) -> IssuedKey:
            owner = _principal(tx, principal)
            _require_self(caller, owner)
            issued = _new_key(caller, owner, check_name("key", name), secret, seconds, paths, permissions)
            tx.access.put_key(issued)
            note(tx, caller, "key.create", f"/principals/{owner.name}/keys/{name}", expires_at=issued.expires_at)
            return IssuedKey(key=_shown(issued), secret=secret)

        return self._catalog.write(work)

    def keys(self, caller: Caller, principal: str) -> list[Key]:
        """The keys of a principal, without anything secret."""

        def work(tx: Transaction) -> list[Key]:
            owner = _principal(tx, principal)
            _require_self(caller, owner)
            return [_shown(key) for key in tx.access.keys(owner.id)]

        return self._catalog.read(work)

    def revoke_key(self, caller: Caller, principal: str, key_id: str) -> None:
        """End a key now; quiet when it has ended before."""

        def work(tx: Transaction) -> None:
            owner = _principal(tx, principal)
            _require_self(caller, owner)
            key = next((key for key in tx.access.keys(owner.id) if key_id in {key.id, key.name}), None)
            if key is None:
                raise NotFoundError(
                    f"{owner.name} has no key {key_id[:80]!r}", hint=f"See: regista key list --principal {owner.name}"
                )
            if key.revoked_at is None:
                tx.access.put_key(msgspec.structs.replace(key, revoked_at=now()))
                note(tx, caller, "key.revoke", f"/principals/{owner.name}/keys/{key.name}")

        self._catalog.write(work)
        self._access.forget()

    def rotate_key(self, caller: Caller, principal: str, key_id: str, *, grace_seconds: float = 0) -> IssuedKey:
        """Issue a key like the old one and let the old one end after *grace_seconds*."""
        secret = SECRET_PREFIX + secrets.token_urlsafe(32)

        def work(tx: Transaction) -> IssuedKey:
            owner = _principal(tx, principal)
            _require_self(caller, owner)
            old = next(
                (key for key in tx.access.keys(owner.id) if key_id in {key.id, key.name} and key.is_live(now())), None
            )
            if old is None:
                raise NotFoundError(f"{owner.name} has no living key {key_id[:80]!r}")
            at = now()
            end = at + int(grace_seconds * 1000)
            lifetime = None if old.expires_at is None else at + old.expires_at - old.created_at
            fresh = msgspec.structs.replace(
                old, id=new_id(), secret_hash=hash_secret(secret), created_at=at, expires_at=lifetime
            )
            tx.access.put_key(msgspec.structs.replace(old, expires_at=min(end, old.expires_at or end)))
            tx.access.put_key(fresh)
            note(tx, caller, "key.rotate", f"/principals/{owner.name}/keys/{old.name}")
            return IssuedKey(key=_shown(fresh), secret=secret)

        issued = self._catalog.write(work)
        self._access.forget()
        return issued

    def roles(self) -> list[Role]:
        """Built-in roles first, then custom ones."""
        return [*BUILT_IN_ROLES, *self._catalog.read(lambda tx: tx.access.roles())]

    def put_role(self, caller: Caller, role: Role) -> Role:
        """Make or change a custom role."""
        _require_installation(caller)
        if any(role.name == built_in.name for built_in in BUILT_IN_ROLES):
            raise AlreadyExistsError(f"{role.name!r} is a built-in role", hint="Choose another name.")
        if not role.permissions or any(len(pattern) > 100 for pattern in role.permissions):
            raise InvalidError(
                "a role needs at least one permission pattern", hint="Such as assets/read, jobs/* or */read."
            )
        kept = msgspec.structs.replace(role, name=check_name("role", role.name), built_in=False)

        def work(tx: Transaction) -> Role:
            tx.access.put_role(kept)
            note(tx, caller, "role.put", f"/roles/{role.name}", permissions=list(role.permissions))
            return kept

        changed = self._catalog.write(work)
        self._access.forget()
        return changed

    def assign(self, caller: Caller, principal: str, role: str, path: str) -> RoleAssignment:
        """Give a role at *path* and everywhere below it; the same again changes nothing."""
        if path != "/" and (not path.startswith("/") or path.endswith("/") or "//" in path or len(path) > 1024):
            raise InvalidError(
                f"{path[:100]!r} is not a path of the tree of scopes",
                hint="Such as /, /subscriptions/S or a scope's path.",
            )
        known = {one.name: one for one in self.roles()}
        if role not in known:
            raise NotFoundError(f"there is no role {role[:80]!r}", hint=f"One of: {', '.join(known)}.")
        _require_delegable(caller, known[role], path)

        def work(tx: Transaction) -> RoleAssignment:
            owner = _principal(tx, principal)
            same = [one for one in tx.access.assignments(principal_id=owner.id) if (one.role, one.path) == (role, path)]
            if same:
                return same[0]
            assignment = RoleAssignment(
                id=new_id(),
                principal_id=owner.id,
                role=role,
                path=path,
                created_at=now(),
                created_by=caller.principal.name,
            )
            tx.access.put_assignment(assignment)
            note(tx, caller, "role.assign", path, principal=owner.name, role=role)
            return assignment

        assigned = self._catalog.write(work)
        self._access.forget()
        return assigned

    def assignments(self, caller: Caller, *, principal: str = "", path: str = "") -> list[RoleAssignment]:
        """Those at paths where the caller may read access, and its own."""

        def work(tx: Transaction) -> list[RoleAssignment]:
            owner = _principal(tx, principal).id if principal else ""
            found = tx.access.assignments(principal_id=owner, path=path)
            mine = caller.principal.id
            return [one for one in found if one.principal_id == mine or caller.allows(Permission.ACCESS_READ, one.path)]

        return self._catalog.read(work)

    def unassign(self, caller: Caller, assignment_id: str) -> None:
        """Take a role away; quiet when it was not given."""

        def work(tx: Transaction) -> None:
            found = next((one for one in tx.access.assignments() if one.id == assignment_id), None)
            if found is None or not caller.allows(Permission.ACCESS_READ, found.path):
                return
            require(caller, Permission.ACCESS_WRITE, found.path, read=Permission.ACCESS_READ, what="role assignment")
            tx.access.delete_assignment(assignment_id)
            note(tx, caller, "role.unassign", found.path, principal=found.principal_id, role=found.role)

        self._catalog.write(work)
        self._access.forget()


def _new_key(
    caller: Caller,
    owner: Principal,
    name: str,
    secret: str,
    seconds: float | None,
    paths: tuple[str, ...],
    permissions: tuple[str, ...],
) -> Key:
    if seconds is not None and not 0 < seconds < 10 * 366 * 86400:
        raise InvalidError("a key lives more than nothing and less than ten years", hint="Give its life in seconds.")
    if caller.limits and owner.id == caller.principal.id:
        paths = paths or tuple(limit.path for limit in caller.limits)
        permissions = permissions or caller.limits[0].permissions
        if not all(
            any(limit.covers(permission, path) for limit in caller.limits)
            for path in paths
            for permission in permissions
        ):
            raise ForbiddenError("a key cannot issue a key that is wider than itself")
    at = now()
    return Key(
        id=new_id(),
        principal_id=owner.id,
        name=name,
        secret_hash=hash_secret(secret),
        paths=paths,
        permissions=permissions,
        created_at=at,
        expires_at=None if seconds is None else at + int(seconds * 1000),
    )


def _shown(key: Key) -> Key:
    """The key as it may be seen."""
    return msgspec.structs.replace(key, secret_hash="")


def _principal(tx: Transaction, name: str) -> Principal:
    found = tx.access.find_principal(name)
    if found is None:
        raise NotFoundError(f"there is no principal {name[:80]!r}", hint="See: regista principal list")
    return found


def _require_installation(caller: Caller) -> None:
    if not caller.allows(Permission.INSTALLATION_WRITE, "/"):
        raise ForbiddenError("this is for owners of the installation", hint="Ask somebody with the role Owner at '/'.")


def _require_self(caller: Caller, owner: Principal) -> None:
    if owner.id != caller.principal.id:
        _require_installation(caller)


def _require_delegable(caller: Caller, role: Role, path: str) -> None:
    if not caller.allows(Permission.ACCESS_WRITE, path):
        raise ForbiddenError(
            f"{caller.principal.name} may not give roles at {path}", hint="It takes access/write there: the role Owner."
        )
    given = Grant(path, role.permissions)
    beyond = [one for one in Permission if given.covers(one, path) and not caller.allows(one, path)]
    if beyond:
        raise ForbiddenError(f"nobody gives more than it has: {caller.principal.name} lacks {beyond[0]} at {path}")
