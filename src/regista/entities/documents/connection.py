"""Connection documents."""

import re

import msgspec

from regista.entities.connection import ConnectionFields, CredentialType
from regista.entities.documents.reading import Fields, invalid, join

_TARGETS = ("target", "azure_endpoint", "api_base", "url", "endpoint")
"""The names of the place, of which each type of connection has its favourite."""

_METADATA = {
    "open_ai_resource_id": "ResourceId",
    "ai_services_resource_id": "ResourceId",
    "api_version": "ApiVersion",
    "api_type": "ApiType",
    "account_name": "AccountName",
    "container_name": "ContainerName",
    "kind": "Kind",
}
"""Fields that some types have of their own, and the key of the metadata under which Azure ML keeps each."""

_NEEDED = {
    CredentialType.PAT: ("pat",),
    CredentialType.SAS: ("sas_token",),
    CredentialType.USERNAME_PASSWORD: ("username", "password"),
    CredentialType.SERVICE_PRINCIPAL: ("tenant_id", "client_id", "client_secret"),
    CredentialType.ACCESS_KEY: ("access_key_id", "secret_access_key"),
    CredentialType.API_KEY: ("key",),
    CredentialType.ACCOUNT_KEY: ("account_key",),
}
_TYPE = re.compile(r"[a-z][a-z0-9_]{0,63}")


class ConnectionDocument(ConnectionFields, frozen=True, kw_only=True, omit_defaults=True):
    """A connection as it was written. ``credentials`` holds the secrets too: what comes of it is never shown whole."""

    ignored: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"ConnectionDocument({self.name})"  # never the credentials: it may come to stand in a log


def parse_connection(mapping: object, *, where: str = "") -> ConnectionDocument:
    """Read a connection document: of credentials, what their type needs has to be there. No complaint tells their values."""
    fields = Fields.of(mapping, where)
    kind = fields.text("type", required=True).lower()
    if not _TYPE.fullmatch(kind):
        raise invalid(fields.at("type"), f"{kind[:80]!r} is no type of connection", hint="Such as git or custom.")
    credentials_type, credentials = _credentials(fields)
    document = ConnectionDocument(
        name=fields.name("name", "connection", required=True),
        type=kind,
        target=next((text for name in _TARGETS if (text := fields.text(name))), ""),
        description=fields.text("description"),
        metadata=fields.texts("tags") | fields.texts("metadata") | _own(fields),
        is_shared=fields.boolean("is_shared", default=True),
        credentials_type=credentials_type,
        credentials=credentials,
    )
    fields.ignore("id", "creation_context")
    fields.done()
    return msgspec.structs.replace(document, ignored=tuple(fields.ignored))


def _own(fields: Fields) -> dict[str, str]:
    return {key: text for name, key in _METADATA.items() if (text := fields.text(name))}


def _credentials(fields: Fields) -> tuple[CredentialType, dict[str, str]]:
    given = fields.take("credentials")
    if given is not None and not isinstance(given, dict):
        raise invalid(fields.at("credentials"), "expected a mapping")
    if (inner := fields.inner("credentials")) is not None:
        return _read(fields, inner)
    key = _secret_text(fields, "api_key")
    return (CredentialType.API_KEY, {"key": key}) if key else (CredentialType.NONE, {})


def _read(fields: Fields, inner: Fields) -> tuple[CredentialType, dict[str, str]]:
    kind = CredentialType(inner.choice("type", [str(one) for one in CredentialType], "none"))
    given = {key: value for key, value in fields.mapping("credentials").items() if key != "type" and value is not None}
    for key, value in given.items():
        if not isinstance(value, str):
            raise invalid(join(inner.where, key[:80]), "expected a text", hint="Quote it.")
    for name in _NEEDED.get(kind, ()):
        if not given.get(name):
            raise invalid(join(inner.where, name), f"credentials of type {kind} need this field")
    if given and kind in {CredentialType.NONE, CredentialType.AAD}:
        raise invalid(inner.where, f"credentials of type {kind} have no fields", hint="Say their type: type: api_key.")
    return kind, given


def _secret_text(fields: Fields, key: str) -> str:
    value = fields.take(key)
    if value is not None and not isinstance(value, str):
        raise invalid(fields.at(key), "expected a text", hint="Quote it.")
    return value or ""
