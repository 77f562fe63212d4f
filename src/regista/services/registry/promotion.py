"""Promotion: a version and its whole closure into another scope, in one call that does all or nothing.

    plan      which versions go along, which are there already, which names clash, how many bytes move
    copy      where the stores differ, every blob is copied and verified; nothing has a name yet
    seal      the capsule of each version is written
    commit    one transaction writes all names, claims, lineage and audit, or none of them

Inside one store nothing is copied: the transaction is all there is. Doing it again, also after a crash or beside another
one, is a quiet success.
"""

from collections.abc import Iterable

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.asset import ANONYMOUS, NO_FILES, AssetKind, AssetVersion, content_digest
from regista.entities.digest import Digest
from regista.entities.lineage import Edge, EdgeType
from regista.entities.manifest import Manifest
from regista.entities.names import check_name, check_version, new_id, now
from regista.entities.promotion import PlanItem, PromotionPlan
from regista.entities.scope import Scope, ScopeAddress
from regista.errors import AlreadyExistsError, ConflictError, ForbiddenError
from regista.interfaces.blobs import BlobStore
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.access.access import require
from regista.services.assets.specs import exact, local_reference, references, rewrite
from regista.services.assets.versions import add_version, asset_path, find_version, resolve_asset, what
from regista.services.content.contents import require_download
from regista.services.content.copying import copy_blobs
from regista.services.environments.environments import context_number
from regista.services.journal import note
from regista.services.provenance.capsules import CapsuleService
from regista.services.scopes.scopes import resolve_scope
from regista.services.scopes.stores import StoreService


