"""Names of models as a model registry handles them: made before their first version, renamed, deleted with their versions."""

from collections.abc import Callable, Sequence

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.asset import Asset, AssetKind, AssetVersion
from regista.entities.lineage import Edge, EdgeType
from regista.entities.names import check_name, check_tags, new_id, now
from regista.entities.page import MAX_PAGE, PageRequest
from regista.entities.scope import Scope, ScopeAddress
from regista.entities.search import Clause
from regista.errors import AlreadyExistsError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.access.access import require
from regista.services.assets.versions import absent, add_version, asset_path, changed_tags, refuse_if_used, what
from regista.services.journal import note
from regista.services.scopes.scopes import resolve_scope

MODEL = AssetKind.MODEL


class RegisteredModelService:
    """Makes, changes, finds and deletes names."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def create(
        self,
        caller: Caller,
        address: ScopeAddress,
        name: str,
        description: str = "",
        tags: dict[str, str] | None = None,
    ) -> Asset:
        """Make a name without versions; raise ``AlreadyExistsError``. Where the name stood before and was deleted, the
        numbers of its versions go on."""
        check_name(MODEL, name)
        checked = check_tags(tags or {})
        at = now()

        def work(tx: Transaction) -> Asset:
            scope = resolve_scope(tx, caller, address)
            _allow(caller, scope, name, Permission.ASSETS_WRITE)
            if tx.assets.find(scope.id, MODEL, name) is not None:
                raise AlreadyExistsError(f"the model {name!r} exists already in {address}")
            asset = Asset(
                id=new_id(),
                scope_id=scope.id,
                kind=MODEL,
                name=name,
                description=description,
                tags=checked,
                next_version=_free_number(tx, scope, name),
                created_at=at,
                created_by=caller.principal.name,
                updated_at=at,
            )
            tx.assets.add(asset)
            note(tx, caller, "model.name", asset_path(scope, MODEL, name))
            return asset

        return self._catalog.write(work)

    def describe(self, caller: Caller, address: ScopeAddress, name: str, description: str) -> Asset:
        """Change the description."""
        return self._change(
            caller, address, name, lambda asset: msgspec.structs.replace(asset, description=description)
        )

    def set_tag(self, caller: Caller, address: ScopeAddress, name: str, key: str, value: str) -> Asset:
        """Set or replace one tag, leaving the others."""
        tag = check_tags({key: value})
        return self._change(caller, address, name, lambda asset: msgspec.structs.replace(asset, tags=asset.tags | tag))

    def delete_tag(self, caller: Caller, address: ScopeAddress, name: str, key: str) -> Asset:
        """Remove one tag; quiet when there is none of the key."""
        return self._change(
            caller,
            address,
            name,
            lambda asset: msgspec.structs.replace(asset, tags={k: v for k, v in asset.tags.items() if k != key}),
        )

    def rename(self, caller: Caller, address: ScopeAddress, name: str, new_name: str) -> Asset:
        """Let the versions stand under another name, with their numbers. The old ones are deleted, and lineage leads from
        them to the new; ``InUseError`` while one of them serves."""
        check_name(MODEL, new_name)

        def work(tx: Transaction) -> Asset:
            scope = resolve_scope(tx, caller, address)
            asset = _named(tx, caller, scope, name, Permission.ASSETS_DELETE)
            _allow(caller, scope, new_name, Permission.ASSETS_WRITE)
            if tx.assets.find(scope.id, MODEL, new_name) is not None:
                raise AlreadyExistsError(f"the model {new_name!r} exists already in {address}")
            at = now()
            tx.assets.add(msgspec.structs.replace(asset, id=new_id(), name=new_name, updated_at=at))
            for old in reversed(_versions(tx, scope, name)):
                refuse_if_used(tx, old)
                moved = msgspec.structs.replace(old, id=new_id(), name=new_name)
                add_version(tx, moved)
                tx.lineage.add([Edge(source=old.node, target=moved.node, type=EdgeType.PROMOTED, created_at=at)])
                tx.versions.delete(old.id, at)
            tx.assets.delete(scope.id, MODEL, name)
            note(tx, caller, "model.rename", asset_path(scope, MODEL, name), name=new_name)
            return tx.assets.find(scope.id, MODEL, new_name) or asset

        return self._catalog.write(work)

    def delete(self, caller: Caller, address: ScopeAddress, name: str) -> None:
        """Delete the name with all of its versions, or nothing: ``InUseError`` while one of them serves."""

        def work(tx: Transaction) -> None:
            scope = resolve_scope(tx, caller, address)
            _named(tx, caller, scope, name, Permission.ASSETS_DELETE)
            for version in _versions(tx, scope, name):
                refuse_if_used(tx, version)
                tx.versions.delete(version.id, now())
            tx.assets.delete(scope.id, MODEL, name)
            note(tx, caller, "model.delete", asset_path(scope, MODEL, name))

        self._catalog.write(work)

    def search(self, caller: Caller, address: ScopeAddress, clauses: Sequence[Clause]) -> list[Asset]:
        """Every name that fulfils all clauses (on ``name`` and on tags) and that the caller may read, newest first."""

        def work(tx: Transaction) -> list[Asset]:
            scope = resolve_scope(tx, caller, address)
            found: list[Asset] = []
            cursor: str | None = None
            while True:
                page = tx.assets.page(scope.id, MODEL, PageRequest(MAX_PAGE, cursor), archived=None, clauses=clauses)
                found += [
                    one
                    for one in page.items
                    if caller.allows(Permission.ASSETS_READ, asset_path(scope, MODEL, one.name))
                ]
                cursor = page.next
                if cursor is None:
                    return found

        return self._catalog.read(work)

    def _change(self, caller: Caller, address: ScopeAddress, name: str, change: Callable[[Asset], Asset]) -> Asset:
        def work(tx: Transaction) -> Asset:
            scope = resolve_scope(tx, caller, address)
            asset = _named(tx, caller, scope, name, Permission.ASSETS_WRITE)
            changed = msgspec.structs.replace(change(asset), updated_at=now())
            tx.assets.put(changed)
            told = changed_tags(asset.tags, changed.tags)
            note(tx, caller, "model.update", asset_path(scope, MODEL, name), told=told)
            return changed

        return self._catalog.write(work)


def _allow(caller: Caller, scope: Scope, name: str, permission: Permission) -> None:
    require(
        caller, permission, asset_path(scope, MODEL, name), read=Permission.ASSETS_READ, what=what(MODEL, name[:100])
    )


def _named(tx: Transaction, caller: Caller, scope: Scope, name: str, permission: Permission) -> Asset:
    _allow(caller, scope, name, permission)
    asset = tx.assets.find(scope.id, MODEL, name)
    if asset is None:
        raise absent(scope, MODEL, name)
    return asset


def _versions(tx: Transaction, scope: Scope, name: str) -> list[AssetVersion]:
    found: list[AssetVersion] = []
    cursor: str | None = None
    while True:
        page = tx.versions.page(scope.id, MODEL, name, PageRequest(MAX_PAGE, cursor), archived=None)
        found += page.items
        cursor = page.next
        if cursor is None:
            return found


def _free_number(tx: Transaction, scope: Scope, name: str) -> int:
    """One more than the numbers that were given, deleted ones too: doubled until free, then halved."""

    def is_taken(number: int) -> bool:
        return tx.versions.find(scope.id, MODEL, name, str(number), deleted=True) is not None

    if not is_taken(1):
        return 1
    high = 2
    while is_taken(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if is_taken(middle) else (low, middle)
    return high
