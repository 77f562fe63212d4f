"""A receiver of webhooks: a real HTTPS server with a certificate of a small authority, which remembers what it was sent."""

import base64
import hashlib
import hmac
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec

from tests.support.authority import make_certificates


class Received(msgspec.Struct, frozen=True):
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    @property
    def id(self) -> str:
        """Of the delivery."""
        return self.headers["x-mlflow-delivery-id"]

    def is_signed_with(self, secret: str) -> bool:
        """Whether the signature is right, as receivers of MLflow's webhooks look at it."""
        given = self.headers.get("x-mlflow-signature", "")
        message = f"{self.id}.{self.headers['x-mlflow-timestamp']}.".encode() + self.body
        wanted = base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()
        return hmac.compare_digest(given, f"v1,{wanted}")


class Receiver:
    """What came, and how it is answered: by the status that ends the path, or as ``answers`` says for a path, in turn."""

    def __init__(self, url: str, ca: Path) -> None:
        self.url, self.ca = url, ca
        self.received: list[Received] = []
        self.answers: dict[str, list[int]] = {}

    def at(self, path: str) -> list[Received]:
        """What came to *path*."""
        return [one for one in self.received if one.path == path]

    def wait(self, path: str, count: int, seconds: float = 20.0) -> list[Received]:
        """What came to *path*, once it is so many."""
        found: list[Received] = until(lambda: self.at(path) if len(self.at(path)) >= count else None, seconds)
        return found


def until(look: Callable[[], Any], seconds: float = 20.0) -> Any:
    """What *look* finds, once it finds something."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
    return found


@contextmanager
def receiving(folder: Path) -> Iterator[Receiver]:
    """Run a receiver on 127.0.0.1."""
    files = make_certificates(folder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fields = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.append(Received(self.path, fields, body))
            last = self.path.rpartition("/")[2]
            if last == "slow":
                time.sleep(1)
            planned = receiver.answers.get(self.path) or []
            status = planned.pop(0) if planned else int(last) if last.isdigit() else 200
            with suppress(OSError):
                self._reply(status, body, drips=last.startswith("dripping"), closes=last == "dripping-once")

        def _reply(self, status: int, body: bytes, *, drips: bool, closes: bool) -> None:
            self.send_response(status)
            if closes:
                self.send_header("Connection", "close")
            body = b"" if status == 204 else body
            self.send_header("Content-Length", str(len(body) + (20 if drips else 0)))
            if status == 302:
                self.send_header("Location", "/followed")
            if status == 429:
                self.send_header("Retry-After", "2")
            self.end_headers()
            self.wfile.write(body)
            for _ in range(20 if drips else 0):
                time.sleep(0.1)
                self.wfile.write(b".")
                self.wfile.flush()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that distrusts us hangs up
    receiver = Receiver(f"https://127.0.0.1:{server.server_address[1]}/", files.ca)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
