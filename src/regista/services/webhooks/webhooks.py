"""Webhooks of workspaces and registries. All that is about them takes ``scopes/write``: who makes one sends what happens in
the scope to somebody outside, and the address of a receiver is often a secret itself."""

import hashlib
import re
from collections.abc import Sequence

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.imported import ImportedWebhook
from regista.entities.names import new_id, now
from regista.entities.page import Page, PageRequest
from regista.entities.scope import Scope, ScopeAddress
from regista.entities.webhook import Delivery, DeliveryState, Sent, Webhook, WebhookState
from regista.errors import AbsentError, ConflictError, InvalidError, NotFoundError
from regista.interfaces.catalog import Catalog, Transaction
from regista.interfaces.posting import Poster
from regista.interfaces.signing import Signer
from regista.services.access.access import require
from regista.services.journal import note
from regista.services.scopes.scopes import resolve_scope
from regista.services.webhooks.outbox import begin
from regista.services.webhooks.telling import Teller, heads, written

MOST = 100
"""Of one scope, and events of one webhook."""

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_LONGEST = 1000


class WebhookChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a webhook is to be; None leaves as it is, an empty secret takes the signature away."""

    name: str | None = None
    url: str | None = None
    events: tuple[str, ...] | None = None
    description: str | None = None
    secret: str | None = None
    state: WebhookState | None = None

    def __repr__(self) -> str:
        return f"WebhookChange({self.name!r})"  # never the secret, nor the address: it may come to stand in a log


class WebhookService:
    """Makes, finds, changes, deletes and tries webhooks."""

    def __init__(self, catalog: Catalog, signer: Signer, poster: Poster, tellers: Sequence[Teller]) -> None:
        self._catalog = catalog
        self._signer = signer
        self._poster = poster
        self._tellers = tuple(tellers)

    def create(self, caller: Caller, address: ScopeAddress, new: WebhookChange) -> Webhook:
        """Make one, which is told of what happens from now on. Names may be given again; ids are not."""
        self._check(msgspec.structs.replace(new, name=new.name or "", url=new.url or "", events=new.events or ()))

        return self._catalog.write(
            lambda tx: self._add(tx, caller, _writable(tx, caller, address), new_id(), new, now())
        )

    def take_over(self, caller: Caller, address: ScopeAddress, told: ImportedWebhook) -> Webhook:
        """One that was kept elsewhere, disabled and without a secret: both are for whoever knows it. The same again changes
        nothing of what it has become here."""
        new = WebhookChange(
            name=told.name, url=told.url, events=told.events, description=told.description, state=WebhookState.DISABLED
        )
        self._check(new)

        def work(tx: Transaction) -> Webhook:
            scope = _writable(tx, caller, address)
            known = hashlib.sha256(f"{scope.id}/{told.origin}".encode()).hexdigest()[:32]
            return tx.webhooks.find(known) or self._add(tx, caller, scope, known, new, told.created_at or now())

        return self._catalog.write(work)

    def _add(
        self, tx: Transaction, caller: Caller, scope: Scope, which: str, new: WebhookChange, created_at: int
    ) -> Webhook:
        if len(tx.webhooks.of_scope(scope.id)) >= MOST:
            raise ConflictError(f"{scope.address} has {MOST} webhooks already", hint="Delete some.")
        draft = Webhook(
            id=which, scope_id=scope.id, name="", url="", events=(), created_at=created_at, after=begin(tx),
            created_by=caller.principal.name,
        )  # fmt: skip
        made = self._changed(caller, scope, draft, new)
        tx.webhooks.put(made)
        note(tx, caller, "webhook.create", _path(scope, made), name=made.name, events=list(made.events))
        return made

    def get(self, caller: Caller, address: ScopeAddress, which: str) -> Webhook:
        """By id, or by name where only one has it."""
        return self._catalog.read(lambda tx: _find(tx, _writable(tx, caller, address), which))

    def list(self, caller: Caller, address: ScopeAddress) -> list[Webhook]:
        """All of the scope, the first made first."""
        return self._catalog.read(lambda tx: tx.webhooks.of_scope(_writable(tx, caller, address).id))

    def update(self, caller: Caller, address: ScopeAddress, which: str, change: WebhookChange) -> Webhook:
        """Change it. One that is made active again is told of what happens from then on."""
        self._check(change)

        def work(tx: Transaction) -> Webhook:
            scope = _writable(tx, caller, address)
            old = _find(tx, scope, which)
            made = self._changed(caller, scope, old, change)
            if made.state is WebhookState.ACTIVE and old.state is not WebhookState.ACTIVE:
                made = msgspec.structs.replace(made, after=tx.journal.newest())
            tx.webhooks.put(made)
            note(tx, caller, "webhook.update", _path(scope, made), name=made.name, events=list(made.events))
            return made

        return self._catalog.write(work)

    def delete(self, caller: Caller, address: ScopeAddress, which: str) -> None:
        """Remove it with its secret, its log and what was not sent yet; quiet when there is none."""

        def work(tx: Transaction) -> None:
            scope = _writable(tx, caller, address)
            try:
                found = _find(tx, scope, which)
            except NotFoundError:
                return
            tx.webhooks.delete(found.id)
            note(tx, caller, "webhook.delete", _path(scope, found), name=found.name)

        self._catalog.write(work)

    def deliveries(
        self,
        caller: Caller,
        address: ScopeAddress,
        which: str,
        request: PageRequest,
        state: DeliveryState | None = None,
    ) -> Page[Delivery]:
        """What was sent, is to be sent and could not be, newest first."""

        def work(tx: Transaction) -> Page[Delivery]:
            found = _find(tx, _writable(tx, caller, address), which)
            return tx.webhooks.deliveries(found.id, request, state)

        return self._catalog.read(work)

    def test(self, caller: Caller, address: ScopeAddress, which: str, event: str = "") -> Sent:
        """Send an example of *event* (of the first that it asked for) now and once; what came of it."""

        def work(tx: Transaction) -> Webhook:
            scope = _writable(tx, caller, address)
            found = _find(tx, scope, which)
            note(tx, caller, "webhook.test", _path(scope, found), name=found.name)
            return found

        if event:
            self._teller(event)
        found = self._catalog.write(work)
        name = event or found.events[0]
        payload = written(self._teller(name).example(name).body).encode()
        secret = self._signer.unseal(found.sealed_secret) if found.sealed_secret else ""
        return self._poster.post(found.url, heads(found, secret, new_id(), payload), payload)

    def _teller(self, name: str) -> Teller:
        for teller in self._tellers:
            if teller.knows(name):
                return teller
        raise InvalidError(
            f"{name[:80]!r} names no events",
            hint="Write NOUN.VERB (model.promote), NOUN.* or *, or a name of MLflow's (model_version.created).",
        )

    def _check(self, change: WebhookChange) -> None:
        if change.name is not None and not _NAME.fullmatch(change.name):
            raise InvalidError(
                f"Webhook name {change.name[:100]!r} is invalid",
                hint="1 to 63 letters, digits, dots, underscores and hyphens, a letter or a digit first and last.",
            )
        if change.url is not None:
            self._poster.check(change.url)
        if change.events is not None:
            if not 1 <= len(change.events) <= MOST:
                raise InvalidError(f"a webhook asks for 1 to {MOST} names of events")
            for name in change.events:
                self._teller(name)
        if len(change.description or "") > _LONGEST or len(change.secret or "") > _LONGEST:
            raise InvalidError(f"a webhook's description and its secret have at most {_LONGEST} characters")

    def _changed(self, caller: Caller, scope: Scope, old: Webhook, change: WebhookChange) -> Webhook:
        fields = {
            name: getattr(change, name)
            for name in ("name", "url", "events", "description", "state")
            if getattr(change, name) is not None
        }
        if change.secret is not None:
            fields["sealed_secret"] = self._signer.seal(change.secret) if change.secret else ""
        detailed = caller.allows(Permission.AUDIT_READ, scope.path)
        return msgspec.structs.replace(old, **fields, detailed=detailed, updated_at=now())


def _writable(tx: Transaction, caller: Caller, address: ScopeAddress) -> Scope:
    scope = resolve_scope(tx, caller, address)
    require(caller, Permission.SCOPES_WRITE, scope.path, read=Permission.SCOPES_READ, what="webhook for you")
    return scope


def _find(tx: Transaction, scope: Scope, which: str) -> Webhook:
    named = [one for one in tx.webhooks.of_scope(scope.id) if which in {one.id, one.name}]
    exact = [one for one in named if one.id == which] or named
    if len(exact) > 1:
        raise ConflictError(f"{scope.address} has several webhooks {which[:80]!r}", hint="Name it by its id.")
    if not exact:
        message = f"there is no webhook {which[:80]!r} in {scope.kind} {scope.name!r}"
        raise AbsentError(message, what="webhook", name=which[:80])
    return exact[0]


def _path(scope: Scope, webhook: Webhook) -> str:
    return f"{scope.path}/webhooks/{webhook.id}"
