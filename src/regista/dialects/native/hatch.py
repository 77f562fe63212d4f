"""The hatch: a socket of this machine through which open files change hands, beside the API that gives the tickets.

    → {"token"}                                the ticket, first; a stranger hears nothing but that there is no such one
    → {"digest": null} + an open file   ← {"digest", "size"}       to bring files, one after the other
    ← {} + an open file                                            to fetch one
    ← {"code", "detail", "hint"}                                   a refusal, which ends the call

Each line is one packet. The socket has a name in the abstract namespace: no folder has to be reachable, none is left
behind, and what it is called is told with a ticket. Its name is no secret; the ticket is.
"""

import logging
import os
import secrets
import socket
import threading
from contextlib import suppress
from typing import Any, TypeVar

import msgspec

from regista.entities.digest import Digest
from regista.errors import InternalError, InvalidError, RegistaError
from regista.services.content.handovers import Bringing, Fetching, HandoverService

T = TypeVar("T")

_PACKET = 4096
_SECONDS_TO_SPEAK = 10.0
_CALLS = 64
"""At once. Who does not get through sends the bytes."""
_log = logging.getLogger("regista.native")


class _Token(msgspec.Struct):
    token: str


class _File(msgspec.Struct):
    digest: Digest | None = None


class Hatch:
    """Open from ``open`` to ``close``; every call has a thread of its own."""

    def __init__(self, handovers: HandoverService) -> None:
        self._handovers = handovers
        self._free = threading.BoundedSemaphore(_CALLS)
        self._listening: socket.socket | None = None

    def open(self) -> None:
        """Listen, and let there be tickets; where the system has no such sockets there are none."""
        name = f"regista-{secrets.token_hex(16)}"
        try:
            listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            listening.bind(f"\0{name}")
            listening.listen(_CALLS)
        except OSError as refused:
            _log.info("no files are handed over here: %s", refused)
            return
        self._listening = listening
        threading.Thread(target=self._accept, args=(listening,), name="hatch", daemon=True).start()
        self._handovers.listening(name)

    def close(self) -> None:
        """Give no more tickets and take no more calls; those under way go on."""
        self._handovers.listening("")
        if self._listening:
            with suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                call, _ = listening.accept()
            except OSError:
                return
            if not self._free.acquire(blocking=False):
                call.close()
                continue
            threading.Thread(target=self._answer, args=(call,), name="hatch-call", daemon=True).start()

    def _answer(self, call: socket.socket) -> None:
        try:
            with call, suppress(OSError):  # whoever called is gone
                call.settimeout(_SECONDS_TO_SPEAK)
                refused = self._refusal(call)
                if refused:
                    _say(call, code=refused.code, detail=refused.message, hint=refused.hint)
        finally:
            self._free.release()

    def _refusal(self, call: socket.socket) -> RegistaError | None:
        """Serve the call; why that ended early, if it did."""
        try:
            self._serve(call)
        except RegistaError as refused:
            return refused
        except OSError:
            return None
        except Exception:  # noqa: BLE001 - whatever it is, the caller is told and the log has it
            _log.exception("a handover failed")
            return InternalError("Regista failed at this handover", hint="The server's log has it.")
        return None

    def _serve(self, call: socket.socket) -> None:
        said, files = _heard(call)
        _close(files)
        with self._handovers.honoured(_decoded(said, _Token).token) as errand:
            if isinstance(errand, Fetching):
                _hand_out(call, errand)
            else:
                _take_in(call, errand)


def _take_in(call: socket.socket, errand: Bringing) -> None:
    while True:
        said, files = _heard(call)
        try:
            if not said:
                return
            if len(files) != 1:
                raise InvalidError("each packet hands over one open file")
            digest, size = errand.take(files[0], _decoded(said, _File).digest)
        finally:
            _close(files)
        _say(call, digest=digest, size=size)


def _hand_out(call: socket.socket, errand: Fetching) -> None:
    file = errand.open()
    try:
        socket.send_fds(call, [b"{}"], [file])
    finally:
        os.close(file)


def _heard(call: socket.socket) -> tuple[bytes, list[int]]:
    """The next packet, empty at the end of the call, and the files that came with it, which are not inherited."""
    said, files, flags, _ = socket.recv_fds(call, _PACKET, 4, socket.MSG_CMSG_CLOEXEC)
    if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
        _close(files)
        raise InvalidError("a packet is too long")
    return said, files


def _say(call: socket.socket, **words: Any) -> None:
    call.send(msgspec.json.encode(words))


def _decoded(said: bytes, wanted: type[T]) -> T:
    try:
        return msgspec.json.decode(said, type=wanted)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise InvalidError("a packet is no JSON object of the kind that was expected") from None


def _close(files: list[int]) -> None:
    for file in files:
        os.close(file)
