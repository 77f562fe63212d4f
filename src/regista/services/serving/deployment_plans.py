"""From a deployment's document to exact versions, and everything that would make it fail found on the way.

Nothing is written and nothing is started here. Each thing is looked at once, with the rights of whoever deploys; what can
only be looked at after something that failed is left out.
"""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.asset import ANONYMOUS, NO_FILES, AssetKind, AssetVersion, content_digest
from regista.entities.digest import hex_of
from regista.entities.documents.endpoint import OnlineDeploymentDocument
from regista.entities.documents.environment import EnvironmentDocument
from regista.entities.environment import EnvironmentSpec
from regista.entities.manifest import Manifest
from regista.entities.preflight import Check
from regista.entities.reference import asset_reference
from regista.entities.scope import Scope, ScopeAddress
from regista.errors import InvalidError, NotFoundError, RegistaError, StorageFullError, TooLargeError
from regista.interfaces.blobs import BlobStore, OnDisk
from regista.interfaces.catalog import Catalog, Transaction
from regista.interfaces.serving import ServingHost
from regista.services.access.access import require
from regista.services.assets.spec_reader import SpecReader
from regista.services.assets.versions import NewVersion, asset_path, resolve_asset, what
from regista.services.content.contents import require_download
from regista.services.environments.curated import curated_for
from regista.services.environments.environments import EnvironmentService, read_spec
from regista.services.environments.model_environments import mlmodel_folder, model_environment
from regista.services.scopes.scopes import resolve_scope
from regista.services.scopes.stores import StoreService
from regista.services.serving.scoring_scripts import MOST_BYTES, check_script

T = TypeVar("T")

MOST_INSTANCES = 32
_SPARE_BYTES = 256 << 20


class Source(msgspec.Struct, frozen=True):
    """A version with the store of its bytes and its files."""

    version: AssetVersion
    store: BlobStore
    manifest: Manifest


class Plan(msgspec.Struct, kw_only=True):
    """What was found. ``environment`` is the lineage node of the environment, ``draft`` its version where there is none yet."""

    scope: Scope | None = None
    model: Source | None = None
    code: Source | None = None
    environment: str = ""
    spec: EnvironmentSpec | None = None
    draft: NewVersion | None = None
    checks: list[Check] = []


class Planner:
    """Plans deployments."""

    def __init__(
        self, catalog: Catalog, stores: StoreService, environments: EnvironmentService, host: ServingHost
    ) -> None:
        self._catalog = catalog
        self._stores = stores
        self._environments = environments
        self._host = host

    def plan(self, caller: Caller, address: ScopeAddress, document: OnlineDeploymentDocument) -> Plan:
        """The plan, with every check; it can be carried out when all are ok."""
        run = _Run(self._stores, self._environments, caller, document)
        self._catalog.read(lambda tx: run.look_up(tx, address))
        plan = run.plan
        run.check("instances", f"{document.instance_count} instances", lambda: _few_enough(document.instance_count))
        if plan.model:
            run.check("model files", "every file of the model is in its store", lambda: _complete(plan.model))
            run.check("model type", "the model can be served", lambda: _servable(plan.model, document))
        if plan.code:
            run.check("code files", "every file of the code is in its store", lambda: _complete(plan.code))
            run.check("scoring script", "the scoring script has init and run", lambda: _scripted(plan, document))
        if plan.spec:
            spec = plan.spec
            run.check("environment", "the environment can be built", lambda: self._environments.check(spec, "it"))
        sources = [one for one in (plan.model, plan.code) if one]
        run.check("disk", "there is room on the disk", lambda: self._room(sources))
        return plan

    def _room(self, sources: list[Source]) -> None:
        needed = _SPARE_BYTES + sum(one.version.size for one in sources if not isinstance(one.store, OnDisk))
        free = self._host.free_bytes()
        if free < needed:
            raise StorageFullError(
                f"{free >> 20:,} MiB are free on the serving disk, {needed >> 20:,} are needed",
                hint="Free space there.",
            )


