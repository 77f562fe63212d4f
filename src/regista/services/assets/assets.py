"""Assets and their versions, the same in a workspace and in a registry."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.asset import Asset, AssetKind, AssetVersion
from regista.entities.manifest import Manifest
from regista.entities.names import check_alias, check_tags, now
from regista.entities.page import Page, PageRequest
from regista.entities.scope import Scope, ScopeAddress
from regista.entities.search import Clause
from regista.errors import NotFoundError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.access.access import require
from regista.services.access.visibility import visible_page
from regista.services.assets.versions import (
    NewVersion,
    absent,
    add_version,
    asset_path,
    changed_tags,
    find_asset,
    find_version,
    refresh_latest,
    refuse_if_used,
    require_register,
    same_or_refuse,
    version_of,
    what,
)
from regista.services.content.contents import ContentService, require_download
from regista.services.content.opened import OpenFile
from regista.services.environments.curated import BuiltInRegistry
from regista.services.journal import note
from regista.services.scopes.scopes import resolve_scope

Named = TypeVar("Named", Asset, AssetVersion)


class VersionChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may change about a version or (the first two and ``archived``) about a name; None leaves it."""

    description: str | None = None
    tags: dict[str, str] | None = None
    archived: bool | None = None
    properties: dict[str, str] | None = None
    stage: str | None = None


