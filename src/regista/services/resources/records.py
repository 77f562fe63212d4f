"""What computes and connections have in common: being found, listed and deleted by name, by who may."""

from typing import Generic, Protocol, TypeVar

from regista.entities.access import Caller
from regista.entities.scope import Scope, ScopeAddress
from regista.interfaces.catalog import Catalog, Transaction
from regista.interfaces.catalog.resources import RecordRepository
from regista.services.journal import note
from regista.services.resources.places import Noun, absent, readable, resource_path, sees, workspace, writable


class Record(Protocol):
    """What is kept by name."""

    @property
    def name(self) -> str:
        """Unique among its kind in a workspace."""


R = TypeVar("R", bound=Record)


class RecordService(Generic[R]):
    """Finds, lists and deletes records of one *noun*. A subclass says how they are made."""

    noun: Noun

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def get(self, caller: Caller, address: ScopeAddress, name: str) -> R:
        """By name."""
        return self._catalog.read(lambda tx: self._find(tx, readable(tx, caller, address, self.noun, name), name))

    def list(self, caller: Caller, address: ScopeAddress) -> list[R]:
        """Those that the caller may read, by name. There are at most a thousand."""

        def work(tx: Transaction) -> list[R]:
            scope = workspace(tx, caller, address, self.noun)
            return [one for one in self._rows(tx).of_scope(scope.id) if sees(caller, scope, self.noun, one.name)]

        return self._catalog.read(work)

    def delete(self, caller: Caller, address: ScopeAddress, name: str) -> None:
        """Remove it, with its secret where it has one; quiet when absent. What names it goes on."""

        def work(tx: Transaction) -> None:
            scope = writable(tx, caller, address, self.noun, name)
            if self._rows(tx).find(scope.id, name) is not None:
                self._rows(tx).delete(scope.id, name)
                note(tx, caller, f"{self.noun}.delete", resource_path(scope, self.noun, name))

        self._catalog.write(work)

    def _rows(self, tx: Transaction) -> RecordRepository[R]:
        """Where they are kept."""
        raise NotImplementedError

    def _find(self, tx: Transaction, scope: Scope, name: str) -> R:
        found = self._rows(tx).find(scope.id, name)
        if found is None:
            raise absent(scope, self.noun, name)
        return found
