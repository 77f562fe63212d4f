"""Subscriptions and resource groups: who pays, and what belongs together. Workspaces and registries make those that they need."""

import msgspec

from regista.entities.access import Caller, Permission, is_within
from regista.entities.names import check_name, check_tags, now
from regista.entities.page import PageRequest
from regista.entities.scope import ResourceGroup, Subscription
from regista.errors import ConflictError, ForbiddenError, NotFoundError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.access.access import Access
from regista.services.journal import note

_SHOWN = 5


class SubscriptionChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may change about a subscription; None leaves it."""

    display_name: str | None = None
    tags: dict[str, str] | None = None


class GroupChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may change about a resource group; None leaves it."""

    tags: dict[str, str] | None = None


class GroupService:
    """Makes, finds, changes and deletes them. One exists for whoever may see anything in it."""

    def __init__(self, catalog: Catalog, access: Access) -> None:
        self._catalog = catalog
        self._access = access

    def subscriptions(self, caller: Caller) -> list[Subscription]:
        """Those in which the caller may see anything."""
        found = self._catalog.read(lambda tx: tx.groups.subscriptions())
        return [one for one in found if _sees(caller, one.path)]

    def subscription(self, caller: Caller, name: str) -> Subscription:
        """By name; raise ``NotFoundError`` also for one in which the caller may see nothing."""
        return self._catalog.read(lambda tx: _subscription(tx, caller, name))

    def create_subscription(self, caller: Caller, new: Subscription) -> Subscription:
        """Make a subscription; the same name again changes nothing."""
        subscription = msgspec.structs.replace(
            new, name=check_name("subscription", new.name), tags=check_tags(new.tags), created_at=now()
        )
        if not caller.allows(Permission.SCOPES_WRITE, subscription.path):
            raise ForbiddenError(
                "only who may write scopes at the installation makes subscriptions", hint="Ask an owner of '/'."
            )

        def work(tx: Transaction) -> Subscription:
            if found := tx.groups.find_subscription(subscription.name):
                return found
            tx.groups.add_subscription(subscription)
            note(tx, caller, "subscription.create", subscription.path)
            return subscription

        return self._catalog.write(work)

    def update_subscription(self, caller: Caller, name: str, change: SubscriptionChange) -> Subscription:
        """Change what may change."""
        check_tags(change.tags or {})

        def work(tx: Transaction) -> Subscription:
            found = _subscription(tx, caller, name)
            _require(caller, Permission.SCOPES_WRITE, found.path, f"subscription {name!r}")
            changes = _given(change)
            changed = msgspec.structs.replace(found, **changes)
            tx.groups.put_subscription(changed)
            note(tx, caller, "subscription.update", found.path, fields=sorted(changes))
            return changed

        return self._catalog.write(work)

    def delete_subscription(self, caller: Caller, name: str) -> None:
        """Delete it and what was assigned in it; raise ``ConflictError`` naming the resource groups that are in it."""

        def work(tx: Transaction) -> None:
            found = _subscription(tx, caller, name)
            _require(caller, Permission.SCOPES_DELETE, found.path, f"subscription {name!r}")
            _refuse_full(f"subscription {name!r}", [f"resource group {one.name!r}" for one in tx.groups.groups(name)])
            tx.groups.delete_subscription(name)
            unassign(tx, found.path)
            note(tx, caller, "subscription.delete", found.path)

        self._catalog.write(work)
        self._access.forget()

    def groups(self, caller: Caller, subscription: str) -> list[ResourceGroup]:
        """The resource groups in which the caller may see anything."""
        found = self._catalog.read(lambda tx: tx.groups.groups(subscription))
        return [one for one in found if _sees(caller, one.path)]

    def group(self, caller: Caller, subscription: str, name: str) -> ResourceGroup:
        """By name; raise ``NotFoundError`` also for one in which the caller may see nothing."""
        return self._catalog.read(lambda tx: _group(tx, caller, subscription, name))

    def create_group(self, caller: Caller, new: ResourceGroup) -> ResourceGroup:
        """Make a resource group in a subscription that is there; the same name again changes nothing."""
        group = msgspec.structs.replace(
            new, name=check_name("resource group", new.name), tags=check_tags(new.tags), created_at=now()
        )
        if group.location:
            check_name("region", group.location)

        def work(tx: Transaction) -> ResourceGroup:
            _subscription(tx, caller, group.subscription)
            _require(caller, Permission.SCOPES_WRITE, group.path, f"resource group {group.name!r}")
            if found := tx.groups.find_group(group.subscription, group.name):
                return found
            tx.groups.add_group(group)
            note(tx, caller, "group.create", group.path)
            return group

        return self._catalog.write(work)

    def update_group(self, caller: Caller, subscription: str, name: str, change: GroupChange) -> ResourceGroup:
        """Change what may change."""
        check_tags(change.tags or {})

        def work(tx: Transaction) -> ResourceGroup:
            found = _group(tx, caller, subscription, name)
            _require(caller, Permission.SCOPES_WRITE, found.path, f"resource group {name!r}")
            changes = _given(change)
            changed = msgspec.structs.replace(found, **changes)
            tx.groups.put_group(changed)
            note(tx, caller, "group.update", found.path, fields=sorted(changes))
            return changed

        return self._catalog.write(work)

    def delete_group(self, caller: Caller, subscription: str, name: str) -> None:
        """Delete it and what was assigned in it; raise ``ConflictError`` naming what is in it."""

        def work(tx: Transaction) -> None:
            found = _group(tx, caller, subscription, name)
            _require(caller, Permission.SCOPES_DELETE, found.path, f"resource group {name!r}")
            inside = tx.scopes.page(None, PageRequest(limit=_SHOWN), subscription, name).items
            _refuse_full(f"resource group {name!r}", [f"{one.kind} {one.name!r}" for one in inside])
            tx.groups.delete_group(subscription, name)
            unassign(tx, found.path)
            note(tx, caller, "group.delete", found.path)

        self._catalog.write(work)
        self._access.forget()


