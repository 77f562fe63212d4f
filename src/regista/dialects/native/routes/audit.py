"""What was done and read, and the feed of events."""

import time
from collections.abc import Sequence

import anyio
import anyio.to_thread
from litestar import get, put
from litestar.handlers import BaseRouteHandler

from regista.entities.access import Caller
from regista.entities.journal import AuditQuestion, AuditRecord, AuditSettings, EventPage
from regista.entities.page import Page, PageRequest
from regista.services.house import House

_LONGEST_WAIT = 30.0
_LOOK = 0.5


@get("/audit", sync_to_thread=True)
def list_audit(
    caller: Caller,
    house: House,
    page: PageRequest,
    path: str = "/",
    principal: str = "",
    action: str = "",
    outcome: str = "",
    since: int = 0,
    until: int = 0,
) -> Page[AuditRecord]:
    """Who did or read what, newest first, at ``path`` and below, as far as the caller may read the audit there.

    ``action`` is whole, or a beginning such as ``model.*``; ``since`` and ``until`` are milliseconds since 1970."""
    question = AuditQuestion(principal=principal, action=action, outcome=outcome, since=since, until=until)
    return house.audit.page(caller, question, page, path=path)


@get("/audit/settings", sync_to_thread=True)
def get_audit_settings(caller: Caller, house: House) -> AuditSettings:
    """Which reads are written down, and for how long they are kept."""
    return house.audit.settings(caller)


@put("/audit/settings", sync_to_thread=True)
def put_audit_settings(caller: Caller, house: House, data: AuditSettings) -> AuditSettings:
    """Write down other reads from now on, or keep them for another time."""
    return house.audit.configure(caller, data)


@get("/events")
async def list_events(caller: Caller, house: House, after: int = 0, limit: int = 100, wait: float = 0.0) -> EventPage:
    """Events after a sequence number, oldest first; where there is none yet, the answer waits up to ``wait`` seconds.

    A negative ``after`` counts from the newest event back.
    ``next`` is what to ask after the next time, also when there was nothing that the caller may see."""
    deadline = time.monotonic() + (min(wait, _LONGEST_WAIT) if wait > 0 else 0)  # NaN waits for nothing
    while True:
        found = await anyio.to_thread.run_sync(lambda after=after: house.audit.events(caller, after, limit))  # type: ignore[misc]
        left = deadline - time.monotonic()
        if found.items or left <= 0:
            return found
        after = found.next
        await anyio.sleep(min(_LOOK, left))  # here and not in a thread: many may be following


HANDLERS: Sequence[BaseRouteHandler] = (list_audit, get_audit_settings, put_audit_settings, list_events)
