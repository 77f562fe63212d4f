"""The book of reads: who looked at what, written down beside the requests and never on their way.

    a request ──saw()──> a dictionary of visits          one look-up and one addition; no disk, no wait
                              │ every second
                              └──> one transaction        new visits, a few hundred at a time
                              │ a minute after the first
                              └──> the same records again, with how often it was

The same principal, thing, action, address and outcome within a minute are one visit. The dictionary is bounded: what does
not fit is counted, and the count is written down. A crash loses the visits of about its last second, and of older ones
how often they were repeated.
"""

import itertools
import logging
import threading

import msgspec

from regista.entities.access import Caller
from regista.entities.journal import AuditRecord, AuditSettings, Reads
from regista.entities.names import new_id, now
from regista.entities.scope import ScopeAddress
from regista.errors import ErrorCode, RegistaError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.access.access import SYSTEM
from regista.services.audit.containers import PREFIX, container_place
from regista.services.audit.settings import audit_settings
from regista.services.scopes.scopes import resolve_scope

WINDOW = 60_000
"""Milliseconds within which repetitions are one record."""
MOST = 20_000
"""Visits in hand."""
DAY = 86_400_000
_PAUSE = 1.0
_BATCH = 300
_SWEEP_MS = 3_600_000
_SWEPT = 5_000
_log = logging.getLogger("regista.audit")

Key = tuple[str, str, str, ScopeAddress | None, str, str]


class Visit(msgspec.Struct):
    """One entry: what is known of it, and what the catalog has been told (``number`` 0: nothing yet)."""

    caller: Caller
    action: str
    address: ScopeAddress | None
    tail: str
    outcome: str
    sensitive: bool
    first: int
    until: int
    count: int = 1
    number: int = 0
    told: int = 0
    path: str = ""