class AssetService:
    """Registers, finds, changes and deletes versions."""

    def __init__(self, catalog: Catalog, contents: ContentService, built_in: BuiltInRegistry) -> None:
        self._catalog = catalog
        self._contents = contents
        self._built_in = built_in

    def create(
        self, caller: Caller, address: ScopeAddress, new: NewVersion, along: Sequence[NewVersion] = ()
    ) -> AssetVersion:
        """Make a version out of blobs that were sent before. The same content under the same name and version again is a
        quiet success; other content there is ``AlreadyExistsError``. Without a version, content that is the newest of
        the name already is not registered twice when it is anonymous. What is to go *along* is made with it or not at all."""

        def look(tx: Transaction) -> Scope:
            scope = resolve_scope(tx, caller, address)
            for one in (new, *along):
                version = require_register(tx, caller, scope, one)
                taken = tx.versions.find(scope.id, version.kind, version.name, version.version, deleted=True)
                if taken is not None:
                    same_or_refuse(tx, taken, version, scope)
                else:
                    self._contents.look(tx, caller, scope, one.manifest)
            return scope

        scope = self._catalog.read(look)
        for one in (new, *along):
            self._contents.store_manifest(scope, one.manifest)  # before the name: a crash leaves at worst a blob

        def work(tx: Transaction) -> AssetVersion:
            for one in along:
                self.register(tx, caller, scope, one)
            return self.register(tx, caller, scope, new)

        return self._catalog.write(work)

    def register(
        self, tx: Transaction, caller: Caller, scope: Scope, new: NewVersion, *, check: bool = True
    ) -> AssetVersion:
        """The same inside a transaction; *check* False where the bytes are known to be the caller's (a job's own output)."""
        version = require_register(tx, caller, scope, new)
        path = asset_path(scope, version.kind, version.name)
        taken = tx.versions.find(scope.id, version.kind, version.name, version.version, deleted=True)
        if taken is not None:
            return same_or_refuse(tx, taken, version, scope)
        if check:
            self._contents.check(tx, caller, scope, new.manifest)
        first = tx.assets.find(scope.id, version.kind, version.name) is None
        add_version(tx, version)
        told = {"first": True} if first else {}
        place = f"{path}/versions/{version.version}"
        note(tx, caller, f"{version.kind}.create", place, told=told, content=version.content)
        return version

    def get(
        self, caller: Caller, address: ScopeAddress, kind: AssetKind, name: str, version: str = "", label: str = ""
    ) -> AssetVersion:
        """A version by version or label; neither means the latest."""
        if self._built_in.is_meant(address, kind):
            return self._built_in.version(name, version, label)

        def work(tx: Transaction) -> AssetVersion:
            scope = resolve_scope(tx, caller, address)
            return find_version(tx, caller, scope, kind, name, version, label)

        return self._catalog.read(work)

    def named(
        self, caller: Caller, address: ScopeAddress, kind: AssetKind, name: str, version: str = "", label: str = ""
    ) -> tuple[Asset, AssetVersion]:
        """The same with the name that it stands under, at one moment."""
        if self._built_in.is_meant(address, kind):
            return self._built_in.asset(name), self._built_in.version(name, version, label)

        def work(tx: Transaction) -> tuple[Asset, AssetVersion]:
            scope = resolve_scope(tx, caller, address)
            asset = find_asset(tx, caller, scope, kind, name)
            return asset, version_of(tx, scope, asset, version, label)

        return self._catalog.read(work)

    def get_asset(self, caller: Caller, address: ScopeAddress, kind: AssetKind, name: str) -> Asset:
        """The name with its aliases and latest version."""
        if self._built_in.is_meant(address, kind):
            return self._built_in.asset(name)

        def work(tx: Transaction) -> Asset:
            return find_asset(tx, caller, resolve_scope(tx, caller, address), kind, name)

        return self._catalog.read(work)

    def assets(
        self,
        caller: Caller,
        address: ScopeAddress,
        kind: AssetKind,
        request: PageRequest,
        *,
        archived: bool | None = False,
        clauses: Sequence[Clause] = (),
    ) -> Page[Asset]:
        """The names that the caller may read, newest first."""
        if self._built_in.is_meant(address, kind):
            return self._built_in.assets(request)

        def work(tx: Transaction) -> Page[Asset]:
            scope = resolve_scope(tx, caller, address)

            def fetch(part: PageRequest) -> Page[Asset]:
                return tx.assets.page(scope.id, kind, part, archived=archived, clauses=clauses)

            return _readable(caller, scope, kind, fetch, request)

        return self._catalog.read(work)

    def versions(
        self,
        caller: Caller,
        address: ScopeAddress,
        kind: AssetKind,
        name: str | None,
        request: PageRequest,
        *,
        archived: bool | None = False,
        clauses: Sequence[Clause] = (),
    ) -> Page[AssetVersion]:
        """The versions of a name (of all names: None) that the caller may read, newest first."""
        if self._built_in.is_meant(address, kind):
            return self._built_in.versions(name, request)

        def work(tx: Transaction) -> Page[AssetVersion]:
            scope = resolve_scope(tx, caller, address)
            if name is not None and not caller.allows(Permission.ASSETS_READ, asset_path(scope, kind, name)):
                return Page()

            def fetch(part: PageRequest) -> Page[AssetVersion]:
                return tx.versions.page(scope.id, kind, name, part, archived=archived, clauses=clauses)

            return fetch(request) if name is not None else _readable(caller, scope, kind, fetch, request)

        return self._catalog.read(work)

    def update(
        self, caller: Caller, address: ScopeAddress, kind: AssetKind, name: str, version: str, change: VersionChange
    ) -> AssetVersion:
        """Change what is said about a version; its content never changes."""
        check_tags(change.tags or {})
        check_tags(change.properties or {})

        def work(tx: Transaction) -> AssetVersion:
            scope, found = self._for_writing(tx, caller, address, kind, name, version)
            changes = _given(change)
            changed = msgspec.structs.replace(found, **changes, updated_at=now())
            tx.versions.put(changed)
            refresh_latest(tx, scope.id, kind, name)
            note(
                tx,
                caller,
                f"{kind}.update",
                f"{asset_path(scope, kind, name)}/versions/{version}",
                told=changed_tags(found.tags, changed.tags),
                fields=sorted(changes),
            )
            return changed

        return self._catalog.write(work)

    def update_asset(
        self, caller: Caller, address: ScopeAddress, kind: AssetKind, name: str, change: VersionChange
    ) -> Asset:
        """Change what is said about a name: description, tags, archived."""
        check_tags(change.tags or {})

        def work(tx: Transaction) -> Asset:
            scope, asset = self._named(tx, caller, address, kind, name)
            changes = {
                key: value for key, value in _given(change).items() if key in {"description", "tags", "archived"}
            }
            changed = msgspec.structs.replace(asset, **changes, updated_at=now())
            tx.assets.put(changed)
            told = changed_tags(asset.tags, changed.tags)
            note(tx, caller, f"{kind}.update", asset_path(scope, kind, name), told=told, fields=sorted(changes))
            return changed

        return self._catalog.write(work)

    def set_alias(
        self, caller: Caller, address: ScopeAddress, kind: AssetKind, name: str, alias: str, version: str | None
    ) -> Asset:
        """Let *alias* name *version*; None takes the alias away (quiet when there is none)."""
        check_alias(alias)

        def work(tx: Transaction) -> Asset:
            scope, asset = self._named(tx, caller, address, kind, name)
            if version is not None and tx.versions.find(scope.id, kind, name, version) is None:
                raise absent(scope, kind, name, version)
            aliases = {key: value for key, value in asset.aliases.items() if key != alias}
            changed = msgspec.structs.replace(
                asset, aliases=aliases | ({alias: version} if version is not None else {}), updated_at=now()
            )
            tx.assets.put(changed)
            note(tx, caller, f"{kind}.alias", asset_path(scope, kind, name), alias=alias, version=version)
            return changed

        return self._catalog.write(work)

    def delete(self, caller: Caller, address: ScopeAddress, kind: AssetKind, name: str, version: str) -> None:
        """Delete a version: its name and number are never given to other content. Quiet when it was deleted before;
        ``InUseError`` while a living deployment or a running job of any scope serves or consumes it."""

        def work(tx: Transaction) -> None:
            scope = resolve_scope(tx, caller, address)
            path = asset_path(scope, kind, name)
            require(caller, Permission.ASSETS_DELETE, path, read=Permission.ASSETS_READ, what=what(kind, name, version))
            found = tx.versions.find(scope.id, kind, name, version, deleted=True)
            if found is None:
                raise absent(scope, kind, name, version)
            if tx.versions.is_deleted(found.id):
                return
            refuse_if_used(tx, found)
            tx.versions.delete(found.id, now())
            asset = tx.assets.find(scope.id, kind, name)
            if asset is not None:
                kept = {alias: target for alias, target in asset.aliases.items() if target != version}
                tx.assets.put(msgspec.structs.replace(asset, aliases=kept, updated_at=now()))
            refresh_latest(tx, scope.id, kind, name)
            note(tx, caller, f"{kind}.delete", f"{path}/versions/{version}")

        self._catalog.write(work)

    def manifest(
        self, caller: Caller, address: ScopeAddress, kind: AssetKind, name: str, version: str = "", label: str = ""
    ) -> Manifest:
        """The files of a version; needs the right to download it."""
        scope, found = self._downloadable(caller, address, kind, name, version, label)
        return self._contents.manifest(scope, found.manifest)

    def open(
        self,
        caller: Caller,
        address: ScopeAddress,
        kind: AssetKind,
        name: str,
        version: str,
        path: str,
    ) -> OpenFile:
        """One file of a version, ready to be read in ranges."""
        scope, found = self._downloadable(caller, address, kind, name, version, "")
        entry = self._contents.entry(scope, found.manifest, path)
        if entry is None:
            raise NotFoundError(
                f"{what(kind, name, version)} has no file {path[:200]!r}", hint=f"See: regista {kind} show"
            )
        return OpenFile(self._contents, scope, entry)

    def _downloadable(
        self, caller: Caller, address: ScopeAddress, kind: AssetKind, name: str, version: str, label: str
    ) -> tuple[Scope, AssetVersion]:
        def work(tx: Transaction) -> tuple[Scope, AssetVersion]:
            scope = resolve_scope(tx, caller, address)
            found = find_version(tx, caller, scope, kind, name, version, label)
            require_download(caller, asset_path(scope, kind, name), what(kind, name, found.version))
            return scope, found

        return self._catalog.read(work)

    def _named(
        self, tx: Transaction, caller: Caller, address: ScopeAddress, kind: AssetKind, name: str
    ) -> tuple[Scope, Asset]:
        scope = resolve_scope(tx, caller, address)
        require(
            caller,
            Permission.ASSETS_WRITE,
            asset_path(scope, kind, name),
            read=Permission.ASSETS_READ,
            what=what(kind, name),
        )
        asset = tx.assets.find(scope.id, kind, name)
        if asset is None:
            raise absent(scope, kind, name)
        return scope, asset

    def _for_writing(
        self, tx: Transaction, caller: Caller, address: ScopeAddress, kind: AssetKind, name: str, version: str
    ) -> tuple[Scope, AssetVersion]:
        scope = resolve_scope(tx, caller, address)
        require(
            caller,
            Permission.ASSETS_WRITE,
            asset_path(scope, kind, name),
            read=Permission.ASSETS_READ,
            what=what(kind, name, version),
        )
        found = tx.versions.find(scope.id, kind, name, version)
        if found is None:
            raise absent(scope, kind, name, version)
        return scope, found


def _readable(
    caller: Caller, scope: Scope, kind: AssetKind, fetch: Callable[[PageRequest], Page[Named]], request: PageRequest
) -> Page[Named]:
    """The page of what the caller may read; one who may read the whole scope has it without looking at each."""
    if caller.allows(Permission.ASSETS_READ, scope.path):
        return fetch(request)
    return visible_page(
        fetch, request, lambda one: caller.allows(Permission.ASSETS_READ, asset_path(scope, kind, one.name))
    )


def _given(change: VersionChange) -> dict[str, Any]:
    return {name: value for name in change.__struct_fields__ if (value := getattr(change, name)) is not None}
