"""Workspaces and registries."""

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.asset import AssetKind
from regista.entities.job import JobStatus
from regista.entities.names import check_name, check_tags, new_id, now
from regista.entities.page import Page, PageRequest
from regista.entities.scope import BUILT_IN_REGISTRY, ResourceGroup, Scope, ScopeAddress, ScopeKind, Subscription
from regista.errors import ConflictError, InvalidError, NotFoundError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.access.access import Access, require, sees
from regista.services.access.visibility import visible_page
from regista.services.journal import note
from regista.services.scopes.groups import unassign


class NewScope(msgspec.Struct, frozen=True, kw_only=True):
    """What it takes to make a workspace or a registry."""

    kind: ScopeKind
    name: str
    subscription: str = "default"
    resource_group: str = "default"
    location: str = "local"
    replication_locations: tuple[str, ...] = ()
    display_name: str = ""
    description: str = ""
    tags: dict[str, str] = {}


class ScopeChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may change about a scope; None leaves it. The name and the primary region never change."""

    display_name: str | None = None
    description: str | None = None
    tags: dict[str, str] | None = None
    replication_locations: tuple[str, ...] | None = None


def resolve_scope(tx: Transaction, caller: Caller, address: ScopeAddress) -> Scope:
    """The scope that *address* means to *caller*; raise ``NotFoundError`` when there is none that it may see, and
    ``InvalidError`` when the name alone could mean several."""
    found = [
        scope
        for scope in tx.scopes.find(address.kind, address.name, address.subscription, address.resource_group)
        if sees(caller, scope)
    ]
    if not found and address.is_built_in:
        raise NotFoundError(
            f"{address} is built in, and holds environments alone",
            hint=f"See: regista environment list --registry-name {address.name}",
        )
    if not found:
        raise NotFoundError(
            f"there is no {address}",
            hint=f"It does not exist, or you may not read it. See: regista {address.kind} list",
        )
    if len(found) > 1:
        places = ", ".join(sorted(f"{scope.subscription}:{scope.resource_group}" for scope in found))
        raise InvalidError(
            f"{address} could be one of several ({places})", hint="Name the subscription and the resource group too."
        )
    return found[0]


_BUILT_IN = Scope(
    id=BUILT_IN_REGISTRY,
    kind=ScopeKind.REGISTRY,
    subscription="default",
    resource_group="default",
    name=BUILT_IN_REGISTRY,
    location="local",
    description="The environments that ship with Regista",
)


def scope_by_id(tx: Transaction, caller: Caller, scope_id: str) -> Scope:
    """The scope of this id; raise ``NotFoundError`` also for one that *caller* may not read."""
    try:
        scope = tx.scopes.get(scope_id)
        if not tx.scopes.is_deleted(scope.id) and sees(caller, scope):
            return scope
    except NotFoundError:
        pass
    raise NotFoundError("there is no workspace of this id", hint="It does not exist, or you may not read it.")


class ScopeService:
    """Makes, finds, changes and deletes scopes."""

    def __init__(self, catalog: Catalog, access: Access) -> None:
        self._catalog = catalog
        self._access = access

    def create(self, caller: Caller, new: NewScope) -> Scope:
        """Make a scope; the same again is a quiet success, another under a taken name ``AlreadyExistsError``.

        Subscription and resource group are made along the way by a caller who may (``scopes/write`` there)."""
        scope = _checked(new, caller)
        if scope.address.is_built_in:
            raise InvalidError(f"{scope.address} is built in", hint="Choose another name.")

        def work(tx: Transaction) -> Scope:
            self._ensure_group(tx, caller, scope)
            same = tx.scopes.find(scope.kind, scope.name, scope.subscription, scope.resource_group)
            if same and sees(caller, same[0]) and _is_same(same[0], scope):
                return same[0]
            tx.scopes.add(scope)
            note(tx, caller, f"{scope.kind}.create", scope.path, location=scope.location)
            return scope

        return self._catalog.write(work)

    def by_id(self, caller: Caller, scope_id: str) -> Scope:
        """The scope of this id, which never changes; raise ``NotFoundError`` also for one that the caller may not read."""
        return self._catalog.read(lambda tx: scope_by_id(tx, caller, scope_id))

    def _ensure_group(self, tx: Transaction, caller: Caller, scope: Scope) -> None:
        group = ResourceGroup(
            subscription=scope.subscription, name=scope.resource_group, location=scope.location, created_at=now()
        )
        subscription = Subscription(name=scope.subscription, created_at=now())
        require(
            caller,
            Permission.SCOPES_WRITE,
            group.path,
            read=Permission.SCOPES_READ,
            what=f"resource group {group.name!r} for you",
        )
        if tx.groups.find_subscription(scope.subscription) is None:
            require(
                caller,
                Permission.SCOPES_WRITE,
                subscription.path,
                read=Permission.SCOPES_READ,
                what=f"subscription {subscription.name!r}",
            )
            tx.groups.add_subscription(subscription)
            note(tx, caller, "subscription.create", subscription.path)
        if tx.groups.find_group(scope.subscription, scope.resource_group) is None:
            tx.groups.add_group(group)
            note(tx, caller, "group.create", group.path)

    def get(self, caller: Caller, address: ScopeAddress) -> Scope:
        """The scope; raise ``NotFoundError`` for one that the caller may not see. Everybody sees the one that is built in."""
        if address.is_built_in:
            return _BUILT_IN
        return self._catalog.read(lambda tx: resolve_scope(tx, caller, address))

    def page(
        self, caller: Caller, kind: ScopeKind, request: PageRequest, *, subscription: str = "", resource_group: str = ""
    ) -> Page[Scope]:
        """The scopes that the caller may see, by name."""

        def work(tx: Transaction) -> Page[Scope]:

            def fetch(part: PageRequest) -> Page[Scope]:
                return tx.scopes.page(kind, part, subscription, resource_group)

            return visible_page(fetch, request, lambda scope: sees(caller, scope))

        return self._catalog.read(work)

    def update(self, caller: Caller, address: ScopeAddress, change: ScopeChange) -> Scope:
        """Change what may change."""
        if change.tags is not None:
            check_tags(change.tags)
        for region in change.replication_locations or ():
            check_name("region", region)

        def work(tx: Transaction) -> Scope:
            scope = resolve_scope(tx, caller, address)
            require(caller, Permission.SCOPES_WRITE, scope.path, read=Permission.SCOPES_READ, what=str(address))
            changes = {name: value for name in change.__struct_fields__ if (value := getattr(change, name)) is not None}
            changed = msgspec.structs.replace(scope, **changes)
            tx.scopes.put(changed)
            note(tx, caller, f"{scope.kind}.update", scope.path, fields=sorted(changes))
            return changed

        return self._catalog.write(work)

    def delete(self, caller: Caller, address: ScopeAddress, *, only_empty: bool = False) -> None:
        """Delete the scope; lineage and capsules keep what they say about it. Raise ``ConflictError`` naming what still
        runs or serves in it, or serves from it elsewhere, and with *only_empty* what is in it."""

        def work(tx: Transaction) -> None:
            scope = resolve_scope(tx, caller, address)
            require(caller, Permission.SCOPES_DELETE, scope.path, read=Permission.SCOPES_READ, what=str(address))
            if found := _blockers(tx, scope) or (_content(tx, scope) if only_empty else []):
                raise ConflictError(
                    f"{address} is still needed by {', '.join(found[:5])}", hint="End or delete these first."
                )
            tx.scopes.delete(scope.id, now())
            unassign(tx, scope.path)
            note(tx, caller, f"{scope.kind}.delete", scope.path)

        self._catalog.write(work)
        self._access.forget()


def _blockers(tx: Transaction, scope: Scope) -> list[str]:
    """What runs or serves in the scope, or serves versions of it elsewhere. An interactive run holds nothing."""
    busy = tx.jobs.count(scope.id, [JobStatus.QUEUED, JobStatus.PREPARING, JobStatus.FINALIZING])
    found = [f"{busy} jobs in hand"] if busy else []
    found += [f"endpoint {one.name!r}" for one in tx.endpoints.page(scope.id, PageRequest(limit=5)).items]
    for one in tx.endpoints.deployments(None):
        served = tx.endpoints.generation(one.serving_node) or one
        nodes = (one.model, one.environment, one.code, served.model, served.environment, served.code)
        if one.scope_id != scope.id and any(f":{scope.id}/" in node for node in nodes):
            found.append(f"deployment {one.endpoint}/{one.name} in another workspace")
    return found


def _content(tx: Transaction, scope: Scope) -> list[str]:
    """Sorts of things that are in the scope."""
    one = PageRequest(limit=1)
    found = ["its jobs and runs"] if tx.jobs.page(scope.id, one, parent=None, archived=None).items else []
    found += [f"its {kind.plural}" for kind in AssetKind if tx.assets.page(scope.id, kind, one, archived=None).items]
    if any(one.number for one in tx.experiments.search(scope.id, (), (), PageRequest(limit=2), deleted=None).items):
        found.append("its experiments")
    return found


def _checked(new: NewScope, caller: Caller) -> Scope:
    for region in (new.location, *new.replication_locations):
        check_name("region", region)
    return Scope(
        id=new_id(),
        kind=new.kind,
        subscription=check_name("subscription", new.subscription),
        resource_group=check_name("resource group", new.resource_group),
        name=check_name(new.kind, new.name),
        location=new.location,
        replication_locations=tuple(region for region in new.replication_locations if region != new.location),
        display_name=new.display_name,
        description=new.description,
        tags=check_tags(new.tags),
        created_at=now(),
        created_by=caller.principal.name,
    )


def _is_same(old: Scope, new: Scope) -> bool:
    return msgspec.structs.replace(new, id=old.id, created_at=old.created_at, created_by=old.created_by) == old