class AuditBook:
    """Takes visits and writes them down. Its thread starts with the first and ends when there are none in hand."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._reads = Reads.ALL
        self._visits: dict[Key, Visit] = {}
        self._fresh: list[Visit] = []
        self._lost = 0
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._swept = 0

    def saw(
        self,
        caller: Caller,
        action: str,
        address: ScopeAddress | None,
        tail: str,
        *,
        outcome: str = "done",
        sensitive: bool = False,
    ) -> None:
        """Note that *caller* did *action* to what lies at *tail* in the scope at *address* (None: in the installation)."""
        reads = self._reads
        if reads is not Reads.ALL and (reads is Reads.OFF or (outcome == "done" and not sensitive)):
            return
        key = (caller.principal.id, caller.address, action, address, tail, outcome)
        at = now()
        with self._lock:
            known = self._visits.get(key)
            if known is not None:
                known.count += 1
                known.until = at
            elif self._closed or len(self._visits) >= MOST:
                self._lost += 1
            else:
                visit = Visit(caller, action, address, tail, outcome, sensitive, at, at)
                self._visits[key] = visit
                self._fresh.append(visit)
                self._start()

    def use(self, settings: AuditSettings) -> None:
        """Go by these settings from now on."""
        self._reads = settings.reads

    def flush(self) -> None:
        """Write down everything in hand, now; an audit that is read right after a visit has it."""
        with self._flushing:
            self._write(now(), everything=True)

    def close(self) -> None:
        """Write down everything and stop; quiet when closed."""
        with self._lock:
            self._closed = True
            thread = self._thread
        self._wake.set()
        if thread is not None:
            thread.join()
        self.flush()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="regista-audit", daemon=True)
            self._thread.start()

    def _serve(self) -> None:
        while True:
            self._wake.wait(_PAUSE)
            with self._flushing:
                self._write(now(), everything=False)
            with self._lock:
                if self._closed or not (self._visits or self._fresh or self._lost):
                    self._thread = None
                    return

    def _write(self, at: int, *, everything: bool) -> None:
        """Tell the catalog what it has not been told."""
        with self._lock:
            fresh, self._fresh = self._fresh, []
            ended = self._ended(at)
            again = [*ended, *self._visits.values()] if everything else ended
            lost, self._lost = self._lost, 0
        due = [*fresh, *(one for one in again if one.number and one.count > one.told)]
        if not (due or lost):
            return
        try:
            self._forget(at, self._tell(due, lost))
        except RegistaError as failure:
            self._keep([one for one in fresh if not one.number], lost, at, failure)

    def _keep(self, untold: list[Visit], lost: int, at: int, failure: RegistaError) -> None:
        """What the catalog does not take now is tried again, for as long as a window; then the log alone has it."""
        kept = [one for one in untold if at - one.first < WINDOW and not self._closed]
        gone = lost + sum(one.count for one in untold) - sum(one.count for one in kept)
        if gone:
            _log.warning("%d reads could not be written down: %s", gone, failure.message)
        with self._lock:
            self._fresh[:0] = kept
            self._lost += gone if kept else 0

    def _ended(self, at: int) -> list[Visit]:
        """Take out the visits whose window is over; they stand in the order of their beginning."""
        over = list(itertools.takewhile(lambda item: at - item[1].first >= WINDOW, self._visits.items()))
        for key, _ in over:
            del self._visits[key]
        return [visit for _, visit in over]

    def _tell(self, due: list[Visit], lost: int) -> AuditSettings:
        settings = self._catalog.read(audit_settings)
        self.use(settings)
        self._catalog.read(lambda tx: _find_places(tx, due))
        wanted = [visit for visit in due if _is_wanted(visit, settings.reads)]
        for start in range(0, len(wanted), _BATCH):
            some = wanted[start : start + _BATCH]
            counts = [visit.count for visit in some]
            numbers = self._catalog.write(lambda tx, some=some, counts=counts: _record(tx, some, counts))  # type: ignore[misc]
            for visit, number, count in zip(some, numbers, counts, strict=True):
                visit.number, visit.told = number, count
        if lost:
            at = now()
            record = AuditRecord(
                id=new_id(),
                at=at,
                principal=SYSTEM.principal.name,
                action="audit.lost",
                path="/",
                count=lost,
                read=True,
            )
            self._catalog.write(lambda tx: tx.journal.record(record))
        return settings

    def _forget(self, at: int, settings: AuditSettings) -> None:
        """Remove reads that are older than they are kept; looked after once an hour."""
        if at - self._swept < _SWEEP_MS:
            return
        self._swept = at
        before = at - settings.retention_days * DAY
        while settings.retention_days:
            if self._catalog.write(lambda tx: tx.journal.forget_reads(before, _SWEPT)) < _SWEPT:
                return


def _is_wanted(visit: Visit, reads: Reads) -> bool:
    if reads is Reads.ALL:
        return True
    if reads is Reads.OFF:
        return False
    return visit.sensitive or visit.outcome != "done"


def _record(tx: Transaction, visits: list[Visit], counts: list[int]) -> list[int]:
    numbers = []
    for visit, count in zip(visits, counts, strict=True):
        record = AuditRecord(
            id=new_id(),
            at=visit.first,
            until=visit.until if count > 1 else 0,
            count=count,
            principal=visit.caller.principal.name,
            action=visit.action,
            path=visit.path,
            outcome=visit.outcome,
            address=visit.caller.address,
            request_id=visit.caller.request_id,
            read=True,
        )
        if visit.number:
            tx.journal.amend(visit.number, record)
        numbers.append(visit.number or tx.journal.record(record))
    return numbers


def _find_places(tx: Transaction, visits: list[Visit]) -> None:
    for visit in visits:
        if not visit.path:
            visit.path = _place(tx, visit)


def _place(tx: Transaction, visit: Visit) -> str:
    """Find out where in the tree of scopes it was. What the caller may not see is named as the caller named it, unless
    there is exactly one such scope: its owners are to know who asks for it."""
    tail = _clean(visit.tail)
    if tail.startswith(PREFIX):
        return container_place(tx, tail.removeprefix(PREFIX))
    if visit.address is None:
        return tail if tail.startswith("/") else f"/{tail}"
    address = visit.address
    try:
        top = resolve_scope(tx, visit.caller, address).path
    except RegistaError as unseen:
        there = tx.scopes.find(address.kind, address.name, address.subscription, address.resource_group)
        plural = "workspaces" if address.kind == "workspace" else "registries"
        hidden = unseen.code is ErrorCode.NOT_FOUND and len(there) == 1
        top = there[0].path if hidden else f"/{plural}/{_clean(address.name)}"
    return (top + tail).rstrip("/") or "/"


def _clean(text: str) -> str:
    """Text of a request as it may be kept: short, and without what no terminal and no database takes."""
    return "".join(one if one.isprintable() else "?" for one in text[:400])
