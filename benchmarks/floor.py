"""The least that moving a file takes in Python: what a program of a few lines, which does nothing else, needs for it.

    python -m benchmarks.floor FILE COPY FOLDER-OF-CERTIFICATES [--hash-first]

sends the file over TLS to a process of its own, which hashes it in a thread while it writes it, and answers after fsync. An
upload is hashed first, for the server is asked whether it lacks it.
"""

import hashlib
import os
import socket
import ssl
import sys
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

CHUNK = 1 << 20
_HURRY = 8 << 20
_BEHIND = 7


def hashed(file: Path) -> str:
    """The digest of a file."""
    with file.open("rb", buffering=0) as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def receive(connection: ssl.SSLSocket, target: Path, size: int) -> str:
    """Write what arrives; return its digest when it is on the disk."""
    hasher, file = hashlib.sha256(), os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    at = hurried = 0
    hashing: deque[Future[None]] = deque()
    with ThreadPoolExecutor(1) as helper:
        for buffer in cycle(memoryview(bytearray(CHUNK)) for _ in range(_BEHIND + 1)):
            count = _fill(connection, buffer[: size - at])
            if not count:
                break
            hashing.append(helper.submit(hasher.update, buffer[:count]))
            os.write(file, buffer[:count])
            at += count
            if at - hurried >= _HURRY:
                os.posix_fadvise(file, hurried, at - hurried, os.POSIX_FADV_DONTNEED)
                hurried = at
            if len(hashing) > _BEHIND:
                hashing.popleft().result()
            if at == size:
                break
    os.fsync(file)
    return hasher.hexdigest()


def _fill(connection: ssl.SSLSocket, buffer: memoryview) -> int:
    """TLS comes in records of 16 KiB: as many as the buffer holds."""
    have = 0
    while have < len(buffer) and (count := connection.recv_into(buffer[have:])):
        have += count
    return have


def send(source: Path, target: Path, certificates: Path, *, hash_first: bool) -> None:
    """Move *source* to *target* through a connection; raise when it did not arrive."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = listening.getsockname()
        if os.fork() == 0:
            served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            served.load_cert_chain(certificates / "server.pem", certificates / "server.key")
            with served.wrap_socket(listening.accept()[0], server_side=True) as connection:
                connection.sendall(receive(connection, target, source.stat().st_size).encode())
            os._exit(0)
    digest = hashed(source) if hash_first else ""
    trusting = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
    with trusting.wrap_socket(socket.create_connection(address), server_hostname="127.0.0.1") as connection:
        with source.open("rb", buffering=0) as file:
            while chunk := file.read(CHUNK):
                connection.sendall(chunk)
        answer = connection.recv(64).decode()
    os.wait()
    if hash_first and answer != digest:
        raise RuntimeError(f"sent {digest}, arrived {answer}")


if __name__ == "__main__":
    source, target, certificates, *options = sys.argv[1:]
    send(Path(source), Path(target), Path(certificates), hash_first=bool(options))
