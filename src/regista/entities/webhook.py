"""Webhooks: who outside is told of what happens in a scope, and how far each message has come."""

import re
from enum import StrEnum
from typing import Any

import msgspec

from regista.errors import InvalidError

NOUNS = (
    "model", "environment", "component", "data", "code", "job", "run", "experiment", "logged_model", "endpoint",
    "deployment", "workspace", "registry", "datastore", "compute", "connection",
)  # fmt: skip
"""What events of a scope are about that a webhook can hear of; who may do what is for the audit alone."""

EVERYTHING = "*"
_PATTERN = re.compile(rf"({'|'.join(NOUNS)})\.(\*|[a-z][a-z_.]{{0,60}})")


class WebhookState(StrEnum):
    """Whether it is told anything."""

    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"


class DeliveryState(StrEnum):
    """How far a message has come."""

    WAITING = "waiting"
    """It is to be sent, now or at its time."""
    DELIVERED = "delivered"
    FAILED = "failed"
    """It will not be sent again: it was refused for good, tried too often, or its webhook was disabled."""


class WebhookFields(msgspec.Struct, frozen=True, kw_only=True):
    """What everybody who may see a webhook is shown of it."""

    id: str
    name: str
    url: str
    events: tuple[str, ...]
    description: str = ""
    state: WebhookState = WebhookState.ACTIVE
    created_at: int = 0
    created_by: str = ""
    updated_at: int = 0


class Webhook(WebhookFields, frozen=True, kw_only=True):
    """Where to tell of which *events* of a scope, from the event behind number ``after`` on. ``detailed``: who made it may
    read the audit, so that what an event tells besides its name goes along."""

    scope_id: str
    sealed_secret: str = ""
    detailed: bool = False
    after: int = 0


class WebhookView(WebhookFields, frozen=True, kw_only=True):
    """A webhook as it is shown: of its secret only whether there is one."""

    has_secret: bool = False

    @classmethod
    def of(cls, webhook: Webhook) -> "WebhookView":
        """The view of *webhook*."""
        shown = {name: getattr(webhook, name) for name in WebhookFields.__struct_fields__}
        return cls(has_secret=bool(webhook.sealed_secret), **shown)


class DeliveryView(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a webhook's log: ``status`` is that of the last answer (0: there was none), ``next_at`` when it is sent again.
    ``id`` stays the same however often it is sent: receivers know it again by that."""

    id: str
    event: str
    sequence: int
    at: int
    state: DeliveryState
    attempts: int = 0
    next_at: int = 0
    status: int = 0
    error: str = ""
    ended_at: int = 0

    @classmethod
    def of(cls, delivery: "Delivery") -> "DeliveryView":
        """The view of *delivery*."""
        return DeliveryView(**{name: getattr(delivery, name) for name in DeliveryView.__struct_fields__})


class Delivery(DeliveryView, frozen=True, kw_only=True):
    """One message to one webhook, with what is sent."""

    webhook_id: str
    payload: str = ""
    state: DeliveryState = DeliveryState.WAITING


class Told(msgspec.Struct, frozen=True):
    """What an event is called, and the body of the message about it."""

    name: str
    body: dict[str, Any]


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What came of sending a message: the status of the answer (0: there was none) with its beginning, or the error."""

    status: int = 0
    body: str = ""
    error: str = ""
    retry_after: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether it was taken."""
        return 200 <= self.status < 300


def check_pattern(text: str) -> str:
    """Return *text* when it names events of our own: ``NOUN.VERB``, ``NOUN.*`` or ``*``; raise ``InvalidError``."""
    if text == EVERYTHING or _PATTERN.fullmatch(text):
        return text
    raise InvalidError(
        f"{text[:80]!r} names no events", hint=f"Write NOUN.VERB, NOUN.* or *; a noun is one of {', '.join(NOUNS)}."
    )


def covers(pattern: str, event: str) -> bool:
    """Whether *pattern* names *event*."""
    if pattern == EVERYTHING:
        return event.partition(".")[0] in NOUNS
    return pattern == event or (pattern.endswith(".*") and event.startswith(pattern[:-1]))
