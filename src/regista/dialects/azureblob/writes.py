"""Putting: blobs whole, in blocks, and what is said about them."""

import base64
import binascii
from typing import Any

from regista.dialects import http
from regista.dialects.azureblob import xml
from regista.dialects.azureblob.call import Call
from regista.dialects.azureblob.errors import ProtocolError
from regista.dialects.azureblob.reads import Fields, head, written
from regista.dialects.streaming import Run
from regista.services.datastores.blocks import MAX_ID_BYTES, BlockUpload
from regista.services.datastores.files import FileUpload, Labels
from regista.services.house import House

MOST_BLOB = 5000 << 20
MOST_BLOCK = 4000 << 20
MOST_LIST = 8 << 20
_EMPTY = (b"content-length", b"0")


class Writes:
    """The writing half of the application."""

    def __init__(self, house: House, run: Run) -> None:
        self._house, self._run = house, run

    async def blob(self, call: Call, send: http.Send, common: Fields) -> None:
        """PUT of a whole blob."""
        if call.header(b"x-ms-blob-type").lower() not in {"blockblob", ""}:
            raise ProtocolError(400, "InvalidHeaderValue", "there are block blobs only")
        if call.header(b"x-ms-copy-source"):
            raise ProtocolError(501, "NotImplemented", "blobs are not copied from other places: send the bytes")
        place, labels = call.place, call.labels
        upload = await self._run(self._house.files.begin, call.writer, place.container, place.path, call.condition)
        file = await self._receive(call, upload, labels, MOST_BLOB)
        if file is not None:
            await head(send, 201, [*written(file), _EMPTY, (b"x-ms-request-server-encrypted", b"false"), *common])

    async def block(self, call: Call, send: http.Send, common: Fields) -> None:
        """PUT of one block."""
        place = call.place
        upload = await self._run(self._house.blocks.begin, call.writer, place.container, place.path, _block_id(call))
        file = await self._receive(call, upload, Labels(), MOST_BLOCK)
        if file is not None:
            await head(send, 201, [_EMPTY, (b"x-ms-request-server-encrypted", b"false"), *common])

    async def block_list(self, call: Call, send: http.Send, common: Fields) -> None:
        """PUT of the list that puts a blob together."""
        caller, labels, place = call.writer, _without_body(call), call.place
        content = await call.body.whole(MOST_LIST)
        if content is None:
            return
        ids = xml.block_ids(content)
        file = await self._run(
            self._house.blocks.assemble, caller, place.container, place.path, ids, labels, call.condition
        )
        await head(send, 201, [*written(file), _EMPTY, (b"x-ms-request-server-encrypted", b"false"), *common])

    async def metadata(self, call: Call, send: http.Send, common: Fields) -> None:
        """PUT of a blob's metadata."""
        place = call.place
        file = await self._run(
            self._house.files.set_metadata, call.caller("w"), place.container, place.path, call.metadata, call.condition
        )
        await head(send, 200, [*written(file), _EMPTY, *common])

    async def delete(self, call: Call, send: http.Send, common: Fields) -> None:
        """DELETE of a blob."""
        place = call.place
        await self._run(self._house.files.delete, call.caller("d"), place.container, place.path, call.condition)
        await head(send, 202, [_EMPTY, *common])

    async def _receive(self, call: Call, upload: FileUpload | BlockUpload, labels: Labels, most: int) -> Any:
        """Write the body and end the upload; None, and nothing left, when the client went away in the middle."""
        committed = False
        try:
            expected = call.digest(b"content-md5")
            if expected:
                upload.expect_md5()
            if not await call.body.into(upload.write, most):
                return None
            file = await self._run(upload.commit, labels, expected)
            committed = True
            return file
        finally:
            if not committed:
                await self._run(upload.abort)


def _block_id(call: Call) -> str:
    text = call.query.get("blockid", "").replace(" ", "+")
    try:
        known = 0 < len(base64.b64decode(text.encode("ascii"), validate=True)) <= MAX_ID_BYTES
    except (binascii.Error, ValueError):
        known = False
    if not known:
        raise ProtocolError(400, "InvalidBlobOrBlock", f"a block's id is the base64 of 1 to {MAX_ID_BYTES} bytes")
    return text


def _without_body(call: Call) -> Labels:
    """Of a list of blocks the plain headers tell of the list itself."""
    labels = call.labels
    return Labels(
        content_type=call.header(b"x-ms-blob-content-type"),
        metadata=labels.metadata,
        md5=call.digest(b"x-ms-blob-content-md5"),
    )
