"""Looking: the properties of blobs and containers, lists, and bytes in ranges."""

import base64
import binascii
from collections.abc import Iterable, Iterator

from regista.dialects import http
from regista.dialects.azureblob import xml
from regista.dialects.azureblob.call import Call
from regista.dialects.azureblob.errors import ProtocolError
from regista.dialects.streaming import Run, send_all
from regista.entities.datastore import StoredFile
from regista.errors import NotFoundError
from regista.services.datastores.listing import MOST
from regista.services.house import House

Fields = list[tuple[bytes, bytes]]

XML = b"application/xml"


class Reads:
    """The reading half of the application."""

    def __init__(self, house: House, run: Run) -> None:
        self._house, self._run = house, run

    async def blob(self, call: Call, send: http.Send, common: Fields) -> None:
        """GET and HEAD of a blob."""
        place = call.place
        if call.method == "HEAD":
            file = await self._run(self._house.files.get, call.caller("r"), place.container, place.path)
            if _is_had(call, file):
                await head(send, 304, [*written(file), *common])
            else:
                await head(send, 200, [*_fields(file), _length(file.size), *common])
            return
        file, wanted, chunks = await self._run(self._open, call)
        if chunks is None:
            await head(send, 304, [*written(file), *common])
            return
        start, end = wanted or (0, file.size)
        fields = [*_fields(file), _length(end - start), *common]
        if wanted:
            fields.append((b"content-range", f"bytes {start}-{end - 1}/{file.size}".encode()))
        await send({"type": "http.response.start", "status": 206 if wanted else 200, "headers": fields})
        await send_all(send, call.body.arriving, chunks, self._run)

    async def container(self, call: Call, send: http.Send, common: Fields) -> None:
        """GET and HEAD of a container: whether it is there."""
        await self._run(self._list, call, 1)
        fields = [(b"etag", b'"0x1"'), (b"last-modified", xml.http_date(0).encode()), _length(0), *common]
        await head(send, 200, fields)

    async def listing(self, call: Call, send: http.Send, common: Fields) -> None:
        """GET of a container's list of blobs."""
        content = await self._run(self._list, call, _most(call))
        await http.respond(send, 200, content, XML, common)

    async def block_list(self, call: Call, send: http.Send, common: Fields) -> None:
        """GET of the blocks that are staged for a blob."""
        place = call.place
        staged = await self._run(self._house.blocks.staged, call.caller("r"), place.container, place.path)
        await http.respond(send, 200, xml.block_list(staged), XML, common)

    def _open(self, call: Call) -> tuple[StoredFile, tuple[int, int] | None, Iterator[bytes] | None]:
        """A blob, the range of it that is asked for, and the bytes; none of a blob that the client has already."""
        opened = self._house.files.open(call.caller("r"), call.place.container, call.place.path)
        if _is_had(call, opened.file):
            return opened.file, None, None
        wanted = call.range_of(opened.file.size)
        return opened.file, wanted, opened.read(*(wanted or (0, opened.file.size)))

    def _list(self, call: Call, limit: int) -> bytes:
        query = call.query
        try:
            listed = self._house.files.listing(
                call.caller("l"),
                call.place.container,
                prefix=query.get("prefix", ""),
                delimiter=query.get("delimiter", ""),
                start=_start(query.get("marker", "")),
                limit=limit,
            )
        except NotFoundError as missing:
            raise ProtocolError(404, "ContainerNotFound", f"{missing.message}. {missing.hint}") from missing
        marker = base64.urlsafe_b64encode(listed.next.encode()).decode() if listed.next is not None else ""
        metadata = "metadata" in query.get("include", "").split(",")
        return xml.listing(call.place.container, query, listed, marker, metadata=metadata)


async def head(send: http.Send, status: int, fields: Fields) -> None:
    """An answer without a body."""
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": b""})


def written(file: StoredFile) -> Fields:
    """What is told of a blob that was just written."""
    return [(b"etag", file.etag.encode()), (b"last-modified", xml.http_date(file.modified_at).encode())]


def _is_had(call: Call, file: StoredFile) -> bool:
    """Whether the client says that it has the blob as it is; raise ``ProtocolError`` where another condition does not hold."""
    condition = call.condition
    if condition.match and condition.match not in {"*", file.etag}:
        raise ProtocolError(412, "ConditionNotMet", "the blob has changed since")
    return condition.none_match == file.etag or condition.absent


def _fields(file: StoredFile) -> Fields:
    """The headers that tell of a blob. What somebody uploaded never runs in a browser as if it were ours."""
    md5 = [(b"content-md5", base64.b64encode(file.md5))] if file.md5 else []
    return [
        *written(file),
        (b"content-type", (file.content_type or "application/octet-stream").encode("latin-1")),
        (b"accept-ranges", b"bytes"),
        (b"x-ms-blob-type", b"BlockBlob"),
        (b"x-ms-creation-time", xml.http_date(file.created_at).encode()),
        (b"x-ms-lease-status", b"unlocked"),
        (b"x-ms-lease-state", b"available"),
        (b"x-ms-server-encrypted", b"false"),
        (b"x-content-type-options", b"nosniff"),
        (b"content-security-policy", b"sandbox; default-src 'none'"),
        *md5,
        *_meta(file.metadata.items()),
    ]


def _meta(metadata: Iterable[tuple[str, str]]) -> Fields:
    return [(f"x-ms-meta-{name}".encode(), value.encode("latin-1")) for name, value in metadata]


def _length(size: int) -> tuple[bytes, bytes]:
    return b"content-length", str(size).encode()


def _most(call: Call) -> int:
    text = call.query.get("maxresults", "") or str(MOST)
    if not (text.isascii() and text.isdigit() and int(text[:9]) >= 1 and len(text) < 10):
        raise ProtocolError(400, "OutOfRangeQueryParameterValue", f"maxresults is 1 to {MOST}")
    return min(int(text), MOST)


def _start(marker: str) -> str:
    try:
        return base64.b64decode(marker.encode("ascii"), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as wrong:
        raise ProtocolError(400, "InvalidQueryParameterValue", "the marker is not one of this list") from wrong
