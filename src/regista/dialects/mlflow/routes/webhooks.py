"""Webhooks, by ids. Those that ask for events which MLflow has no name for are shown without these."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from regista.dialects.mlflow import wire_webhooks as wire
from regista.dialects.mlflow.call import Call, Route
from regista.dialects.mlflow.errors import missing, wrong_value
from regista.dialects.mlflow.limits import check_results
from regista.dialects.mlflow.offsets import page_by_offset
from regista.dialects.mlflow.render import Json
from regista.dialects.mlflow.routes.registered_models import BOTH
from regista.dialects.mlflow.webhook_events import MlflowTeller
from regista.dialects.mlflow.wire import Nothing
from regista.entities.webhook import Webhook, WebhookState
from regista.errors import InvalidError
from regista.services.webhooks.webhooks import WebhookChange

_MOST = 1000
_known = MlflowTeller().knows


def create(call: Call, asked: wire.CreateWebhook) -> Json:
    """Make one."""
    if not asked.events:
        raise missing("events")
    new = WebhookChange(
        name=asked.name,
        url=_address(asked.url),
        events=_names(asked.events),
        description=asked.description,
        secret=asked.secret,
        state=_state(asked.status) if asked.status else None,
    )
    return {"webhook": _said(call.house.webhooks.create(call.caller, call.address, new))}


def listing(call: Call, asked: wire.ListWebhooks) -> Json:
    """All of the scope."""
    limit = check_results(asked.max_results, _MOST)
    page, token = page_by_offset(call.house.webhooks.list(call.caller, call.address), limit, asked.page_token)
    return {"webhooks": [_said(one) for one in page]} | ({"next_page_token": token} if token else {})


def get(call: Call, _: Nothing) -> Json:
    """One."""
    return {"webhook": _said(call.house.webhooks.get(call.caller, call.address, call.rest[0]))}


def update(call: Call, asked: wire.UpdateWebhook) -> Json:
    """Change what is given."""
    change = WebhookChange(
        name=asked.name or None,
        url=_address(asked.url) if asked.url else None,
        events=_names(asked.events) or None,
        description=asked.description,
        secret=asked.secret,
        state=_state(asked.status) if asked.status else None,
    )
    return {"webhook": _said(call.house.webhooks.update(call.caller, call.address, call.rest[0], change))}


def delete(call: Call, _: Nothing) -> None:
    """Remove it; here it has to be there."""
    found = call.house.webhooks.get(call.caller, call.address, call.rest[0])
    call.house.webhooks.delete(call.caller, call.address, found.id)


def test(call: Call, asked: wire.TestWebhook) -> Json:
    """Send an example."""
    name = _names([asked.event])[0] if asked.event else ""
    sent = call.house.webhooks.test(call.caller, call.address, call.rest[0], name)
    found: Json = {"success": sent.status != 0 and sent.status < 400}
    if sent.status:
        found |= {"response_status": sent.status, "response_body": sent.body}
    return {"result": found | ({"error_message": f"Failed to test webhook: {sent.error}"} if sent.error else {})}


def _address(url: str) -> str:
    """*url*; raise ``InvalidError`` in the protocol's words for what cannot be one at all."""
    if not url.strip():
        raise InvalidError(f"Webhook URL cannot be empty or just whitespace: {url[:100]!r}")
    try:
        scheme = urlsplit(url).scheme
    except ValueError as wrong:
        raise InvalidError(f"Invalid webhook URL {url[:100]!r}: {wrong}") from wrong
    if scheme != "https":
        raise InvalidError(f"Invalid webhook URL scheme: {scheme[:20]!r}. Allowed schemes are: https.")
    return url


def _names(events: Sequence[wire.EventName]) -> tuple[str, ...]:
    names = [f"{event.entity.lower()}.{event.action.lower()}" for event in events]
    for name in names:
        if not _known(name):
            raise wrong_value("events", name, "there is no such event.")
    return tuple(dict.fromkeys(names))


def _state(text: str) -> WebhookState:
    try:
        return WebhookState(text)
    except ValueError as unknown:
        raise wrong_value("status", text, "it is ACTIVE or DISABLED.") from unknown


def _said(webhook: Webhook) -> Json:
    pairs = [name.upper().split(".") for name in webhook.events if _known(name)]
    return {
        "webhook_id": webhook.id,
        "name": webhook.name,
        "url": webhook.url,
        "events": [{"entity": entity, "action": action} for entity, action in pairs],
        "status": str(webhook.state),
        "creation_timestamp": webhook.created_at,
        "last_updated_timestamp": webhook.updated_at,
    } | ({"description": webhook.description} if webhook.description else {})


ROUTES = {
    ("POST", "webhooks"): Route(create, wire.CreateWebhook, BOTH),
    ("GET", "webhooks"): Route(listing, wire.ListWebhooks, BOTH),
}

TEMPLATES = {
    ("GET", "webhooks/*"): Route(get, Nothing, BOTH),
    ("PATCH", "webhooks/*"): Route(update, wire.UpdateWebhook, BOTH),
    ("DELETE", "webhooks/*"): Route(delete, Nothing, BOTH),
    ("POST", "webhooks/*/test"): Route(test, wire.TestWebhook, BOTH),
}
