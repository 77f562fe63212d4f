"""Which store holds a scope's bytes: regions are bound to stores, scopes stand in regions."""

import threading
from collections.abc import Callable, Iterator

from regista.entities.access import Caller, Permission
from regista.entities.names import check_name, now
from regista.entities.page import MAX_PAGE, PageRequest
from regista.entities.scope import Scope, Store
from regista.errors import ConflictError, ForbiddenError, NotFoundError
from regista.interfaces.blobs import BlobStore
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.journal import note

DEFAULT = "default"
"""The store of every region that is bound to no other: on a laptop that is all of them."""


class StoreService:
    """Opens stores once and finds the one for a scope."""

    def __init__(self, catalog: Catalog, open_store: Callable[[str], BlobStore], default_url: str) -> None:
        self._catalog = catalog
        self._open_store = open_store
        self._default = Store(name=DEFAULT, url=default_url)
        self._opened: dict[str, BlobStore] = {}
        self._lock = threading.Lock()

    def of(self, tx: Transaction, scope: Scope) -> tuple[str, BlobStore]:
        """The name of the store of the scope's (primary) region, and the store."""
        stores = tx.scopes.stores()
        bound = (store for store in stores if scope.location in store.regions)
        store = next(bound, None) or next((store for store in stores if store.name == DEFAULT), self._default)
        return store.name, self._opened_at(store.url)

    def for_scope(self, scope: Scope) -> tuple[str, BlobStore]:
        """The same outside a transaction."""
        return self._catalog.read(lambda tx: self.of(tx, scope))

    def all(self) -> dict[str, BlobStore]:
        """Every store by name, for garbage collection and for checks."""
        stores = {store.name: store for store in (self._default, *self._catalog.read(lambda tx: tx.scopes.stores()))}
        return {name: self._opened_at(store.url) for name, store in stores.items()}

    def page(self, caller: Caller) -> tuple[Store, ...]:
        """All stores with their regions."""
        self._require(caller)
        stores = self._catalog.read(lambda tx: tx.scopes.stores())
        return tuple(stores) if any(store.name == DEFAULT for store in stores) else (self._default, *stores)

    def put(self, caller: Caller, store: Store) -> Store:
        """Add a store, or bind other regions to one. A store's URL never changes, nor the store of a region in which a scope
        stands (``ConflictError``): bytes are there."""
        self._require(caller)
        check_name("store", store.name)
        for region in store.regions:
            check_name("region", region)
        self._opened_at(store.url)  # a store that cannot be opened is refused before anything is noted

        def work(tx: Transaction) -> Store:
            old = self._find(tx, store.name) or (self._default if store.name == DEFAULT else None)
            kept = Store(
                name=store.name,
                url=old.url if old else store.url,
                regions=store.regions,
                created_at=old.created_at if old else now(),
            )
            before = {scope.id: self.of(tx, scope)[0] for scope in _scopes(tx)}
            tx.scopes.put_store(kept)
            for scope in _scopes(tx):
                if self.of(tx, scope)[0] != before[scope.id]:
                    raise ConflictError(
                        f"the bytes of {scope.kind} {scope.name!r} in region {scope.location!r} are in store {before[scope.id]!r}",
                        hint="Bind a region before the first scope is made in it.",
                    )
            note(tx, caller, "store.put", f"/stores/{store.name}", regions=list(store.regions))
            return kept

        return self._catalog.write(work)

    def get(self, name: str) -> BlobStore:
        """A store by name; raise ``NotFoundError``."""
        found = self.all().get(name)
        if found is None:
            raise NotFoundError(f"there is no store {name!r}", hint="See: regista store list")
        return found

    @staticmethod
    def _require(caller: Caller) -> None:
        if not caller.allows(Permission.INSTALLATION_WRITE, "/"):
            raise ForbiddenError("stores are for owners of the installation", hint="Ask an owner of '/'.")

    @staticmethod
    def _find(tx: Transaction, name: str) -> Store | None:
        return next((store for store in tx.scopes.stores() if store.name == name), None)

    def _opened_at(self, url: str) -> BlobStore:
        with self._lock:
            if url not in self._opened:
                self._opened[url] = self._open_store(url)
            return self._opened[url]


def _scopes(tx: Transaction) -> Iterator[Scope]:
    cursor: str | None = None
    while True:
        page = tx.scopes.page(None, PageRequest(MAX_PAGE, cursor))
        yield from page.items
        if (cursor := page.next) is None:
            return
