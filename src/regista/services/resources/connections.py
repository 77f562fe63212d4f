"""Connections: services outside a workspace, with the way into them. What is secret about it is sealed, and handed out only
to who may change the connection; that it was asked for is written down."""

from typing import Literal

import msgspec

from regista.entities.access import Caller
from regista.entities.connection import PUBLIC, Connection, CredentialType
from regista.entities.documents.connection import ConnectionDocument
from regista.entities.names import check_name, check_tags, now
from regista.entities.scope import Scope, ScopeAddress
from regista.errors import InvalidError
from regista.interfaces.catalog import Catalog, Transaction
from regista.interfaces.signing import Signer
from regista.services.journal import note
from regista.services.resources.places import absent, readable, refuse_new, resource_path, sees, workspace, writable

_MOST_FIELDS = 50
_LONGEST = 20_000


class ConnectionSecrets(msgspec.Struct, frozen=True, kw_only=True):
    """The whole credentials of a connection, the secret parts too."""

    credentials_type: CredentialType
    values: dict[str, str]

    def __repr__(self) -> str:
        return f"ConnectionSecrets({self.credentials_type})"  # never the values: it may come to stand in a log


class ConnectionService:
    """Makes, finds, changes and deletes connections."""

    def __init__(self, catalog: Catalog, signer: Signer) -> None:
        self._catalog = catalog
        self._signer = signer

    def create_or_update(
        self,
        caller: Caller,
        address: ScopeAddress,
        document: ConnectionDocument,
        *,
        only: Literal["create"] | None = None,
    ) -> Connection:
        """Make the connection, or replace it. Credentials of the same type that bring no secret keep the one that is there.

        With *only* ``create`` a taken name is ``AlreadyExistsError``."""
        _check(document)
        secret = {name: value for name, value in document.credentials.items() if name not in PUBLIC}
        sealed = self._signer.seal(msgspec.json.encode(secret).decode()) if secret else ""

        def work(tx: Transaction) -> Connection:
            scope = writable(tx, caller, address, "connection", document.name)
            old = tx.connections.find(scope.id, document.name)
            others = () if old else tx.connections.of_scope(scope.id)
            refuse_new(scope, "connection", document.name, is_there=old is not None, others=others, only=only)
            made = _made(caller, scope, document, old, sealed)
            tx.connections.put(made)
            note(tx, caller, "connection.put", resource_path(scope, "connection", made.name), type=made.type)
            return made

        return self._catalog.write(work)

    def get(self, caller: Caller, address: ScopeAddress, name: str) -> Connection:
        """By name."""

        def work(tx: Transaction) -> Connection:
            return _find(tx, readable(tx, caller, address, "connection", name), name)

        return self._catalog.read(work)

    def list(self, caller: Caller, address: ScopeAddress) -> list[Connection]:
        """The connections that the caller may read, by name. There are at most a thousand."""

        def work(tx: Transaction) -> list[Connection]:
            scope = workspace(tx, caller, address, "connection")
            return [one for one in tx.connections.of_scope(scope.id) if sees(caller, scope, "connection", one.name)]

        return self._catalog.read(work)

    def delete(self, caller: Caller, address: ScopeAddress, name: str) -> None:
        """Remove it with its secret; quiet when absent."""

        def work(tx: Transaction) -> None:
            scope = writable(tx, caller, address, "connection", name)
            if tx.connections.find(scope.id, name) is not None:
                tx.connections.delete(scope.id, name)
                note(tx, caller, "connection.delete", resource_path(scope, "connection", name))

        self._catalog.write(work)

    def secrets(self, caller: Caller, address: ScopeAddress, name: str) -> ConnectionSecrets:
        """The credentials, whole. It takes ``resources/write``: who may read a secret could take it along."""

        def work(tx: Transaction) -> Connection:
            scope = writable(tx, caller, address, "connection", name)
            found = _find(tx, scope, name)
            note(tx, caller, "connection.secrets", resource_path(scope, "connection", name))
            return found

        found = self._catalog.write(work)
        sealed = found.sealed_secret
        secret = msgspec.json.decode(self._signer.unseal(sealed), type=dict[str, str]) if sealed else {}
        return ConnectionSecrets(credentials_type=found.credentials_type, values=found.credentials | secret)


def _find(tx: Transaction, scope: Scope, name: str) -> Connection:
    found = tx.connections.find(scope.id, name)
    if found is None:
        raise absent(scope, "connection", name)
    return found


def _made(
    caller: Caller, scope: Scope, document: ConnectionDocument, old: Connection | None, sealed: str
) -> Connection:
    at = now()
    keeps = old is not None and old.credentials_type is document.credentials_type
    return Connection(
        scope_id=scope.id,
        name=document.name,
        type=document.type,
        target=document.target,
        description=document.description,
        metadata=document.metadata,
        is_shared=document.is_shared,
        credentials_type=document.credentials_type,
        credentials={name: value for name, value in document.credentials.items() if name in PUBLIC},
        sealed_secret=sealed or (old.sealed_secret if old and keeps else ""),
        created_at=old.created_at if old else at,
        created_by=old.created_by if old else caller.principal.name,
        updated_at=at,
    )


def _check(document: ConnectionDocument) -> None:
    """No complaint tells the values: some are secret."""
    check_name("connection", document.name)
    check_tags(document.metadata)
    for fields in (document.metadata, document.credentials, {"target": document.target, "type": document.type}):
        if len(fields) > _MOST_FIELDS or any(len(key) > 255 or len(value) > _LONGEST for key, value in fields.items()):
            raise InvalidError(f"a connection has at most {_MOST_FIELDS} fields of {_LONGEST:,} characters")
    if len(document.description) > _LONGEST:
        raise InvalidError(f"the description of connection {document.name!r} is too long")
