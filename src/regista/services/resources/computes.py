"""Computes: named profiles of a workspace. See ``entities.compute`` for what they are, and what they are not."""

from typing import Literal

import msgspec

from regista.entities.access import Caller
from regista.entities.compute import Compute, ComputeState, ComputeType, without_secrets
from regista.entities.documents.compute import ComputeDocument
from regista.entities.names import check_name, check_tags, now
from regista.entities.scope import Scope, ScopeAddress
from regista.errors import ConflictError, InvalidError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.journal import note
from regista.services.resources.places import absent, readable, refuse_new, resource_path, sees, workspace, writable

_LONGEST = 200_000
_STATES = {"start": ComputeState.RUNNING, "stop": ComputeState.STOPPED, "restart": ComputeState.RUNNING}


class ComputeService:
    """Makes, finds, changes and deletes computes."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def create_or_update(
        self,
        caller: Caller,
        address: ScopeAddress,
        document: ComputeDocument,
        *,
        only: Literal["create"] | None = None,
    ) -> Compute:
        """Make the compute, or replace it. Its type stays what it is: raise ``ConflictError`` for another one.

        With *only* ``create`` a taken name is ``AlreadyExistsError``."""
        check_name("compute", document.name)
        check_tags(document.tags)
        spec = without_secrets(document.spec)
        if len(msgspec.json.encode(spec)) > _LONGEST or len(document.description) > _LONGEST:
            raise InvalidError(f"compute {document.name!r} says more than {_LONGEST:,} characters")

        def work(tx: Transaction) -> Compute:
            scope = writable(tx, caller, address, "compute", document.name)
            old = tx.computes.find(scope.id, document.name)
            others = () if old else tx.computes.of_scope(scope.id)
            refuse_new(scope, "compute", document.name, is_there=old is not None, others=others, only=only)
            if old is not None and old.type is not document.type:
                raise ConflictError(
                    f"compute {old.name!r} is of type {old.type}, and stays so",
                    hint="Delete it first, or choose another name.",
                )
            made = _made(caller, scope, document, old, spec)
            tx.computes.put(made)
            note(tx, caller, "compute.put", resource_path(scope, "compute", made.name), type=made.type)
            return made

        return self._catalog.write(work)

    def get(self, caller: Caller, address: ScopeAddress, name: str) -> Compute:
        """By name."""

        def work(tx: Transaction) -> Compute:
            return _find(tx, readable(tx, caller, address, "compute", name), name)

        return self._catalog.read(work)

    def list(self, caller: Caller, address: ScopeAddress) -> list[Compute]:
        """The computes that the caller may read, by name. There are at most a thousand."""

        def work(tx: Transaction) -> list[Compute]:
            scope = workspace(tx, caller, address, "compute")
            return [one for one in tx.computes.of_scope(scope.id) if sees(caller, scope, "compute", one.name)]

        return self._catalog.read(work)

    def delete(self, caller: Caller, address: ScopeAddress, name: str) -> None:
        """Remove it; quiet when absent. Jobs that name it go on."""

        def work(tx: Transaction) -> None:
            scope = writable(tx, caller, address, "compute", name)
            if tx.computes.find(scope.id, name) is not None:
                tx.computes.delete(scope.id, name)
                note(tx, caller, "compute.delete", resource_path(scope, "compute", name))

        self._catalog.write(work)

    def change_state(
        self, caller: Caller, address: ScopeAddress, name: str, verb: Literal["start", "stop", "restart"]
    ) -> Compute:
        """Write down that an instance was started, stopped or started again; raise ``ConflictError`` for what is none."""

        def work(tx: Transaction) -> Compute:
            scope = writable(tx, caller, address, "compute", name)
            found = _find(tx, scope, name)
            if found.type is not ComputeType.COMPUTE_INSTANCE:
                raise ConflictError(
                    f"compute {name!r} is of type {found.type}: it is neither started nor stopped",
                    hint="Only a computeinstance is.",
                )
            changed = msgspec.structs.replace(found, state=_STATES[verb], updated_at=now())
            tx.computes.put(changed)
            note(tx, caller, f"compute.{verb}", resource_path(scope, "compute", name))
            return changed

        return self._catalog.write(work)


def _find(tx: Transaction, scope: Scope, name: str) -> Compute:
    found = tx.computes.find(scope.id, name)
    if found is None:
        raise absent(scope, "compute", name)
    return found


def _made(
    caller: Caller, scope: Scope, document: ComputeDocument, old: Compute | None, spec: dict[str, object]
) -> Compute:
    at = now()
    said = {name: getattr(document, name) for name in document.__struct_fields__ if name not in {"spec", "ignored"}}
    return Compute(
        scope_id=scope.id,
        spec=spec,
        state=old.state if old else ComputeState.RUNNING if document.type is ComputeType.COMPUTE_INSTANCE else None,
        created_at=old.created_at if old else at,
        created_by=old.created_by if old else caller.principal.name,
        updated_at=at,
        **said,
    )
