"""Webhooks and the messages to them."""

from sqlalchemy import select

from regista.drivers.catalog.sql import tables
from regista.drivers.catalog.sql.bodies import decoder, encoded
from regista.drivers.catalog.sql.paging import page_of
from regista.drivers.catalog.sql.session import Session, Statement, insert, upsert
from regista.entities.page import Page, PageRequest
from regista.entities.webhook import Delivery, DeliveryState, Webhook

_webhook = decoder(Webhook)
_delivery = decoder(Delivery)

_PUT = upsert(tables.webhooks, "id")
_FIND = Statement("SELECT body FROM webhooks WHERE id = :id")
_OF_SCOPE = Statement("SELECT body FROM webhooks WHERE scope_id = :scope ORDER BY seq")
_LIVING = Statement(
    "SELECT body FROM webhooks WHERE scope_id NOT IN (SELECT id FROM scopes WHERE deleted_at IS NOT NULL) ORDER BY seq"
)
_DELETE = Statement("DELETE FROM webhooks WHERE id = :id")
_DELETE_MESSAGES = Statement("DELETE FROM webhook_deliveries WHERE webhook_id = :id")

_ADD = insert(tables.webhook_deliveries)
_CHANGE = Statement(
    "UPDATE webhook_deliveries SET state = :state, next_at = :next_at, ended_at = :ended_at, body = :body WHERE id = :id"
)
_DUE = Statement("SELECT DISTINCT webhook_id FROM webhook_deliveries WHERE state = 'waiting' AND next_at <= :at")
_NEXT = Statement(
    "SELECT body FROM webhook_deliveries WHERE webhook_id = :id AND state = 'waiting' AND next_at <= :at"
    " ORDER BY seq LIMIT 1"
)
_FORGET = Statement(
    "DELETE FROM webhook_deliveries WHERE seq IN (SELECT seq FROM webhook_deliveries"
    " WHERE state <> 'waiting' AND ended_at < :before ORDER BY ended_at LIMIT :limit)"
)


class WebhookRows:
    """Rows of ``webhooks`` and ``webhook_deliveries``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, webhook_id: str) -> Webhook | None:
        row = self._session.first(_FIND, id=webhook_id)
        return _webhook(row[0]) if row else None

    def put(self, webhook: Webhook) -> None:
        self._session.run(_PUT, id=webhook.id, scope_id=webhook.scope_id, body=encoded(webhook))

    def of_scope(self, scope_id: str) -> list[Webhook]:
        return [_webhook(body) for (body,) in self._session.all(_OF_SCOPE, scope=scope_id)]

    def living(self) -> list[Webhook]:
        return [_webhook(body) for (body,) in self._session.all(_LIVING)]

    def delete(self, webhook_id: str) -> None:
        self._session.run(_DELETE, id=webhook_id)
        self._session.run(_DELETE_MESSAGES, id=webhook_id)

    def add_delivery(self, delivery: Delivery) -> None:
        self._session.run(_ADD, id=delivery.id, webhook_id=delivery.webhook_id, **_columns(delivery))

    def put_delivery(self, delivery: Delivery) -> None:
        self._session.run(_CHANGE, id=delivery.id, **_columns(delivery))

    def due(self, at: int) -> list[str]:
        return [webhook for (webhook,) in self._session.all(_DUE, at=at)]

    def next_due(self, webhook_id: str, at: int) -> Delivery | None:
        row = self._session.first(_NEXT, id=webhook_id, at=at)
        return _delivery(row[0]) if row else None

    def deliveries(self, webhook_id: str, request: PageRequest, state: DeliveryState | None = None) -> Page[Delivery]:
        column = tables.webhook_deliveries.c
        query = select(column.body).where(column.webhook_id == webhook_id)
        if state is not None:
            query = query.where(column.state == state)
        return page_of(self._session, query, request, "webhook_deliveries", (column.seq,), _delivery, kinds=(int,))

    def forget_deliveries(self, before: int, limit: int) -> int:
        return self._session.run(_FORGET, before=before, limit=limit)


def _columns(delivery: Delivery) -> dict[str, str | int]:
    return {
        "state": delivery.state,
        "next_at": delivery.next_at,
        "ended_at": delivery.ended_at,
        "body": encoded(delivery),
    }
