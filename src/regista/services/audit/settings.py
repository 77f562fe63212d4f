"""What an installation writes down of mere reads: kept in its catalog, so that all of its servers go by it."""

import msgspec

from regista.entities.journal import AuditSettings
from regista.interfaces.catalog import Transaction

_KEY = "audit"


def audit_settings(tx: Transaction) -> AuditSettings:
    """The settings of the installation."""
    text = tx.settings.find(_KEY)
    return msgspec.json.decode(text, type=AuditSettings) if text else AuditSettings()


def keep_audit_settings(tx: Transaction, settings: AuditSettings) -> None:
    """Let *settings* hold from now on."""
    tx.settings.put(_KEY, msgspec.json.encode(settings).decode())
