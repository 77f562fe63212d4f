"""Large files between this client and a server on the same machine, as open files instead of bytes.

Whether they are on one machine is found out by trying: the server gives a ticket with the name of a socket, which is there
or is not. What is passed can only be read, by whoever it is passed to, whatever users the two are. So the server copies
what it is given, and this client what it gets: neither ever has a name, or the right to write, for the other's bytes.
"""

import os
import re
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import msgspec

from regista.client.problems import error_of
from regista.client.progress import Progress
from regista.client.transport import Transport
from regista.client.tree import ScannedFile, changed, open_unchanged, unreadable
from regista.entities.digest import Digest
from regista.errors import InvalidError, NotFoundError, UnavailableError, UnsupportedError

_PACKET = 64 * 1024
_LOOK_SECONDS = 0.2
_PATIENCE_SECONDS = 10.0
_STILL_SECONDS = 3600.0
"""For a disk that takes long to take in the last bytes of a very large file."""
_NAME = re.compile(r"regista-[0-9a-f]{32}")
"""No server can make us call another program's socket."""


class _Ticket(msgspec.Struct):
    socket: str
    token: str


class _Taken(msgspec.Struct):
    digest: Digest
    size: int


class Bringing:
    """A call by which files are brought."""

    def __init__(self, url: str, call: socket.socket) -> None:
        self._url, self._call = url, call

    def send(self, file: ScannedFile, digest: Digest | None, progress: Progress) -> Digest:
        """Have the server copy *file*; return its digest, which the server must find to be *digest* where that is given.
        Raise ``FileChangedError`` when the file is not, or no longer, what was scanned."""
        shown, until = 0, time.monotonic() + _STILL_SECONDS
        try:
            with open_unchanged(file) as raw:
                self._offer(raw.fileno(), digest)
                while (said := self._answer(until)) is None:
                    # An open file has one position, whoever reads it.
                    at = min(os.lseek(raw.fileno(), 0, os.SEEK_CUR), file.size)
                    if at != shown:
                        progress.advance(at - shown)
                        shown, until = at, time.monotonic() + _STILL_SECONDS
        except BaseException as wrong:
            progress.advance(-shown)
            if isinstance(wrong, OSError):
                raise unreadable(file.source, wrong) from wrong
            raise
        progress.advance(file.size - shown)
        if said.size != file.size or digest not in {None, said.digest}:
            raise changed(file)
        return said.digest

    def _offer(self, file: int, digest: Digest | None) -> None:
        try:
            socket.send_fds(self._call, [msgspec.json.encode({"digest": digest})], [file])
        except OSError as gone:
            raise self._broken() from gone

    def _answer(self, until: float) -> _Taken | None:
        """What the server says, or None when it has nothing to say yet, which it may not for ever."""
        try:
            said = self._call.recv(_PACKET)
        except TimeoutError:
            if time.monotonic() > until:
                raise self._broken() from None
            return None
        except OSError as gone:
            raise self._broken() from gone
        if not said:
            raise self._broken()
        try:
            return msgspec.json.decode(said, type=_Taken)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise error_of(self._url, 500, said) from None

    def _broken(self) -> UnavailableError:
        return UnavailableError(f"{self._url} broke off a handover")


@contextmanager
def bringing(transport: Transport, path: str) -> Iterator[Bringing | None]:
    """A call by which files can be brought, with a ticket from the API's *path*; None where there is no such way."""
    call = _called(transport, path)
    if call is None:
        yield None
        return
    with call:
        call.settimeout(_LOOK_SECONDS)
        yield Bringing(transport.url, call)


def fetch(transport: Transport, path: str, size: int) -> int | None:
    """The file for which the API gives a ticket at *path*, open for reading; None where there is no such way to a file of
    *size* bytes. Who asked closes it."""
    call = _called(transport, path)
    if call is None:
        return None
    files: list[int] = []
    with call, suppress(OSError):
        call.settimeout(_PATIENCE_SECONDS)
        _, files, _, _ = socket.recv_fds(call, _PACKET, 1, socket.MSG_CMSG_CLOEXEC)
        found = os.fstat(files[0]) if files else None
        if found and stat.S_ISREG(found.st_mode) and found.st_size == size:
            return files.pop()
    for file in files:
        os.close(file)
    return None


def _called(transport: Transport, path: str) -> socket.socket | None:
    """A connection to the socket of a ticket, to which the ticket was shown; None where nobody is there."""
    if not hasattr(socket, "MSG_CMSG_CLOEXEC"):  # no Linux
        return None
    try:
        ticket = transport.call("POST", path, type=_Ticket, idempotent=True)
    except (NotFoundError, UnsupportedError, InvalidError):
        return None
    if not _NAME.fullmatch(ticket.socket):
        return None
    call = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        call.settimeout(_PATIENCE_SECONDS)
        call.connect(f"\0{ticket.socket}")
        call.send(msgspec.json.encode({"token": ticket.token}))
    except OSError:
        call.close()
        return None
    return call
