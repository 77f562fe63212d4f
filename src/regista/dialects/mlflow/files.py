"""Files: listing, sending and receiving artifacts, streamed in chunks of 1 MiB without a limit of size."""

import base64
import binascii
import mimetypes
import re
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec

from regista.dialects import http
from regista.dialects.mlflow import downloads, multipart
from regista.dialects.mlflow.call import FILES, Call, Place
from regista.dialects.mlflow.decoding import Reader
from regista.dialects.mlflow.errors import answer
from regista.dialects.mlflow.paths import split
from regista.dialects.mlflow.render import Json
from regista.dialects.mlflow.wire import ListFiles
from regista.dialects.streaming import BATCH, Arriving, Run, send_all, write_all
from regista.errors import InvalidError
from regista.services.datastores.files import Labels
from regista.services.house import House
from regista.services.tracking.artifacts import FileInfo
from regista.services.tracking.multipart import Target

_TEXTS = frozenset(
    "txt log err cfg conf cnf cf ini env properties prop hocon toml yaml yml xml json js py py3 csv tsv md rst MLmodel mlproject".split()
)
"""How names of files end, or what they are, that MLflow's server and clients show as plain text."""
_TOKEN = re.compile(r"[\w!#$&+.^`|~-]+", re.ASCII)
_reader = Reader(ListFiles)


class Files:
    """The part of the application that handles ``mlflow-artifacts``; *run* does blocking work, *call* tells who calls."""

    def __init__(self, house: House, run: Run, call: Callable[..., Call]) -> None:
        self._house, self._run, self._call = house, run, call
        self.handlers: dict[tuple[str, str], Callable[[Request, str], Awaitable[None]]] = {
            ("GET", "artifacts"): self._at_file,
            ("PUT", "artifacts"): self._at_file,
            ("DELETE", "artifacts"): self._at_file,
            ("GET", "presigned"): self._sign,
            ("POST", "mpu/create"): self._in_parts,
            ("PUT", "mpu/part"): self._put_part,
            ("POST", "mpu/complete"): self._in_parts,
            ("POST", "mpu/abort"): self._in_parts,
        }

    async def handle(self, scope: http.Scope, receive: http.Receive, send: http.Send, place: Place) -> None:
        """Answer one request."""
        started = Started(send)
        try:
            await self._answer(scope, receive, started.send, place)
        except Exception as error:
            if started.yes:
                raise  # the connection breaks, so that the client knows that the file is not whole
            await http.respond(send, *answer(error, str(scope.get("request_id", ""))))

    async def _answer(self, scope: http.Scope, receive: http.Receive, send: http.Send, place: Place) -> None:
        method = scope["method"]
        if downloads.is_address(place.rest):
            await self._by_address(scope, receive, send, place)
            return
        service, path = service_of(place.rest)
        handler = self.handlers.get((method, service))
        if handler is None:
            status = 405 if service == "artifacts" else 404
            await http.respond(send, status, b"There is no such route here\n", http.TEXT)
        else:
            await handler(Request(scope, receive, send, place, service), path)

    async def _at_file(self, asked: "Request", path: str) -> None:
        """Get, put or delete a file, by a key or by a signed address."""
        if asked.scope["method"] == "PUT":
            await self._put(asked, path)
            return
        handler = self._get if asked.scope["method"] == "GET" else self._delete
        call = await self._run(self._caller, asked.scope, asked.place, path)
        await handler(call, path, asked.scope, asked.receive, asked.send)

    async def _sign(self, asked: "Request", path: str) -> None:
        call = await self._run(self._call, asked.scope, asked.place)
        await http.respond(asked.send, 200, await self._run(multipart.presigned, call, path))

    async def _in_parts(self, asked: "Request", path: str) -> None:
        call = await self._run(self._call, asked.scope, asked.place)
        body = await http.body(asked.receive)
        if body is not None:
            verb = asked.service.removeprefix("mpu/")
            await http.respond(asked.send, 200, await self._run(multipart.answer_post, call, f"{verb}/{path}", body))

    async def _by_address(self, scope: http.Scope, receive: http.Receive, send: http.Send, place: Place) -> None:
        if (scope["method"] == "POST") is not (place.rest == downloads.UPLOAD):
            await http.respond(send, 405, b"There is no such route here\n", http.TEXT)
            return
        call = await self._run(self._call, scope, place)
        if place.rest != downloads.UPLOAD:
            path = await self._run(downloads.find_artifact, call, place.rest, http.query(scope))
            await self._get(call, path, scope, receive, send)
        elif (content := await http.body(receive)) is not None:
            await self._run(downloads.upload, call, http.query(scope), content)
            await http.respond(send, 200, b"")

    def _caller(self, scope: http.Scope, place: Place, path: str) -> Call:
        """Who asks for the file, by a key or by a signed address."""
        token = http.query(scope).get("sig")
        if not token or scope["method"] not in {"GET", "PUT"}:
            return self._call(scope, place)
        known = self._house.signed_artifacts
        verify = known.reader if scope["method"] == "GET" else known.writer
        target = Target(place.address, *split(path))
        return self._call(scope, place, lambda **about: verify(token, target, **about))

    async def _get(self, call: Call, path: str, scope: http.Scope, receive: http.Receive, send: http.Send) -> None:
        if not path:
            asked = _reader.query(scope.get("query_string", b""))
            content = await self._run(self._listing, call, asked.path)
            await http.respond(send, 200, content)
            return
        owner, inner = split(path)
        opened = await self._run(self._house.artifacts.open, call.caller, call.address, owner, inner)
        try:
            wanted = http.parse_range(http.headers(scope).get(b"range", b"").decode("latin-1"), opened.size)
        except InvalidError as beyond:
            size = (b"content-range", f"bytes */{opened.size}".encode())
            await http.respond(send, 416, answer(beyond, "")[1], http.JSON, [size])
            return
        start, end = wanted or (0, opened.size)
        fields = [
            (b"content-type", media_type(opened.name).encode()),
            (b"content-length", str(end - start).encode()),
            (b"accept-ranges", b"bytes"),
            (b"content-disposition", disposition(opened.name)),
            (b"x-content-type-options", b"nosniff"),
            (b"etag", f'"{opened.digest}"'.encode()),
        ]
        if wanted:
            fields.append((b"content-range", f"bytes {start}-{end - 1}/{opened.size}".encode()))
        chunks = await self._run(opened.read, start, end)
        await send({"type": "http.response.start", "status": 206 if wanted else 200, "headers": fields})
        await send_all(send, Arriving(receive), chunks, self._run)

    async def _put(self, asked: "Request", path: str) -> None:
        """Store a file. One that is no longer than what would be written at once is a single piece of work."""
        arriving = Arriving(asked.receive)
        content = await arriving.whole(BATCH)
        if content is None:
            await self._put_streamed(asked, path, arriving)
        else:
            await self._run(self._put_whole, asked, path, content)
        if arriving.ended:
            await http.respond(asked.send, 200, b"{}")

    def _put_whole(self, asked: "Request", path: str, content: bytes) -> None:
        call = self._caller(asked.scope, asked.place, path)
        self._house.artifacts.put(call.caller, call.address, *split(path), content)

    async def _put_streamed(self, asked: "Request", path: str, arriving: Arriving) -> None:
        call = await self._run(self._caller, asked.scope, asked.place, path)
        upload = await self._run(self._house.artifacts.begin, call.caller, call.address, *split(path))
        try:
            await write_all(arriving, upload.write, self._run)
            if arriving.ended:
                await self._run(upload.commit)
        finally:
            await self._run(upload.abort)

    async def _put_part(self, asked: "Request", path: str) -> None:
        scope, send, query = asked.scope, asked.send, http.query(asked.scope)
        target = Target(asked.place.address, *split(path))
        number = query.get("part", "")
        part = query.get("upload", ""), int(number) if number.isascii() and number.isdigit() and len(number) < 7 else 0
        known = self._house.signed_artifacts.part_sender

        def sender() -> Call:
            return self._call(scope, asked.place, lambda **about: known(query.get("sig", ""), target, part, **about))

        call = await self._run(sender)
        upload = await self._run(self._house.multipart.part, call.caller, target, *part)
        staged = None
        try:
            arriving = Arriving(asked.receive)
            await write_all(arriving, upload.write, self._run)
            if arriving.ended:
                staged = await self._run(upload.commit, Labels(), md5_of(scope))
        finally:
            await self._run(upload.abort)
        if staged is not None:
            await http.respond(send, 200, b"", http.TEXT, [(b"etag", f'"{staged.md5.hex()}"'.encode())])

    async def _delete(self, call: Call, path: str, _: http.Scope, receive: http.Receive, send: http.Send) -> None:
        await http.body(receive)
        owner, inner = split(path)
        await self._run(self._house.artifacts.delete, call.caller, call.address, owner, inner)
        await http.respond(send, 200, b"{}")

    def _listing(self, call: Call, path: str) -> bytes:
        owner, inner = split(path, folder=True)
        listed = call.house.artifacts.listing(call.caller, call.address, owner, inner)
        return msgspec.json.encode({"files": listed_files(listed, inner, whole=False)})


