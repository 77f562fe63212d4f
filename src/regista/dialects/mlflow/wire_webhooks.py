"""What MLflow's clients send of webhooks. Field names are the protocol's."""

import msgspec

from regista.dialects.mlflow.wire import Text


class EventName(msgspec.Struct):
    """An event: ``MODEL_VERSION`` and ``CREATED``."""

    entity: Text
    action: Text


class CreateWebhook(msgspec.Struct):
    """``POST webhooks``."""

    name: Text
    url: Text
    events: list[EventName]
    description: str = ""
    secret: str = ""
    status: str = ""


class UpdateWebhook(msgspec.Struct):
    """``PATCH webhooks/ID``: what is not given stays."""

    name: str = ""
    url: str = ""
    events: list[EventName] = []
    description: str | None = None
    secret: str | None = None
    status: str | None = None


class ListWebhooks(msgspec.Struct):
    """``GET webhooks``."""

    max_results: int = 100
    page_token: str = ""


class TestWebhook(msgspec.Struct):
    """``POST webhooks/ID/test``."""

    event: EventName | None = None
