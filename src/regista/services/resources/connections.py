"""Connections: services outside a workspace, with the way into them. What is secret about it is sealed, and handed out only
to who may change the connection; that it was asked for is written down."""

from typing import Literal

import msgspec

from regista.entities.access import Caller
from regista.entities.connection import PUBLIC, Connection, ConnectionFields
from regista.entities.documents.connection import ConnectionDocument
from regista.entities.names import check_name, check_tags, now
from regista.entities.resource_views import Secrets
from regista.entities.scope import Scope, ScopeAddress
from regista.errors import InvalidError
from regista.interfaces.catalog import Catalog, Transaction
from regista.interfaces.catalog.resources import ConnectionRepository
from regista.interfaces.signing import Signer
from regista.services.journal import note
from regista.services.resources.places import refuse_new, resource_path, writable
from regista.services.resources.records import RecordService

_MOST_FIELDS = 50
_LONGEST = 20_000


class ConnectionService(RecordService[Connection]):
    """Makes, finds, changes and deletes connections."""

    noun = "connection"

    def __init__(self, catalog: Catalog, signer: Signer) -> None:
        super().__init__(catalog)
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

    def secrets(self, caller: Caller, address: ScopeAddress, name: str) -> Secrets:
        """The credentials, whole. It takes ``resources/write``: who may read a secret could take it along."""

        def work(tx: Transaction) -> Connection:
            scope = writable(tx, caller, address, "connection", name)
            found = self._find(tx, scope, name)
            note(tx, caller, "connection.secrets", resource_path(scope, "connection", name))
            return found

        found = self._catalog.write(work)
        sealed = found.sealed_secret
        secret = msgspec.json.decode(self._signer.unseal(sealed), type=dict[str, str]) if sealed else {}
        return Secrets(credentials_type=found.credentials_type, values=found.credentials | secret)

    def _rows(self, tx: Transaction) -> ConnectionRepository:
        return tx.connections


def _made(
    caller: Caller, scope: Scope, document: ConnectionDocument, old: Connection | None, sealed: str
) -> Connection:
    at = now()
    keeps = old is not None and old.credentials_type is document.credentials_type
    said = {name: getattr(document, name) for name in ConnectionFields.__struct_fields__ if name != "credentials"}
    return Connection(
        **said,
        scope_id=scope.id,
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
