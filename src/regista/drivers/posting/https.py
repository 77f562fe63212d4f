"""Messages by https, to public hosts alone unless the installation allows others."""

import http.client
import ipaddress
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from regista.drivers.guarded import GuardedConnection, checked_address, is_public
from regista.entities.webhook import Sent
from regista.errors import InvalidError, RegistaError

_LONGEST_URL = 2000
_MOST_KEPT = 1000
"""Characters of an answer."""
_LONGEST_WAIT = 3600.0
_HINT = "An owner of the installation allows hosts of the own network by REGISTA_WEBHOOK_PRIVATE=true."


class HttpsPoster:
    """Posts, each time by a new connection: proxies of the environment are not used. *authorities* is a PEM file of others
    that are trusted besides the system's."""

    def __init__(self, *, allow_private: bool = False, authorities: Path | None = None, timeout: float = 10.0) -> None:
        self._allow_private = allow_private
        self._authorities = authorities
        self._timeout = timeout
        self._known: ssl.SSLContext | None = None

    def check(self, url: str) -> None:
        parts = _parsed(url)
        host = str(parts.hostname)
        try:
            literal = ipaddress.ip_address(host)
        except ValueError:
            if not self._allow_private and (host == "localhost" or host.endswith(".localhost")):
                raise InvalidError(f"the host {host!r} is not public", hint=_HINT) from None
            return
        if not self._allow_private and not is_public(str(literal)):
            raise InvalidError(f"the host {host!r} is not public", hint=_HINT)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Sent:
        try:
            return self._posted(url, headers, body)
        except RegistaError as refused:
            return Sent(error=refused.message)
        except (OSError, http.client.HTTPException, ValueError) as failed:
            return Sent(error=f"{type(failed).__name__}: {str(failed)[:300]}")

    def _posted(self, url: str, headers: Mapping[str, str], body: bytes) -> Sent:
        parts = _parsed(url)
        host = str(parts.hostname)
        address = checked_address(host, parts.port or 443, allow_private=self._allow_private, hint=_HINT)
        connection = GuardedConnection(host, address, self._context, self._timeout)
        deadline = threading.Timer(self._timeout * 2, connection.abandon)  # a receiver may send a byte now and then
        deadline.daemon = True
        deadline.start()
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            name = f"[{host}]" if ":" in host else host
            about = {"Host": name + (f":{parts.port}" if parts.port else ""), "User-Agent": "regista"}
            connection.request("POST", target, body=body, headers=about | dict(headers))
            with connection.getresponse() as answer:
                text = answer.read(_MOST_KEPT).decode(errors="replace")
                return Sent(status=answer.status, body=text, retry_after=_seconds(answer.getheader("Retry-After")))
        finally:
            deadline.cancel()
            connection.close()

    @property
    def _context(self) -> ssl.SSLContext:
        if self._known is None:
            context = ssl.create_default_context()
            if self._authorities is not None:
                context.load_verify_locations(cafile=str(self._authorities))
            self._known = context
        return self._known


def _parsed(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as wrong:
        raise InvalidError("the webhook's URL cannot be read") from wrong
    if len(url) > _LONGEST_URL or any(not 32 < ord(char) < 127 for char in url):
        raise InvalidError(f"a webhook's URL has at most {_LONGEST_URL} characters, all of them visible ASCII")
    if parts.scheme != "https":
        raise InvalidError(
            f"a webhook is called by https alone, not by {parts.scheme[:20]!r}", hint="Give the receiver a certificate."
        )
    if not parts.hostname or parts.username is not None or parts.fragment or port == 0:
        raise InvalidError("a webhook's URL has a host, and neither a user nor a fragment")
    return parts


def _seconds(text: str | None) -> float:
    """How long the receiver wants to be left alone."""
    text = (text or "").strip()
    return min(float(text), _LONGEST_WAIT) if text.isascii() and text.isdigit() and len(text) < 8 else 0.0
