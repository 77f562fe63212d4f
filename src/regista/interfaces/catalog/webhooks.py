"""Where webhooks and the messages to them are kept."""

from typing import Protocol

from regista.entities.page import Page, PageRequest
from regista.entities.webhook import Delivery, DeliveryState, Webhook


class WebhookRepository(Protocol):
    """Webhooks by their ids, and their deliveries."""

    def find(self, webhook_id: str) -> Webhook | None:
        """By id."""

    def put(self, webhook: Webhook) -> None:
        """Add or replace."""

    def of_scope(self, scope_id: str) -> list[Webhook]:
        """All of a scope, the first made first."""

    def living(self) -> list[Webhook]:
        """Those of all living scopes."""

    def delete(self, webhook_id: str) -> None:
        """Remove it with its deliveries; quiet when absent."""

    def add_delivery(self, delivery: Delivery) -> None:
        """Add a message; one that is there already, by its id, is left as it is."""

    def put_delivery(self, delivery: Delivery) -> None:
        """Replace a message; quiet when it is gone."""

    def due(self, at: int) -> list[str]:
        """The ids of the webhooks that have messages waiting whose time has come."""

    def next_due(self, webhook_id: str, at: int) -> Delivery | None:
        """The oldest message to the webhook that waits and whose time has come."""

    def deliveries(self, webhook_id: str, request: PageRequest, state: DeliveryState | None = None) -> Page[Delivery]:
        """Messages to the webhook, newest first."""

    def forget_deliveries(self, before: int, limit: int) -> int:
        """Remove up to *limit* messages that ended before that time; return how many there were."""
