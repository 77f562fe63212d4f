"""Versions of models as a model registry handles them: registered from runs and logged models, tagged, staged, searched."""

from collections.abc import Callable, Sequence

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.asset import AssetVersion
from regista.entities.names import check_tags, now
from regista.entities.page import MAX_PAGE, Page, PageRequest
from regista.entities.reference import (
    AssetReference,
    JobOutputReference,
    LoggedModelReference,
    Reference,
    RunReference,
    parse_reference,
)
from regista.entities.scope import Scope, ScopeAddress, ScopeKind
from regista.entities.search import Clause, Order
from regista.errors import AlreadyExistsError, InvalidError, NotFoundError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.access.access import require, sees
from regista.services.assets.versions import NewVersion, absent, asset_path, changed_tags, resolve_asset, what
from regista.services.jobs.plans import exact_reference
from regista.services.journal import note
from regista.services.registry.registered_models import MODEL
from regista.services.registry.registration import RegistrationService
from regista.services.scopes.scopes import resolve_scope
from regista.services.tracking.artifacts import ArtifactService

MLMODEL = "MLmodel"
"""The file that makes a folder a model as MLflow packs it."""

_TRIES = 10


class NewModelVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version to be made of what *path* refers to (empty: of no files); ``home`` is the workspace of a run or a logged
    model, where it is known. ``source`` is kept with the version as it is. Without ``version`` it gets the next number."""

    name: str
    version: str = ""
    path: str = ""
    home: ScopeAddress | None = None
    description: str = ""
    tags: dict[str, str] = {}
    spec: dict[str, str] = {}
    source: dict[str, str] = {}


class ModelVersionService:
    """Registers, changes and finds versions."""

    def __init__(self, catalog: Catalog, registration: RegistrationService, artifacts: ArtifactService) -> None:
        self._catalog = catalog
        self._registration = registration
        self._artifacts = artifacts

    def create(self, caller: Caller, address: ScopeAddress, new: NewModelVersion) -> AssetVersion:
        """Register the next number of a name that exists; raise ``NotFoundError`` when it, or what *path* means, does not.

        A run or a logged model is looked for in ``home``, in *address*, then in every workspace that the caller may see."""
        self._require_name(caller, address, new.name)
        version = NewVersion(
            kind=MODEL,
            name=new.name,
            version=new.version,
            description=new.description,
            tags=check_tags(new.tags),
            spec=dict(new.spec),
            source=new.source,
        )
        home: ScopeAddress | None = None
        if new.path:
            reference = parse_reference(new.path, MODEL)
            home = self._home(caller, address, new.home, reference)
            version = msgspec.structs.replace(version, type=self._type(caller, address, home, reference))
        for attempt in range(_TRIES):
            try:
                return self._registration.create(caller, address, version, new.path, home)
            except AlreadyExistsError:  # another took the number between the look and the write
                if new.version or attempt == _TRIES - 1:
                    raise
        raise AssertionError

    def update(
        self,
        caller: Caller,
        address: ScopeAddress,
        name: str,
        version: str,
        change: Callable[[AssetVersion], AssetVersion],
    ) -> AssetVersion:
        """Replace what is said about a version by what *change* makes of it, in one transaction."""

        def work(tx: Transaction) -> AssetVersion:
            scope = resolve_scope(tx, caller, address)
            found = _writable(tx, caller, scope, name, version)
            changed = msgspec.structs.replace(change(found), updated_at=now())
            check_tags(changed.tags)
            tx.versions.put(changed)
            told = changed_tags(found.tags, changed.tags)
            note(tx, caller, "model.update", f"{asset_path(scope, MODEL, name)}/versions/{version}", told=told)
            return changed

        return self._catalog.write(work)

    def stage(
        self, caller: Caller, address: ScopeAddress, name: str, version: str, stage: str, *, alone: bool = False
    ) -> AssetVersion:
        """Set the stage; with *alone* the other versions of that stage become ``Archived``."""

        def work(tx: Transaction) -> AssetVersion:
            scope = resolve_scope(tx, caller, address)
            changed = msgspec.structs.replace(
                _writable(tx, caller, scope, name, version), stage=stage, updated_at=now()
            )
            for other in _all(tx, scope, name) if alone else ():
                if other.stage == stage and other.version != version:
                    tx.versions.put(msgspec.structs.replace(other, stage="Archived", updated_at=now()))
            tx.versions.put(changed)
            note(tx, caller, "model.stage", f"{asset_path(scope, MODEL, name)}/versions/{version}", stage=stage)
            return changed

        return self._catalog.write(work)

    def search(
        self,
        caller: Caller,
        address: ScopeAddress,
        name: str | None,
        clauses: Sequence[Clause],
        order: Sequence[Order],
        request: PageRequest,
    ) -> Page[AssetVersion]:
        """The versions (of a name, or of all) that fulfil all clauses and that the caller may read, as the catalog knows them;
        newest first where *order* leaves it open. The limit may be beyond ``MAX_PAGE``: all of it is one consistent state."""

        def work(tx: Transaction) -> Page[AssetVersion]:
            scope = resolve_scope(tx, caller, address)
            found: list[AssetVersion] = []
            cursor = request.cursor
            while True:
                part = PageRequest(request.limit - len(found), cursor)
                page = tx.versions.page(scope.id, MODEL, name, part, archived=None, clauses=clauses, order=order)
                found += _readable(caller, scope, [one for one in page.items if not one.anonymous])
                cursor = page.next
                if cursor is None or len(found) >= request.limit:
                    return Page(tuple(found), cursor)

        return self._catalog.read(work)

    def reference(self, caller: Caller, version_id: str) -> str:
        """How any scope names the version of this id; raise ``NotFoundError`` when the caller may not read it."""

        def work(tx: Transaction) -> str:
            found = tx.versions.get(version_id)
            scope = tx.scopes.get(found.scope_id)
            if tx.versions.is_deleted(found.id) or not caller.allows(
                Permission.ASSETS_READ, asset_path(scope, found.kind, found.name)
            ):
                raise NotFoundError(f"there is no version with the id {version_id[:50]!r}")
            return str(exact_reference(scope, found))

        return self._catalog.read(work)

    def _require_name(self, caller: Caller, address: ScopeAddress, name: str) -> None:
        def work(tx: Transaction) -> None:
            scope = resolve_scope(tx, caller, address)
            path = asset_path(scope, MODEL, name)
            require(caller, Permission.ASSETS_WRITE, path, read=Permission.ASSETS_READ, what=what(MODEL, name))
            if tx.assets.find(scope.id, MODEL, name) is None:
                raise absent(scope, MODEL, name)

        self._catalog.read(work)

    def _home(
        self, caller: Caller, address: ScopeAddress, given: ScopeAddress | None, reference: Reference
    ) -> ScopeAddress | None:
        if given is not None or not isinstance(reference, RunReference | LoggedModelReference):
            return given
        found = self._catalog.read(lambda tx: _homes(tx, caller, reference))
        here = [one for one in found if one.name == address.name and one.kind is address.kind]
        if len(found) > 1 and len(here) != 1:
            places = ", ".join(str(one) for one in found[:5])
            raise InvalidError(f"{reference} could be one of several ({places})", hint="Give its full artifact URI.")
        if not found:
            raise NotFoundError(f"there is no {reference}", hint="It does not exist, or you may not read it.")
        return (here or found)[0]

    def _type(self, caller: Caller, address: ScopeAddress, home: ScopeAddress | None, reference: Reference) -> str:
        """``mlflow_model`` when the files hold an ``MLmodel``."""
        match reference:
            case RunReference(run=run, path=path):
                owner, folder = f"runs/{run}", path
            case LoggedModelReference(id=model):
                owner, folder = f"models/{model}", ""
            case AssetReference():
                return self._catalog.read(
                    lambda tx: resolve_asset(tx, caller, resolve_scope(tx, caller, address), reference, MODEL)[1].type
                )
            case JobOutputReference():
                return ""
            case _:
                raise InvalidError(
                    f"a model cannot be registered from {str(reference)[:200]!r}",
                    hint="Log it in a run, and register runs:/… or models:/…",
                )
        listed = self._artifacts.listing(caller, home or address, owner, f"{folder}/{MLMODEL}".strip("/"))
        return "mlflow_model" if listed else ""


def _writable(tx: Transaction, caller: Caller, scope: Scope, name: str, version: str) -> AssetVersion:
    about = what(MODEL, name, version)
    require(caller, Permission.ASSETS_WRITE, asset_path(scope, MODEL, name), read=Permission.ASSETS_READ, what=about)
    found = tx.versions.find(scope.id, MODEL, name, version)
    if found is None:
        raise absent(scope, MODEL, name, version)
    return found


def _readable(caller: Caller, scope: Scope, versions: list[AssetVersion]) -> list[AssetVersion]:
    """Those of *versions* whose name the caller may read, which is asked once for each name."""
    readable = {
        name
        for name in {one.name for one in versions}
        if caller.allows(Permission.ASSETS_READ, asset_path(scope, MODEL, name))
    }
    return [one for one in versions if one.name in readable]


def _all(tx: Transaction, scope: Scope, name: str) -> list[AssetVersion]:
    found: list[AssetVersion] = []
    cursor: str | None = None
    while True:
        page = tx.versions.page(scope.id, MODEL, name, PageRequest(MAX_PAGE, cursor), archived=None)
        found += [one for one in page.items if not one.anonymous]
        cursor = page.next
        if cursor is None:
            return found


def _homes(tx: Transaction, caller: Caller, reference: RunReference | LoggedModelReference) -> list[ScopeAddress]:
    """The workspaces in which the caller may see what *reference* names."""
    found: list[ScopeAddress] = []
    cursor: str | None = None
    while True:
        page = tx.scopes.page(ScopeKind.WORKSPACE, PageRequest(MAX_PAGE, cursor))
        found += [
            scope.address
            for scope in page.items
            if sees(caller, scope)
            and caller.allows_below(Permission.JOBS_READ, scope.path)
            and _is_in(tx, scope, reference)
        ]
        cursor = page.next
        if cursor is None:
            return found


def _is_in(tx: Transaction, scope: Scope, reference: RunReference | LoggedModelReference) -> bool:
    if isinstance(reference, RunReference):
        return tx.jobs.find(scope.id, reference.run) is not None
    return tx.artifacts.find_model(scope.id, reference.id) is not None
