"""Remembering open uploads, so that a client that was killed goes on where it stopped.

One small file per upload in the client's cache folder, named after server, scope and digest, holding the server's id of
the upload. It is locked while the upload runs: a second client that sends the same bytes at the same time opens an
upload of its own instead of writing into the first one's.
"""

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from regista.client.digest_cache import cache_folder
from regista.entities.digest import Digest

_ID = re.compile(r"[A-Za-z0-9._-]{1,200}")


class Note:
    """What is remembered of one upload; without a file it forgets when the program ends."""

    def __init__(self, handle: int | None, path: Path | None) -> None:
        self._handle, self._path = handle, path

    def read(self) -> str | None:
        """The id of the open upload, None where there is none or the note is damaged."""
        if self._handle is None:
            return None
        text = os.pread(self._handle, 256, 0).decode(errors="replace")
        return text if _ID.fullmatch(text) else None

    def write(self, upload_id: str) -> None:
        """Remember *upload_id* instead of what was known."""
        if self._handle is not None:
            with suppress(OSError):
                os.ftruncate(self._handle, 0)
                os.pwrite(self._handle, upload_id.encode(), 0)

    def forget(self) -> None:
        """The upload is over."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


class UploadBook:
    """The notes about uploads to one scope of one server."""

    def __init__(self, server: str, scope: str, folder: Path | None = None) -> None:
        self._folder = (folder or cache_folder()) / "uploads"
        self._place = f"{server}\n{scope}\n"

    @contextmanager
    def note(self, digest: Digest) -> Iterator[Note]:
        """The note about the upload of *digest*, held alone until the block ends. A folder that cannot be written to
        costs the resuming after a kill, not the upload."""
        path = self._folder / hashlib.sha256((self._place + digest).encode()).hexdigest()
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError:
            yield Note(None, None)
            return
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield Note(None, None)
            else:
                yield Note(handle, path)
        finally:
            os.close(handle)
