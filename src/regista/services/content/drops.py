"""Large files from a client on the server's own disk: it copies them into a folder that only one user can write to.

Faster than any connection, and no wider than one: the folder is made for one upload, under a name that is a secret, with
mode 0700, so that only a program of the server's own user can put anything there; what is put there is hashed like any upload.
"""

import contextlib
import ipaddress
import secrets
import shutil
import stat
import time
from pathlib import Path

import msgspec

from regista.entities.access import Caller
from regista.entities.digest import Digest, parse_digest
from regista.entities.scope import ScopeAddress
from regista.errors import InvalidError, NotFoundError
from regista.services.content.contents import ContentService

_KEEP_SECONDS = 24 * 3600


class Drop(msgspec.Struct, frozen=True):
    """Where to put files, and by which token to say that they are there."""

    folder: str
    token: str


class DroppedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file in the folder and, where the client knows it, the digest that it must have."""

    name: str
    digest: Digest | None = None


class DropService:
    """Hands out folders and takes in what was put there. *root* None: this server offers none."""

    def __init__(self, contents: ContentService, root: Path | None) -> None:
        self._contents = contents
        self._root = root

    def open(self, caller: Caller, address: ScopeAddress) -> Drop:
        """Make a folder for the caller; ``NotFoundError`` when it does not call from this machine."""
        if self._root is None or not _is_loopback(caller.address):
            raise NotFoundError("this server shares no disk with you", hint="Send the bytes.")
        self._contents.require_writer(caller, address)
        token = secrets.token_urlsafe(24)
        folder = self._root / token
        try:
            self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._sweep(self._root)
            folder.mkdir(mode=0o700)
        except OSError as failed:  # a full or a read-only disk; the store may be on another one
            raise NotFoundError(
                f"this server has no disk to share now: {failed.strerror}", hint="Send the bytes."
            ) from failed
        return Drop(str(folder), token)

    def commit(
        self, caller: Caller, address: ScopeAddress, token: str, files: list[DroppedFile]
    ) -> list[tuple[Digest, int]]:
        """Take the files into the scope's store and return digest and size of each, in their order; all of them are the
        caller's to name when this returns, and the folder is gone when it is empty."""
        folder = self._folder(token)
        scope = self._contents.require_writer(caller, address)
        store = self._contents.store(scope)
        taken: list[tuple[Digest, int]] = []
        for file in files:
            path = folder / file.name
            if "/" in file.name or "\0" in file.name or file.name in {"", ".", ".."} or not _is_plain(path):
                raise InvalidError(f"there is no plain file {file.name[:80]!r} in the drop folder")
            digest = store.add_file(path, parse_digest(file.digest) if file.digest else None, link=True)
            taken.append((digest, store.size(digest)))
            with contextlib.suppress(OSError):  # what cannot be removed is swept
                path.unlink()
        self._contents.claim(caller, scope, dict(taken))
        with contextlib.suppress(OSError):
            folder.rmdir()
        return taken

    def _folder(self, token: str) -> Path:
        known = token.replace("-", "").replace("_", "").isalnum() and len(token) == 32
        folder = self._root / token if self._root and known else None
        if folder is None or not folder.is_dir():
            raise NotFoundError("there is no drop folder of this token", hint="Ask for a new one.")
        return folder

    @staticmethod
    def _sweep(root: Path) -> None:
        """Remove folders that a client left behind long ago, and empty ones after an hour."""
        for folder in root.iterdir():
            with contextlib.suppress(FileNotFoundError):  # taken in meanwhile
                age = time.time() - folder.stat().st_mtime
                if age > _KEEP_SECONDS or (age > 3600 and not any(folder.iterdir())):
                    shutil.rmtree(folder, ignore_errors=True)


def _is_plain(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
