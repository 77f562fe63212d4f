"""Bringing bytes into a scope: asking what is missing, packs of small files, whole files, and resumable uploads."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio.to_thread
from litestar import Request, get, patch, post, put
from litestar.handlers import BaseRouteHandler

from regista.dialects.native import limits
from regista.dialects.native.wire import (
    BlobList,
    BlobSize,
    MissingBlobs,
    StoredBlobs,
    UploadCommit,
    UploadState,
)
from regista.dialects.streaming import write_all
from regista.entities.access import Caller
from regista.entities.digest import Digest, parse_digest
from regista.entities.scope import ScopeAddress
from regista.errors import ConflictError, InvalidError, RegistaError, TooLargeError
from regista.interfaces.blobs import BlobUpload
from regista.services.content.handovers import Ticket
from regista.services.house import House

_HEADER = 40


@post("/blobs/missing", sync_to_thread=True, status_code=200, request_max_body_size=limits.LISTING)
def missing_blobs(caller: Caller, house: House, address: ScopeAddress, data: BlobList) -> MissingBlobs:
    """Which of these blobs have to be sent before they can be named in the scope."""
    return MissingBlobs(house.contents.missing(caller, address, {one.digest: one.size for one in data.blobs}))


def _frames(pack: bytes) -> Iterator[tuple[Digest, bytes]]:
    """The blobs of a pack: 32 bytes of SHA-256, 8 bytes of size (big endian), the content; and so on."""
    at = 0
    while at < len(pack):
        size = int.from_bytes(pack[at + 32 : at + _HEADER], "big")
        content = pack[at + _HEADER : at + _HEADER + size]
        if len(content) != size or at + _HEADER > len(pack):
            raise InvalidError("the pack ends in the middle of a blob")
        yield Digest(f"sha256:{pack[at : at + 32].hex()}"), content
        at += _HEADER + size


@asynccontextmanager
async def _heard_out(request: Request[Any, Any, Any]) -> AsyncIterator[None]:
    """Read the rest of the body before a refusal is answered: a client that is still sending would else see the
    connection break, and not the reason."""
    try:
        yield
    except RegistaError:
        heard = 0
        with suppress(Exception):
            async for chunk in request.stream():
                heard += len(chunk)
                if heard > limits.PART:
                    break
        raise


async def _whole(request: Request[Any, Any, Any], limit: int) -> bytes:
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > limit:
            raise TooLargeError(f"one request carries at most {limit >> 20} MiB", hint="Use an upload in parts.")
    return bytes(received)


@post("/blobs/pack", status_code=200, request_max_body_size=None)
async def put_pack(request: Request[Any, Any, Any], caller: Caller, house: House, address: ScopeAddress) -> StoredBlobs:
    """Store the small files of a pack."""
    async with _heard_out(request):
        pack = await _whole(request, limits.PACK)
        stored = await anyio.to_thread.run_sync(lambda: house.contents.put(caller, address, _frames(pack)))
    return StoredBlobs(stored)


async def _receive(request: Request[Any, Any, Any], upload: BlobUpload) -> None:
    """Write the body as it comes, in threads: hashing and writing there leave the event loop free."""

    async def within() -> AsyncIterator[bytes]:
        received = 0
        async for chunk in request.stream():
            received += len(chunk)
            if received > limits.PART:
                limit = f"one request carries at most {limits.PART >> 20} MiB"
                raise TooLargeError(limit, hint="Send the file in parts.")
            yield chunk

    await write_all(within(), upload.write, anyio.to_thread.run_sync)


@put("/blobs/{digest:str}", status_code=200, request_max_body_size=None)
async def put_blob(
    request: Request[Any, Any, Any], caller: Caller, house: House, address: ScopeAddress, digest: str
) -> BlobSize:
    """Store one file of up to 80 MiB under the digest that it must have."""
    async with _heard_out(request):
        expected = parse_digest(digest)
        upload = await anyio.to_thread.run_sync(lambda: house.contents.begin(caller, address))
        try:
            await _receive(request, upload)
            size = upload.offset
            await anyio.to_thread.run_sync(lambda: house.contents.commit(caller, address, upload, expected))
        except BaseException:
            upload.abort()
            raise
    return BlobSize(expected, size)


@post("/uploads", sync_to_thread=True)
def begin_upload(caller: Caller, house: House, address: ScopeAddress) -> UploadState:
    """Open a resumable upload."""
    with house.contents.begin(caller, address) as upload:
        return UploadState(upload.id, upload.offset)


@get("/uploads/{upload_id:str}", sync_to_thread=True)
def get_upload(caller: Caller, house: House, address: ScopeAddress, upload_id: str) -> UploadState:
    """Where an upload goes on."""
    with house.contents.resume(caller, address, upload_id) as upload:
        return UploadState(upload.id, upload.offset)


@patch("/uploads/{upload_id:str}", request_max_body_size=None)
async def write_upload(
    request: Request[Any, Any, Any], caller: Caller, house: House, address: ScopeAddress, upload_id: str, offset: int
) -> UploadState:
    """Append a part; *offset* must be where the upload stands."""
    async with _heard_out(request):
        with await anyio.to_thread.run_sync(lambda: house.contents.resume(caller, address, upload_id)) as upload:
            if upload.offset != offset:
                raise ConflictError(
                    f"the upload stands at byte {upload.offset}, not {offset}",
                    hint="Ask for its offset and go on there.",
                )
            await _receive(request, upload)
            return UploadState(upload.id, upload.offset)


@post("/uploads/{upload_id:str}/commit", sync_to_thread=True, status_code=200)
def commit_upload(caller: Caller, house: House, address: ScopeAddress, upload_id: str, data: UploadCommit) -> BlobSize:
    """End an upload: its bytes are verified, durable, and may be named in the scope."""
    upload = house.contents.resume(caller, address, upload_id)
    size = upload.offset
    return BlobSize(house.contents.commit(caller, address, upload, parse_digest(data.digest)), size)


@post("/handover", sync_to_thread=True)
def bring_by_handover(caller: Caller, house: House, address: ScopeAddress) -> Ticket:
    """A ticket to bring files as open files, for a caller on the server's own machine."""
    return house.handovers.bring(caller, address)


HANDLERS: Sequence[BaseRouteHandler] = (
    missing_blobs,
    put_pack,
    put_blob,
    begin_upload,
    get_upload,
    write_upload,
    commit_upload,
    bring_by_handover,
)
