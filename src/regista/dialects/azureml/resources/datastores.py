"""Datastores as resources. Secrets go in and never come out here: ``secrets_of`` renders them for the one route that may."""

from typing import Any

import msgspec

from regista.dialects.azureml.call import Json
from regista.entities.datastore import CredentialsType, Datastore, DatastoreType
from regista.entities.resource_views import Secrets
from regista.errors import InvalidError
from regista.services.datastores.datastores import NewDatastore

ACCOUNT = "files"
"""The account's name in the addresses of bytes that are ours (``https://HOST/files.blob.SUFFIX/CONTAINER/PATH``)."""

_SPEC = {
    "account_name": "accountName",
    "container_name": "containerName",
    "file_share_name": "fileShareName",
    "filesystem": "filesystem",
    "store_name": "storeName",
    "endpoint": "endpoint",
    "protocol": "protocol",
    "one_lake_workspace_name": "oneLakeWorkspaceName",
    "name_node_address": "nameNodeAddress",
    "hdfs_server_certificate": "hdfsServerCertificate",
    "service_data_access_auth_identity": "serviceDataAccessAuthIdentity",
}
_ARTIFACT = {"artifact_name": "artifactName", "artifact_type": "artifactType"}
_NEEDED = {
    DatastoreType.AZURE_BLOB: (),
    DatastoreType.AZURE_FILE: ("account_name", "file_share_name"),
    DatastoreType.AZURE_DATA_LAKE_GEN1: ("store_name",),
    DatastoreType.AZURE_DATA_LAKE_GEN2: ("account_name", "filesystem"),
    DatastoreType.ONE_LAKE: ("one_lake_workspace_name", "artifact_name"),
    DatastoreType.HDFS: ("name_node_address",),
}
_CREDENTIALS = {
    "authority_url": "authorityUrl",
    "resource_url": "resourceUrl",
    "tenant_id": "tenantId",
    "client_id": "clientId",
    "thumbprint": "thumbprint",
    "kerberos_kdc_address": "kerberosKdcAddress",
    "kerberos_principal": "kerberosPrincipal",
    "kerberos_realm": "kerberosRealm",
}
_SECRETS = {
    "account_key": "key",
    "sas_token": "sasToken",
    "client_secret": "clientSecret",
    "certificate": "certificate",
    "kerberos_keytab": "kerberosKeytab",
    "kerberos_password": "kerberosPassword",
}


class Properties(msgspec.Struct, rename="camel"):
    """What is read of a datastore, beside where it is and how it is opened."""

    datastore_type: DatastoreType
    description: str | None = None
    tags: dict[str, str | None] | None = None
    properties: dict[str, str | None] | None = None
    is_default: bool | None = None
    credentials: dict[str, Any] | None = None
    artifact: dict[str, Any] | None = None


def read(name: str, told: Properties, whole: Json) -> NewDatastore:
    """What the resource asks for; no complaint tells the value of a credential. A secret that is not sent stays as it is."""
    spec = _texts(whole, _SPEC) | _texts(told.artifact or {}, _ARTIFACT)
    for field in _NEEDED[told.datastore_type]:
        if not spec.get(field):
            given = (_SPEC | _ARTIFACT)[field]
            raise InvalidError(f"a datastore of type {told.datastore_type} needs {given}")
    credentials = told.credentials or {}
    kind = _kind(credentials)
    secret = _texts(_mapping(credentials, "secrets"), _SECRETS)
    return NewDatastore(
        name=name,
        type=told.datastore_type,
        description=told.description or "",
        tags={key: value or "" for key, value in (told.tags or {}).items()},
        properties={key: value or "" for key, value in (told.properties or {}).items()},
        is_default=bool(told.is_default),
        spec=spec,
        credentials_type=kind,
        credentials=_texts(credentials, _CREDENTIALS),
        secret={} if kind is CredentialsType.NONE else secret or None,
    )


def rendered(datastore: Datastore, host: str) -> Json:
    """``properties`` of the resource."""
    spec = datastore.spec
    if datastore.is_built_in:
        spec = {**spec, "account_name": f"{host}/{ACCOUNT}", "endpoint": host, "protocol": "https"}
    properties: Json = {_SPEC[name]: value for name, value in spec.items() if name in _SPEC}
    if artifact := {_ARTIFACT[name]: value for name, value in spec.items() if name in _ARTIFACT}:
        properties["artifact"] = artifact
    return {
        "datastoreType": str(datastore.type),
        "description": datastore.description or None,
        "tags": datastore.tags,
        "properties": datastore.properties,
        "isDefault": datastore.is_default,
        "credentials": {
            "credentialsType": str(datastore.credentials_type),
            **{_CREDENTIALS[name]: value for name, value in datastore.credentials.items() if name in _CREDENTIALS},
        },
        **properties,
    }


def secrets_of(found: Secrets) -> Json:
    """The secret of a datastore, as the one route tells it that may."""
    told = {_SECRETS[name]: value for name, value in found.values.items() if name in _SECRETS}
    return {"secretsType": str(found.credentials_type), **told}


def _kind(credentials: Json) -> CredentialsType:
    try:
        return CredentialsType(credentials.get("credentialsType") or "None")
    except ValueError as wrong:
        raise InvalidError("credentials.credentialsType is none that is known", hint="Such as AccountKey.") from wrong


def _mapping(mapping: Json, key: str) -> Json:
    found = mapping.get(key)
    if found is not None and not isinstance(found, dict):
        raise InvalidError(f"{key} is no object")
    return found or {}


def _texts(given: Json, names: dict[str, str]) -> dict[str, str]:
    """Those of *names* that are given, by our names; a null counts as not given."""
    found = {}
    for ours, theirs in names.items():
        value = given.get(theirs)
        if value is None:
            continue
        if not isinstance(value, str):
            raise InvalidError(f"{theirs} is no text")
        found[ours] = value
    return found
