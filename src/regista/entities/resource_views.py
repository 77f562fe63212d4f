"""What is told about datastores and connections: nothing secret, but for the secrets, to those who ask for them and may."""

import msgspec

from regista.entities.connection import Connection, CredentialType
from regista.entities.datastore import CredentialsType, Datastore, DatastoreType


class DatastoreView(msgspec.Struct, frozen=True, kw_only=True):
    """A datastore as people see it."""

    name: str
    type: DatastoreType
    description: str = ""
    tags: dict[str, str] = {}
    properties: dict[str, str] = {}
    is_default: bool = False
    spec: dict[str, str] = {}
    credentials_type: CredentialsType = CredentialsType.NONE
    credentials: dict[str, str] = {}
    created_at: int = 0
    created_by: str = ""
    updated_at: int = 0

    @classmethod
    def of(cls, datastore: Datastore) -> "DatastoreView":
        """The view of *datastore*."""
        return cls(**{name: getattr(datastore, name) for name in cls.__struct_fields__})


class ConnectionView(msgspec.Struct, frozen=True, kw_only=True):
    """A connection as people see it."""

    name: str
    type: str
    target: str = ""
    description: str = ""
    metadata: dict[str, str] = {}
    is_shared: bool = True
    credentials_type: CredentialType = CredentialType.NONE
    credentials: dict[str, str] = {}
    created_at: int = 0
    created_by: str = ""
    updated_at: int = 0

    @classmethod
    def of(cls, connection: Connection) -> "ConnectionView":
        """The view of *connection*."""
        return cls(**{name: getattr(connection, name) for name in cls.__struct_fields__})


class SecretsView(msgspec.Struct, frozen=True, kw_only=True):
    """What opens a datastore or a connection."""

    credentials_type: str
    values: dict[str, str]

    def __repr__(self) -> str:
        return f"SecretsView({self.credentials_type})"  # never the values: it may come to stand in a log
