"""From the outbox to messages: every event becomes a message for each webhook that asked for it, once, in the transaction that
notes how far the outbox has been read. What was committed is told, after it was committed; what was not never is."""

import hashlib
from collections.abc import Callable, Sequence

from regista.entities.journal import Event
from regista.entities.names import now
from regista.entities.scope import Scope
from regista.entities.webhook import Delivery, Told, Webhook, WebhookState
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.webhooks.telling import Teller, written

_KEY = "webhooks.after"
_AT_ONCE = 200
_FORGOTTEN_AT_ONCE = 1000


def begin(tx: Transaction) -> int:
    """The number of the newest event: what comes behind it is for a webhook that is made now. The first webhook of all
    makes the outbox be read from there."""
    newest = tx.journal.newest()
    if not tx.webhooks.living():
        tx.settings.put(_KEY, str(newest))
    return newest


def plan(tx: Transaction, tellers: Sequence[Teller]) -> bool:
    """Make messages of some events; whether there may be more of them. Without webhooks nothing is read."""
    webhooks = tx.webhooks.living()
    if not webhooks:
        return False
    events = tx.journal.events(_after(tx), _AT_ONCE)
    if not events:
        return False
    scopes = {webhook.scope_id: tx.scopes.get(webhook.scope_id) for webhook in webhooks}
    for event in events:
        for webhook in webhooks:
            scope = scopes[webhook.scope_id]
            if webhook.state is WebhookState.ACTIVE and webhook.after < event.sequence and _is_in(event, scope):
                _add(tx, webhook, scope, event, tellers)
    tx.settings.put(_KEY, str(events[-1].sequence))
    return len(events) == _AT_ONCE


def is_behind(tx: Transaction) -> bool:
    """Whether there are events that no message was made of, and anybody to be told."""
    return bool(tx.webhooks.living()) and bool(tx.journal.events(_after(tx), 1))


def forget(catalog: Catalog, before: int) -> int:
    """Remove events and ended messages that are older; an event stays as long as messages are still to be made of it. Return
    how many there were."""
    gone = 0
    while some := catalog.write(_forgetting(before)):
        gone += some
    return gone


def _forgetting(before: int) -> Callable[[Transaction], int]:
    def work(tx: Transaction) -> int:
        through = tx.journal.newest() - 1  # the newest stays: by it the next one is known to be new
        if tx.webhooks.living():
            through = min(through, _after(tx))
        events = tx.journal.forget_events(before, through, _FORGOTTEN_AT_ONCE) if through > 0 else 0
        return events + tx.webhooks.forget_deliveries(before, _FORGOTTEN_AT_ONCE)

    return work


def _after(tx: Transaction) -> int:
    return int(tx.settings.find(_KEY) or 0)


def _is_in(event: Event, scope: Scope) -> bool:
    return event.path == scope.path or event.path.startswith(f"{scope.path}/")


def _add(tx: Transaction, webhook: Webhook, scope: Scope, event: Event, tellers: Sequence[Teller]) -> None:
    for teller in tellers:
        for number, told in enumerate(teller.tell(tx, scope, event, detailed=webhook.detailed)):
            if any(teller.matches(name, told.name) for name in webhook.events):
                tx.webhooks.add_delivery(_message(webhook, event, told, number))


def _message(webhook: Webhook, event: Event, told: Told, number: int) -> Delivery:
    """The id is that of the webhook, the event and the words: made twice it is one message."""
    digest = hashlib.sha256(f"{webhook.id}/{event.id}/{told.name}/{number}".encode()).hexdigest()
    at = now()
    return Delivery(
        id=f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}",
        webhook_id=webhook.id,
        event=told.name,
        sequence=event.sequence,
        at=at,
        payload=written(told.body),
        next_at=at,
    )
