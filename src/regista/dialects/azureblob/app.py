"""The part of Azure Storage's blob protocol that clients of datastores speak (x-ms-version 2025-11-05 and before).

    HEAD, GET      CONTAINER/BLOB                     properties, bytes in ranges
    GET            CONTAINER?restype=container&comp=list
    PUT            CONTAINER/BLOB                     whole, comp=block, comp=blocklist, comp=metadata
    DELETE         CONTAINER/BLOB

Who asks is told by a signature of ours in the query (to the client: a SAS), by a key or token behind ``Bearer``, or by a
signature with an account key. Raw ASGI, as in the mlflow dialect; bytes pass in chunks of 1 MiB, without a limit of size.
"""

from collections.abc import Awaitable, Callable

from regista.dialects import http
from regista.dialects.azureblob.bodies import Body
from regista.dialects.azureblob.call import Call, read_call
from regista.dialects.azureblob.errors import ProtocolError, body_of, protocol_error
from regista.dialects.azureblob.places import place_of, takes
from regista.dialects.azureblob.reads import XML, Fields, Reads
from regista.dialects.azureblob.writes import Writes
from regista.dialects.threads import Threads
from regista.services.house import House

__all__ = ["application", "takes"]

VERSION = "2025-11-05"
_THREADS = 24

_Handler = Callable[[Call, http.Send, Fields], Awaitable[None]]


class AzureBlob:
    """The application."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._run = Threads(_THREADS, "azureblob").run
        reads, writes = Reads(house, self._run), Writes(house, self._run)
        self._blobs: dict[tuple[str, str], _Handler] = {
            ("GET", ""): reads.blob,
            ("HEAD", ""): reads.blob,
            ("GET", "blocklist"): reads.block_list,
            ("PUT", ""): writes.blob,
            ("PUT", "block"): writes.block,
            ("PUT", "blocklist"): writes.block_list,
            ("PUT", "metadata"): writes.metadata,
            ("DELETE", ""): writes.delete,
        }
        self._containers: dict[tuple[str, str], _Handler] = {
            ("GET", "list"): reads.listing,
            ("GET", ""): reads.container,
            ("HEAD", ""): reads.container,
        }

    async def __call__(self, scope: http.Scope, receive: http.Receive, send: http.Send) -> None:
        common, started = _common(scope), Started(send)
        body = Body(receive, self._run)
        try:
            place = place_of(scope)
            call = await self._run(read_call, self._house, scope, place, body)
            await self._handler(call)(call, started.send, common)
        except Exception as error:
            if started.yes:
                raise  # the connection breaks, so that the client knows that the blob is not whole
            await body.hear_out()
            await _refuse(scope, send, protocol_error(error, str(scope.get("request_id", ""))), common)

    def _handler(self, call: Call) -> _Handler:
        handlers = self._blobs if call.place.path else self._containers
        key = call.method, call.query.get("comp", "")
        if not call.place.path and call.query.get("restype") != "container":
            raise ProtocolError(400, "InvalidQueryParameterValue", "say restype=container, or name a blob")
        if key in handlers:
            return handlers[key]
        raise ProtocolError(405, "UnsupportedHttpVerb", f"{key[0]} comp={key[1][:50]} is not served here")


class Started:
    """Tells whether an answer has begun: from then on it cannot become another."""

    def __init__(self, send: http.Send) -> None:
        self._send = send
        self.yes = False

    async def send(self, message: object) -> None:
        """Pass *message* on."""
        self.yes = True
        await self._send(message)


def application(house: House) -> AzureBlob:
    """The protocol over *house*."""
    return AzureBlob(house)


async def _refuse(scope: http.Scope, send: http.Send, error: ProtocolError, common: Fields) -> None:
    fields = [(b"x-ms-error-code", error.code.encode()), *error.headers, *common]
    content = b"" if scope["method"] == "HEAD" else body_of(error)
    await http.respond(send, error.status, content, XML, fields)


def _common(scope: http.Scope) -> Fields:
    """Headers of every answer: the version that was asked for, and what finds the request in the logs of either side."""
    asked = http.headers(scope)
    fields = [
        (b"x-ms-version", _echo(asked.get(b"x-ms-version", b"")) or VERSION.encode()),
        (b"x-ms-request-id", str(scope.get("request_id", "")).encode()),
    ]
    if given := _echo(asked.get(b"x-ms-client-request-id", b"")):
        fields.append((b"x-ms-client-request-id", given))
    return fields


def _echo(given: bytes) -> bytes:
    return given if len(given) <= 1024 and all(32 <= byte < 127 for byte in given) else b""
