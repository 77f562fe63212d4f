"""What is told about datastores and connections: nothing secret, but for the secrets, to those who ask for them and may."""

import msgspec

from regista.entities.connection import Connection, ConnectionFields
from regista.entities.datastore import Datastore, DatastoreFields


class DatastoreView(DatastoreFields, frozen=True, kw_only=True):
    """A datastore as people see it."""

    created_at: int = 0
    created_by: str = ""
    updated_at: int = 0

    @classmethod
    def of(cls, datastore: Datastore) -> "DatastoreView":
        """The view of *datastore*."""
        return cls(**{name: getattr(datastore, name) for name in cls.__struct_fields__})


class ConnectionView(ConnectionFields, frozen=True, kw_only=True):
    """A connection as people see it."""

    created_at: int = 0
    created_by: str = ""
    updated_at: int = 0

    @classmethod
    def of(cls, connection: Connection) -> "ConnectionView":
        """The view of *connection*."""
        return cls(**{name: getattr(connection, name) for name in cls.__struct_fields__})


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    """What opens a datastore or a connection, whole."""

    credentials_type: str
    values: dict[str, str]

    def __repr__(self) -> str:
        return f"Secrets({self.credentials_type})"  # never the values: it may come to stand in a log
