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
from regista.errors import AlreadyExistsError, ConflictError, InUseError, InvalidError, NotFoundError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.access.access import Access, require
from regista.services.access.delegation import (
    LONGEST_GRACE,
    Wish,
    check_no_id,
    check_permissions,
    check_place,
    drafted_key,
    heir_of,
    may_see,
    no_principal,
    principal_called,
    require_delegable,
    require_held,
    require_installation,
    require_no_wider,
    require_self,
    sees_principals,
)
from regista.services.journal import note

SECRET_PREFIX = "rga_"  # noqa: S105 - the mark by which scanners find a leaked key, not a secret


class PrincipalService:
    """Gives and takes rights. Whoever assigns a role needs ``access/write`` at that path and cannot give more than it has."""

    def __init__(self, catalog: Catalog, access: Access) -> None:
        self._catalog = catalog
        self._access = access

    def create(self, caller: Caller, name: str, kind: PrincipalKind, display_name: str = "") -> Principal:
        """Make a principal without any right; raise ``AlreadyExistsError`` when the name is taken."""
        require_installation(caller)
        check_no_id("principal", name)
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
        if not sees_principals(caller):
            return [caller.principal]
        return self._catalog.read(lambda tx: tx.access.principals())

    def disable(self, caller: Caller, name: str, *, disabled: bool = True) -> Principal:
        """Close (or open again) every door to the principal at once."""
        require_installation(caller)

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

        Everybody may issue keys for itself, never wider than the key it calls with and never living longer; owners of the
        installation for others, as far as they have themselves what those have."""
        secret = SECRET_PREFIX + secrets.token_urlsafe(32)
        check_no_id("key", name)
        wish = Wish(name=check_name("key", name), seconds=seconds, paths=paths, permissions=permissions)

        def work(tx: Transaction) -> IssuedKey:
            owner = require_self(tx, caller, principal)
            issued = drafted_key(tx, caller, owner, wish, secret)
            tx.keys.put(issued)
            note(tx, caller, "key.create", f"/principals/{owner.name}/keys/{name}", expires_at=issued.expires_at)
            return IssuedKey(key=_shown(issued), secret=secret)

        return self._catalog.write(work)

    def keys(self, caller: Caller, principal: str) -> list[Key]:
        """The keys of a principal, without anything secret."""

        def work(tx: Transaction) -> list[Key]:
            owner = require_self(tx, caller, principal)
            return [_shown(key) for key in tx.keys.of(owner.id)]

        return self._catalog.read(work)

    def revoke_key(self, caller: Caller, principal: str, key_id: str) -> None:
        """End a key now, or every key of a name (a rotated one lives on beside its heir); quiet when it has ended before. A
        narrowed key ends none that is wider."""

        def work(tx: Transaction) -> None:
            owner = require_self(tx, caller, principal)
            for key in _keys_called(tx, owner, key_id):
                if key.revoked_at is not None:
                    continue
                if caller.limits:
                    require_no_wider(tx, caller, owner, key)
                tx.keys.put(msgspec.structs.replace(key, revoked_at=now()))
                note(tx, caller, "key.revoke", f"/principals/{owner.name}/keys/{key.name}")

        self._catalog.write(work)
        self._access.forget()

    def rotate_key(self, caller: Caller, principal: str, key_id: str, *, grace_seconds: float = 0) -> IssuedKey:
        """Issue a key like the old one and let the old one end after *grace_seconds*."""
        if not 0 <= grace_seconds <= LONGEST_GRACE:
            raise InvalidError(f"a grace has 0 to {LONGEST_GRACE:.0f} seconds")
        secret = SECRET_PREFIX + secrets.token_urlsafe(32)

        def work(tx: Transaction) -> IssuedKey:
            owner = require_self(tx, caller, principal)
            old = next((key for key in _keys_called(tx, owner, key_id) if key.is_live(now())), None)
            if old is None:
                raise ConflictError(
                    f"the key {key_id[:80]!r} of {owner.name} has ended",
                    hint=f"Make a new one: regista key create {key_id[:80]} --principal {owner.name}",
                )
            end = now() + int(grace_seconds * 1000)
            fresh = heir_of(tx, caller, owner, old, secret)
            tx.keys.put(msgspec.structs.replace(old, expires_at=min(end, old.expires_at or end)))
            tx.keys.put(fresh)
            note(tx, caller, "key.rotate", f"/principals/{owner.name}/keys/{old.name}")
            return IssuedKey(key=_shown(fresh), secret=secret)

        issued = self._catalog.write(work)
        self._access.forget()
        return issued

    def roles(self) -> list[Role]:
        """Built-in roles first, then custom ones."""
        return [*BUILT_IN_ROLES, *self._catalog.read(lambda tx: tx.access.roles())]

    def put_role(self, caller: Caller, role: Role) -> Role:
        """Make or change a custom role; only within what the caller may do itself, for it may have been given already."""
        require_installation(caller)
        require_held(caller, Grant("/", check_permissions(role.permissions)))
        if any(role.name == built_in.name for built_in in BUILT_IN_ROLES):
            raise AlreadyExistsError(f"{role.name!r} is a built-in role", hint="Choose another name.")
        if not role.permissions:
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

    def delete_role(self, caller: Caller, name: str) -> None:
        """Remove a custom role; raise ``InUseError`` naming who has it. Quiet when there is none."""
        require_installation(caller)
        if any(name == built_in.name for built_in in BUILT_IN_ROLES):
            raise InUseError(f"{name!r} is a built-in role, and stays", hint="Roles of your own can be deleted.")

        def work(tx: Transaction) -> None:
            if given := [one for one in tx.access.assignments() if one.role == name]:
                holder = tx.access.find_principal(given[0].principal_id)
                raise InUseError(
                    f"the role {name!r} is given {len(given)} times, such as to {holder.name if holder else '?'} at "
                    f"{given[0].path}",
                    hint=f"Take it away first: regista role unassign --id {given[0].id}",
                )
            if any(one.name == name for one in tx.access.roles()):
                tx.access.delete_role(name)
                note(tx, caller, "role.delete", f"/roles/{name}")

        self._catalog.write(work)
        self._access.forget()

    def assign(self, caller: Caller, principal: str, role: str, path: str) -> RoleAssignment:
        """Give a role at *path* and everywhere below it; the same again changes nothing."""
        check_place(path)
        known = {one.name: one for one in self.roles()}
        if role not in known:
            near = next((one for one in known if one.lower() == role.strip().lower()), "")
            raise NotFoundError(
                f"there is no role {role[:80]!r}" + (f": did you mean {near!r}?" if near else ""),
                hint=f"One of: {', '.join(known)}.",
            )
        require_delegable(caller, known[role], path)

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
            found = principal_called(tx, principal) if principal else None
            if principal and (found is None or not (found.id == caller.principal.id or sees_principals(caller))):
                raise no_principal(principal)
            shown = tx.access.assignments(principal_id=found.id if found else "", path=path)
            return [one for one in shown if may_see(caller, one)]

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


def _keys_called(tx: Transaction, owner: Principal, key_id: str) -> list[Key]:
    """The key of this id, else all of this name, newest first; raise ``NotFoundError`` where there is none."""
    keys = tx.keys.of(owner.id)
    found = [key for key in keys if key.id == key_id] or [key for key in keys if key.name == key_id]
    if not found:
        raise NotFoundError(
            f"{owner.name} has no key {key_id[:80]!r}", hint=f"See: regista key list --principal {owner.name}"
        )
    return found


def _shown(key: Key) -> Key:
    """The key as it may be seen."""
    return msgspec.structs.replace(key, secret_hash="")


def _principal(tx: Transaction, name: str) -> Principal:
    found = principal_called(tx, name)
    if found is None:
        raise no_principal(name)
    return found
