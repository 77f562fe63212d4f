"""A small HTTPS server that speaks the native API's transfer routes over real sockets, and breaks on demand.

It keeps blobs as files in a folder, so that a gigabyte fits, and verifies every digest as the real one does.

    with BlobServer(folder) as server:
        server.faults.append(Fault("PUT", "/blobs/", "cut", after=1000))
"""

import hashlib
import json
import re
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from regista.dialects.native.hatch import Hatch
from regista.drivers.blobs.local import LocalBlobStore
from regista.entities.digest import Digest
from regista.errors import NotFoundError
from regista.services.content.handovers import Bringing, Errand, Fetching
from tests.support.authority import make_certificates

KEY = "the-key-of-the-tests"
_CHUNK = 1024 * 1024


class Fault:
    """What goes wrong, *times* times, at requests of *method* whose path holds *part*.

    ``cut`` ends the connection after *after* bytes of the request's body (or of the answer's, for GET); ``status``
    answers with *status*; ``lose`` does the work and ends the connection instead of answering; ``corrupt`` flips a bit
    of the answer; ``echo`` refuses with a problem that repeats the caller's key."""

    def __init__(
        self,
        method: str,
        part: str,
        kind: str,
        *,
        times: int = 1,
        after: int = 0,
        status: int = 503,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.method, self.part, self.kind, self.times = method, part, kind, times
        self.after, self.status, self.headers = after, status, headers or {}


class _CutError(Exception):
    """The connection ends here."""


class _AnsweredError(Exception):
    """The answer was sent already."""


class _RefusedError(Exception):
    def __init__(self, status: int, code: str, detail: str, hint: str = "") -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.hint = status, code, detail, hint


class BlobServer:
    """The server; ``requests`` is what it was asked, ``contents`` what can be downloaded, by place in the API."""

    def __init__(self, folder: Path, *, days: int = 2) -> None:
        self.folder = folder
        self.blobs, self.uploads = folder / "blobs", folder / "uploads"
        for made in (self.blobs, self.uploads):
            made.mkdir(parents=True, exist_ok=True)
        self.handovers = Handovers(folder)
        self.certificates = make_certificates(folder / "tls", days=days)
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str]] = []
        self.contents: dict[str, tuple[bytes, dict[str, bytes | Path]]] = {}
        self.lock = threading.Lock()
        self._server = _Server(self)
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}"
        self._hatch = Hatch(self.handovers)  # type: ignore[arg-type]  # as much of the service as the hatch asks for
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._hatch.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hatch.close()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def ca(self) -> Path:
        """The authority to trust."""
        return self.certificates.ca

    def holds(self, content: bytes) -> bool:
        """Whether the bytes have arrived."""
        return (self.blobs / hashlib.sha256(content).hexdigest()).exists()

    def offer(self, place: str, files: dict[str, bytes | Path]) -> str:
        """Make *files* downloadable at *place*; return the digest of their manifest."""
        entries = [
            {"digest": f"sha256:{_sha256(content)}", "path": path, "size": _size(content)}
            for path, content in files.items()
        ]
        entries.sort(key=lambda entry: str(entry["path"]))
        manifest = json.dumps(
            {"files": entries, "schema": "regista.manifest/1"}, separators=(",", ":"), ensure_ascii=False
        ).encode()
        self.contents[place] = (manifest, files)
        return f"sha256:{hashlib.sha256(manifest).hexdigest()}"

    def asked(self, method: str, part: str) -> int:
        """How many requests of *method* had *part* in their path."""
        return sum(1 for found, path in self.requests if found == method and part in path)

    def fault(self, method: str, path: str) -> Fault | None:
        """The next fault planned for this request, which is then used up once."""
        with self.lock:
            self.requests.append((method, path))
            for fault in self.faults:
                if fault.times and fault.method == method and fault.part in path:
                    fault.times -= 1
                    return fault
        return None


class Handovers:
    """What passes through the hatch. ``here`` says whether there are tickets, ``socket`` where they lead, ``refusal`` is
    raised instead of taking a file (once each), ``taken`` and ``handed`` count."""

    def __init__(self, folder: Path) -> None:
        self._store = LocalBlobStore(folder / "taken")
        self._blobs = folder / "blobs"
        self.here, self.socket = False, ""
        self.refusals: list[Exception] = []
        self.taken = self.handed = 0
        self.tickets: dict[str, Errand] = {}

    def listening(self, socket: str) -> None:
        """As of the service."""
        self.socket = socket

    @contextmanager
    def honoured(self, token: str) -> Iterator[Errand]:
        """As of the service."""
        errand = self.tickets.pop(token, None)
        if errand is None:
            raise NotFoundError("there is no such ticket")
        self.handed += isinstance(errand, Fetching)
        yield errand

    def take(self, _caller: object, _address: object, file: int, expected: Digest | None) -> tuple[Digest, int]:
        """As of the contents."""
        if self.refusals:
            raise self.refusals.pop()
        digest = self._store.add_file(file, expected)
        place = self._store.path(digest)
        (self._blobs / place.name).write_bytes(place.read_bytes())
        self.taken += 1
        return digest, place.stat().st_size


