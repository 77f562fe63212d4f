"""One connection pool to one server, and what every call over it has in common: TLS, the key, retries, errors.

    transport = Transport("https://127.0.0.1:7443", key, ca=Path("ca.pem"))
    page = transport.call("GET", "/api/v1/registries", query={"limit": 50}, type=Page[Scope])

Law: the server's certificate is always verified, the key leaves this module only in a request's header to that one
server, and a redirect is never followed. A call that may be repeated (GET, HEAD, PUT, DELETE, or another that says so)
is repeated with back-off on 429, 502, 503, 504 and on a broken connection; a server that never answered yet is not
waited for.
"""

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload
from urllib.parse import urlencode

import msgspec

import regista
from regista.client.patience import BusyError, Patience
from regista.client.problems import BUSY, error_of
from regista.client.tls import checked_url, tls_context
from regista.errors import InternalError, InvalidError, RegistaError

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

T = TypeVar("T")
Query = Mapping[str, Any] | None
Content = bytes | Iterable[bytes] | None

CHUNK = 1024 * 1024


class Transport:
    """Calls to one server; safe to share among threads."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        ca: Path | None = None,
        timeout: float = 60.0,
        attempts: int = 6,
        pause: float = 0.2,
        connections: int = 16,
    ) -> None:
        """*ca* is the file of the authority to trust instead of the system's; *timeout* bounds each single wait for the
        server, *pause* is the first wait before a repetition (doubled each time), both in seconds."""
        import urllib3

        parts = checked_url(url)
        self.url = parts.url.rstrip("/")
        self.ca = ca
        self._base = (parts.path or "").rstrip("/")
        if not key.isascii() or (key and not key.isprintable()):
            raise InvalidError("the key holds characters that no key has", hint="Was it copied whole, on one line?")
        self._key = key
        self._timeout = timeout
        self._met = threading.Event()
        self._patience = Patience(self.url, attempts, pause, self._met)
        options: dict[str, Any] = {"ssl_context": tls_context(ca)} if parts.scheme == "https" else {}
        self._pool = urllib3.connection_from_url(self.url, maxsize=connections, blocksize=CHUNK, **options)

    def __repr__(self) -> str:
        return f"Transport({self.url!r})"

    def close(self) -> None:
        """Close the idle connections; a later call opens new ones."""
        self._pool.close()

    @overload
    def call(
        self, method: str, path: str, *, type: type[T], query: Query = None, body: object = None,
        idempotent: bool | None = None, timeout: float | None = None,
    ) -> T: ...  # fmt: skip
    @overload
    def call(
        self, method: str, path: str, *, type: None = None, query: Query = None, body: object = None,
        idempotent: bool | None = None, timeout: float | None = None,
    ) -> None: ...  # fmt: skip
    def call(
        self,
        method: str,
        path: str,
        *,
        type: type[T] | None = None,  # noqa: A002 (msgspec's own word for it)
        query: Query = None,
        body: object = None,
        idempotent: bool | None = None,
        timeout: float | None = None,
    ) -> T | None:
        """Send *body* as JSON and return the answer as *type* (None: its body is of no interest). A *query* value that
        is None is left out, a list is repeated.

        Raises the ``RegistaError`` that the server reports by its code, or ``UnavailableError``."""
        encoded = None if body is None else msgspec.json.encode(body)
        headers = {} if encoded is None else {"Content-Type": "application/json"}
        target = self._target(path, query)
        content = self._whole(method, target, lambda: encoded, headers, idempotent=idempotent, timeout=timeout)
        return self._decode(content, type, target)

    def fetch(self, path: str, *, query: Query = None) -> bytes:
        """The body of a GET, as it is."""
        return self._whole("GET", self._target(path, query), lambda: None, {})

    @overload
    def stream_up(
        self, method: str, path: str, content: Callable[[], Content], size: int, *, type: type[T],
        query: Query = None, idempotent: bool | None = None, timeout: float | None = None,
    ) -> T: ...  # fmt: skip
    @overload
    def stream_up(
        self, method: str, path: str, content: Callable[[], Content], size: int, *, type: None = None,
        query: Query = None, idempotent: bool | None = None, timeout: float | None = None,
    ) -> None: ...  # fmt: skip
    def stream_up(
        self,
        method: str,
        path: str,
        content: Callable[[], Content],
        size: int,
        *,
        type: type[T] | None = None,  # noqa: A002 (msgspec's own word for it)
        query: Query = None,
        idempotent: bool | None = None,
        timeout: float | None = None,
    ) -> T | None:
        """Send *size* raw bytes and return the answer as *type*. *content* is called anew for every repetition; what it
        raises while it is read comes out of here."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        target = self._target(path, query)
        answer = self._whole(method, target, content, headers, idempotent=idempotent, timeout=timeout)
        return self._decode(answer, type, target)

    def stream_down(self, path: str, start: int = 0, end: int | None = None, *, query: Query = None) -> Iterator[bytes]:
        """The bytes of *path* from *start* up to *end* (None: to its end), in chunks of up to 1 MiB. A connection that
        breaks is taken up again where it broke; close the iterator when it is not read to its end."""
        target, position, failures = self._target(path, query), start, 0
        while end is None or position < end:
            part = self._range(target, position, end)
            try:
                for chunk in part:
                    yield chunk
                    position, failures = position + len(chunk), 0
            except (OSError, self._faults()) as failure:
                failures += 1
                self._patience.after_failure(failure, failures, repeatable=True)
                continue
            finally:
                part.close()
            if end is not None and position < end:
                raise InternalError(f"{self.url} sent fewer bytes than were asked for: {path}")
            return

    def _range(self, target: str, start: int, end: int | None) -> Generator[bytes]:
        ranged = start > 0 or end is not None
        headers = {"Range": f"bytes={start}-{'' if end is None else end - 1}"} if ranged else {}

        def once() -> "BaseHTTPResponse":
            return self._answer("GET", target, None, headers, preload=False)

        response = self._patience.repeat(once, repeatable=True)
        left = None if end is None else end - start
        try:
            says = response.headers.get("Content-Range", "").partition("/")[0]
            fits = says.startswith(f"bytes {start}-") if response.status == 206 else start == 0
            if not fits:
                raise InternalError(f"{self.url} did not answer with the range of bytes that was asked for")
            for chunk in response.stream(CHUNK, decode_content=False):
                if left is not None:
                    left -= len(chunk)
                    if left < 0:
                        raise InternalError(f"{self.url} sent more bytes than were asked for")
                yield chunk
        finally:
            # A response that was read to its end has given its connection back already; any other's is of no more use.
            response.close()

    def _target(self, path: str, query: Query) -> str:
        given = {name: value for name, value in (query or {}).items() if value is not None}
        words = {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}
        return f"{self._base}/{path.lstrip('/')}" + (f"?{urlencode(words, doseq=True)}" if words else "")

    def _whole(
        self,
        method: str,
        target: str,
        content: Callable[[], Content],
        headers: dict[str, str],
        *,
        idempotent: bool | None = None,
        timeout: float | None = None,
    ) -> bytes:
        def once() -> bytes:
            return self._answer(method, target, content(), headers, timeout=timeout).data

        repeatable = method in {"GET", "HEAD", "PUT", "DELETE"} if idempotent is None else idempotent
        return self._patience.repeat(once, repeatable=repeatable)

    def _answer(
        self,
        method: str,
        target: str,
        content: Content,
        headers: dict[str, str],
        *,
        preload: bool = True,
        timeout: float | None = None,
    ) -> "BaseHTTPResponse":
        """One request and its good answer; raise ``BusyError`` where it may be repeated, or what the server reports."""
        import urllib3

        own = {"User-Agent": f"regista/{regista.__version__}", "Accept-Encoding": "identity"}
        if self._key:
            own["Authorization"] = f"Bearer {self._key}"
        response = self._pool.urlopen(
            method,
            target,
            body=content,
            headers=own | headers,
            retries=False,
            redirect=False,
            assert_same_host=False,
            preload_content=preload,
            timeout=urllib3.Timeout(connect=min(10.0, self._timeout), read=timeout or self._timeout),
        )
        self._met.set()
        if 200 <= response.status < 300:
            return response
        refusal = self._refusal(response)
        if response.status in BUSY:
            raise BusyError(refusal, response.headers.get("Retry-After", ""))
        raise refusal

    def _refusal(self, response: "BaseHTTPResponse") -> RegistaError:
        error = error_of(self.url, response.status, response.data)
        if self._key and self._key in error.message + error.hint:
            # Whatever stands at the other end and repeats the key to us: it does not get onto a screen or into a log.
            error.message, error.hint = (text.replace(self._key, "[key]") for text in (error.message, error.hint))
            error.args = (error.message,)
        return error

    def _decode(self, content: bytes, wanted: type[T] | None, target: str) -> T | None:
        if wanted is None:
            return None
        try:
            return msgspec.json.decode(content, type=wanted)
        except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
            raise InternalError(
                f"{self.url} answered {target.partition('?')[0]} with something else than expected: {wrong}",
                hint="Is the server of another version than this client?",
            ) from wrong

    @staticmethod
    def _faults() -> type[Exception]:
        from urllib3.exceptions import HTTPError

        return HTTPError
