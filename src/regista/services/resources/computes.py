"""Computes: named profiles of a workspace. See ``entities.compute`` for what they are, and what they are not."""

from typing import Literal

import msgspec

from regista.entities.access import Caller
from regista.entities.compute import Compute, ComputeFields, ComputeState, ComputeType, without_secrets
from regista.entities.documents.compute import ComputeDocument
from regista.entities.names import check_name, check_tags, now
from regista.entities.scope import Scope, ScopeAddress
from regista.errors import ConflictError, InvalidError
from regista.interfaces.catalog import Transaction
from regista.interfaces.catalog.resources import ComputeRepository
from regista.services.journal import note
from regista.services.resources.places import refuse_new, resource_path, writable
from regista.services.resources.records import RecordService

_LONGEST = 200_000
_STATES = {"start": ComputeState.RUNNING, "stop": ComputeState.STOPPED, "restart": ComputeState.RUNNING}


class ComputeService(RecordService[Compute]):
    """Makes, finds, changes and deletes computes."""

    noun = "compute"

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

    def change_state(
        self, caller: Caller, address: ScopeAddress, name: str, verb: Literal["start", "stop", "restart"]
    ) -> Compute:
        """Write down that an instance was started, stopped or started again; raise ``ConflictError`` for what is none."""

        def work(tx: Transaction) -> Compute:
            scope = writable(tx, caller, address, "compute", name)
            found = self._find(tx, scope, name)
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

    def _rows(self, tx: Transaction) -> ComputeRepository:
        return tx.computes


def _made(
    caller: Caller, scope: Scope, document: ComputeDocument, old: Compute | None, spec: dict[str, object]
) -> Compute:
    at = now()
    said = {name: getattr(document, name) for name in ComputeFields.__struct_fields__ if name != "spec"}
    return Compute(
        scope_id=scope.id,
        spec=spec,
        state=old.state if old else ComputeState.RUNNING if document.type is ComputeType.COMPUTE_INSTANCE else None,
        created_at=old.created_at if old else at,
        created_by=old.created_by if old else caller.principal.name,
        updated_at=at,
        **said,
    )