class Request(NamedTuple):
    """A request about files, for a *service* of them."""

    scope: http.Scope
    receive: http.Receive
    send: http.Send
    place: Place
    service: str


def service_of(rest: str) -> tuple[str, str]:
    """What of ``mlflow-artifacts`` a path names, and what comes behind that."""
    parts = f"/{rest}".removeprefix(f"{FILES}/").split("/")
    count = 2 if parts[0] == "mpu" else 1
    return "/".join(parts[:count]), "/".join(parts[count:])


class Started:
    """Tells whether an answer has begun: from then on it cannot become another."""

    def __init__(self, send: http.Send) -> None:
        self._send = send
        self.yes = False

    async def send(self, message: Any) -> None:
        """Pass *message* on."""
        self.yes = True
        await self._send(message)


def disposition(name: str) -> bytes:
    """Save it, under *name*: as a token where it is one (RFC 6266, section 4), which every client reads, else encoded."""
    said = f"filename={name}" if _TOKEN.fullmatch(name) else f"filename*=UTF-8''{quote(name)}"
    return f"attachment; {said}".encode()


def md5_of(scope: http.Scope) -> bytes:
    """The MD5 that the sender says its body has (``Content-MD5``); empty when it says nothing."""
    given = http.headers(scope).get(b"content-md5", b"")
    try:
        return base64.b64decode(given, validate=True)
    except binascii.Error as wrong:
        raise InvalidError("Content-MD5 cannot be read", hint="It is the MD5 in base64.") from wrong


def listed_files(listed: list[FileInfo], folder: str, *, whole: bool) -> list[Json]:
    """A listing of *folder* with paths from the root on (*whole*: the tracking service's way) or from the folder on (that of
    the artifacts service). A file is no folder and lists nothing."""
    start = len(folder) + 1 if folder and not whole else 0
    return [_file(info, info.path[start:]) for info in listed if info.path != folder]


def _file(info: FileInfo, path: str) -> Json:
    if info.is_folder:
        return {"path": path, "is_dir": True}
    return {"path": path, "is_dir": False, "file_size": info.size}


def media_type(name: str) -> str:
    """By the file's name."""
    ending = name.rpartition("/")[2].rpartition(".")[2]
    return "text/plain" if ending in _TEXTS else mimetypes.guess_type(name)[0] or "application/octet-stream"