class _Handed:
    """A content as an open file."""

    def __init__(self, folder: Path, content: bytes | Path) -> None:
        self._folder, self._content = folder, content

    def place(self) -> Path:
        """Where it lies."""
        if isinstance(self._content, Path):
            return self._content
        place = self._folder / uuid.uuid4().hex
        place.write_bytes(self._content)
        return place


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, owner: BlobServer) -> None:
        self.owner = owner
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(owner.certificates.certificate, owner.certificates.key)
        super().__init__(("127.0.0.1", 0), _Handler)

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wrapped = self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return wrapped, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what half of the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    _left = 0

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 (the names that http.server calls)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""

    def _serve(self) -> None:
        owner, parts = self.server.owner, urlsplit(self.path)
        self._path = unquote(parts.path).removeprefix("/api/v1/")
        self._query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self._left = int(self.headers.get("Content-Length", 0))
        self._fault = owner.fault(self.command, self.path)
        try:
            self._check_fault()
            status, body, kind = self._route()
        except _RefusedError as refused:
            # Read to the end: a reset of the connection would reach a client that still writes before the answer does.
            self._drain()
            problem = {"type": "about:blank", "title": "no", "status": refused.status, "detail": refused.detail}
            problem |= {"code": refused.code, "hint": refused.hint, "request_id": "r1"}
            self._answer(refused.status, json.dumps(problem).encode(), "application/problem+json")
        except _AnsweredError:
            return
        except _CutError:
            self._hang_up()
        else:
            if self._fault and self._fault.kind == "lose":
                self._hang_up()
            else:
                self._answer(status, body, kind)

    def _check_fault(self) -> None:
        fault = self._fault
        if fault and fault.kind == "status":
            self._drain()
            self._answer(fault.status, b"<html>busy</html>", "text/html", fault.headers)
            raise _AnsweredError
        if fault and fault.kind == "echo":
            raise _RefusedError(403, "forbidden", f"{self.headers['Authorization']} may not do this")
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            raise _RefusedError(401, "unauthenticated", "the key is not known", "Ask for another one.")

    def _route(self) -> tuple[int, bytes | Path, str]:
        for method, pattern, handler in _ROUTES:
            found = re.fullmatch(pattern, self._path, re.DOTALL)
            if found and method == self.command:
                answer = handler(self, *found.groups())
                if isinstance(answer, tuple):
                    return answer
                return 200, json.dumps(answer).encode(), "application/json"
        raise _RefusedError(404, "not_found", f"there is no {self._path}")

    def _read(self, count: int) -> bytes:
        fault = self._fault
        if fault and fault.kind == "cut" and self.command != "GET":
            count = min(count, fault.after)
            if count == 0:
                raise _CutError
            fault.after -= count
        data = self.rfile.read(min(count, self._left))
        if len(data) < min(count, self._left):
            raise _CutError
        self._left -= len(data)
        return data

    def _drain(self) -> None:
        while self._left and self.rfile.read(min(self._left, _CHUNK)):
            self._left -= min(self._left, _CHUNK)

    def _body(self) -> bytes:
        received = bytearray()
        while self._left:
            received += self._read(min(self._left, _CHUNK))
        return bytes(received)

    def _json(self) -> Any:
        return json.loads(self._body())

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _answer(self, status: int, body: bytes | Path, kind: str, headers: dict[str, str] | None = None) -> None:
        if self._left:
            self.close_connection = True
        size = _size(body)
        start, end = 0, size
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if wanted and status == 200:
            start, end, status = int(wanted[1]), int(wanted[2] or size - 1) + 1, 206
            end = min(end, size)
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        for name, value in {"Content-Type": kind, "Content-Length": str(end - start), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self._send(body, start, end)

    def _send(self, body: bytes | Path, start: int, end: int) -> None:
        fault = self._fault
        cut = fault.after if fault and fault.kind == "cut" and self.command == "GET" else None
        stop = end if cut is None else min(end, start + cut)
        if isinstance(body, Path):
            with body.open("rb") as file:
                file.seek(start)
                while start < stop and (chunk := file.read(min(_CHUNK, stop - start))):
                    self.wfile.write(chunk)
                    start += len(chunk)
        else:
            content = bytearray(body[start:stop])
            if content and fault and fault.kind == "corrupt":
                content[len(content) // 2] ^= 1
            self.wfile.write(content)
        if cut is not None:
            self._hang_up()

    def _store(self, digest: str, content: bytes) -> None:
        actual = hashlib.sha256(content).hexdigest()
        if actual != digest:
            raise _RefusedError(400, "digest_mismatch", f"expected sha256:{digest}, received sha256:{actual}")
        (self.server.owner.blobs / digest).write_bytes(content)

    def _missing(self, _scope: str) -> object:
        blobs = self.server.owner.blobs
        wanted = [blob["digest"] for blob in self._json()["blobs"]]
        assert len(wanted) <= 10_000
        return {"missing": [digest for digest in wanted if not (blobs / digest.removeprefix("sha256:")).exists()]}

    def _pack(self, _scope: str) -> object:
        body, at, stored = self._body(), 0, 0
        assert len(body) <= 32 * 1024 * 1024
        while at < len(body):
            digest, size = body[at : at + 32].hex(), int.from_bytes(body[at + 32 : at + 40], "big")
            self._store(digest, body[at + 40 : at + 40 + size])
            at, stored = at + 40 + size, stored + 1
        assert stored <= 2_000
        return {"stored": stored}

    def _put(self, _scope: str, digest: str) -> object:
        assert self._left <= 64 * 1024 * 1024
        self._store(digest, self._body())
        return {"digest": digest}

    def _begin(self, _scope: str) -> object:
        upload_id = uuid.uuid4().hex
        (self.server.owner.uploads / upload_id).touch()
        return {"id": upload_id, "offset": 0}

    def _upload(self, upload_id: str) -> Path:
        path = self.server.owner.uploads / upload_id
        if not path.exists():
            raise _RefusedError(404, "not_found", f"there is no upload {upload_id}")
        return path

    def _state(self, _scope: str, upload_id: str) -> object:
        return {"id": upload_id, "offset": self._upload(upload_id).stat().st_size}

    def _append(self, _scope: str, upload_id: str) -> object:
        path = self._upload(upload_id)
        if path.stat().st_size != int(self._query["offset"]):
            raise _RefusedError(409, "conflict", f"the upload stands at byte {path.stat().st_size}")
        assert self._left <= 64 * 1024 * 1024
        with path.open("ab", buffering=0) as file:
            while self._left:
                file.write(self._read(min(self._left, _CHUNK)))
        return {"offset": path.stat().st_size}

    def _commit(self, _scope: str, upload_id: str) -> object:
        path, wanted = self._upload(upload_id), self._json()["digest"]
        actual = f"sha256:{_sha256(path)}"
        if actual != wanted:
            path.unlink()
            raise _RefusedError(400, "digest_mismatch", f"expected {wanted}, received {actual}")
        path.rename(self.server.owner.blobs / actual.removeprefix("sha256:"))
        return {"digest": actual}

    def _bring(self, _scope: str) -> object:
        return self._ticket(Bringing(self.server.owner.handovers, str, None))  # type: ignore[arg-type]  # as above

    def _hand_out(self, place: str, path: str) -> object:
        content = self._file(place, path)[1]
        return self._ticket(Fetching(_Handed(self.server.owner.folder, content), str))  # type: ignore[arg-type]

    def _ticket(self, errand: Errand) -> object:
        owner = self.server.owner.handovers
        if not owner.here:
            raise _RefusedError(404, "not_found", "this server shares no disk with you")
        owner.tickets[token := uuid.uuid4().hex] = errand
        return {"socket": owner.socket, "token": token}

    def _manifest(self, place: str) -> object:
        return 200, self._place(place)[0], "application/json"

    def _file(self, place: str, path: str) -> tuple[int, bytes | Path, str]:
        files = self._place(place)[1]
        if path not in files:
            raise _RefusedError(404, "not_found", f"there is no file {path}")
        return 200, files[path], "application/octet-stream"

    def _place(self, place: str) -> tuple[bytes, dict[str, bytes | Path]]:
        try:
            return self.server.owner.contents[place]
        except KeyError:
            raise _RefusedError(404, "not_found", f"there is no {place}") from None


_SCOPE = r"((?:workspaces|registries)/[^/]+)"
_ROUTES: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("POST", rf"{_SCOPE}/blobs/missing", _Handler._missing),
    ("POST", rf"{_SCOPE}/blobs/pack", _Handler._pack),
    ("PUT", rf"{_SCOPE}/blobs/sha256:([0-9a-f]{{64}})", _Handler._put),
    ("POST", rf"{_SCOPE}/uploads", _Handler._begin),
    ("GET", rf"{_SCOPE}/uploads/([0-9a-f]+)", _Handler._state),
    ("PATCH", rf"{_SCOPE}/uploads/([0-9a-f]+)", _Handler._append),
    ("POST", rf"{_SCOPE}/uploads/([0-9a-f]+)/commit", _Handler._commit),
    ("POST", rf"{_SCOPE}/handover", _Handler._bring),
    ("POST", r"(.+?)/handover/(.+)", _Handler._hand_out),
    ("GET", r"(.+?)/manifest", _Handler._manifest),
    ("GET", r"(.+?)/files/(.+)", _Handler._file),
)


def _size(content: bytes | Path) -> int:
    return content.stat().st_size if isinstance(content, Path) else len(content)


def _sha256(content: bytes | Path) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main(folder: str) -> None:
    """Serve until the process is ended; for measuring with the server's threads out of the client's way."""
    with BlobServer(Path(folder)) as server:
        print(server.url, server.ca, flush=True)  # noqa: T201
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    import sys

    main(sys.argv[1])
