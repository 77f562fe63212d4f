"""A whole house for a test: real services over the catalog in memory and stores in a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from regista.bootstrap.house import build_house
from regista.bootstrap.settings import Settings
from regista.entities.access import Caller, Permission, Principal, PrincipalKind
from regista.entities.asset import AssetKind, AssetVersion
from regista.entities.digest import digest_of
from regista.entities.manifest import Manifest, ManifestEntry
from regista.entities.scope import Scope, ScopeAddress, ScopeKind, Store
from regista.services.access.access import SYSTEM
from regista.services.assets.versions import NewVersion
from regista.services.house import House
from regista.services.scopes.scopes import NewScope


@contextmanager
def open_house(folder: Path, catalog: str = "sqlite://") -> Iterator[House]:
    """The services of an installation whose home is *folder*."""
    settings = Settings(home=folder, catalog=catalog, store=f"file://{folder / 'stores' / 'default'}")
    house = build_house(settings)
    try:
        yield house
    finally:
        house.audit_book.close()
        house.catalog.close()


class People:
    """Scopes and callers of one house, by short names."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.root = SYSTEM

    def workspace(self, name: str, location: str = "local") -> Scope:
        """Make a workspace."""
        return self._scope(ScopeKind.WORKSPACE, name, location)

    def registry(self, name: str, location: str = "local") -> Scope:
        """Make a registry."""
        return self._scope(ScopeKind.REGISTRY, name, location)

    def _scope(self, kind: ScopeKind, name: str, location: str) -> Scope:
        return self.house.scopes.create(SYSTEM, NewScope(kind=kind, name=name, location=location))

    def store(self, name: str, folder: Path, *regions: str) -> Store:
        """Bind regions to a store of their own."""
        return self.house.stores.put(SYSTEM, Store(name=name, url=f"file://{folder}", regions=regions))

    def somebody(self, name: str, **roles: str) -> Caller:
        """A principal with roles: path (``__`` for ``/`` at the beginning is not needed) by role name in snake case."""
        self.house.principals.create(SYSTEM, name, PrincipalKind.USER)
        for role, path in roles.items():
            self.house.principals.assign(SYSTEM, name, role.replace("_", " ").title(), path)
        secret = self.house.principals.create_key(SYSTEM, name, "test").secret
        return self.house.access.authenticate(secret)

    def version(
        self,
        scope: Scope,
        kind: AssetKind = AssetKind.MODEL,
        caller: Caller = SYSTEM,
        *,
        files: dict[str, bytes] | None = None,
        **fields: object,
    ) -> AssetVersion:
        """Send files and make a version of them."""
        contents = files if files is not None else {"weights.bin": b"weights"}
        blobs = [(digest_of(content), content) for content in contents.values()]
        self.house.contents.put(caller, scope.address, blobs)
        manifest = manifest_of(contents)
        return self.house.registration.create(caller, scope.address, NewVersion(kind=kind, manifest=manifest, **fields))  # type: ignore[arg-type]


def manifest_of(files: dict[str, bytes]) -> Manifest:
    """The manifest of contents by path."""
    return Manifest.of(ManifestEntry(path, digest_of(content), len(content)) for path, content in files.items())


def address(scope: Scope) -> ScopeAddress:
    """How a caller names it."""
    return scope.address


NOBODY = Caller(principal=Principal(id="nobody", kind=PrincipalKind.USER, name="nobody"))
EVERYTHING = tuple(Permission)
