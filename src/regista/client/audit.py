"""What was done and read, and the feed of events, from the client's side."""

from collections.abc import Iterator

from regista.client.paging import pages
from regista.client.transport import Transport
from regista.entities.journal import AuditRecord, AuditSettings, Event, EventPage
from regista.entities.page import Page

_AUDIT = "/api/v1/audit"
_WAIT = 25.0
"""Seconds that the server holds a question for events that are not there yet."""


class AuditClient:
    """Who did or read what."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def page(self, *, limit: int = 100, cursor: str | None = None, **question: str | int) -> Page[AuditRecord]:
        """One page, newest first, of what happened at ``path`` (``/``) and below it; narrowed by ``principal``, ``action``
        (``model.get``, ``model.*``), ``outcome``, and ``since`` and ``until`` in milliseconds since 1970."""
        query = _given(question) | {"limit": limit, "cursor": cursor}
        return self._transport.call("GET", _AUDIT, query=query, type=Page[AuditRecord])

    def list(self, **question: str | int) -> Iterator[AuditRecord]:
        """Every record that answers the question of ``page``, newest first."""
        return pages(self._transport, _AUDIT, Page[AuditRecord], _given(question))

    def settings(self) -> AuditSettings:
        """Which reads are written down, and for how long they are kept."""
        return self._transport.call("GET", f"{_AUDIT}/settings", type=AuditSettings)

    def configure(self, settings: AuditSettings) -> AuditSettings:
        """Let other settings hold."""
        return self._transport.call("PUT", f"{_AUDIT}/settings", body=settings, type=AuditSettings)


class EventClient:
    """What changed, in the order in which it did."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def page(self, after: int = 0, *, limit: int = 100, wait: float = 0.0) -> EventPage:
        """Events after a sequence number (negative: counted from the newest back), oldest first; waits up to *wait* seconds
        where there is none yet."""
        query = {"after": after, "limit": limit, "wait": wait}
        return self._transport.call("GET", "/api/v1/events", query=query, type=EventPage)

    def list(self, after: int = 0) -> Iterator[Event]:
        """Every event until now."""
        while True:
            page = self.page(after, limit=1000)
            yield from page.items
            if page.next == after:
                return
            after = page.next

    def follow(self, after: int = 0) -> Iterator[Event]:
        """Every event, and each new one as it comes, without an end."""
        while True:
            page = self.page(after, limit=1000, wait=_WAIT)
            yield from page.items
            after = page.next


def _given(question: dict[str, str | int]) -> dict[str, str | int | None]:
    return {name: value for name, value in question.items() if value}