class _Run:
    """One plan in the making."""

    def __init__(
        self,
        stores: StoreService,
        environments: EnvironmentService,
        caller: Caller,
        document: OnlineDeploymentDocument,
    ) -> None:
        self._stores = stores
        self._environments = environments
        self._caller = caller
        self._document = document
        self.plan = Plan(checks=[])

    def check(self, name: str, good: str, work: Callable[[], T]) -> T | None:
        """What *work* returns, noted as ok; None where it raised, noted with its fix."""
        try:
            found = work()
        except RegistaError as wrong:
            noted = Check(name=name, ok=False, what=wrong.message, fix=wrong.hint, code=wrong.code)
            self.plan.checks.append(noted)
            return None
        self.plan.checks.append(Check(name=name, ok=True, what=good))
        return found

    def look_up(self, tx: Transaction, address: ScopeAddress) -> None:
        """Everything that the catalog tells."""
        document = self._document
        self.plan = Plan(checks=[])  # a transaction may be run again
        scope = self.check("workspace", f"{address} is there", lambda: resolve_scope(tx, self._caller, address))
        if scope is None:
            return
        self.plan.scope = scope
        self.check("rights", "you may deploy here", lambda: self._right(scope))
        self.check("endpoint", f"endpoint {document.endpoint_name!r} is there", lambda: _endpoint(tx, scope, document))
        if document.model:
            found = self.check("model", "the model is there and may be read", lambda: self._model(tx, scope))
            self.plan.model = found
        code = document.code_configuration
        if code:
            self.plan.code = self.check(
                "code", "the code is there and may be read", lambda: self._source(tx, scope, code.code, AssetKind.CODE)
            )
        if not document.model and not code:
            self.check("model", "", _nothing_to_serve)
        self._look_up_environment(tx, scope)

    def _right(self, scope: Scope) -> None:
        path = f"{scope.path}/endpoints/{self._document.endpoint_name}"
        named = f"endpoint {self._document.endpoint_name!r}"
        require(self._caller, Permission.ENDPOINTS_WRITE, path, read=Permission.ENDPOINTS_READ, what=named)

    def _model(self, tx: Transaction, scope: Scope) -> Source:
        if not isinstance(self._document.model, str):
            raise InvalidError(
                "model: a server takes a reference to a registered model",
                hint="The CLI registers an inline model: or do it by 'regista model create'.",
            )
        return self._source(tx, scope, self._document.model, AssetKind.MODEL)

    def _source(self, tx: Transaction, home: Scope, text: str, kind: AssetKind) -> Source:
        scope, version = resolve_asset(tx, self._caller, home, asset_reference(text, kind), kind)
        path = asset_path(scope, kind, version.name)
        require_download(self._caller, path, what(kind, version.name, version.version))
        store = self._stores.of(tx, scope)[1]
        return Source(version, store, Manifest.parse(store.get(version.manifest)) if version.file_count else Manifest())

    def _look_up_environment(self, tx: Transaction, scope: Scope) -> None:
        given, model = self._document.environment, self.plan.model
        if given:
            self.check("environment name", "the environment is there", lambda: self._given(tx, scope, given))
        elif model and mlmodel_folder(model.manifest) is not None:
            self.check(
                "model environment", "the model brings its environment along", lambda: self._of_model(scope, model)
            )
        elif self._document.code_configuration or model:
            self.check("environment name", "", _no_environment)

    def _given(self, tx: Transaction, scope: Scope, given: str | EnvironmentDocument) -> None:
        if isinstance(given, EnvironmentDocument):
            reader = SpecReader(tx, self._caller, scope, self._stores, self._environments.curated)
            plain = msgspec.to_builtins(msgspec.structs.replace(given, ignored=()))
            self._draft(scope, reader.environment(plain))
            return
        reference = asset_reference(given, AssetKind.ENVIRONMENT)
        try:
            _, version = resolve_asset(tx, self._caller, scope, reference, AssetKind.ENVIRONMENT)
        except NotFoundError as missing:
            self._draft(scope, curated_for(self._environments.curated, reference, missing))
        else:
            self.plan.environment, self.plan.spec = version.node, read_spec(version)

    def _of_model(self, scope: Scope, model: Source) -> None:
        self._draft(scope, model_environment(model.manifest, model.store.get))

    def _draft(self, scope: Scope, spec: EnvironmentSpec) -> None:
        """An environment without a name: its version is its content's digest."""
        plain = msgspec.to_builtins(spec)
        number = hex_of(content_digest(AssetKind.ENVIRONMENT, "", NO_FILES, plain))
        self.plan.spec = spec
        self.plan.draft = NewVersion(kind=AssetKind.ENVIRONMENT, anonymous=True, spec=plain)
        self.plan.environment = f"version:{scope.id}/{AssetKind.ENVIRONMENT}/{ANONYMOUS}/{number}"


def _endpoint(tx: Transaction, scope: Scope, document: OnlineDeploymentDocument) -> None:
    name = document.endpoint_name
    if tx.endpoints.find(scope.id, name) is None:
        raise NotFoundError(
            f"there is no endpoint {name!r} in {scope.kind} {scope.name!r}",
            hint=f"Make it: regista online-endpoint create --name {name} --workspace-name {scope.name}",
        )


def _few_enough(count: int) -> None:
    if count > MOST_INSTANCES:
        raise TooLargeError(
            f"{count} instances are asked for, {MOST_INSTANCES} are the most here", hint="Lower instance_count."
        )


def _complete(source: Source | None) -> None:
    """Raise ``NotFoundError`` unless the store has every blob."""
    files = source.manifest.files if source else ()
    for entry in files:
        if source and not source.store.exists(entry.digest):
            name = what(source.version.kind, source.version.name, source.version.version)
            raise NotFoundError(f"{entry.path!r} of {name} is missing in its store", hint="Restore the store.")


def _servable(model: Source | None, document: OnlineDeploymentDocument) -> None:
    if model is None or document.code_configuration:
        return
    named = what(AssetKind.MODEL, model.version.name, model.version.version)
    if model.version.type != "mlflow_model":
        raise InvalidError(
            f"{named} is a {model.version.type}, which cannot be served without code",
            hint="Give the deployment a code_configuration and an environment; only an mlflow_model needs none.",
        )
    if mlmodel_folder(model.manifest) is None:
        raise InvalidError(f"{named} has no MLmodel file", hint="Register the folder that mlflow's save_model wrote.")


def _scripted(plan: Plan, document: OnlineDeploymentDocument) -> None:
    if plan.code is None or document.code_configuration is None:
        return
    script = document.code_configuration.scoring_script
    entry = plan.code.manifest.find(script)
    if entry is None:
        scripts = [one.path for one in plan.code.manifest.files if one.path.endswith(".py")][:5]
        raise NotFoundError(
            f"the code has no file {script!r}", hint=f"Its Python files: {', '.join(scripts) or 'none'}."
        )
    if entry.size > MOST_BYTES:
        raise TooLargeError(f"the scoring script has {entry.size:,} bytes", hint="A script has at most 4 MiB.")
    check_script(plan.code.store.get(entry.digest), script, plan.spec)


def _no_environment() -> None:
    raise InvalidError(
        "the deployment has no environment, and its model brings none along",
        hint="Write environment: azureml:NAME@latest, a curated name such as sklearn-1.5, or an inline one.",
    )


def _nothing_to_serve() -> None:
    raise InvalidError(
        "the deployment has neither a model nor code", hint="Give it a model, or a code_configuration, or both."
    )
