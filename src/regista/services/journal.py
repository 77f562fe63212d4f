"""Writing down what happens: one call notes the audit record and the event in the transaction of the change."""

from collections.abc import Mapping
from typing import Any

from regista.entities.access import Caller
from regista.entities.journal import AuditRecord, Event
from regista.entities.names import new_id, now
from regista.interfaces.catalog import Transaction


def note(
    tx: Transaction, caller: Caller, action: str, path: str, *, told: Mapping[str, Any] | None = None, **details: Any
) -> None:
    """Record that *caller* did *action* (``NOUN.VERB``) to *path*, and tell whoever listens to events; of *told* the event
    alone. No secrets in either."""
    at = now()
    tx.journal.add(
        AuditRecord(
            id=new_id(),
            at=at,
            principal=caller.principal.name,
            action=action,
            path=path,
            address=caller.address,
            request_id=caller.request_id,
            details=details,
        )
    )
    tx.journal.emit(Event(id=new_id(), at=at, type=action, path=path, data={**details, **(told or {})}))
