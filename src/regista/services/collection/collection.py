"""Garbage collection: blobs that nothing names are removed, never sooner than a grace after they were first seen so.

It runs twice to remove anything: the first run notes what nothing names, a later one, after the grace, removes what still
nothing names. A blob that is named in between stays, and so does one that somebody stores again, at whatever moment:
the store itself removes nothing that was stored since the run began.
"""

import threading
import time
from collections.abc import Sequence

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.collection import GRACE_SECONDS, Collected
from regista.entities.digest import Digest
from regista.entities.names import now
from regista.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from regista.interfaces.blobs import BlobStore
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.collection.live import LiveBlobs
from regista.services.journal import note
from regista.services.scopes.stores import StoreService
from regista.services.webhooks.outbox import forget

SHORTEST_GRACE = 3600.0
"""Bytes that were sent and have no name yet are safe for so long: it takes a while to register what they belong to."""
EVENT_DAYS = 30
"""How long events are kept when nothing else is said; those that webhooks are still to be told of stay longer."""
LINK_MS = 7 * 86_400_000
"""How long a link waits for a trace that has not come."""
LONGEST_GRACE = 10 * 366 * 86400.0


class _Noted(msgspec.Struct):
    """When each unnamed blob was first seen."""

    since: dict[Digest, int]


class CollectionService:
    """Removes what nothing names."""

    def __init__(self, catalog: Catalog, stores: StoreService, *, event_days: int = EVENT_DAYS) -> None:
        self._event_days = event_days
        self._catalog = catalog
        self._stores = stores
        self._live = LiveBlobs(catalog, stores)
        self._running = threading.Lock()

    def run(self, caller: Caller, *, grace_seconds: float = GRACE_SECONDS, dry_run: bool = False) -> list[Collected]:
        """As ``collect``, with a grace of an hour at least."""
        if not SHORTEST_GRACE <= grace_seconds <= LONGEST_GRACE:
            raise InvalidError(
                "the grace is too short or too long",
                hint="An hour at least: what was just sent must not go before it has been registered.",
            )
        return self.collect(caller, grace_seconds=grace_seconds, dry_run=dry_run)

    def collect(
        self, caller: Caller, *, grace_seconds: float = GRACE_SECONDS, dry_run: bool = False
    ) -> list[Collected]:
        """Run once over every store; *dry_run* notes and removes nothing. Safe beside everything else that goes on, and
        beside a run of another server; raise ``ConflictError`` when this one is at it already."""
        if not caller.allows(Permission.INSTALLATION_WRITE, "/"):
            raise ForbiddenError("collecting garbage is for owners of the installation", hint="Ask an owner of '/'.")
        if not self._running.acquire(blocking=False):
            raise ConflictError("garbage is being collected already", hint="Wait until that has ended.")
        try:
            return self._collect(caller, grace_seconds, dry_run=dry_run)
        finally:
            self._running.release()

    def _collect(self, caller: Caller, grace_seconds: float, *, dry_run: bool) -> list[Collected]:
        before = now() - int(grace_seconds * 1000)
        if not dry_run:
            self._catalog.write(lambda tx: tx.claims.sweep(before))
            while self._catalog.write(lambda tx: tx.files.sweep(now(), before)):
                pass  # a thousand rows at a time
            self._catalog.write(lambda tx: tx.llm_traces.forget_links(now() - LINK_MS))
        if not dry_run and self._event_days:
            forget(self._catalog, now() - self._event_days * 86_400_000)
        results = []
        for name, store in self._stores.all().items():
            uploads = 0 if dry_run else store.sweep(grace_seconds)
            results.append(msgspec.structs.replace(self._one(name, store, before, dry_run=dry_run), uploads=uploads))
        if not dry_run:
            removed, freed = sum(one.removed for one in results), sum(one.bytes for one in results)
            self._catalog.write(lambda tx: note(tx, caller, "installation.collect", "/", removed=removed, bytes=freed))
        return results

    def _one(self, name: str, store: BlobStore, before: int, *, dry_run: bool) -> Collected:
        untouched_since = min(time.time(), before / 1000)
        live = self._live.of(name, store)
        unnamed = [digest for digest in store.digests() if digest not in live]
        claimed = self._catalog.read(lambda tx: tx.claims.claimed(unnamed))
        noted = self._catalog.read(lambda tx: _read_noted(tx, _key(name)))
        at = now()
        since = {digest: noted.since.get(digest, at) for digest in unnamed if digest not in claimed}
        sizes = {digest: _size(store, digest) for digest in since}
        gone = [digest for digest, seen in since.items() if seen <= before]
        if not dry_run:
            gone = self._remove(name, store, gone, since, untouched_since)
        waiting = since.keys() - set(gone)
        return Collected(
            store=name,
            live=len(live),
            waiting=len(waiting),
            waiting_bytes=sum(sizes[digest] for digest in waiting),
            removed=len(gone),
            bytes=sum(sizes[digest] for digest in gone),
            uploads=0,
            due=min((since[digest] + at - before for digest in waiting), default=None),
        )

    def _remove(
        self, name: str, store: BlobStore, due: Sequence[Digest], since: dict[Digest, int], untouched_since: float
    ) -> list[Digest]:
        """Remove what is due and was not stored again meanwhile; return what is gone.

        The bytes go first and the right to name them after: whoever names bytes without sending them renews them, and
        finds them gone."""
        gone = [digest for digest in due if store.delete(digest, unless_stored_since=untouched_since)]
        waiting = since.keys() - set(due)  # what was due and stays was stored again: its grace begins anew
        kept = _Noted({digest: since[digest] for digest in waiting})

        def work(tx: Transaction) -> None:
            tx.claims.forget(gone)
            tx.settings.put(_key(name), msgspec.json.encode(kept).decode())

        self._catalog.write(work)
        return gone


def _key(store: str) -> str:
    return f"collection.{store}"


def _size(store: BlobStore, digest: Digest) -> int:
    try:
        return store.size(digest)
    except NotFoundError:
        return 0


def _read_noted(tx: Transaction, key: str) -> _Noted:
    text = tx.settings.find(key)
    return msgspec.json.decode(text, type=_Noted) if text else _Noted({})
