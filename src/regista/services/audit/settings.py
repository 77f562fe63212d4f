"""What an installation writes down of mere reads, and for how long it keeps that."""

from enum import StrEnum

import msgspec

from regista.interfaces.catalog import Transaction

_KEY = "audit"


class Reads(StrEnum):
    """Which reads are written down. Whatever was refused is, unless it is ``off``."""

    ALL = "all"
    SENSITIVE = "sensitive"
    """Bytes, logs and keys alone: not names, lists and metrics."""
    OFF = "off"


class AuditSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``retention_days`` is how long reads are kept (0: for ever); records of changes are kept for ever."""

    reads: Reads = Reads.ALL
    retention_days: int = 90


def audit_settings(tx: Transaction) -> AuditSettings:
    """The settings of the installation."""
    text = tx.settings.find(_KEY)
    return msgspec.json.decode(text, type=AuditSettings) if text else AuditSettings()


def keep_audit_settings(tx: Transaction, settings: AuditSettings) -> None:
    """Let *settings* hold from now on."""
    tx.settings.put(_KEY, msgspec.json.encode(settings).decode())
