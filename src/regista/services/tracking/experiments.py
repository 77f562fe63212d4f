"""Experiments: how the runs of a workspace are grouped. Deleting one hides its runs, restoring it brings them back."""

from collections.abc import Callable, Sequence

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.names import check_tags, now
from regista.entities.page import Page, PageRequest
from regista.entities.run import Experiment
from regista.entities.scope import Scope, ScopeAddress
from regista.entities.search import Clause, Order
from regista.errors import InvalidError, NotFoundError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.access.access import require
from regista.services.journal import note
from regista.services.scopes.scopes import resolve_scope

MAX_NAME = 500


class ExperimentService:
    """Makes, finds, changes and deletes experiments."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def create(
        self, caller: Caller, address: ScopeAddress, name: str, tags: dict[str, str] | None = None
    ) -> Experiment:
        """Make one under the next number; raise ``AlreadyExistsError`` when the name is taken, also by a deleted one."""
        check_experiment_name(name)
        checked = check_tags(tags or {})

        def work(tx: Transaction) -> Experiment:
            scope = _place(tx, caller, address, Permission.JOBS_WRITE)
            made = tx.experiments.add(scope.id, name, checked, now())
            note(tx, caller, "experiment.create", _path(scope, made.number), name=name)
            return made

        return self._catalog.write(work)

    def get(self, caller: Caller, address: ScopeAddress, number: int) -> Experiment:
        """By number, deleted ones too."""
        return self._catalog.read(
            lambda tx: tx.experiments.get(_place(tx, caller, address, Permission.JOBS_READ).id, number)
        )

    def get_by_name(self, caller: Caller, address: ScopeAddress, name: str) -> Experiment:
        """By name, deleted ones too; raise ``NotFoundError``."""

        def work(tx: Transaction) -> Experiment:
            found = tx.experiments.find(_place(tx, caller, address, Permission.JOBS_READ).id, name)
            if found is None:
                raise NotFoundError(f"there is no experiment {name[:100]!r} in {address}")
            return found

        return self._catalog.read(work)

    def search(
        self,
        caller: Caller,
        address: ScopeAddress,
        clauses: Sequence[Clause],
        order: Sequence[Order],
        request: PageRequest,
        *,
        deleted: bool | None = False,
    ) -> Page[Experiment]:
        """Those that fulfil all clauses; *deleted* None means both."""

        def work(tx: Transaction) -> Page[Experiment]:
            scope = _place(tx, caller, address, Permission.JOBS_READ)
            return tx.experiments.search(scope.id, clauses, order, request, deleted=deleted)

        return self._catalog.read(work)

    def rename(self, caller: Caller, address: ScopeAddress, number: int, name: str) -> Experiment:
        """Give it another name; raise ``InvalidError`` for a deleted one."""
        check_experiment_name(name)

        def change(experiment: Experiment) -> Experiment:
            if experiment.deleted:
                raise InvalidError(f"experiment {number} is deleted", hint="Restore it first.")
            return msgspec.structs.replace(experiment, name=name)

        return self._change(caller, address, number, "rename", change)

    def delete(self, caller: Caller, address: ScopeAddress, number: int) -> Experiment:
        """Hide it with its runs; a deleted one stays as it is."""
        return self._change(
            caller, address, number, "delete", lambda found: msgspec.structs.replace(found, deleted=True)
        )

    def restore(self, caller: Caller, address: ScopeAddress, number: int) -> Experiment:
        """Bring it back with its runs."""
        return self._change(
            caller, address, number, "restore", lambda found: msgspec.structs.replace(found, deleted=False)
        )

    def set_tag(self, caller: Caller, address: ScopeAddress, number: int, key: str, value: str) -> Experiment:
        """Set or replace a tag."""
        tag = check_tags({key: value})
        return self._change(
            caller, address, number, "tag", lambda found: msgspec.structs.replace(found, tags=found.tags | tag)
        )

    def delete_tag(self, caller: Caller, address: ScopeAddress, number: int, key: str) -> Experiment:
        """Remove a tag; raise ``NotFoundError`` when there is none of the key."""

        def change(found: Experiment) -> Experiment:
            if key not in found.tags:
                raise NotFoundError(f"experiment {number} has no tag {key[:100]!r}")
            return msgspec.structs.replace(found, tags={k: v for k, v in found.tags.items() if k != key})

        return self._change(caller, address, number, "tag", change)

    def _change(
        self,
        caller: Caller,
        address: ScopeAddress,
        number: int,
        verb: str,
        change: Callable[[Experiment], Experiment],
    ) -> Experiment:
        def work(tx: Transaction) -> Experiment:
            scope = _place(tx, caller, address, Permission.JOBS_WRITE)
            changed = msgspec.structs.replace(change(tx.experiments.get(scope.id, number)), updated_at=now())
            tx.experiments.put(changed)
            note(tx, caller, f"experiment.{verb}", _path(scope, number), name=changed.name)
            return changed

        return self._catalog.write(work)


def check_experiment_name(name: str) -> str:
    """Return *name* when it may name an experiment: anything of 1 to 500 characters, as in MLflow."""
    if not name or len(name) > MAX_NAME:
        raise InvalidError(
            f"an experiment cannot be called {name[:50]!r}", hint=f"A name has 1 to {MAX_NAME} characters."
        )
    return name


def _place(tx: Transaction, caller: Caller, address: ScopeAddress, permission: Permission) -> Scope:
    scope = resolve_scope(tx, caller, address)
    require(caller, permission, scope.path, read=Permission.JOBS_READ, what=f"experiment for you in {address}")
    return scope


def _path(scope: Scope, number: int) -> str:
    return f"{scope.path}/experiments/{number}"
