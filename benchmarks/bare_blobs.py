"""The fastest that we can answer an Azure client with in Python: a program that keeps nothing of what it is sent, and sends
what it has in memory.

    python -m benchmarks.bare_blobs PORT FOLDER-OF-CERTIFICATES SIZE

A blob has SIZE bytes whatever was sent. One thread a connection, for OpenSSL works without Python's lock.
"""

import re
import socket
import ssl
import sys
import threading
from contextlib import suppress
from pathlib import Path

_CHUNK = 1 << 20
_SENT = memoryview(bytes(_CHUNK))
_LENGTH = re.compile(rb"(?i)content-length: *(\d+)")
_RANGE = re.compile(rb"(?i)range: *bytes=(\d+)-(\d+)")
_SAID = (
    b'ETag: "0x1"\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n'
    b"x-ms-version: 2025-11-05\r\nx-ms-blob-type: BlockBlob\r\nContent-Type: application/octet-stream\r\n"
)


def serve(port: int, certificates: Path, size: int) -> None:
    """Answer until killed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    with socket.create_server(("127.0.0.1", port), backlog=64) as listening:
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=_converse, args=(context, connection, size), daemon=True).start()


def _converse(context: ssl.SSLContext, plain: socket.socket, size: int) -> None:
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    buffer = memoryview(bytearray(_CHUNK))
    with suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
        while head := _head(connection, buffer):
            _answer(connection, head, size)


def _head(connection: ssl.SSLSocket, buffer: memoryview) -> bytes:
    """The next request's head; its body is read and thrown away."""
    have = b""
    while b"\r\n\r\n" not in have:
        count = connection.recv_into(buffer)
        if not count:
            return b""
        have += buffer[:count]
    head, _, rest = have.partition(b"\r\n\r\n")
    found = _LENGTH.search(head)
    left = int(found[1]) - len(rest) if found else 0
    if b"100-continue" in head:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    while left > 0:
        left -= connection.recv_into(buffer[: min(left, _CHUNK)])
    return head


def _answer(connection: ssl.SSLSocket, head: bytes, size: int) -> None:
    if not head.startswith(b"GET"):
        status, length = (b"202", 0) if head.startswith(b"DELETE") else (b"201", 0)
        connection.sendall(b"HTTP/1.1 %s OK\r\n%sContent-Length: %d\r\n\r\n" % (status, _SAID, length))
        return
    found = _RANGE.search(head)
    start, end = (int(found[1]), min(int(found[2]) + 1, size)) if found else (0, size)
    where = b"Content-Range: bytes %d-%d/%d\r\n" % (start, end - 1, size)
    connection.sendall(b"HTTP/1.1 206 OK\r\n%s%sContent-Length: %d\r\n\r\n" % (_SAID, where, end - start))
    for at in range(start, end, _CHUNK):
        connection.sendall(_SENT[: min(_CHUNK, end - at)])


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
