"""Finding, naming and writing versions, inside a transaction: what every service that handles versions shares."""

from collections.abc import Mapping
from typing import Any

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.asset import ANONYMOUS, NO_FILES, TYPES, Asset, AssetKind, AssetVersion, content_digest
from regista.entities.digest import hex_of
from regista.entities.manifest import Manifest
from regista.entities.names import check_name, check_tags, check_version, new_id, now
from regista.entities.reference import AssetReference
from regista.entities.scope import Scope, ScopeAddress, ScopeKind
from regista.errors import (
    AbsentError,
    AlreadyExistsError,
    ForbiddenError,
    InUseError,
    InvalidError,
)
from regista.interfaces.catalog import Transaction
from regista.services.scopes.scopes import resolve_scope, scope_by_id


class NewVersion(msgspec.Struct, frozen=True, kw_only=True):
    """What it takes to make a version. Without ``version`` it gets the next number; ``anonymous`` ones are named by content."""

    kind: AssetKind
    name: str = ""
    version: str = ""
    type: str = ""
    manifest: Manifest = Manifest()
    spec: dict[str, Any] = {}
    description: str = ""
    tags: dict[str, str] = {}
    properties: dict[str, str] = {}
    stage: str = ""
    anonymous: bool = False
    source: dict[str, str] = {}


def asset_path(scope: Scope, kind: AssetKind, name: str) -> str:
    """Where an asset stands in the tree of scopes, for role assignments and audit."""
    return f"{scope.path}/{kind.plural}/{name}"


def what(kind: AssetKind, name: str, version: str = "") -> str:
    """An asset in words, for messages."""
    return f"{kind} {name!r}" + (f" version {version!r}" if version else "")


def find_version(
    tx: Transaction, caller: Caller, scope: Scope, kind: AssetKind, name: str, version: str = "", label: str = ""
) -> AssetVersion:
    """The version that version or label means (neither: the latest) in *scope*; ``NotFoundError`` also for what *caller* may not read."""
    return version_of(tx, scope, find_asset(tx, caller, scope, kind, name), version, label)


def find_asset(tx: Transaction, caller: Caller, scope: Scope, kind: AssetKind, name: str) -> Asset:
    """The name in *scope*; ``NotFoundError`` also for what *caller* may not read."""
    found = tx.assets.find(scope.id, kind, name)
    if found is None or not caller.allows(Permission.ASSETS_READ, asset_path(scope, kind, name)):
        raise absent(scope, kind, name)
    return found


def version_of(tx: Transaction, scope: Scope, named: Asset, version: str, label: str) -> AssetVersion:
    """The version of a name that version or label means."""
    kind, name = named.kind, named.name
    if label and label.lower() != "latest":
        version = named.aliases.get(label, "")
        found = tx.versions.find(scope.id, kind, name, version) if version else None
    elif version:
        found = tx.versions.find(scope.id, kind, name, version)
    else:
        found = tx.versions.latest(scope.id, kind, name)
    if found is None:
        raise absent(scope, kind, name, version, label=label)
    return found


def resolve_asset(
    tx: Transaction, caller: Caller, home: Scope, reference: AssetReference, kind: AssetKind
) -> tuple[Scope, AssetVersion]:
    """What *reference* means to *caller* where it stands in *home*: the version and the scope that it is in."""
    scope = home
    if reference.registry:
        scope = resolve_scope(tx, caller, ScopeAddress(ScopeKind.REGISTRY, reference.registry))
    elif reference.workspace_id:
        scope = scope_by_id(tx, caller, reference.workspace_id)
    elif reference.workspace:
        address = ScopeAddress(
            ScopeKind.WORKSPACE, reference.workspace, reference.subscription, reference.resource_group
        )
        scope = resolve_scope(tx, caller, address)
    return scope, find_version(
        tx, caller, scope, reference.kind or kind, reference.name, reference.version, reference.label
    )


def add_version(tx: Transaction, version: AssetVersion) -> None:
    """Write a drafted version and keep its name's latest and next version true."""
    tx.versions.add(version)
    asset = tx.assets.find(version.scope_id, version.kind, version.name)
    if asset is None:
        asset = Asset(
            id=new_id(),
            scope_id=version.scope_id,
            kind=version.kind,
            name=version.name,
            created_at=version.created_at,
            created_by=version.created_by,
        )
        tx.assets.add(asset)
    number = (
        int(version.version) + 1
        if version.version.isascii() and version.version.isdigit() and len(version.version) < 16
        else 0
    )
    latest = asset.latest_version if version.archived else version.version
    tx.assets.put(
        msgspec.structs.replace(
            asset, latest_version=latest, next_version=max(asset.next_version, number), updated_at=version.created_at
        )
    )


