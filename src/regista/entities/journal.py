"""What happened: the audit record of who did or read what, and the event that tells others."""

from enum import StrEnum
from typing import Any

import msgspec


class Reads(StrEnum):
    """Which reads are written down. Whatever was refused is, unless it is ``off``."""

    ALL = "all"
    SENSITIVE = "sensitive"
    """Bytes, logs and keys alone: not names, lists and metrics."""
    OFF = "off"


class AuditSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``retention_days`` is how long reads are kept (0: for ever); records of changes are kept for ever."""

    reads: Reads = Reads.ALL
    retention_days: int = 90


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One act. ``action`` is ``NOUN.VERB`` (``model.create``), ``path`` the thing acted upon; ``outcome``
    is ``done`` or an error code.

    What the same principal did again and again within a minute, from the same address and with the same outcome, may be
    one record with a ``count``: then ``at`` is the first time and ``until`` the last. ``read`` says that nothing changed."""

    id: str
    at: int
    principal: str
    action: str
    path: str
    outcome: str = "done"
    address: str = ""
    request_id: str = ""
    details: dict[str, Any] = {}
    read: bool = False
    count: int = 1
    until: int = 0


class AuditQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Which records to look for: all that is given must hold, what is empty does not matter.

    ``places`` are paths, each with the time from which on its records count; a record at one of them or below it is
    meant. ``action`` is whole, or a beginning followed by ``*`` (``model.*``)."""

    places: tuple[tuple[str, int], ...] = ()
    principal: str = ""
    action: str = ""
    outcome: str = ""
    since: int = 0
    until: int = 0


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the outbox: written with the change that it tells of, read in order by ``sequence``."""

    id: str
    at: int
    type: str
    path: str
    data: dict[str, Any] = {}
    sequence: int = 0


class EventPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some events, and the sequence number to go on after. There may be none of them and more to come."""

    items: tuple[Event, ...] = ()
    next: int = 0
