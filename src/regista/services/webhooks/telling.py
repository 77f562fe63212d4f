"""What events are called outside, and what is told of them: in our own words here; a dialect that has words of its own brings
another teller."""

import base64
import hashlib
import hmac
import time
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from regista.entities.journal import Event
from regista.entities.scope import Scope
from regista.entities.webhook import EVERYTHING, NOUNS, Told, Webhook, check_pattern, covers
from regista.errors import InvalidError
from regista.interfaces.catalog import Transaction


class Teller(Protocol):
    """Puts events into words."""

    def knows(self, name: str) -> bool:
        """Whether events can be asked for by *name*."""

    def tell(self, tx: Transaction, scope: Scope, event: Event, *, detailed: bool) -> Sequence[Told]:
        """What there is to tell of *event*, which happened in *scope*; nothing of an event without a word for it. The same
        again for the same event."""

    def matches(self, name: str, told: str) -> bool:
        """Whether who asked for *name* is told of *told*."""

    def example(self, name: str) -> Told:
        """A message as it would be sent for *name*."""


class PlainTeller:
    """Events as they stand in the outbox: ``{"type": "model.promote", "path": …, "at": …, "data": {…}}``."""

    def knows(self, name: str) -> bool:
        try:
            check_pattern(name)
        except InvalidError:
            return False
        return True

    def tell(self, tx: Transaction, scope: Scope, event: Event, *, detailed: bool) -> Sequence[Told]:  # noqa: ARG002 - others ask
        if event.type.partition(".")[0] not in NOUNS:
            return ()
        said = {
            "id": event.id,
            "type": event.type,
            "at": event.at,
            "path": event.path,
            "sequence": event.sequence,
            "scope": {"kind": str(scope.kind), "name": scope.name},
        }
        return (Told(event.type, said | ({"data": event.data} if detailed else {})),)

    def matches(self, name: str, told: str) -> bool:
        return covers(name, told)

    def example(self, name: str) -> Told:
        called = name.replace("*", "test") if name != EVERYTHING else "model.test"
        return Told(called, {"type": called, "at": int(time.time() * 1000), "path": "/", "test": True})


def heads(webhook: Webhook, secret: str, message_id: str, payload: bytes) -> dict[str, str]:
    """The headers of one sending, as MLflow's receivers know them: the signature covers id, time and payload."""
    at = str(int(time.time()))
    found = {
        "Content-Type": "application/json",
        "X-MLflow-Delivery-Id": message_id,
        "X-MLflow-Timestamp": at,
        "X-Regista-Webhook": webhook.id,
    }
    if secret:
        signed = f"{message_id}.{at}.".encode() + payload
        value = base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
        found["X-MLflow-Signature"] = f"v1,{value}"
    return found


def written(body: dict[str, Any]) -> str:
    """The payload of a message."""
    return msgspec.json.encode(body).decode()
