"""Webhooks of workspaces and registries, by id or by a name that only one has, and the log of what they were sent."""

from collections.abc import Sequence

import msgspec
from litestar import delete, get, patch, post
from litestar.handlers import BaseRouteHandler

from regista.entities.access import Caller
from regista.entities.page import Page, PageRequest
from regista.entities.scope import ScopeAddress
from regista.entities.webhook import DeliveryState, DeliveryView, Sent, WebhookView
from regista.services.house import House
from regista.services.webhooks.webhooks import WebhookChange


class WebhookTest(msgspec.Struct, forbid_unknown_fields=True):
    """Which event is to be tried; none: the first that the webhook asks for."""

    event: str = ""


@get("/webhooks", sync_to_thread=True)
def list_webhooks(caller: Caller, house: House, address: ScopeAddress) -> list[WebhookView]:
    """All of the scope, the first made first."""
    return [WebhookView.of(one) for one in house.webhooks.list(caller, address)]


@post("/webhooks", sync_to_thread=True)
def create_webhook(caller: Caller, house: House, address: ScopeAddress, data: WebhookChange) -> WebhookView:
    """Make one, which is told of what happens from now on."""
    return WebhookView.of(house.webhooks.create(caller, address, data))


@get("/webhooks/{name:str}", sync_to_thread=True)
def get_webhook(caller: Caller, house: House, address: ScopeAddress, name: str) -> WebhookView:
    """One webhook."""
    return WebhookView.of(house.webhooks.get(caller, address, name))


@patch("/webhooks/{name:str}", sync_to_thread=True)
def update_webhook(caller: Caller, house: House, address: ScopeAddress, name: str, data: WebhookChange) -> WebhookView:
    """Change what is given; an empty secret takes the signature away."""
    return WebhookView.of(house.webhooks.update(caller, address, name, data))


@delete("/webhooks/{name:str}", sync_to_thread=True)
def delete_webhook(caller: Caller, house: House, address: ScopeAddress, name: str) -> None:
    """Remove it with its log and what was not sent yet."""
    house.webhooks.delete(caller, address, name)


@post("/webhooks/{name:str}/test", sync_to_thread=True, status_code=200)
def test_webhook(caller: Caller, house: House, address: ScopeAddress, name: str, data: WebhookTest) -> Sent:
    """Send an example now, once, and tell what came of it."""
    return house.webhooks.test(caller, address, name, data.event)


@get("/webhooks/{name:str}/deliveries", sync_to_thread=True)
def list_deliveries(
    caller: Caller,
    house: House,
    address: ScopeAddress,
    name: str,
    page: PageRequest,
    delivery_state: DeliveryState | None = None,
) -> Page[DeliveryView]:
    """What was sent, is to be sent and could not be, newest first; narrowed by ``?delivery_state=``."""
    found = house.webhooks.deliveries(caller, address, name, page, delivery_state)
    return Page(tuple(DeliveryView.of(one) for one in found.items), found.next)


HANDLERS: Sequence[BaseRouteHandler] = (
    list_webhooks,
    create_webhook,
    get_webhook,
    update_webhook,
    delete_webhook,
    test_webhook,
    list_deliveries,
)
