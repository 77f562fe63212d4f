"""The specification of a component or an environment in its normal form: checked, and with every reference exact."""

from typing import Any

import msgspec

from regista.entities.access import Caller
from regista.entities.asset import ANONYMOUS, NO_FILES, AssetKind, content_digest
from regista.entities.digest import hex_of
from regista.entities.documents.command import CommandSpec
from regista.entities.documents.component import parse_component
from regista.entities.documents.environment import parse_environment
from regista.entities.documents.pipeline import PipelineSpec
from regista.entities.documents.reading import plain
from regista.entities.environment import EnvironmentSpec
from regista.entities.graph import build_graph
from regista.entities.manifest import Manifest
from regista.entities.reference import AssetReference, asset_reference
from regista.entities.scope import Scope, ScopeKind
from regista.errors import InvalidError, NotFoundError
from regista.interfaces.catalog import Transaction
from regista.services.assets.specs import local_reference, rewrite
from regista.services.assets.versions import NewVersion, asset_path, resolve_asset, what
from regista.services.content.contents import require_download
from regista.services.environments.curated import CuratedEnvironments, curated_for
from regista.services.environments.environments import ReadFile, written_spec
from regista.services.scopes.stores import StoreService

_ABOUT = frozenset("$schema name version description tags properties".split())
"""Fields of a document that are said about the version, and are no part of its content."""


class NormalComponent(msgspec.Struct, frozen=True):
    """The type, the specification to be stored (the document itself, in the shape of its YAML), and anonymous environments
    that have to be registered with it."""

    type: str
    spec: dict[str, Any]
    environments: tuple[NewVersion, ...]


class SpecReader:
    """Reads one component or environment document where it is to be registered, with the rights of whoever registers it.

    What stands in a registry may refer only to registries: who uses it elsewhere could not read a workspace."""

    def __init__(
        self, tx: Transaction, caller: Caller, home: Scope, stores: StoreService, curated: CuratedEnvironments
    ) -> None:
        self._tx, self._caller, self._home, self._stores, self._curated = tx, caller, home, stores, curated
        self._drafts: dict[str, NewVersion] = {}

    def read(self, document: dict[str, Any]) -> NormalComponent:
        """The normal form; raise ``InvalidError`` naming the place of what is wrong, ``NotFoundError`` for what is not there."""
        parsed = parse_component(document, anonymous=True)
        if isinstance(parsed.spec, PipelineSpec):
            build_graph(parsed.spec, component_of=self._component_of)
        written = {key: value for key, value in plain(document).items() if key not in _ABOUT}
        spec = rewrite(self._without_inline({"type": parsed.type} | written), self._exactly)
        return NormalComponent(parsed.type, spec, tuple(self._drafts.values()))

    def environment(self, document: dict[str, Any]) -> EnvironmentSpec:
        """The specification in an environment document, its build context read in."""
        parsed = parse_environment(document, anonymous=True)
        return written_spec(parsed, *self._context(parsed.build))

    def _component_of(self, text: str) -> CommandSpec | PipelineSpec | None:
        _, found = resolve_asset(
            self._tx, self._caller, self._home, asset_reference(text, AssetKind.COMPONENT), AssetKind.COMPONENT
        )
        return parse_component(found.spec, anonymous=True).spec

    def _exactly(self, kind: AssetKind, text: str) -> str:
        reference = asset_reference(text, kind)
        if reference.name == ANONYMOUS and reference.version in self._drafts:
            return text
        try:
            scope, found = resolve_asset(self._tx, self._caller, self._home, reference, kind)
        except NotFoundError as missing:
            if kind is not AssetKind.ENVIRONMENT:
                raise
            return self._drafted(curated_for(self._curated, reference, missing))
        if self._home.kind is ScopeKind.REGISTRY and scope.kind is ScopeKind.WORKSPACE:
            raise InvalidError(
                f"a component in a registry cannot refer to {text!r} in a workspace",
                hint="Register the component in the workspace and share it: what it needs goes along.",
            )
        return local_reference(self._home, scope, found)

    def _without_inline(self, spec: dict[str, Any]) -> dict[str, Any]:
        """Inline environments become anonymous versions."""
        changed = dict(spec)
        if isinstance(written := changed.get("environment"), dict):
            document = parse_environment(written, anonymous=True)
            changed["environment"] = self._drafted(written_spec(document, *self._context(document.build)))
        if isinstance(inner := changed.get("component"), dict):
            changed["component"] = self._without_inline(inner)
        if isinstance(jobs := changed.get("jobs"), dict):
            changed["jobs"] = {name: self._without_inline(step) for name, step in jobs.items()}
        return changed

    def _context(self, build: Any) -> tuple[Manifest | None, ReadFile]:
        """The build context and how its files are read: they become part of the specification, so the caller must be
        allowed to download them."""
        if build is None:
            return None, lambda _: b""
        scope, version = resolve_asset(
            self._tx, self._caller, self._home, asset_reference(build.path, AssetKind.CODE), AssetKind.CODE
        )
        path = asset_path(scope, version.kind, version.name)
        require_download(self._caller, path, what(version.kind, version.name, version.version))
        store = self._stores.of(self._tx, scope)[1]
        return Manifest.parse(store.get(version.manifest)), store.get

    def _drafted(self, spec: EnvironmentSpec) -> str:
        builtins: dict[str, Any] = msgspec.to_builtins(spec)
        number = hex_of(content_digest(AssetKind.ENVIRONMENT, "", NO_FILES, builtins))
        self._drafts[number] = NewVersion(kind=AssetKind.ENVIRONMENT, anonymous=True, spec=builtins)
        return str(AssetReference(name=ANONYMOUS, version=number))
