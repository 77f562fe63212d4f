"""Online endpoints: a stable address, its keys, and the traffic among its deployments."""

import secrets
from collections.abc import Sequence
from typing import Literal

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.documents.endpoint import OnlineEndpointDocument
from regista.entities.endpoint import AuthMode, Endpoint
from regista.entities.endpoint_views import EndpointKeys, EndpointToken
from regista.entities.names import check_name, check_tags, new_id, now
from regista.entities.page import Page, PageRequest
from regista.entities.scope import Scope, ScopeAddress, ScopeKind
from regista.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from regista.interfaces.catalog import Catalog, Transaction
from regista.interfaces.signing import Signer
from regista.services.access.access import hash_secret, require
from regista.services.access.tokens import Tokens
from regista.services.access.visibility import visible_page
from regista.services.journal import note
from regista.services.scopes.scopes import resolve_scope
from regista.services.serving.callers import audience
from regista.services.serving.routing import Routing, reached
from regista.services.serving.traffic import check_traffic, record_traffic

ROUTE = "regista.route"
"""The property with the endpoint's part of its address that stands for the workspace; it never changes."""

CHANGE = "regista.change"
"""The property with the number of the endpoint's last change that the gateway has to take."""


_FRESH = 10_000
"""Milliseconds: a key that is younger may not have come to the gateway yet."""


class EndpointChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may change about an endpoint; None leaves it. Traffic is given whole."""

    description: str | None = None
    tags: dict[str, str] | None = None
    properties: dict[str, str] | None = None
    traffic: dict[str, int] | None = None
    mirror_traffic: dict[str, int] | None = None


def endpoint_path(scope: Scope, name: str) -> str:
    """Where an endpoint stands in the tree of scopes."""
    return f"{scope.path}/endpoints/{name}"


def require_endpoint(
    tx: Transaction, caller: Caller, address: ScopeAddress, name: str, permission: Permission
) -> tuple[Scope, Endpoint]:
    """The endpoint, where *caller* has *permission* to it; raise as ``require`` does."""
    scope = resolve_scope(tx, caller, address)
    named = f"endpoint {name!r} in {scope.kind} {scope.name!r}"
    require(caller, permission, endpoint_path(scope, name), read=Permission.ENDPOINTS_READ, what=named)
    found = tx.endpoints.find(scope.id, name)
    if found is None:
        raise NotFoundError(
            f"there is no {named}", hint=f"See: regista online-endpoint list --workspace-name {scope.name}"
        )
    return scope, found


class EndpointService:
    """Makes, finds, changes and deletes endpoints.

    What changes how requests are answered returns when the gateway answers so; where it does not come to that in time, for
    the gateway is down or nobody leads, the change is written all the same, and ``state`` tells of it."""

    def __init__(self, catalog: Catalog, signer: Signer, routing: Routing) -> None:
        self._catalog = catalog
        self._signer = signer
        self._tokens = Tokens(signer)
        self._routing = routing

    @property
    def signer(self) -> str:
        """The public key (PEM) by which the gateway knows tokens."""
        return self._signer.public_key

    def create(self, caller: Caller, address: ScopeAddress, document: OnlineEndpointDocument) -> Endpoint:
        """Make an endpoint, without traffic; raise ``AlreadyExistsError`` when the name is taken."""
        fresh = self._new(document, caller)

        def work(tx: Transaction) -> Endpoint:
            scope = resolve_scope(tx, caller, address)
            path = endpoint_path(scope, document.name)
            named = f"endpoint {document.name!r} in {scope.kind} {scope.name!r}"
            require(caller, Permission.ENDPOINTS_WRITE, path, read=Permission.ENDPOINTS_READ, what=named)
            properties = document.properties | {ROUTE: _route(tx, scope)}
            made = msgspec.structs.replace(fresh, scope_id=scope.id, properties=properties)
            check_traffic(made, document.traffic or {}, document.mirror_traffic or {}, ())
            tx.endpoints.add(made)
            note(tx, caller, "endpoint.create", path)
            return made

        made = self._catalog.write(work)
        self._routing.bell.ring()
        return made

    def put(self, caller: Caller, address: ScopeAddress, document: OnlineEndpointDocument) -> Endpoint:
        """Make the endpoint, or change it to what the document says; traffic that it does not mention stays."""

        def exists(tx: Transaction) -> bool:
            return tx.endpoints.find(resolve_scope(tx, caller, address).id, document.name) is not None

        if not self._catalog.read(exists):
            return self.create(caller, address, document)
        if document.auth_mode and document.auth_mode != (mode := self.get(caller, address, document.name).auth_mode):
            raise ConflictError(
                f"endpoint {document.name!r} is of auth_mode {mode}, and stays so",
                hint="Make another endpoint, or delete this one first.",
            )
        change = EndpointChange(
            description=document.description,
            tags=document.tags,
            properties=document.properties,
            traffic=document.traffic,
            mirror_traffic=document.mirror_traffic,
        )
        return self.update(caller, address, document.name, change)

    def get(self, caller: Caller, address: ScopeAddress, name: str) -> Endpoint:
        """By name."""
        return self._catalog.read(lambda tx: require_endpoint(tx, caller, address, name, Permission.ENDPOINTS_READ)[1])

    def page(self, caller: Caller, address: ScopeAddress, request: PageRequest) -> Page[Endpoint]:
        """The endpoints of a workspace that the caller may read, newest first."""

        def work(tx: Transaction) -> Page[Endpoint]:
            scope = resolve_scope(tx, caller, address)
            return visible_page(
                lambda asked: tx.endpoints.page(scope.id, asked),
                request,
                lambda one: caller.allows(Permission.ENDPOINTS_READ, endpoint_path(scope, one.name)),
            )

        return self._catalog.read(work)

    def update(self, caller: Caller, address: ScopeAddress, name: str, change: EndpointChange) -> Endpoint:
        """Change what may change. A change of traffic holds for every request that is sent after the answer."""
        check_tags(change.tags or {})
        check_tags(change.properties or {})

        def work(tx: Transaction) -> Endpoint:
            scope, endpoint = require_endpoint(tx, caller, address, name, Permission.ENDPOINTS_WRITE)
            deployments = tx.endpoints.deployments(scope.id, name)
            changed = _changed(endpoint, change)
            moved = (changed.traffic, changed.mirror_traffic) != (endpoint.traffic, endpoint.mirror_traffic)
            if moved:
                check_traffic(changed, changed.traffic, changed.mirror_traffic, deployments)
                changed = _numbered(tx, changed)
                record_traffic(tx, caller, changed, deployments, "traffic set")
            tx.endpoints.put(changed)
            fields = {"traffic": changed.traffic, "mirror_traffic": changed.mirror_traffic} if moved else {}
            note(tx, caller, "endpoint.update", endpoint_path(scope, name), **fields)
            return changed

        changed = self._catalog.write(work)
        self._routing.settle(_number(changed))
        return changed

    def state(self, endpoints: Sequence[Endpoint]) -> list[str]:
        """Of each: ``Updating`` while the gateway does not answer by its last change yet, else ``Succeeded``."""
        come = self._catalog.read(reached)
        return ["Updating" if _number(one) > come else "Succeeded" for one in endpoints]

    def delete(self, caller: Caller, address: ScopeAddress, name: str) -> bool:
        """Delete the endpoint and all its deployments, serving or not; its history stays. The absent is quiet.

        Whether the gateway has let go of it: nobody is answered any more."""

        def work(tx: Transaction) -> int:
            try:
                scope, endpoint = require_endpoint(tx, caller, address, name, Permission.ENDPOINTS_DELETE)
            except NotFoundError:
                resolve_scope(tx, caller, address)
                return 0
            ended = msgspec.structs.replace(endpoint, traffic={}, mirror_traffic={})
            record_traffic(tx, caller, ended, (), "endpoint deleted")
            tx.endpoints.delete(scope.id, name)
            note(tx, caller, "endpoint.delete", endpoint_path(scope, name))
            return self._routing.change(tx)

        return self._routing.settle(self._catalog.write(work))

    def token(self, caller: Caller, address: ScopeAddress, name: str) -> EndpointToken:
        """A token that opens the endpoint for an hour at most, and ends with the caller's key and right; that it was fetched is
        recorded. Raise ``InvalidError`` for an endpoint that keys open, ``ForbiddenError`` for a caller without a key."""

        def work(tx: Transaction) -> tuple[Endpoint, int]:
            scope, endpoint = require_endpoint(tx, caller, address, name, Permission.ENDPOINTS_KEYS)
            if endpoint.auth_mode == AuthMode.KEY:
                raise InvalidError(f"endpoint {name!r} is opened by keys, not by tokens", hint="Ask for its keys.")
            found = tx.keys.find(caller.key) if caller.key else None
            if found is None:
                raise ForbiddenError(f"{caller.principal.name} calls without a key", hint="A token speaks for a key.")
            note(tx, caller, "endpoint.token", endpoint_path(scope, name))
            fresh = found[0].created_at > now() - _FRESH
            return endpoint, Routing.change(tx) if fresh else 0

        endpoint, change = self._catalog.write(work)
        if change:  # the gateway does not know so new a key yet
            self._routing.settle(change)
        made = self._tokens.issue_for(caller.principal.id, caller.key, audience(endpoint), caller.expires_at)
        ends = made.expires_on * 1000
        return EndpointToken(made.text, ends, now() + (ends - now()) * 3 // 4)

    def keys(self, caller: Caller, address: ScopeAddress, name: str) -> EndpointKeys:
        """The endpoint's keys; that they were read is recorded. Raise ``InvalidError`` for one that tokens open."""

        def work(tx: Transaction) -> Endpoint:
            scope, endpoint = require_endpoint(tx, caller, address, name, Permission.ENDPOINTS_KEYS)
            _require_keys(endpoint)
            note(tx, caller, "endpoint.keys.read", endpoint_path(scope, name))
            return endpoint

        primary, secondary = self._catalog.write(work).sealed_keys
        return EndpointKeys(self._signer.unseal(primary), self._signer.unseal(secondary))

    def regenerate(
        self, caller: Caller, address: ScopeAddress, name: str, which: Literal["primary", "secondary"]
    ) -> EndpointKeys:
        """Replace one key: the old one opens nothing any more, unless the keys that are returned are ``pending``."""
        place = 0 if which == "primary" else 1
        secret = _new_key()
        sealed = self._signer.seal(secret)

        def work(tx: Transaction) -> Endpoint:
            scope, endpoint = require_endpoint(tx, caller, address, name, Permission.ENDPOINTS_KEYS)
            _require_keys(endpoint)
            keys, hashes = list(endpoint.sealed_keys), list(endpoint.key_hashes)
            keys[place], hashes[place] = sealed, hash_secret(secret)
            changed = msgspec.structs.replace(
                endpoint, sealed_keys=(keys[0], keys[1]), key_hashes=(hashes[0], hashes[1]), updated_at=now()
            )
            changed = _numbered(tx, changed)
            tx.endpoints.put(changed)
            note(tx, caller, "endpoint.keys.regenerate", endpoint_path(scope, name), key=which)
            return changed

        pending = not self._routing.settle(_number(self._catalog.write(work)))
        return msgspec.structs.replace(self.keys(caller, address, name), pending=pending)

    def _new(self, document: OnlineEndpointDocument, caller: Caller) -> Endpoint:
        check_name("endpoint", document.name)
        primary, secondary = _new_key(), _new_key()
        at = now()
        return Endpoint(
            id=new_id(),
            scope_id="",
            name=document.name,
            auth_mode=document.auth_mode or AuthMode.KEY,
            description=document.description,
            tags=check_tags(document.tags),
            properties=check_tags(document.properties),
            sealed_keys=(self._signer.seal(primary), self._signer.seal(secondary)),
            key_hashes=(hash_secret(primary), hash_secret(secondary)),
            created_at=at,
            created_by=caller.principal.name,
            updated_at=at,
        )


