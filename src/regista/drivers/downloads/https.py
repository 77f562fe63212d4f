"""Downloading what a user's URL names, without becoming the user's way into the network that the server stands in.

Only https, over guarded connections. A redirect is checked like the first URL.
"""

import http.client
import ssl
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from regista.drivers.guarded import GuardedConnection, checked_address
from regista.errors import InvalidError, NotFoundError, RegistaError, TooLargeError, UnavailableError

_CHUNK = 1 << 20
_REDIRECTS = 5
_MOVED = {301, 302, 303, 307, 308}


class HttpsDownloads:
    """Downloads files of at most *most_bytes*. *allow_private* lets addresses of the own network and machine pass."""

    def __init__(
        self,
        *,
        most_bytes: int = 50 << 30,
        timeout: float = 60.0,
        allow_private: bool = False,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._most = most_bytes
        self._timeout = timeout
        self._allow_private = allow_private
        self._context = context or ssl.create_default_context()

    def fetch(self, url: str, path: Path) -> None:
        """Write what *url* gives to *path*; raise ``InvalidError`` for a URL that is refused, ``NotFoundError`` for one
        that leads nowhere, ``TooLargeError``, and ``UnavailableError`` for what may work later."""
        try:
            for _ in range(_REDIRECTS + 1):
                moved = self._get(url, path)
                if moved is None:
                    return
                url = urljoin(url, moved)
        except (OSError, http.client.HTTPException) as failed:
            raise UnavailableError(f"{_shown(url)} could not be downloaded: {failed}") from failed
        raise InvalidError(f"{_shown(url)} is redirected more than {_REDIRECTS} times")

    def _get(self, url: str, path: Path) -> str | None:
        """Download to *path*, or return where the URL has moved to."""
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname or parts.username:
            raise InvalidError(f"{_shown(url)} is no https URL of a public host", hint="Register the data instead.")
        hint = "Data of the own network is registered, not downloaded."
        address = checked_address(parts.hostname, parts.port or 443, allow_private=self._allow_private, hint=hint)
        connection = GuardedConnection(parts.hostname, address, self._context, self._timeout)
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            port = f":{parts.port}" if parts.port else ""
            connection.request("GET", target, headers={"Host": parts.hostname + port, "User-Agent": "regista"})
            with connection.getresponse() as answer:  # which keeps the line when the server says that it will close it
                if answer.status in _MOVED:
                    return answer.getheader("Location") or "/"
                if answer.status != 200:
                    raise _refused(url, answer.status)
                self._write(answer, path, url)
        finally:
            connection.close()
        return None

    def _write(self, answer: http.client.HTTPResponse, path: Path, url: str) -> None:
        received = 0
        expected = int(answer.getheader("Content-Length") or -1)
        with path.open("wb") as file:
            while chunk := answer.read(_CHUNK):
                received += len(chunk)
                if received > self._most:
                    raise TooLargeError(f"{_shown(url)} has more than {self._most:,} bytes")
                file.write(chunk)
        if expected not in {-1, received}:
            raise UnavailableError(f"{_shown(url)} ended after {received:,} of {expected:,} bytes")


def _refused(url: str, status: int) -> RegistaError:
    if status in {404, 410}:
        return NotFoundError(f"there is nothing at {_shown(url)}")
    if status in {408, 425, 429} or status >= 500:
        return UnavailableError(f"{_shown(url)} answers {status}")
    return InvalidError(f"{_shown(url)} answers {status}")


def _shown(url: str) -> str:
    """The URL without what may be secret: a signature in the query, a password before the host."""
    scheme, mark, rest = url.partition("?")[0].partition("#")[0].partition("://")
    return repr(f"{scheme}{mark}{rest.rpartition('@')[2]}"[:200])
