"""Handing large files to a server on the same machine through a folder, instead of through a socket.

The server names a folder that only it (and so only its own user) can write to. Whether this client is on the same
machine, and the same user, is found out by trying: a folder that is not there, is a link, belongs to another user, is
open to others, or takes no file is not used. Files are copied under random names and never linked: a link would let the
owner change bytes that the server has verified.
"""

import errno
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import msgspec

from regista.client.hashing import hash_file
from regista.client.progress import Progress
from regista.client.transport import Transport
from regista.client.tree import ScannedFile, changed, open_unchanged
from regista.entities.digest import Digest
from regista.errors import InvalidError, NotFoundError, StorageFullError, UnsupportedError

_PART = 64 * 1024 * 1024
_COMMIT_SECONDS = 3600.0
_NO_RANGE_COPY = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM}


class _Answer(msgspec.Struct):
    folder: str
    token: str


class _Blob(msgspec.Struct):
    digest: Digest
    size: int


class _Blobs(msgspec.Struct):
    blobs: list[_Blob]


class Drop:
    """An open drop folder."""

    def __init__(self, transport: Transport, path: str, handle: int, token: str) -> None:
        self._transport, self._path, self._handle, self._token = transport, path, handle, token

    def send(self, files: Sequence[tuple[ScannedFile, Digest | None]], progress: Progress) -> list[Digest]:
        """Copy *files* and have the server take them over; return their digests in the same order. A digest that is
        given is one that the server must find again."""
        names: list[str] = []
        try:
            for file, _ in files:
                names.append(secrets.token_hex(16))
                _copy(file, self._handle, names[-1], progress)
            wishes = [
                {"name": name} if digest is None else {"name": name, "digest": digest}
                for name, (_, digest) in zip(names, files, strict=True)
            ]
            body = {"token": self._token, "files": wishes}
            answer = self._transport.call(
                "POST", f"{self._path}/commit", body=body, type=_Blobs, timeout=_COMMIT_SECONDS, idempotent=False
            )
        finally:
            for name in names:
                with suppress(OSError):
                    os.unlink(name, dir_fd=self._handle)
        return _digests(answer.blobs, files)


def _digests(blobs: list[_Blob], files: Sequence[tuple[ScannedFile, Digest | None]]) -> list[Digest]:
    """Which of the *blobs* that the server took is which of *files*. It names them in their order, equal ones once."""
    sizes = {blob.digest: blob.size for blob in blobs}
    in_order = len(blobs) == len(files)
    found = [blob.digest for blob in blobs] if in_order else [digest or hash_file(file) for file, digest in files]
    for digest, (file, expected) in zip(found, files, strict=True):
        if sizes.get(digest) != file.size or expected not in {None, digest}:
            raise changed(file)
    return found


@contextmanager
def open_drop(transport: Transport, path: str) -> Iterator[Drop | None]:
    """The server's drop folder at the API's *path*, or None when there is none that this client may use."""
    try:
        answer = transport.call("POST", path, type=_Answer, idempotent=True)
    except (NotFoundError, UnsupportedError, InvalidError):
        yield None
        return
    handle = _own_folder(answer.folder)
    try:
        yield None if handle is None else Drop(transport, path, handle, answer.token)
    finally:
        if handle is not None:
            os.close(handle)


def _own_folder(folder: str) -> int | None:
    """An open handle on *folder* when it is this user's alone and takes files. Everything after goes through the handle,
    so that nothing else can be put in its place."""
    if not folder.startswith("/") or "\0" in folder:
        return None
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = os.fstat(handle)
        if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == 0o700:
            probe = secrets.token_hex(16)
            os.close(_create(handle, probe))
            os.unlink(probe, dir_fd=handle)
            return handle
    except OSError:
        pass
    os.close(handle)
    return None


def _create(folder: int, name: str) -> int:
    return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder)


def _copy(file: ScannedFile, folder: int, name: str, progress: Progress) -> None:
    try:
        with open_unchanged(file) as raw:
            target = _create(folder, name)
            try:
                _copy_bytes(raw.fileno(), target, file, progress)
            finally:
                os.close(target)
    except OSError as wrong:
        if wrong.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFullError(
                f"the store has no room for {file.path!r}", hint="Free space on its disk."
            ) from wrong
        raise InvalidError(f"{file.source!r} cannot be copied: {(wrong.strerror or '').lower()}") from wrong


def _copy_bytes(source: int, target: int, file: ScannedFile, progress: Progress) -> None:
    left, by_range = file.size, True
    while left:
        try:
            copied = os.copy_file_range(source, target, min(left, _PART)) if by_range else -1
        except OSError as wrong:
            if wrong.errno not in _NO_RANGE_COPY:
                raise
            copied = -1
        if copied < 0:
            by_range = False
            copied = os.sendfile(target, source, None, min(left, _PART))
        if copied == 0:
            raise changed(file)
        left -= copied
        progress.advance(copied)
