"""One request, from its head to its line in the access log.

find the endpoint > check the key > choose the deployment > read (the start of) the body > enter the gate
  > send copies to mirrors > connect to a worker > pass on the request > pass back the answer
"""

import http
import json
import random
import re
import time
from collections.abc import AsyncIterator

from . import access_log, framing, relay
from .access_log import Entry
from .channel import Channel
from .directory import Deployment, Endpoint
from .faults import Fault
from .framing import Body, chunk
from .gate import Pass
from .gateway import Gateway
from .head import HOP_BY_HOP, UNREAD, Fields, Head, lines
from .relay import Question

BUFFERED = 256 * 1024  # a body up to this size is read before a worker is bothered
MIRRORED = 4 * 1024 * 1024  # and up to this size where copies are due; larger ones are not copied
BODY_SECONDS = 30.0
TAKE_SECONDS = 60.0
METHODS = (b"GET", b"HEAD", b"POST")
PINNED = b"azureml-model-deployment"
_NOT_RETURNED = HOP_BY_HOP | {b"x-ms-request-id", PINNED}
_NOT_FORWARDED = _NOT_RETURNED | {b"authorization", b"x-forwarded-for", b"x-forwarded-proto"}
_REASONS = {status.value: status.phrase.encode() for status in http.HTTPStatus}
_SERVED = re.compile(rb"/(?:score|invocations|ping|health|version|v2(?:/.*)?)")
_PLAIN_ID = re.compile(rb"[A-Za-z0-9_.:-]{1,128}")
_chance = random.Random()  # noqa: S311 - an id is to be unlike all others, not a secret


def _new_id() -> str:
    """A random UUID in its usual spelling; five times as fast as ``uuid.uuid4``, which asks the system."""
    digits = f"{_chance.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


class CallerGoneError(Exception):
    """The caller closed its connection; nobody is left to answer."""


