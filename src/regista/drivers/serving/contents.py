"""Files of models and code on a host's disk: one folder a manifest, shared by all that serve it."""

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from regista.entities.digest import Digest, hex_of
from regista.entities.manifest import Manifest, ManifestEntry
from regista.errors import DigestMismatchError, RegistaError, StorageFullError, UnavailableError
from regista.interfaces.blobs import BlobStore, OnDisk

_FULL = {errno.ENOSPC, errno.EDQUOT}


class Contents:
    """Folders below *root*. With *link* a store on the same disk shares its own files: only where nobody who reads them
    could write to them."""

    def __init__(self, root: Path, *, link: bool) -> None:
        self._root = root
        self._link = link

    def place(self, store: BlobStore, digest: Digest) -> Path:
        """The folder of the manifest *digest*, made and verified when it is not there."""
        target = self._root / hex_of(digest)
        if target.is_dir():
            os.utime(target)
            return target
        manifest = Manifest.parse(store.get(digest))
        draft = self._root / f".{hex_of(digest)}.{os.urandom(4).hex()}"
        try:
            self._fill(store, manifest, draft)
            try:
                draft.rename(target)
            except OSError:
                if not target.is_dir():  # else another was faster, with the same
                    raise
        except OSError as failed:
            raise _translated(failed, self._root) from failed
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return target

    def sweep(self, used: Iterable[Path], older_than: float) -> None:
        """Remove what is not *used* and was not asked for since so many seconds."""
        kept = set(used)
        for path in self._root.iterdir() if self._root.is_dir() else ():
            if path not in kept and time.time() - path.stat().st_mtime > older_than:
                shutil.rmtree(path, ignore_errors=True)

    def _fill(self, store: BlobStore, manifest: Manifest, folder: Path) -> None:
        folder.mkdir(parents=True)
        made = {folder}
        for entry in manifest.files:
            path = folder / entry.path
            if path.parent not in made:
                path.parent.mkdir(parents=True, exist_ok=True)
                made.add(path.parent)
            if not (self._link and _linked(store, entry, path)):
                _copied(store, entry, path)


def _linked(store: BlobStore, entry: ManifestEntry, path: Path) -> bool:
    """Whether the store's own file could be shared; it is verified, for it may have rotted since it was stored."""
    if not isinstance(store, OnDisk):
        return False
    source = store.path(entry.digest)
    try:
        path.hardlink_to(source)
    except OSError:
        return False  # another file system, or too many links
    with path.open("rb") as file:
        _check(entry, hashlib.file_digest(file, "sha256").hexdigest())
    return True


def _copied(store: BlobStore, entry: ManifestEntry, path: Path) -> None:
    hasher = hashlib.sha256()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444), "wb") as file:
        for chunk in store.read(entry.digest):
            hasher.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    _check(entry, hasher.hexdigest())


def _check(entry: ManifestEntry, found: str) -> None:
    if found != hex_of(entry.digest):
        raise DigestMismatchError(entry.digest, f"sha256:{found}")


def _translated(error: OSError, root: Path) -> RegistaError:
    if error.errno in _FULL:
        return StorageFullError(f"the disk of {root} is full", hint="Free space there, then update the deployment.")
    return UnavailableError(f"{root} cannot be written: {error.strerror}", hint="Look at its owner and mode.")
