"""What happened: the audit record of who did what, and the event that tells others."""

from typing import Any

import msgspec


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One act. ``action`` is ``NOUN.VERB`` (``model.create``), ``path`` the thing acted upon; ``outcome``
    is ``done`` or an error code."""

    id: str
    at: int
    principal: str
    action: str
    path: str
    outcome: str = "done"
    address: str = ""
    request_id: str = ""
    details: dict[str, Any] = {}


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the outbox: written with the change that it tells of, read in order by ``sequence``."""

    id: str
    at: int
    type: str
    path: str
    data: dict[str, Any] = {}
    sequence: int = 0
