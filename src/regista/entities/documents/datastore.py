"""Datastore documents."""

import re

import msgspec

from regista.entities.datastore import CredentialsType, DatastoreFields, DatastoreType
from regista.entities.documents.reading import Fields, invalid, join

_SPEC = (
    "account_name container_name file_share_name filesystem store_name endpoint protocol one_lake_workspace_name "
    "name_node_address hdfs_server_certificate"
).split()
_NEEDED = {
    DatastoreType.AZURE_BLOB: ("account_name", "container_name"),
    DatastoreType.AZURE_FILE: ("account_name", "file_share_name"),
    DatastoreType.AZURE_DATA_LAKE_GEN1: ("store_name",),
    DatastoreType.AZURE_DATA_LAKE_GEN2: ("account_name", "filesystem"),
    DatastoreType.ONE_LAKE: ("one_lake_workspace_name",),
    DatastoreType.HDFS: ("name_node_address",),
}
_SECRETS = {
    "account_key": CredentialsType.ACCOUNT_KEY,
    "sas_token": CredentialsType.SAS,
    "client_secret": CredentialsType.SERVICE_PRINCIPAL,
    "certificate": CredentialsType.CERTIFICATE,
    "kerberos_keytab": CredentialsType.KERBEROS_KEYTAB,
    "kerberos_password": CredentialsType.KERBEROS_PASSWORD,
}
"""The secret field tells what credentials are: a document does not say their type."""

_PUBLIC = (
    "authority_url resource_url tenant_id client_id thumbprint kerberos_kdc_address kerberos_principal kerberos_realm"
).split()
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TYPES = {_WORDS.sub("_", one.value).lower(): one for one in DatastoreType}


class DatastoreDocument(DatastoreFields, frozen=True, kw_only=True, omit_defaults=True):
    """A datastore as it was written. ``secret`` is what opens the account: it is never shown."""

    secret: dict[str, str] = msgspec.field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"DatastoreDocument({self.name})"  # never the secret: it may come to stand in a log


def parse_datastore(mapping: object, *, where: str = "") -> DatastoreDocument:
    """Read a datastore document. No complaint tells the value of a credential."""
    fields = Fields.of(mapping, where)
    word = fields.choice("type", tuple(_TYPES))
    if not word:
        raise invalid(fields.at("type"), "this field is required", hint=f"One of {', '.join(_TYPES)}.")
    kind = _TYPES[word]
    spec = {key: text for key in _SPEC if (text := fields.text(key))} | _artifact(fields)
    for key in _NEEDED[kind]:
        if key not in spec:
            raise invalid(fields.at(key), f"a datastore of type {word} needs this field")
    credentials_type, credentials, secret = _credentials(fields)
    document = DatastoreDocument(
        name=fields.name("name", "datastore", required=True),
        type=kind,
        description=fields.text("description"),
        tags=fields.texts("tags"),
        properties=fields.texts("properties"),
        is_default=fields.boolean("is_default"),
        spec=spec,
        credentials_type=credentials_type,
        credentials=credentials,
        secret=secret,
    )
    fields.ignore("id", "creation_context")
    fields.done()
    return msgspec.structs.replace(document, ignored=tuple(fields.ignored))


def _artifact(fields: Fields) -> dict[str, str]:
    inner = fields.inner("artifact")
    if inner is None:
        return {}
    name, kind = inner.text("name", required=True), inner.choice("type", ("lake_house",), "lake_house")
    inner.done()
    return {"artifact_name": name, "artifact_type": "".join(word.title() for word in kind.split("_"))}


def _credentials(fields: Fields) -> tuple[CredentialsType, dict[str, str], dict[str, str]]:
    given = fields.take("credentials") or {}
    where = fields.at("credentials")
    if not isinstance(given, dict):
        raise invalid(where, "expected a mapping")
    told = {"authority_url" if key == "authority_uri" else key: value for key, value in given.items()}
    for key, value in told.items():
        if key not in _SECRETS and key not in _PUBLIC:
            raise invalid(join(where, key[:80]), "there is no such field")
        if not isinstance(value, str):
            raise invalid(join(where, key), "expected a text", hint="Quote it.")
    secret = {key: value for key, value in told.items() if key in _SECRETS}
    if told and len(secret) != 1:
        raise invalid(where, "one secret is needed", hint=f"One of {', '.join(_SECRETS)}.")
    kind = _SECRETS[next(iter(secret))] if secret else CredentialsType.NONE
    return kind, {key: value for key, value in told.items() if key in _PUBLIC}, secret
