"""Webhooks, from the client's side."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from regista.client.paging import pages
from regista.entities.page import Page
from regista.entities.webhook import DeliveryView, Sent, WebhookView

if TYPE_CHECKING:
    from regista.client.session import Regista


class WebhookClient:
    """Webhooks of the client's scope, by id or by a name that only one has."""

    def __init__(self, session: "Regista") -> None:
        self._session = session

    def create(self, name: str, url: str, events: tuple[str, ...], **fields: Any) -> WebhookView:
        """Make one; *fields* are ``description``, ``secret`` and ``state``."""
        body = {"name": name, "url": url, "events": events} | _given(fields)
        return self._session.transport.call("POST", self._base, body=body, type=WebhookView)

    def list(self) -> list[WebhookView]:
        """All of them."""
        return self._session.transport.call("GET", self._base, type=list[WebhookView])

    def get(self, name: str) -> WebhookView:
        """One."""
        return self._session.transport.call("GET", self._place(name), type=WebhookView)

    def update(self, which: str, /, **fields: Any) -> WebhookView:
        """Change what is given and not None; a ``name`` among it is the new one."""
        return self._session.transport.call("PATCH", self._place(which), body=_given(fields), type=WebhookView)

    def delete(self, name: str) -> None:
        """Remove it."""
        self._session.transport.call("DELETE", self._place(name))

    def test(self, name: str, event: str = "") -> Sent:
        """Have an example sent now; what came of it."""
        return self._session.transport.call("POST", self._place(name, "test"), body={"event": event}, type=Sent)

    def deliveries(self, name: str, *, state: str = "") -> Iterator[DeliveryView]:
        """The log, newest first."""
        query = {"delivery_state": state} if state else {}
        return pages(self._session.transport, self._place(name, "deliveries"), Page[DeliveryView], query)

    @property
    def _base(self) -> str:
        return f"/api/v1/{self._session.scope_path}/webhooks"

    def _place(self, name: str, verb: str = "") -> str:
        return f"{self._base}/{quote(name, safe='')}" + (f"/{verb}" if verb else "")


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}
