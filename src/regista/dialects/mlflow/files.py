"""Files: listing, sending and receiving artifacts, streamed in chunks of 1 MiB without a limit of size."""

import mimetypes
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from regista.dialects import http
from regista.dialects.mlflow.call import ARTIFACTS, Call, Place
from regista.dialects.mlflow.decoding import Reader
from regista.dialects.mlflow.errors import answer
from regista.dialects.mlflow.render import Json
from regista.dialects.mlflow.wire import ListFiles
from regista.entities.manifest import check_path
from regista.errors import InvalidError, NotFoundError
from regista.interfaces.blobs import CHUNK
from regista.services.house import House
from regista.services.tracking.artifacts import ArtifactUpload, FileInfo

_TEXTS = {"MLmodel", ".log", ".err", ".cfg", ".conf", ".env", ".yaml", ".yml", ".toml", ".ini", ".properties"}
_reader = Reader(ListFiles)

Run = Callable[..., Awaitable[Any]]


class Files:
    """The part of the application that handles ``mlflow-artifacts``; *run* does blocking work, *call* tells who calls."""

    def __init__(self, house: House, run: Run, call: Callable[[http.Scope, Place], Call]) -> None:
        self._house, self._run, self._call = house, run, call

    async def handle(self, scope: http.Scope, receive: http.Receive, send: http.Send, place: Place) -> None:
        """Answer one request."""
        handlers = {"GET": self._get, "PUT": self._put, "DELETE": self._delete}
        handler = handlers.get(scope["method"])
        started = Started(send)
        try:
            if handler is None:
                await http.respond(started.send, 405, b"There is no such route here\n", http.TEXT)
                return
            call = await self._run(self._call, scope, place)
            path = f"/{place.rest}"[len(ARTIFACTS) :]
            await handler(call, path.removeprefix("/"), scope, receive, started.send)
        except Exception as error:
            if started.yes:
                raise  # the connection breaks, so that the client knows that the file is not whole
            await http.respond(send, *answer(error, str(scope.get("request_id", ""))))

    async def _get(self, call: Call, path: str, scope: http.Scope, _: http.Receive, send: http.Send) -> None:
        if not path:
            asked = _reader.query(scope.get("query_string", b""))
            content = await self._run(self._listing, call, asked.path)
            await http.respond(send, 200, content)
            return
        owner, inner = split(path)
        opened = await self._run(self._house.artifacts.open, call.caller, call.address, owner, inner)
        fields = [
            (b"content-type", media_type(opened.name).encode()),
            (b"content-length", str(opened.size).encode()),
            (b"content-disposition", f"attachment; filename*=UTF-8''{quote(opened.name)}".encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"etag", f'"{opened.digest}"'.encode()),
        ]
        chunks = await self._run(opened.read)
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        while (chunk := await self._run(next, chunks, None)) is not None:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _put(self, call: Call, path: str, _: http.Scope, receive: http.Receive, send: http.Send) -> None:
        owner, inner = split(path)
        upload = await self._run(self._house.artifacts.begin, call.caller, call.address, owner, inner)
        try:
            whole = await self._receive(upload, receive)
            if whole:
                await self._run(upload.commit)
        finally:
            await self._run(upload.abort)
        if whole:
            await http.respond(send, 200, b"{}")

    async def _receive(self, upload: ArtifactUpload, receive: http.Receive) -> bool:
        """Write the body as it comes; whether all of it came."""
        waiting = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return False
            waiting += message.get("body", b"")
            more = message.get("more_body", False)
            if len(waiting) >= CHUNK or (waiting and not more):
                await self._run(upload.write, waiting)
                waiting = bytearray()
            if not more:
                return True

    async def _delete(self, call: Call, path: str, _: http.Scope, receive: http.Receive, send: http.Send) -> None:
        await http.body(receive)
        owner, inner = split(path)
        await self._run(self._house.artifacts.delete, call.caller, call.address, owner, inner)
        await http.respond(send, 200, b"{}")

    def _listing(self, call: Call, path: str) -> bytes:
        owner, inner = split(path, folder=True)
        listed = call.house.artifacts.listing(call.caller, call.address, owner, inner)
        return msgspec.json.encode({"files": listed_files(listed, inner, whole=False)})


class Started:
    """Tells whether an answer has begun: from then on it cannot become another."""

    def __init__(self, send: http.Send) -> None:
        self._send = send
        self.yes = False

    async def send(self, message: Any) -> None:
        """Pass *message* on."""
        self.yes = True
        await self._send(message)


def split(path: str, *, folder: bool = False) -> tuple[str, str]:
    """Owner and path inside it; raise ``InvalidError`` for a path that climbs, however it is encoded."""
    clean = path.strip("/") if folder else path
    decoded = unquote(unquote(clean))
    for one in {clean, decoded} - {""}:
        try:
            check_path(one)
        except InvalidError as wrong:
            raise InvalidError(f"Invalid path: {wrong.message}") from wrong
    kind, _, rest = clean.partition("/")
    name, _, inner = rest.partition("/")
    if not name or not (inner or folder):
        raise NotFoundError(
            f"there is no file {path[:200]!r}", hint="Files are below runs/RUN, models/m-… or versions/ID."
        )
    if inner[1:2] == ":" and inner[0].isalpha():
        raise InvalidError(f"Invalid path: {inner[:200]!r} begins like a drive")
    return f"{kind}/{name}", inner


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
    ending = name[name.rfind(".") :] if "." in name else name
    return "text/plain" if ending in _TEXTS else mimetypes.guess_type(name)[0] or "application/octet-stream"
