"""A token door on this machine, for one program and for as long as it runs.

    the program ── plain HTTP on 127.0.0.1, a secret of its own ──> this door ── verified TLS, the key ──> the server's door

The program takes the place of the process that opens the door, and the door has a process of its own: whoever kills what they
started kills the program, and the door ends when it sees that.

The program asks it as it would ask for a managed identity's tokens (App Service, api-version 2019-08-01). It never holds the key:
its secret opens this door alone, and nothing when the door is gone. The tokens that it was given end within the hour.
"""

import hmac
import json
import os
import secrets
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psutil
import urllib3

from regista.client.profiles import Profile
from regista.client.tls import checked_url, tls_context
from regista.errors import UnauthenticatedError

_PATH = "/identity/token"
_SECONDS = 30.0
_HEADER = "X-IDENTITY-HEADER"
_PROXIES = ("http_proxy", "all_proxy")
_PAUSE = 0.5
"""Seconds between two looks whether the program is there: no system but Linux would tell."""


class TokenDoor:
    """Open from ``open`` until this process, or the program that it has become by then, has ended."""

    def __init__(self, known: Profile) -> None:
        key = known.secret()
        if not key:
            raise UnauthenticatedError(
                "there is no key to fetch tokens with", hint="Set REGISTA_KEY, or add a profile."
            )
        url = checked_url(known.url).url.rstrip("/")
        context = tls_context(Path(known.ca).expanduser() if known.ca else None)
        far = _Far(urllib3.PoolManager(ssl_context=context), url + _PATH, key)
        self._secret = secrets.token_urlsafe(32)
        self._server = _Server(self._secret, far)

    def open(self) -> None:
        """Answer from now on."""
        if hasattr(os, "fork"):
            _apart(self._server)
        else:
            Thread(target=self._server.serve_forever, name="token-door", daemon=True).start()

    def variables(self, environment: Mapping[str, str]) -> dict[str, str]:
        """By which a program that is to have *environment* finds the door, past any proxy."""
        told = {"IDENTITY_ENDPOINT": f"http://{self._server.name}{_PATH}", "IDENTITY_HEADER": self._secret}
        if not any(environment.get(name) or environment.get(name.upper()) for name in _PROXIES):
            return told
        direct = ",".join(filter(None, (environment.get("no_proxy") or environment.get("NO_PROXY"), "127.0.0.1")))
        return told | {"no_proxy": direct, "NO_PROXY": direct}


class _Far:
    """The server's own door, which is asked with the key."""

    def __init__(self, pool: urllib3.PoolManager, url: str, key: str) -> None:
        self._pool, self._url, self._key = pool, url, key

    def ask(self, resource: str) -> tuple[int, bytes]:
        """Status and body of its answer."""
        try:
            answer = self._pool.request(
                "GET",
                self._url,
                fields={"api-version": "2019-08-01", "resource": resource},
                headers={_HEADER: self._key},
                redirect=False,
                retries=False,
                timeout=_SECONDS,
            )
        except urllib3.exceptions.HTTPError:
            return _fault(502, "the Regista server does not answer, or its certificate is not trusted")
        return answer.status, answer.data


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    program: psutil.Process | None = None
    """Known by its start, too: numbers of processes come again."""

    def __init__(self, secret: str, far: _Far) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.name = f"127.0.0.1:{self.server_port}"
        self.secret, self.far = secret, far

    def server_bind(self) -> None:
        """As any server does: that of HTTP asks a name server who 127.0.0.1 is."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def service_actions(self) -> None:
        """Called at every pause."""
        if self.program is not None and not self.program.is_running():
            os._exit(0)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nobody's concern."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _SECONDS
    server_version, sys_version = "regista", ""

    def do_GET(self) -> None:
        status, content = self._answer()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def _answer(self) -> tuple[int, bytes]:
        try:
            asked = urlsplit(self.path)
            fields = parse_qs(asked.query, max_num_fields=20)
        except ValueError:
            return _fault(400, "the address cannot be read")
        if self.headers.get("Host", "") != self.server.name:
            return _fault(403, "this door has no other name")  # a page whose name was made to lead here
        if asked.path != _PATH:
            return _fault(404, "there is one door here")
        given = self.headers.get(_HEADER, "").encode("latin-1", "replace")
        if not hmac.compare_digest(given, self.server.secret.encode()):
            return _fault(401, f"the header {_HEADER} does not hold the secret of this door")
        return self.server.far.ask("".join(fields.get("resource", [])[:1]))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
        """What the program prints is its own."""


def _apart(server: _Server) -> None:
    """Serve in a process of its own until this one, whatever it has become by then, has ended.

    It is no child of this one: a program that waits for all its children would wait for it."""
    server.program = psutil.Process()
    between = os.fork()
    if between:
        os.waitpid(between, 0)
        return
    try:
        os.setsid()  # what a terminal sends is for the program
        if os.fork() == 0:
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):  # or whoever reads what the program writes would not see its end
                os.dup2(nothing, stream)
            server.serve_forever(_PAUSE)
    finally:
        os._exit(0)


def _fault(status: int, message: str) -> tuple[int, bytes]:
    return status, json.dumps({"statusCode": status, "message": message}).encode()
