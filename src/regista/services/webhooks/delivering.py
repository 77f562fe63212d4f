"""Sending messages, from threads of the server, until each was taken or refused for good.

    waiting ──▶ delivered       the receiver answered 2xx
       ▲  └───▶ failed          it answered something else for good, or was tried too often
       └──┘ no answer, 408, 425, 429 and 5xx: again after 1, 2, 4 … seconds, an hour at most, or as Retry-After says

A message is taken for a while before it is sent, and what came of it is written after: a server that is killed in between
sends it again, under the same id. To each webhook one message goes at a time, the oldest first; one that has to wait lets
the others by, and a receiver that does not answer holds up nobody but itself.
"""

import logging
import random
import threading
from collections.abc import Sequence

import msgspec

from regista.entities.names import now
from regista.entities.webhook import Delivery, DeliveryState, Sent, Webhook, WebhookState
from regista.errors import RegistaError
from regista.interfaces.catalog import Catalog, Transaction
from regista.interfaces.posting import Poster
from regista.interfaces.signing import Signer
from regista.services.webhooks.outbox import is_behind, plan
from regista.services.webhooks.telling import Teller, heads

MOST_ATTEMPTS = 16
"""With the waits between them about six hours."""

_LOOK_SECONDS = 0.5
_LEASE_SECONDS = 30.0
_LONGEST_WAIT = 3600.0
_AT_ONCE = 8
_PATIENCE = 5.0
_AGAIN = {408, 425, 429}
_log = logging.getLogger("regista.webhooks")


class Deliverer:
    """Looks twice a second for what is to be told. Failures are for the log."""

    def __init__(
        self,
        catalog: Catalog,
        signer: Signer,
        poster: Poster,
        tellers: Sequence[Teller],
        *,
        lease_seconds: float = _LEASE_SECONDS,
    ) -> None:
        self._catalog = catalog
        self._signer = signer
        self._poster = poster
        self._tellers = tuple(tellers)
        self._lease = int(lease_seconds * 1000)
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self._thread = threading.Thread(target=self._serve, name="regista-webhooks", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End. What is on its way is not waited for long: it is sent again should its end not be written."""
        self._ended.set()
        self._thread.join(_PATIENCE)

    def look(self) -> list[threading.Thread]:
        """Make messages of new events, and begin to send what is due; the threads that do so."""
        while self._catalog.read(is_behind):
            self._catalog.write(lambda tx: plan(tx, self._tellers))
        return [self._begin(webhook) for webhook in self._free(self._catalog.read(lambda tx: tx.webhooks.due(now())))]

    def _serve(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            try:
                self.look()
            except RegistaError as failure:
                _log.warning("webhooks could not be looked for: %s %s", failure.message, failure.hint)

    def _free(self, due: Sequence[str]) -> list[str]:
        """Those of *due* to which nothing is on its way, as many as there is room for; they count as busy from now on."""
        with self._lock:
            chosen = [one for one in due if one not in self._busy][: _AT_ONCE - len(self._busy)]
            self._busy.update(chosen)
        return chosen

    def _begin(self, webhook_id: str) -> threading.Thread:
        thread = threading.Thread(target=self._turn, args=(webhook_id,), name="regista-webhook", daemon=True)
        thread.start()
        return thread

    def _turn(self, webhook_id: str) -> None:
        """Send what waits for one webhook, until there is nothing more or the receiver is not to be had."""
        done: Delivery | None = None
        try:
            while not self._ended.is_set():
                taken = self._catalog.write(lambda tx, done=done: self._next(tx, webhook_id, done))  # type: ignore[misc]
                if taken is None:
                    return
                done = self._sent(*taken)
                if done.state is DeliveryState.WAITING:
                    break
            if done is not None:
                last = done
                self._catalog.write(lambda tx: tx.webhooks.put_delivery(last))
        except RegistaError as failure:
            _log.warning("a webhook could not be told: %s %s", failure.message, failure.hint)
        finally:
            with self._lock:
                self._busy.discard(webhook_id)

    def _next(self, tx: Transaction, webhook_id: str, done: Delivery | None) -> tuple[Webhook, Delivery] | None:
        """Write what came of the last message, and take the next one for a while."""
        if done is not None:
            tx.webhooks.put_delivery(done)
        webhook = tx.webhooks.find(webhook_id)
        if webhook is None:
            tx.webhooks.delete(webhook_id)  # its scope was deleted and swept: nobody is to be told any more
        at = now()
        while webhook is not None and (message := tx.webhooks.next_due(webhook_id, at)) is not None:
            if webhook.state is WebhookState.ACTIVE:
                taken = msgspec.structs.replace(message, attempts=message.attempts + 1, next_at=at + self._lease)
                tx.webhooks.put_delivery(taken)
                return webhook, taken
            tx.webhooks.put_delivery(_ended(message, DeliveryState.FAILED, "the webhook was disabled"))
        return None

    def _sent(self, webhook: Webhook, message: Delivery) -> Delivery:
        payload = message.payload.encode()
        try:
            secret = self._signer.unseal(webhook.sealed_secret) if webhook.sealed_secret else ""
            sent = self._poster.post(webhook.url, heads(webhook, secret, message.id, payload), payload)
        except RegistaError as failure:  # a secret that this installation cannot open: told unsigned it would be worse
            sent = Sent(error=failure.message)
        return outcome(message, sent)


def outcome(message: Delivery, sent: Sent) -> Delivery:
    """The message as it is after it was sent."""
    message = msgspec.structs.replace(message, status=sent.status)
    if sent.is_good:
        return _ended(message, DeliveryState.DELIVERED, "")
    error = sent.error or f"the receiver answered {sent.status}"
    again = sent.status == 0 or sent.status in _AGAIN or sent.status >= 500
    if not again or message.attempts >= MOST_ATTEMPTS:
        return _ended(message, DeliveryState.FAILED, error)
    wait = min(2.0 ** (message.attempts - 1), _LONGEST_WAIT) * random.uniform(1.0, 1.25)  # noqa: S311 - no secret
    return msgspec.structs.replace(message, error=error, next_at=now() + int(max(wait, sent.retry_after) * 1000))


def _ended(message: Delivery, state: DeliveryState, error: str) -> Delivery:
    return msgspec.structs.replace(message, state=state, error=error, ended_at=now(), next_at=0)
