"""Datastores: where a workspace says that bytes are. Two are built in; the others are records of accounts outside."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.datastore import (
    BLOB_STORE,
    BUILT_IN,
    CredentialsType,
    Datastore,
    DatastoreFields,
    files_container,
    jobs_container,
)
from regista.entities.names import check_name, check_tags, now
from regista.entities.resource_views import Secrets
from regista.entities.scope import Scope, ScopeAddress, ScopeKind
from regista.errors import AlreadyExistsError, ConflictError, InvalidError, NotFoundError
from regista.interfaces.catalog import Catalog, Transaction
from regista.interfaces.signing import Signer
from regista.services.access.access import require
from regista.services.datastores.signatures import DEFAULT_SECONDS, READ, WRITE, Signatures
from regista.services.journal import note
from regista.services.scopes.scopes import resolve_scope

_DEFAULT = "datastores.default"
_MOST = 1000
_MAX_FIELDS = 50
_MAX_VALUE = 20_000


class NewDatastore(DatastoreFields, frozen=True, kw_only=True):
    """What it takes to make or replace a datastore. *secret* None leaves the one that is there, ``{}`` removes it."""

    secret: dict[str, str] | None = None


class DatastoreService:
    """Makes, finds, changes and deletes datastores of workspaces."""

    def __init__(self, catalog: Catalog, signer: Signer, signatures: Signatures) -> None:
        self._catalog = catalog
        self._signer = signer
        self._signatures = signatures

    def create_or_update(
        self, caller: Caller, address: ScopeAddress, new: NewDatastore, *, only: Literal["create"] | None = None
    ) -> Datastore:
        """Make the datastore, or replace it. Of a built-in one nothing changes but whether it is the default.

        With *only* ``create`` a taken name is ``AlreadyExistsError``."""
        _check(new)
        sealed = self._signer.seal(msgspec.json.encode(new.secret).decode()) if new.secret else ""

        def work(tx: Transaction) -> Datastore:
            scope = _writable(tx, caller, address, new.name)
            if only == "create" and (new.name in BUILT_IN or tx.datastores.find(scope.id, new.name)):
                raise AlreadyExistsError(
                    f"workspace {scope.name!r} has a datastore {new.name!r} already",
                    hint="Update it, or choose another name.",
                )
            if new.name in BUILT_IN:
                if new.is_default:
                    _make_default(tx, scope, new.name)
                return _find(tx, scope, new.name)
            old = tx.datastores.find(scope.id, new.name)
            if old is None and len(tx.datastores.of_scope(scope.id)) >= _MOST:
                raise ConflictError(f"{address} has {_MOST} datastores already", hint="Delete some.")
            tx.datastores.put(_made(caller, scope, new, old, sealed))
            if new.is_default:
                _make_default(tx, scope, new.name)
            note(tx, caller, "datastore.put", datastore_path(scope, new.name), type=new.type)
            return _find(tx, scope, new.name)

        return self._catalog.write(work)

    def get(self, caller: Caller, address: ScopeAddress, name: str) -> Datastore:
        """By name."""
        return self._catalog.read(lambda tx: _find(tx, _readable(tx, caller, address, name), name))

    def default(self, caller: Caller, address: ScopeAddress) -> Datastore:
        """The one that is used where none is named."""

        def work(tx: Transaction) -> Datastore:
            scope = _readable(tx, caller, address, BLOB_STORE)
            return _find(tx, scope, _default(tx, scope))

        return self._catalog.read(work)

    def list(self, caller: Caller, address: ScopeAddress) -> list[Datastore]:
        """The datastores that the caller may read, the built-in ones first, then by name. There are at most a thousand."""

        def work(tx: Transaction) -> list[Datastore]:
            scope = _workspace(tx, caller, address)
            names = [*BUILT_IN, *(one.name for one in tx.datastores.of_scope(scope.id))]
            return [_find(tx, scope, name) for name in names if _sees(caller, scope, name)]

        return self._catalog.read(work)

    def delete(self, caller: Caller, address: ScopeAddress, name: str) -> None:
        """Remove it; quiet when absent. Raise ``ConflictError`` for a built-in one and for the default."""

        def work(tx: Transaction) -> None:
            scope = _writable(tx, caller, address, name)
            if name in BUILT_IN:
                raise ConflictError(f"datastore {name!r} is built in and stays")
            if tx.datastores.find(scope.id, name) is None:
                return
            if _default(tx, scope) == name:
                raise ConflictError(f"datastore {name!r} is the default", hint="Make another one the default first.")
            tx.datastores.delete(scope.id, name)
            note(tx, caller, "datastore.delete", datastore_path(scope, name))

        self._catalog.write(work)

    def set_default(self, caller: Caller, address: ScopeAddress, name: str) -> Datastore:
        """Use it where none is named."""

        def work(tx: Transaction) -> Datastore:
            scope = _writable(tx, caller, address, name)
            found = _find(tx, scope, name)
            if not found.is_default:
                _make_default(tx, scope, name)
                note(tx, caller, "datastore.default", datastore_path(scope, name))
            return _find(tx, scope, name)

        return self._catalog.write(work)

    def secrets(self, caller: Caller, address: ScopeAddress, name: str, *, seconds: float = DEFAULT_SECONDS) -> Secrets:
        """What opens the datastore; whoever asks is written down. For a built-in one that is ``{"sas_token": …}``.

        A built-in one is opened by a signature, which does what the caller may and no more. The secret of another one takes
        ``resources/write``: who may read it could take it along."""
        if name in BUILT_IN:
            found = self.get(caller, address, name)
            rights = WRITE if name == BLOB_STORE else READ
            token = self._signatures.issue(caller, found.spec["container_name"], rights, seconds=seconds)
            return Secrets(credentials_type=CredentialsType.SAS, values={"sas_token": token})

        def work(tx: Transaction) -> Datastore:
            scope = _writable(tx, caller, address, name)
            note(tx, caller, "datastore.secrets", datastore_path(scope, name))
            return _find(tx, scope, name)

        found = self._catalog.write(work)
        sealed = found.sealed_secret
        values = msgspec.json.decode(self._signer.unseal(sealed), type=dict[str, str]) if sealed else {}
        return Secrets(credentials_type=found.credentials_type, values=values)


def datastore_path(scope: Scope, name: str) -> str:
    """Where a datastore stands in the tree of scopes."""
    return f"{scope.path}/datastores/{name}"


def _workspace(tx: Transaction, caller: Caller, address: ScopeAddress) -> Scope:
    scope = resolve_scope(tx, caller, address)
    if scope.kind is not ScopeKind.WORKSPACE:
        raise NotFoundError(f"{address} has no datastores", hint="Only workspaces have.")
    return scope


def _sees(caller: Caller, scope: Scope, name: str) -> bool:
    return caller.allows(Permission.RESOURCES_READ, datastore_path(scope, name))


def _readable(tx: Transaction, caller: Caller, address: ScopeAddress, name: str) -> Scope:
    scope = _workspace(tx, caller, address)
    if not _sees(caller, scope, name):
        raise _absent(scope, name)
    return scope


def _writable(tx: Transaction, caller: Caller, address: ScopeAddress, name: str) -> Scope:
    scope = _workspace(tx, caller, address)
    path = datastore_path(scope, name)
    require(
        caller,
        Permission.RESOURCES_WRITE,
        path,
        read=Permission.RESOURCES_READ,
        what=f"datastore {name[:80]!r} for you",
    )
    return scope


def _find(tx: Transaction, scope: Scope, name: str) -> Datastore:
    found = _built_in(scope, name) if name in BUILT_IN else tx.datastores.find(scope.id, name)
    if found is None:
        raise _absent(scope, name)
    return msgspec.structs.replace(found, is_default=_default(tx, scope) == name)


def _built_in(scope: Scope, name: str) -> Datastore:
    container = files_container(scope.id) if name == BLOB_STORE else jobs_container(scope.id)
    return Datastore(
        scope_id=scope.id,
        name=name,
        spec={"container_name": container},
        credentials_type=CredentialsType.SAS,
        created_at=scope.created_at,
        created_by=scope.created_by,
        updated_at=scope.created_at,
    )


def _made(caller: Caller, scope: Scope, new: NewDatastore, old: Datastore | None, sealed: str) -> Datastore:
    at = now()
    said = {name: getattr(new, name) for name in DatastoreFields.__struct_fields__ if name != "is_default"}
    return Datastore(
        **said,
        scope_id=scope.id,
        sealed_secret=sealed if new.secret is not None else old.sealed_secret if old else "",
        created_at=old.created_at if old else at,
        created_by=old.created_by if old else caller.principal.name,
        updated_at=at,
    )


def _default(tx: Transaction, scope: Scope) -> str:
    return tx.settings.find(f"{_DEFAULT}.{scope.id}") or BLOB_STORE


def _make_default(tx: Transaction, scope: Scope, name: str) -> None:
    tx.settings.put(f"{_DEFAULT}.{scope.id}", name)


def _absent(scope: Scope, name: str) -> NotFoundError:
    return NotFoundError(
        f"there is no datastore {name[:80]!r} in {scope.kind} {scope.name!r}",
        hint="It does not exist, or you may not read it.",
    )


def _check(new: NewDatastore) -> None:
    check_name("datastore", new.name)
    check_tags(new.tags)
    check_tags(new.properties)
    for fields in (new.spec, new.credentials, new.secret or {}):
        _check_fields(fields)
    if len(new.description) > _MAX_VALUE:
        raise InvalidError(f"the description of datastore {new.name!r} is too long")


def _check_fields(fields: Mapping[str, str]) -> None:
    """Their values are not told: some are secret."""
    if len(fields) > _MAX_FIELDS or any(len(key) > 255 or len(value) > _MAX_VALUE for key, value in fields.items()):
        raise InvalidError(f"a datastore has at most {_MAX_FIELDS} fields of {_MAX_VALUE:,} characters")
