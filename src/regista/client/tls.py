"""Which address may be called, and whom one believes to be there."""

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from regista.errors import InvalidError

if TYPE_CHECKING:
    from urllib3.util.url import Url

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


def checked_url(url: str) -> "Url":
    """The parts of a server's address; raise ``InvalidError`` for one over which a key must not travel."""
    from urllib3.exceptions import LocationParseError
    from urllib3.util import parse_url

    try:
        parts = parse_url(url)
    except LocationParseError:
        parts = parse_url("")
    if parts.auth:
        raise InvalidError("the server's address holds a password", hint="Give the key apart from the address.")
    if parts.scheme not in {"https", "http"} or not parts.host or parts.query or parts.fragment:
        raise InvalidError(f"{url[:200]!r} is not the address of a server", hint="For example: https://127.0.0.1:7443")
    if parts.scheme == "http" and parts.host not in _LOOPBACK:
        raise InvalidError(
            f"{url[:200]!r} is not encrypted: everybody on the way could read the key", hint="Use https://."
        )
    return parts


def tls_context(ca: Path | None) -> ssl.SSLContext:
    """Verifies certificates and names, against the authorities in the file *ca* or those of the system."""
    try:
        context = ssl.create_default_context(cafile=str(ca) if ca else None)
    except FileNotFoundError:
        raise InvalidError(
            f"there is no certificate file {str(ca)!r}", hint="`regista up` makes ca.pem in its folder."
        ) from None
    except (ssl.SSLError, OSError) as wrong:
        raise InvalidError(f"{str(ca)!r} is not a readable certificate file (PEM)") from wrong
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
