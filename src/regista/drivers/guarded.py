"""Connections to hosts that users name, without becoming their way into the network that the server stands in.

A host's addresses are looked up once, each must be public, and the connection is made to the address that was checked, not
to the name again: what a name server says the second time changes nothing.
"""

import http.client
import ipaddress
import socket
import ssl
from contextlib import suppress

from regista.errors import InvalidError, UnavailableError

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_public(text: str) -> bool:
    """Whether an address is one of the public network, also behind the forms in which IPv6 wraps one of IPv4."""
    address = ipaddress.ip_address(text.split("%", maxsplit=1)[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        address = inner or address
    return address.is_global and not address.is_multicast


def checked_address(host: str, port: int, *, allow_private: bool, hint: str) -> tuple[str, int]:
    """An address of *host*; raise ``InvalidError`` (with *hint*) when one of its addresses is not public, and
    ``UnavailableError`` when the host is not known."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as unknown:
        raise UnavailableError(f"the host {host[:200]!r} is not known: {unknown}") from unknown
    if not allow_private and not all(is_public(str(address[0])) for *_, address in found):
        raise InvalidError(f"the host {host[:200]!r} is not public", hint=hint)
    return str(found[0][4][0]), port


class GuardedConnection(http.client.HTTPSConnection):
    """A connection to an address that was checked, with the certificate of the host's name."""

    def __init__(self, host: str, address: tuple[str, int], context: ssl.SSLContext, timeout: float) -> None:
        super().__init__(host, address[1], context=context, timeout=timeout)
        self._checked, self._tls = address, context
        self._line: ssl.SSLSocket | None = None

    def connect(self) -> None:
        """Connect."""
        plain = socket.create_connection(self._checked, self.timeout)
        try:
            self.sock = self._line = self._tls.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise

    def abandon(self) -> None:
        """Break the connection off, from another thread, also under an answer that took it over; quiet when there is none."""
        if (line := self._line) is not None:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