def changed_tags(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, Any]:
    """What an event tells of tags that changed."""
    given = {key: value for key, value in new.items() if old.get(key) != value}
    gone = [key for key in old if key not in new]
    return ({"tags_set": given} if given else {}) | ({"tags_deleted": gone} if gone else {})


def refresh_latest(tx: Transaction, scope_id: str, kind: AssetKind, name: str) -> None:
    """Set a name's latest version anew, after something was archived, restored or deleted."""
    asset, latest = tx.assets.find(scope_id, kind, name), tx.versions.latest(scope_id, kind, name)
    if asset is not None:
        tx.assets.put(msgspec.structs.replace(asset, latest_version=latest.version if latest else ""))


def refuse_if_used(tx: Transaction, version: AssetVersion) -> None:
    """Raise ``InUseError`` while a living deployment, anywhere, serves *version* or runs in it."""
    users = [
        edge.target
        for edge in tx.lineage.edges([version.node], upstream=False)
        if edge.target.startswith("deployment:")
    ]
    living = (
        {node for one in tx.endpoints.deployments(None) for node in (one.node, one.serving_node)} if users else set()
    )
    if used := [node for node in users if node in living]:
        _, endpoint, deployment, _ = used[0].split("/")
        raise InUseError(
            f"{what(version.kind, version.name, version.version)} serves in deployment {deployment!r} of endpoint {endpoint!r}",
            hint="Delete or update the deployment first.",
        )


def drafted(tx: Transaction, caller: Caller, scope: Scope, new: NewVersion) -> AssetVersion:
    kind = new.kind
    type_ = new.type or TYPES[kind][0]
    if type_ not in TYPES[kind]:
        raise InvalidError(
            f"{type_!r} is not a type of {kind}", hint=f"One of: {', '.join(filter(None, TYPES[kind]))}."
        )
    manifest = new.manifest.digest if new.manifest.files else NO_FILES
    content = content_digest(kind, type_, manifest, new.spec)
    anonymous = new.anonymous or not new.name
    name = ANONYMOUS if anonymous else check_name(kind, new.name)
    asset = tx.assets.find(scope.id, kind, name)
    version = hex_of(content) if anonymous else new.version or str(asset.next_version if asset else 1)
    at = now()
    return AssetVersion(
        id=new_id(),
        scope_id=scope.id,
        kind=kind,
        name=name,
        version=check_version(version),
        type=type_,
        manifest=manifest,
        size=new.manifest.size,
        file_count=len(new.manifest.files),
        spec=new.spec,
        description=new.description,
        tags=check_tags(new.tags),
        properties=check_tags(new.properties),
        stage=new.stage,
        anonymous=anonymous,
        source=new.source,
        created_at=at,
        updated_at=at,
        created_by=caller.principal.name,
    )


def require_register(tx: Transaction, caller: Caller, scope: Scope, new: NewVersion) -> AssetVersion:
    """The version that *new* would be; raise ``ForbiddenError`` unless the caller may write its name, whether that is taken
    or not."""
    version = drafted(tx, caller, scope, new)
    path = asset_path(scope, version.kind, version.name)
    if not caller.allows(Permission.ASSETS_WRITE, path):
        raise ForbiddenError(
            f"{caller.principal.name} lacks {Permission.ASSETS_WRITE} for {what(new.kind, version.name)} in "
            f"{scope.kind} {scope.name!r}",
            hint=f"Ask an owner: regista role assign --principal {caller.principal.name} --role ROLE --scope {path}",
        )
    return version


def same_or_refuse(tx: Transaction, taken: AssetVersion, version: AssetVersion, scope: Scope) -> AssetVersion:
    name = what(version.kind, version.name, version.version)
    if tx.versions.is_deleted(taken.id):
        raise AlreadyExistsError(
            f"{name} was deleted from {scope.kind} {scope.name!r}",
            hint="A version is never given out again: choose another.",
        )
    if taken.content != version.content:
        raise AlreadyExistsError(
            f"{name} is in {scope.kind} {scope.name!r} already, with other content",
            hint="Versions never change: leave the version out to get the next number.",
        )
    return taken


def absent(scope: Scope, kind: AssetKind, name: str, version: str = "", *, label: str = "") -> AbsentError:
    about = f"{what(kind, name)} with the alias {label!r}" if label else what(kind, name, version)
    verb = f"alias list {name}" if label else "list"
    return AbsentError(
        f"there is no {about} in {scope.kind} {scope.name!r}",
        hint=f"See: regista {kind} {verb} --{scope.kind}-name {scope.name}",
        what=str(kind),
        name=name,
        version=version or label,
    )