class Promotion(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for: which version of which scope goes where, and under which name and version there."""

    source: ScopeAddress
    kind: AssetKind
    name: str
    target: ScopeAddress
    version: str = ""
    label: str = ""
    as_name: str = ""
    as_version: str = ""


class _Member(msgspec.Struct):
    """A version of the closure on its way: what it will be in the target."""

    scope: Scope
    version: AssetVersion
    draft: AssetVersion
    taken: AssetVersion | None
    gone: bool = False
    manifest: Manifest = Manifest()


class _Closure(msgspec.Struct):
    target: Scope
    members: list[_Member]
    target_store: tuple[str, BlobStore]
    stores: dict[str, tuple[str, BlobStore]]


class PromotionService:
    """Plans and carries out promotions."""

    def __init__(self, catalog: Catalog, stores: StoreService, capsules: CapsuleService) -> None:
        self._catalog = catalog
        self._stores = stores
        self._capsules = capsules

    def plan(self, caller: Caller, asked: Promotion) -> PromotionPlan:
        """What ``promote`` would do; changes nothing. Rights are checked as for the act itself."""
        return _plan_of(self._with_manifests(self._catalog.read(lambda tx: self._closure(tx, caller, asked))))

    def promote(self, caller: Caller, asked: Promotion) -> AssetVersion:
        """Do it, or change nothing. Raise ``AlreadyExistsError`` naming every version whose name is taken by other content."""
        closure = self._with_manifests(self._catalog.read(lambda tx: self._closure(tx, caller, asked)))
        _refuse_clashes(closure)
        for member in closure.members:
            if member.taken is None:
                member.draft = msgspec.structs.replace(member.draft, capsule=self._bring(caller, closure, member))
        return self._catalog.write(lambda tx: self._commit(tx, caller, asked, closure))

    def _bring(self, caller: Caller, closure: _Closure, member: _Member) -> Digest:
        """Seal the capsule, and see to it that every blob of the version, and of the capsule, is in the target's store."""
        source_name, source = closure.stores[member.scope.id]
        target_name, target = closure.target_store
        capsule = self._capsules.seal(caller, member.scope, member.version, anew=self._anew(caller, source, member))
        opened = self._capsules.open(source, capsule)
        if source_name != target_name:
            code = [Manifest.parse(source.get(digest)) for digest in opened.manifests if source.exists(digest)]
            wanted = {entry.digest for entry in member.manifest.files} | {member.version.manifest, capsule}
            wanted |= (
                {entry.digest for manifest in code for entry in manifest.files} | opened.manifests | opened.attachments
            )
            wanted |= {member.version.lock} if member.version.lock else set()
            copy_blobs(source, target, wanted, optional=opened.attachments | opened.manifests)
        return capsule

    def _anew(self, caller: Caller, store: BlobStore, member: _Member) -> bool:
        """Whether a version that was made in its scope gets a new capsule for its way: the old one says what the caller may
        not hand on, or was sealed before the job that made it had ended. One that came with a capsule keeps it."""
        version = member.version
        if not version.capsule or not _is_native(version):
            return False
        path = asset_path(member.scope, version.kind, version.name)
        return not caller.allows(Permission.PROVENANCE_READ, path) or self._capsules.is_early(store, version.capsule)

    def _commit(self, tx: Transaction, caller: Caller, asked: Promotion, planned: _Closure) -> AssetVersion:
        closure = self._closure(tx, caller, asked)  # the world may have moved on since the plan
        _refuse_clashes(closure)
        brought = {member.version.id: member for member in planned.members}
        for member in closure.members:
            ours = brought.get(member.version.id)
            if member.taken is not None:
                continue
            if ours is None:
                raise ConflictError(
                    f"{what(asked.kind, asked.name)} came to mean another version meanwhile", hint="Share it again."
                )
            draft = msgspec.structs.replace(member.draft, capsule=ours.draft.capsule)
            tx.claims.add(closure.target.id, "", {entry.digest: entry.size for entry in ours.manifest.files}, now())
            first = tx.assets.find(draft.scope_id, draft.kind, draft.name) is None
            add_version(tx, draft)
            tx.lineage.add(
                [Edge(source=member.version.node, target=draft.node, type=EdgeType.PROMOTED, created_at=now())]
            )
            path = f"{asset_path(closure.target, draft.kind, draft.name)}/versions/{draft.version}"
            note(
                tx,
                caller,
                f"{draft.kind}.promote",
                path,
                told={"first": True} if first else {},
                source=member.version.node,
                content=draft.content,
                capsule=draft.capsule,
            )
        top = closure.members[-1]
        return tx.versions.get(top.taken.id if top.taken else top.draft.id)

    def _closure(self, tx: Transaction, caller: Caller, asked: Promotion) -> _Closure:
        """The versions that have to go along, dependencies first, each with what it will be in the target."""
        source = resolve_scope(tx, caller, asked.source)
        target = resolve_scope(tx, caller, asked.target)
        top = find_version(tx, caller, source, asked.kind, asked.name, asked.version, asked.label)
        order: dict[str, tuple[Scope, AssetVersion]] = {}
        self._collect(tx, caller, source, top, target, order)
        closure = _Closure(target, [], self._stores.of(tx, target), {})
        for scope, version in order.values():
            is_top = version.id == top.id
            names = (asked.as_name, asked.as_version) if is_top else ("", "")
            closure.members.append(_member(tx, caller, scope, version, target, names))
            closure.stores[scope.id] = self._stores.of(tx, scope)
        return closure

    def _collect(
        self,
        tx: Transaction,
        caller: Caller,
        scope: Scope,
        version: AssetVersion,
        target: Scope,
        order: dict[str, tuple[Scope, AssetVersion]],
    ) -> None:
        if version.id in order:
            return
        path = asset_path(scope, version.kind, version.name)
        name = what(version.kind, version.name, version.version)
        require_download(caller, path, name)
        if version.capsule and not _is_native(version):  # it goes along as it is: nobody hands on what it may not read
            require(caller, Permission.PROVENANCE_READ, path, read=Permission.ASSETS_READ, what=name)
        for kind, text in references(version.spec) if version.kind is AssetKind.COMPONENT else ():
            inner_scope, inner = resolve_asset(tx, caller, scope, exact(kind, text), kind)
            if inner_scope.kind == "workspace" or (
                inner_scope.id == scope.id and scope.id != target.id
            ):  # what is in a registry already is used from there
                self._collect(tx, caller, inner_scope, inner, target, order)
        if version.kind is AssetKind.ENVIRONMENT and (number := context_number(version)):
            context = tx.versions.find(
                scope.id, AssetKind.CODE, ANONYMOUS, number
            )  # a build context is code of its own
            if context is not None:
                self._collect(tx, caller, scope, context, target, order)
        order[version.id] = (scope, version)

    def _with_manifests(self, closure: _Closure) -> _Closure:
        for member in closure.members:
            if member.version.manifest != NO_FILES:
                member.manifest = Manifest.parse(closure.stores[member.scope.id][1].get(member.version.manifest))
        return closure


def _is_native(version: AssetVersion) -> bool:
    """Whether it was made in the scope that it is in."""
    return "promoted_from" not in version.source


def _member(
    tx: Transaction, caller: Caller, scope: Scope, version: AssetVersion, target: Scope, names: tuple[str, str]
) -> _Member:
    name = check_name(version.kind, names[0] or version.name)
    number = check_version(names[1] or version.version)
    path = asset_path(target, version.kind, name)
    require(caller, Permission.ASSETS_WRITE, path, read=Permission.SCOPES_READ, what=f"{target.kind} {target.name!r}")
    spec = version.spec
    if version.kind is AssetKind.COMPONENT:
        spec = rewrite(spec, lambda kind, text: _moved_reference(tx, caller, scope, target, kind, text))
    at = now()
    draft = msgspec.structs.replace(
        version,
        id=new_id(),
        scope_id=target.id,
        name=name,
        version=number,
        spec=spec,
        archived=False,
        stage="",
        source={**version.source, "promoted_from": version.node},
        created_at=at,
        updated_at=at,
        created_by=caller.principal.name,
    )
    taken = tx.versions.find(target.id, version.kind, name, number, deleted=True)
    return _Member(scope, version, draft, taken, gone=taken is not None and tx.versions.is_deleted(taken.id))


def _moved_reference(tx: Transaction, caller: Caller, home: Scope, target: Scope, kind: AssetKind, text: str) -> str:
    """How a reference reads in the target: what goes along is local there, what stays in its registry is named there."""
    scope, found = resolve_asset(tx, caller, home, exact(kind, text), kind)
    goes_along = scope.kind == "workspace" or scope.id == home.id
    return local_reference(target, target if goes_along else scope, found)


def _plan_of(closure: _Closure) -> PromotionPlan:
    target_name, target = closure.target_store
    items = []
    for member in closure.members:
        source_name, _ = closure.stores[member.scope.id]
        files: Iterable[tuple[Digest, int]] = {entry.digest: entry.size for entry in member.manifest.files}.items()
        moved = 0 if source_name == target_name else sum(size for digest, size in files if not target.exists(digest))
        items.append(
            PlanItem(
                kind=member.draft.kind,
                name=member.draft.name,
                version=member.draft.version,
                action=_action(member),
                source=member.version.node,
                source_scope=member.scope.path,
                file_count=member.version.file_count,
                size=member.version.size,
                moved=moved,
            )
        )
    same = all(name == target_name for name, _ in closure.stores.values())
    return PromotionPlan(target=closure.target.path, items=tuple(items), same_store=same)


def _action(member: _Member) -> str:
    if member.taken is None:
        return "create"
    draft = member.draft
    wanted = content_digest(draft.kind, draft.type, draft.manifest, draft.spec)
    return "exists" if member.taken.content == wanted and not member.gone else "clash"


def _refuse_clashes(closure: _Closure) -> None:
    clashes = [
        what(one.draft.kind, one.draft.name, one.draft.version) for one in closure.members if _action(one) == "clash"
    ]
    if clashes:
        raise AlreadyExistsError(
            f"{closure.target.kind} {closure.target.name!r} has {', '.join(clashes)} already, with other content, or had it once",
            hint="Choose another name or version there (--share-with-name, --share-with-version), or register anew in the source.",
        )
    if any(
        one.scope.id == closure.target.id and one.draft.name == one.version.name
        for one in closure.members
        if one.taken is None
    ):
        raise ForbiddenError("a version is not promoted into the scope that it is in", hint="Choose another registry.")
