"""Connections: services outside a workspace, and the way into them. Regista keeps and hands out; it connects to none."""

from enum import StrEnum

import msgspec


class CredentialType(StrEnum):
    """How the service is opened."""

    NONE = "none"
    AAD = "aad"
    PAT = "pat"
    SAS = "sas"
    USERNAME_PASSWORD = "username_password"  # noqa: S105 - a kind of secret, not one
    MANAGED_IDENTITY = "managed_identity"
    SERVICE_PRINCIPAL = "service_principal"
    ACCESS_KEY = "access_key"
    API_KEY = "api_key"
    ACCOUNT_KEY = "account_key"
    CUSTOM_KEYS = "custom_keys"


PUBLIC = frozenset({"username", "client_id", "resource_id", "tenant_id", "authority_url", "access_key_id"})
"""The parts of credentials that are no secret. Every other one is, also one that is not known here."""


class ConnectionFields(msgspec.Struct, frozen=True, kw_only=True):
    """What people say of a service outside: ``type`` of what kind it is (``git``, ``azure_open_ai``, ``custom`` …), ``target``
    where, and ``credentials`` the way in."""

    name: str
    type: str
    target: str = ""
    description: str = ""
    metadata: dict[str, str] = {}
    is_shared: bool = True
    credentials_type: CredentialType = CredentialType.NONE
    credentials: dict[str, str] = {}


class Connection(ConnectionFields, frozen=True, kw_only=True):
    """A service outside. ``credentials`` is what is not secret about the way in; the secret itself is sealed."""

    scope_id: str
    sealed_secret: str = ""
    created_at: int = 0
    created_by: str = ""
    updated_at: int = 0
