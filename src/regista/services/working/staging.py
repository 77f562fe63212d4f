"""Putting a job's code and inputs into its attempt's folder, and taking what it left there into a store."""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from regista.entities.digest import Digest
from regista.entities.manifest import Manifest, ManifestEntry
from regista.errors import InvalidError, StorageFullError
from regista.interfaces.blobs import BlobStore, Gathering, Gathers, OnDisk

_FULL = {28, 122}  # ENOSPC, EDQUOT


def read_manifest(store: BlobStore, digest: Digest) -> Manifest:
    """The manifest stored under *digest*."""
    return Manifest.parse(store.get(digest))


def materialise(store: BlobStore, manifest: Manifest, target: Path, *, link: bool) -> None:
    """Put the files of *manifest* below *target*. With *link* they may be the store's own: only for who cannot write there."""
    target.mkdir(parents=True, exist_ok=True)
    made = {target}
    try:
        for entry in manifest.files:
            path = target / entry.path
            if path.parent not in made:
                path.parent.mkdir(parents=True, exist_ok=True)
                made.add(path.parent)
            _place(store, entry.digest, path, link=link)
    except OSError as failed:
        if failed.errno in _FULL:
            raise StorageFullError(f"the disk is full while {target} is filled", hint="Free space there.") from failed
        raise


def _place(store: BlobStore, digest: Digest, path: Path, *, link: bool) -> None:
    if isinstance(store, OnDisk):
        source = store.path(digest)
        if link:
            try:
                path.hardlink_to(source)
            except OSError:
                pass  # another file system, or too many links: a copy does as well
            else:
                return
        shutil.copyfile(source, path)
        return
    with path.open("wb") as file:
        for chunk in store.read(digest):
            file.write(chunk)


@contextmanager
def together(store: BlobStore) -> Iterator[Gathering]:
    """Store what is given in the block; when it has ended everything is on the disk."""
    if isinstance(store, Gathers):
        with store.gather() as gathering:
            yield gathering
    else:
        yield store


def ingest(store: Gathering, root: Path, skipped: list[str]) -> Manifest:
    """Store the files below *root* and return their manifest, which is stored too; again gives the same.

    A link is followed when it stays inside *root*; links out of it, sockets and the like are left out and named in
    *skipped*: what they lead to is not the job's to give."""
    entries = []
    if root.is_dir() and not root.is_symlink():
        whole = root.resolve()
        found = _files(root, whole, skipped)
        entries = [_stored(store, path, path.relative_to(root).as_posix()) for path in found]
    manifest = Manifest.of(entries)
    store.put(manifest.encode())
    return manifest


def _files(folder: Path, whole: Path, skipped: list[str]) -> list[Path]:
    found = []
    with os.scandir(folder) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    for entry in listed:
        path = Path(entry.path)
        if entry.is_symlink():
            real = path.resolve()
            if whole in real.parents and real.is_file():
                found.append(path)
            else:
                skipped.append(entry.name)
        elif entry.is_dir(follow_symlinks=False):
            found += _files(path, whole, skipped)
        elif entry.is_file(follow_symlinks=False):
            found.append(path)
        else:
            skipped.append(entry.name)
    return found


def _stored(store: Gathering, path: Path, name: str) -> ManifestEntry:
    real = path.resolve()
    try:
        if not stat.S_IMODE(real.stat().st_mode) & stat.S_IRUSR:
            real.chmod(0o600)
        return ManifestEntry(name, store.add_file(real, link=not path.is_symlink()), real.stat().st_size)
    except OSError as failed:
        if failed.errno in _FULL:
            raise StorageFullError("the store's disk is full", hint="Free space there.") from failed
        raise InvalidError(f"the job's file {name!r} cannot be read: {failed.strerror}") from failed