def _subscription(tx: Transaction, caller: Caller, name: str) -> Subscription:
    found = tx.groups.find_subscription(name)
    if found is None or not _sees(caller, found.path):
        raise _absent(f"subscription {name[:100]!r}", "regista subscription list")
    return found


def _group(tx: Transaction, caller: Caller, subscription: str, name: str) -> ResourceGroup:
    found = tx.groups.find_group(subscription, name)
    if found is None or not _sees(caller, found.path):
        raise _absent(
            f"resource group {name[:100]!r} in subscription {subscription[:100]!r}",
            f"regista resource-group list --subscription {subscription[:100]}",
        )
    return found


def _sees(caller: Caller, path: str) -> bool:
    return caller.allows_below(Permission.SCOPES_READ, path)


def _require(caller: Caller, permission: Permission, path: str, what: str) -> None:
    """Let *caller*, who sees that it is there or what it is to stand in, do *permission* at *path*."""
    if not caller.allows(permission, path):
        raise ForbiddenError(
            f"{caller.principal.name} lacks {permission!s} for {what}",
            hint=f"Ask an owner: regista role assign --principal {caller.principal.name} --role ROLE --scope {path}",
        )


def _refuse_full(what: str, inside: list[str]) -> None:
    if inside:
        raise ConflictError(f"in {what} there are still {', '.join(inside[:_SHOWN])}", hint="Delete these first.")


def unassign(tx: Transaction, path: str) -> None:
    """Take away what was assigned at *path* and below: whoever makes another of this name has not given it."""
    for given in tx.access.assignments():
        if is_within(given.path, path):
            tx.access.delete_assignment(given.id)


def _given(change: SubscriptionChange | GroupChange) -> dict[str, object]:
    return {name: value for name in change.__struct_fields__ if (value := getattr(change, name)) is not None}


def _absent(what: str, see: str) -> NotFoundError:
    return NotFoundError(f"there is no {what}", hint=f"It does not exist, or you may not read it. See: {see}")
