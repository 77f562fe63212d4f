"""Asking a local process over HTTP, briefly: is it well, and what does it say?"""

import http.client
import socket
import ssl

from regista.interfaces.serving import Address

_MOST = 65536


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def answers(address: Address, path: str, timeout: float) -> bool:
    """Whether a worker answers 200."""
    if address.uds is not None:
        return _get(_UnixConnection(address.uds, timeout), path) is not None
    return _get(http.client.HTTPConnection("127.0.0.1", address.port, timeout=timeout), path) is not None


def read_secure(host: str, port: int, path: str, context: ssl.SSLContext, timeout: float) -> bytes | None:
    """The body of a good answer over TLS, None for anything else."""
    return _get(http.client.HTTPSConnection(host, port, timeout=timeout, context=context), path)


def _get(connection: http.client.HTTPConnection, path: str) -> bytes | None:
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        content = response.read(_MOST)
    except (OSError, http.client.HTTPException):
        return None
    else:
        return content if response.status == 200 else None
    finally:
        connection.close()
