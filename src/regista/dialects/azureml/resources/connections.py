"""Connections as resources. Credentials go in whole, and come out whole by the one route that may tell them."""

import re
from typing import Any

import msgspec

from regista.dialects.azureml.call import Json
from regista.entities.connection import Connection, CredentialType
from regista.entities.documents.connection import ConnectionDocument
from regista.entities.resource_views import Secrets
from regista.errors import InvalidError, UnsupportedError

_AUTH = {
    CredentialType.NONE: "None",
    CredentialType.AAD: "AAD",
    CredentialType.PAT: "PAT",
    CredentialType.SAS: "SAS",
    CredentialType.USERNAME_PASSWORD: "UsernamePassword",
    CredentialType.MANAGED_IDENTITY: "ManagedIdentity",
    CredentialType.SERVICE_PRINCIPAL: "ServicePrincipal",
    CredentialType.ACCESS_KEY: "AccessKey",
    CredentialType.API_KEY: "ApiKey",
    CredentialType.ACCOUNT_KEY: "AccountKey",
    CredentialType.CUSTOM_KEYS: "CustomKeys",
}
_OURS = {name.lower(): ours for ours, name in _AUTH.items()}
_FIELDS = {
    "pat": "pat",
    "username": "username",
    "password": "password",
    "client_id": "clientId",
    "client_secret": "clientSecret",
    "tenant_id": "tenantId",
    "resource_id": "resourceId",
    "access_key_id": "accessKeyId",
    "secret_access_key": "secretAccessKey",
    "key": "key",
}
_CATEGORIES = {"custom_keys": "custom", "adlsgen2": "azure_data_lake_gen2"}
"""Types whose name in the YAML is not that of the resource."""

_CATEGORY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Properties(msgspec.Struct, rename="camel"):
    """What is read of a connection."""

    category: str
    auth_type: str | None = None
    target: str | None = None
    metadata: dict[str, Any] | None = None
    credentials: dict[str, Any] | None = None
    is_shared_to_all: bool | None = None


def read(name: str, told: Properties) -> ConnectionDocument:
    """What the resource asks for; no complaint tells the value of a credential."""
    if not _CATEGORY.fullmatch(told.category):
        raise InvalidError(f"{told.category[:80]!r} is no category of connections")
    auth = _OURS.get((told.auth_type or "None").lower())
    if auth is None:
        raise UnsupportedError(
            f"credentials of type {(told.auth_type or '')[:40]!r} are not served",
            hint=f"There are {', '.join(_AUTH.values())}.",
        )
    return ConnectionDocument(
        name=name,
        type=_type(told.category),
        target=told.target or "",
        metadata={key: _text(key, value) for key, value in (told.metadata or {}).items() if value is not None},
        is_shared=told.is_shared_to_all is not False,
        credentials_type=auth,
        credentials=_credentials(auth, told.credentials or {}),
    )


def rendered(found: Connection, credentials: Json | None = None) -> Json:
    """``properties`` of the resource; *credentials* are those of ``secrets_of``, where they may be told."""
    return {
        "category": _category(found.type),
        "target": found.target,
        "authType": _AUTH[found.credentials_type],
        "metadata": found.metadata,
        "isSharedToAll": found.is_shared,
        "credentials": credentials if credentials is not None else _public(found),
        "group": "Azure",
    }


def secrets_of(found: Secrets) -> Json:
    """The credentials, whole, as the one route tells them that may."""
    return _theirs(CredentialType(found.credentials_type), found.values)


def _public(found: Connection) -> Json | None:
    if found.credentials_type in {CredentialType.NONE, CredentialType.AAD}:
        return None
    return _theirs(found.credentials_type, found.credentials) or None


def _credentials(auth: CredentialType, given: Json) -> dict[str, str]:
    if auth is CredentialType.CUSTOM_KEYS:
        keys = given.get("keys") or {}
        if not isinstance(keys, dict):
            raise InvalidError("credentials.keys is no object")
        return {str(key): _text(f"credentials.keys.{key}", value) for key, value in keys.items() if value is not None}
    names = _names(auth)
    return {
        ours: _text(f"credentials.{theirs}", given[theirs])
        for ours, theirs in names.items()
        if given.get(theirs) is not None
    }


def _theirs(auth: CredentialType, values: dict[str, str]) -> Json:
    if auth is CredentialType.CUSTOM_KEYS:
        return {"keys": values}
    return {theirs: values[ours] for ours, theirs in _names(auth).items() if ours in values}


def _names(auth: CredentialType) -> dict[str, str]:
    """Azure calls both a signature and the key of an account ``sas``."""
    if auth is CredentialType.SAS:
        return {"sas_token": "sas"}
    return {"account_key": "sas"} if auth is CredentialType.ACCOUNT_KEY else _FIELDS


def _text(key: str, value: object) -> str:
    if isinstance(value, bool | int | float):
        return str(value)
    if not isinstance(value, str):
        raise InvalidError(f"{key[:80]} is no text")
    return value


def _type(category: str) -> str:
    snake = _WORDS.sub("_", category).lower()
    return _CATEGORIES.get(snake, snake)


def _category(kind: str) -> str:
    known = {ours: theirs for theirs, ours in _CATEGORIES.items()}
    return "".join(word[:1].upper() + word[1:] for word in known.get(kind, kind).split("_"))