def _require_keys(endpoint: Endpoint) -> None:
    if endpoint.auth_mode != AuthMode.KEY:
        raise InvalidError(
            f"endpoint {endpoint.name!r} is opened by tokens, not by keys",
            hint="Ask for a token, or send one of Azure ML.",
        )


def _changed(endpoint: Endpoint, change: EndpointChange) -> Endpoint:
    fields = {name: value for name in change.__struct_fields__ if (value := getattr(change, name)) is not None}
    for name in ("traffic", "mirror_traffic"):
        if name in fields:
            fields[name] = {one: share for one, share in fields[name].items() if share or name == "traffic"}
    if "properties" in fields:
        own = {name: endpoint.properties[name] for name in (ROUTE, CHANGE) if name in endpoint.properties}
        fields["properties"] = fields["properties"] | own
    return msgspec.structs.replace(endpoint, updated_at=now(), **fields)


def _numbered(tx: Transaction, endpoint: Endpoint) -> Endpoint:
    """The endpoint with the number of its change, which is counted here."""
    return msgspec.structs.replace(endpoint, properties=endpoint.properties | {CHANGE: str(Routing.change(tx))})


def _number(endpoint: Endpoint) -> int:
    return int(endpoint.properties.get(CHANGE, "0"))


def _route(tx: Transaction, scope: Scope) -> str:
    """How the workspace is called in addresses: its name, unless an endpoint of another of that name is called so already."""
    for other in tx.scopes.find(ScopeKind.WORKSPACE, scope.name):
        if other.id == scope.id:
            continue
        cursor: str | None = None
        while True:
            page = tx.endpoints.page(other.id, PageRequest(limit=1000, cursor=cursor))
            if any(one.properties.get(ROUTE) == scope.name for one in page.items):
                return f"{scope.name}.{scope.id[-8:]}"
            if not page.next:
                break
            cursor = page.next
    return scope.name


def route_of(endpoint: Endpoint) -> str:
    """``WORKSPACE/ENDPOINT``, as it stands in the address."""
    return f"{endpoint.properties.get(ROUTE, 'unknown')}/{endpoint.name}"


def scoring_uri(gateway: str, endpoint: Endpoint) -> str:
    """Where requests go."""
    return f"{gateway}/endpoints/{route_of(endpoint)}/score" if gateway else ""


def _new_key() -> str:
    return secrets.token_urlsafe(32)
