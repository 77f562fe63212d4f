"""Building what tells others outside."""

from pathlib import Path
from typing import Any

from regista.bootstrap.settings import Settings
from regista.dialects.mlflow.webhook_events import MlflowTeller
from regista.drivers.posting.https import HttpsPoster
from regista.interfaces.catalog import Catalog
from regista.interfaces.signing import Signer
from regista.services.webhooks.delivering import Deliverer
from regista.services.webhooks.telling import PlainTeller
from regista.services.webhooks.webhooks import WebhookService


def webhook_parts(settings: Settings, catalog: Catalog, signer: Signer) -> dict[str, Any]:
    """The service and what delivers, by their attributes of the house."""
    authorities = Path(settings.webhook_ca).expanduser() if settings.webhook_ca else None
    poster = HttpsPoster(
        allow_private=settings.webhook_private, authorities=authorities, timeout=settings.webhook_timeout
    )
    tellers = (MlflowTeller(), PlainTeller())
    return {
        "webhooks": WebhookService(catalog, signer, poster, tellers),
        "deliverer": Deliverer(catalog, signer, poster, tellers, lease_seconds=settings.webhook_timeout * 3),
    }