class Exchange:
    """Serves one request of *client*; ``run`` says whether the connection may be used again."""

    def __init__(self, gateway: Gateway, client: Channel, head: Head | None) -> None:
        self._gateway = gateway
        self._client = client
        self._head = head or UNREAD
        self._began = time.perf_counter()
        self._id = _new_id()
        self._body: Body = framing.of_request(client, self._head)
        self._endpoint: Endpoint | None = None
        self._deployment: Deployment | None = None
        self._status = 0
        self._received = 0
        self._sent = 0
        self._answered = False
        self._keep = self._head.keeps_alive

    async def run(self) -> bool:
        """Answer, log, and say whether the connection may be used again. Raises nothing but cancellation."""
        aborted = False
        try:
            await self._serve()
        except Fault as fault:
            aborted = self._answered
            await self._refuse(fault)
        except (CallerGoneError, OSError, TimeoutError):
            self._status = self._status or 499
            aborted, self._keep = True, False
            self._client.abort()
        self._write_log(aborted=aborted)
        return self._keep

    async def refuse_unread(self, fault: Fault) -> None:
        """Answer what could not be read as a request, and log it; after that nobody knows where the next one begins."""
        self._keep = False
        await self._refuse(fault)
        self._write_log(aborted=False)

    async def _refuse(self, fault: Fault) -> None:
        """Answer with a fault; where the answer has begun or the request has not ended, the connection ends with it."""
        if self._answered:
            self._keep = False
            self._client.abort()
            return
        if self._head.length is not None and len(self._client.buffer) >= self._head.length:
            await self._body.block()  # it is all here: no need to end the connection for it
        self._keep = self._keep and self._body.done
        await self._say(fault.status, fault.body(), *fault.headers)
        if not self._keep:
            await self._client.linger()

    async def _serve(self) -> None:
        head = self._head
        if head.method not in METHODS:
            raise Fault(405, "MethodNotAllowed", "GET, HEAD and POST are served", (b"allow", b"GET, HEAD, POST"))
        if head.path == b"/healthz":
            await self._tell_health()
            return
        self._endpoint, rest = self._gateway.directory.find(head.path)
        if self._endpoint.keys is not None:
            self._endpoint.keys.check(head.get(b"authorization"))
        if _SERVED.fullmatch(rest) is None:
            raise Fault(404, "NotFound", "an endpoint answers at /score, /invocations and /v2")
        if head.length is not None:
            self._limit(head.length)
        self._deployment = self._endpoint.choose(head.get(PINNED))
        await self._through_the_gate(self._endpoint, self._deployment, rest)

    async def _tell_health(self) -> None:
        directory = self._gateway.directory
        told = {
            "status": "ok",
            "generation": directory.generation,
            "endpoints": directory.size,
            "draining": directory.draining,
        }
        self._keep = self._keep and self._body.done
        await self._say(200, json.dumps(told).encode())

    async def _through_the_gate(self, endpoint: Endpoint, deployment: Deployment, rest: bytes) -> None:
        mirrors = [endpoint.deployments[name] for name in endpoint.sample.next() if name != deployment.name]
        start = await self._start_of_body(MIRRORED if mirrors else BUFFERED)
        guest = deployment.gate.try_enter() or await deployment.gate.enter()
        try:
            if self._client.lost:
                raise CallerGoneError
            question = self._question(rest, start)
            if question.rest is None:
                for one in mirrors:
                    self._copy(one, question)
            await self._ask(deployment, guest, question)
        finally:
            guest.release()

    # the caller's body
    async def _start_of_body(self, size: int) -> bytes:
        if self._body.done:
            return b""
        if b"100-continue" in (self._head.get(b"expect") or b"").lower() and not self._client.buffer:
            self._client.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._client.deadline(BODY_SECONDS)
        read = await self._block()
        if not self._body.done and len(read) < size:
            parts = bytearray(read)
            while not self._body.done and len(parts) < size:
                parts += await self._block()
            read = bytes(parts)
        self._client.deadline(None)
        return read

    async def _block(self) -> bytes:
        """The next of the caller's bytes, counted."""
        try:
            block = await self._body.block()
        except TimeoutError:
            raise Fault(408, "BodyTooSlow", "the request's body did not arrive in time") from None
        except ConnectionResetError:
            raise CallerGoneError from None
        self._received += len(block)
        self._limit(self._received)
        return block

    def _limit(self, size: int) -> None:
        endpoint = self._endpoint
        limit = (endpoint.spec.max_body_bytes if endpoint else None) or self._gateway.max_body
        if size > limit:
            raise Fault(413, "BodyTooLarge", f"the request's body is larger than {limit} bytes")

    async def _rest_of_body(self) -> AsyncIterator[bytes]:
        while not self._body.done:
            self._client.deadline(BODY_SECONDS)
            if block := await self._block():
                yield chunk(block) if self._head.chunked else block
        self._client.deadline(None)
        if self._head.chunked:
            yield chunk(b"")

    # to the worker and back
    def _question(self, rest: bytes, start: bytes) -> Question:
        head, whole = self._head, self._body.done
        fields = head.end_to_end(_NOT_FORWARDED)
        fields.append((b"x-ms-request-id", self._id.encode()))
        fields.append((b"x-forwarded-for", self._client.remote))
        fields.append((b"x-forwarded-proto", b"https" if self._gateway.secure else b"http"))
        if head.chunked and not whole:
            fields.append((b"transfer-encoding", b"chunked"))
            start = chunk(start) if start else b""
        elif head.method == b"POST" or head.length or start:
            fields.append((b"content-length", b"%d" % (len(start) if whole else head.length or 0)))
        target = rest + b"?" + head.query if head.query else rest
        first = lines(b"%s %s HTTP/1.1" % (head.method, target), fields)
        return Question(head.method, first + start, None if whole else self._rest_of_body())

    async def _ask(self, deployment: Deployment, guest: Pass, question: Question) -> None:
        backend, channel = await relay.connect(deployment, guest)
        self._client.peer = channel
        try:
            answer = await relay.ask(deployment, backend, channel, question)
            await self._pass_back(deployment, answer)
            answer.finish()
        except Fault as fault:
            channel.abort()
            if self._client.lost:
                raise CallerGoneError from None
            if fault.status in (502, 504):
                backend.failed(fault.code)
            raise
        except BaseException:
            channel.abort()
            raise
        finally:
            self._client.peer = None
            backend.guests.discard(guest)

    async def _pass_back(self, deployment: Deployment, answer: relay.Answer) -> None:
        head, body, client = answer.head, answer.body, self._client
        fields = head.end_to_end(_NOT_RETURNED)
        fields.append((PINNED, deployment.header))
        chunked = head.length is None and not body.done
        if chunked and self._head.minor == 0:
            chunked = self._keep = False
        elif chunked:
            fields.append((b"transfer-encoding", b"chunked"))
        elif head.length is not None or head.status not in (204, 304):
            fields.append((b"content-length", b"%d" % (head.length or 0)))
        self._answered = True
        start = self._first(head.status, fields)
        if not body.done and answer.channel.buffer:
            start += self._framed(await body.block(), chunked)
        client.write(start)
        if body.done and not chunked and not client.is_slow:
            return
        client.deadline(TAKE_SECONDS)
        while not body.done:
            answer.channel.deadline(deployment.timeout)
            client.write(self._framed(await body.block(), chunked))
            await client.drained()
        if chunked:
            client.write(chunk(b""))
        await client.drained()
        client.deadline(None)

    def _framed(self, block: bytes, chunked: bool) -> bytes:
        self._sent += len(block)
        return chunk(block) if chunked and block else block

    # answers
    def _first(self, status: int, fields: Fields) -> bytes:
        self._status = status
        self._keep = self._keep and not self._gateway.stopping
        fields.append((b"x-ms-request-id", self._id.encode()))
        asked = self._client_id()
        if asked:
            fields.append((b"x-ms-client-request-id", asked))
        if not self._keep:
            fields.append((b"connection", b"close"))
        elif self._head.minor == 0:
            fields.append((b"connection", b"keep-alive"))
        return lines(b"HTTP/1.1 %d %s" % (status, _REASONS.get(status, b"Status")), fields)

    async def _say(self, status: int, body: bytes, *extra: tuple[bytes, bytes]) -> None:
        fields = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *extra]
        self._answered = True
        self._client.write(self._first(status, fields))
        if self._head.method != b"HEAD":
            self._client.write(body)
            self._sent += len(body)

    # the log
    def _copy(self, deployment: Deployment, question: Question) -> None:
        entry = self._entry(mirror=True)
        entry.deployment = deployment.name

        def ended(status: int, seconds: float, size: int) -> None:
            entry.status, entry.ms, entry.sent = status, round(seconds * 1000, 2), size
            self._gateway.log.write(entry)

        self._gateway.mirror.send(deployment, question, ended)

    def _write_log(self, *, aborted: bool) -> None:
        entry = self._entry()
        entry.aborted = aborted
        self._gateway.log.write(entry)

    def _entry(self, *, mirror: bool = False) -> Entry:
        taken = time.perf_counter() - self._began
        return Entry(
            time=access_log.instant(time.time() - taken),
            request_id=self._id,
            client=self._client.remote.decode(),
            method=self._head.method.decode("latin-1"),
            path=self._head.path.decode("latin-1"),
            status=self._status,
            ms=round(taken * 1000, 2),
            endpoint=self._endpoint.name if self._endpoint else "",
            deployment=self._deployment.name if self._deployment else "",
            received=self._received,
            sent=self._sent,
            mirror=mirror,
            client_request_id=self._client_id().decode(),
        )

    def _client_id(self) -> bytes:
        asked = self._head.get(b"x-ms-client-request-id")
        return asked if asked and _PLAIN_ID.fullmatch(asked) else b""
