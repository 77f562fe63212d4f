"""Large files between this server and a client on the same machine: the open file is handed over instead of its bytes.

    client ── over TLS, with its key ──▶ may I?          ticket: a socket of this machine, and a secret for one use
    client ── over the socket ─────────▶ secret, open file it reads from         (to bring one)
           ◀── open file of a blob ─────                                         (to fetch one)

The operating system passes an open file only within the machine, and it can do what its opener could: who brings a file
could read it, who is given one may read that blob, by this descriptor, and nothing else. So the two sides need share no
user, no folder and no path, and nobody's path is ever opened by the other.

Law: files are passed to be read, never to be written, and whoever gets one makes a copy of its own. No byte that was
verified lies where the other side could change it, and none that is to be verified is hashed anywhere but in the copy.
"""

import ipaddress
import os
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from regista.entities.access import Caller
from regista.entities.digest import Digest, parse_digest
from regista.entities.scope import ScopeAddress
from regista.errors import NotFoundError
from regista.services.access.access import Access
from regista.services.content.contents import ContentService
from regista.services.content.opened import OpenFile

_LIFE_SECONDS = 30.0
_MOST_TICKETS = 10_000
_AT_ONCE = 8
"""Handovers of one principal: a file that answers slowly holds a thread for as long as it likes."""


class Ticket(msgspec.Struct, frozen=True):
    """Where to call on this machine, and with which secret. It opens one call, within half a minute."""

    socket: str
    token: str


class Bringing:
    """The right to bring files into a scope."""

    def __init__(self, contents: ContentService, caller: Callable[[], Caller], address: ScopeAddress) -> None:
        self._contents, self._caller, self._address = contents, caller, address

    def take(self, file: int, expected: Digest | None = None) -> tuple[Digest, int]:
        """Copy the open *file* into the scope's store; the caller may then name it. Returns its digest and size."""
        wanted = parse_digest(expected) if expected else None
        return self._contents.take(self._caller(), self._address, file, wanted)


class Fetching:
    """The right to read one file."""

    def __init__(self, file: OpenFile, caller: Callable[[], Caller]) -> None:
        self._file, self._caller = file, caller

    def open(self) -> int:
        """Open it for reading; who asked closes it."""
        self._caller()
        place = self._file.place()
        if place is None:
            raise _elsewhere()
        try:
            return os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as gone:
            raise NotFoundError(f"the file cannot be opened: {gone.strerror}") from gone


Errand = Bringing | Fetching


class HandoverService:
    """Gives tickets and honours them. It gives none before ``listening`` was told of a socket."""

    def __init__(self, access: Access, contents: ContentService) -> None:
        self._access, self._contents = access, contents
        self._socket = ""
        self._tickets: dict[str, tuple[float, str, Errand]] = {}
        self._busy: Counter[str] = Counter()
        self._lock = threading.Lock()

    def listening(self, socket: str) -> None:
        """From now on tickets lead to *socket*; where it is empty there are none."""
        self._socket = socket

    def bring(self, caller: Caller, address: ScopeAddress) -> Ticket:
        """A ticket to bring files into the scope; ``NotFoundError`` when the caller is not on this machine."""
        self._check_near(caller)
        self._contents.require_writer(caller, address)
        return self._ticket(caller, Bringing(self._contents, self._living(caller), address))

    def fetch(self, caller: Caller, file: OpenFile) -> Ticket:
        """A ticket to read *file*, which the caller may read; ``NotFoundError`` when it is not on this machine, or the file
        is no file here."""
        self._check_near(caller)
        if file.place() is None:
            raise _elsewhere()
        return self._ticket(caller, Fetching(file, self._living(caller)))

    @contextmanager
    def honoured(self, token: str) -> Iterator[Errand]:
        """What the ticket with this *token* is for, once; raise ``NotFoundError`` for any other."""
        with self._lock:
            until, principal, errand = self._tickets.pop(token, (0.0, "", None))
            if errand is None or until < time.monotonic() or self._busy[principal] >= _AT_ONCE:
                raise NotFoundError("there is no such ticket", hint="Ask for a new one.")
            self._busy[principal] += 1
        try:
            yield errand
        finally:
            with self._lock:
                self._busy[principal] -= 1
                self._busy += Counter()  # forgets who is at none

    def _check_near(self, caller: Caller) -> None:
        if not self._socket or not _is_loopback(caller.address):
            raise _elsewhere()

    def _ticket(self, caller: Caller, errand: Errand) -> Ticket:
        token, now = secrets.token_hex(16), time.monotonic()
        with self._lock:
            if len(self._tickets) >= _MOST_TICKETS:
                self._tickets = {token: one for token, one in self._tickets.items() if one[0] >= now}
            if len(self._tickets) >= _MOST_TICKETS:
                raise _elsewhere()
            self._tickets[token] = (now + _LIFE_SECONDS, caller.principal.id, errand)
        return Ticket(self._socket, token)

    def _living(self, caller: Caller) -> Callable[[], Caller]:
        """The caller with what its principal may do by now, within its key's limits; raises once its key has ended."""

        def living() -> Caller:
            now = self._access.signed_for(caller.principal.id, caller.key)
            return msgspec.structs.replace(caller, grants=now.grants)

        return living


def _elsewhere() -> NotFoundError:
    return NotFoundError("this server shares no disk with you", hint="Send or fetch the bytes.")


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
