"""Artifacts: the files of runs and of logged models, and of registered versions read by the same paths.

    runs/RUN              written by whoever may write the run
    models/m-…            the files of a logged model
    experiments/NUMBER    what belongs to an experiment as a whole
    traces/ID             the spans of a trace
    versions/ID           the files of a registered version: read only

Bytes are blobs of the scope's store; to read them takes the right to read the owner and the right to download.
"""

from collections.abc import Iterable

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.digest import Digest
from regista.entities.graph import ARTIFACTS
from regista.entities.manifest import Manifest, ManifestEntry, check_path
from regista.entities.names import now
from regista.entities.run import Artifact
from regista.entities.scope import Scope, ScopeAddress
from regista.errors import InvalidError, NotFoundError
from regista.interfaces.blobs import BlobStore, BlobUpload
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.access.access import require
from regista.services.assets.versions import asset_path, what
from regista.services.content.contents import ContentService, require_download
from regista.services.content.opened import OpenFile
from regista.services.jobs.sources import job_path
from regista.services.scopes.scopes import resolve_scope
from regista.services.tracking.llm_traces import readable_trace, trace_path, writable_trace
from regista.services.tracking.logged_models import readable_model, writable_model
from regista.services.tracking.rights import readable, writable

_OWNERS = ("runs", "models", "experiments", "traces", "versions")


_Target = tuple[Caller, ScopeAddress, str, str]
"""Who writes where: the owner of the file, and its path there."""


class FileInfo(msgspec.Struct, frozen=True):
    """A file or a folder in a listing; ``path`` is whole, from the owner's root."""

    path: str
    is_folder: bool = False
    size: int = 0


class ArtifactService:
    """Lists, reads, writes and deletes artifacts."""

    def __init__(self, catalog: Catalog, contents: ContentService) -> None:
        self._catalog = catalog
        self._contents = contents

    def listing(self, caller: Caller, address: ScopeAddress, owner: str, path: str = "") -> list[FileInfo]:
        """What is in the folder *path*, one level deep, by path; a file lists as itself, and what is not there as nothing."""
        path = path.strip("/")
        files = self._files(caller, address, owner, path)[1]
        return sorted(_level(files, path), key=lambda info: info.path)

    def open(self, caller: Caller, address: ScopeAddress, owner: str, path: str) -> OpenFile:
        """One file, ready to be read; raise ``NotFoundError``."""
        scope, files = self._files(caller, address, owner, check_path(path))
        found = next((entry for entry in files if entry.path == path), None)
        if found is None:
            raise NotFoundError(f"there is no file {path[:200]!r} in {owner[:100]}")
        return OpenFile(self._contents, scope, found)

    def begin(self, caller: Caller, address: ScopeAddress, owner: str, path: str) -> "ArtifactUpload":
        """Open an upload of the file *path*: nothing is visible before ``commit``, which replaces what was there."""
        check_path(path)
        store = self._place(caller, address, owner)
        return ArtifactUpload(self._catalog, (caller, address, owner, path), store.begin())

    def put(self, caller: Caller, address: ScopeAddress, owner: str, path: str, content: bytes) -> Artifact:
        """Write the file *path* whole: durable, and visible in the place of what was there, when this returns."""
        check_path(path)
        digest = self._place(caller, address, owner).put(content)
        return _name(self._catalog, (caller, address, owner, path), digest, len(content))

    def require_writable(self, caller: Caller, address: ScopeAddress, owner: str) -> None:
        """Raise what ``begin`` would raise."""
        self._catalog.read(lambda tx: check_writable(tx, caller, address, owner))

    def delete(self, caller: Caller, address: ScopeAddress, owner: str, path: str) -> None:
        """Remove a file, or all that is below a folder; quiet when there is nothing."""
        check_path(path)

        def work(tx: Transaction) -> None:
            tx.artifacts.delete(check_writable(tx, caller, address, owner).id, owner, path)

        self._catalog.write(work)

    def _place(self, caller: Caller, address: ScopeAddress, owner: str) -> BlobStore:
        """Where the files of *owner*, which the caller may write, have their bytes."""
        return self._catalog.read(lambda tx: self._contents.store_of(tx, check_writable(tx, caller, address, owner)))

    def _files(
        self, caller: Caller, address: ScopeAddress, owner: str, path: str
    ) -> tuple[Scope, Iterable[ManifestEntry]]:
        """The files at *path* or below it: what was written, and what a finished job or a version holds as a manifest."""

        def work(tx: Transaction) -> tuple[Scope, list[Artifact], Digest | None]:
            scope = resolve_scope(tx, caller, address)
            manifest = check_readable(tx, caller, scope, owner)
            return scope, tx.artifacts.below(scope.id, owner, path), manifest

        scope, rows, digest = self._catalog.read(work)
        found = {row.path: ManifestEntry(row.path, row.digest, row.size) for row in rows}
        if digest is not None:
            manifest: Manifest = self._contents.manifest(scope, digest)
            inside = [one for one in manifest.files if not path or f"{one.path}/".startswith(f"{path}/")]
            found = {one.path: one for one in inside} | found
        return scope, found.values()


class ArtifactUpload:
    """An open upload of one artifact."""

    def __init__(self, catalog: Catalog, target: _Target, upload: BlobUpload) -> None:
        self._catalog, self._target, self._upload = catalog, target, upload

    def write(self, chunk: bytes | bytearray) -> None:
        """Append *chunk*."""
        self._upload.write(chunk)

    def commit(self) -> Artifact:
        """Make the bytes durable, then visible under their path."""
        size = self._upload.offset
        return _name(self._catalog, self._target, self._upload.commit(), size)

    def abort(self) -> None:
        """Forget what was sent; quiet after ``commit``."""
        self._upload.abort()


def _name(catalog: Catalog, target: _Target, digest: Digest, size: int) -> Artifact:
    """Make bytes that are durable visible under their path. Rights are asked for again: much may have changed."""
    caller, address, owner, path = target

    def work(tx: Transaction) -> Artifact:
        scope = check_writable(tx, caller, address, owner)
        artifact = Artifact(scope_id=scope.id, owner=owner, path=path, digest=digest, size=size)
        tx.claims.add(scope.id, "", {digest: size}, now())
        tx.artifacts.put(artifact)
        return artifact

    return catalog.write(work)


def _split(owner: str) -> tuple[str, str]:
    kind, _, name = owner.partition("/")
    if kind not in _OWNERS or not name or "/" in name:
        raise NotFoundError(f"there are no artifacts of {owner[:100]!r}", hint=f"They belong to {', '.join(_OWNERS)}.")
    return kind, name


def check_readable(tx: Transaction, caller: Caller, scope: Scope, owner: str) -> Digest | None:
    """Check the right to read the bytes of *owner*; return the manifest that it has besides its artifacts."""
    kind, name = _split(owner)
    if kind == "runs":
        job = readable(tx, caller, scope, name)
        _downloadable(caller, job_path(scope, name), f"run {name!r}")
        bound = job.outputs.get(ARTIFACTS)
        return bound.manifest if bound else None
    if kind == "models":
        readable_model(tx, caller, scope, name)
        _downloadable(caller, scope.path, f"logged model {name!r}")
        return None
    if kind == "traces":
        _downloadable(caller, trace_path(scope, readable_trace(tx, caller, scope, name)), f"trace {name!r}")
        return None
    if kind == "experiments":
        _downloadable(caller, scope.path, f"experiment {name[:50]!r}")
        return None
    version = tx.versions.get(name)
    if version.scope_id != scope.id or tx.versions.is_deleted(version.id):
        raise NotFoundError(f"there is no version with the id {name[:50]!r} in {scope.kind} {scope.name!r}")
    about = what(version.kind, version.name, version.version)
    require_download(caller, asset_path(scope, version.kind, version.name), about)
    return version.manifest


def _downloadable(caller: Caller, path: str, about: str) -> None:
    require(caller, Permission.ASSETS_DOWNLOAD, path, read=Permission.JOBS_READ, what=about)


def check_writable(tx: Transaction, caller: Caller, address: ScopeAddress, owner: str) -> Scope:
    """Check the right to write files of *owner*; return the scope."""
    scope = resolve_scope(tx, caller, address)
    kind, name = _split(owner)
    if kind == "runs":
        writable(tx, caller, scope, name)
    elif kind == "models":
        writable_model(tx, caller, scope, name)
    elif kind == "traces":
        writable_trace(tx, caller, scope, name)
    elif kind == "experiments":
        require(caller, Permission.JOBS_WRITE, scope.path, read=Permission.JOBS_READ, what=f"experiment {name[:50]!r}")
        if not name.isascii() or not name.isdigit() or len(name) > 18:
            raise NotFoundError(f"there is no experiment {name[:50]!r}")
        tx.experiments.get(scope.id, int(name))
    else:
        raise InvalidError("the files of a registered version never change", hint="Register a new version.")
    return scope


def _level(files: Iterable[ManifestEntry], path: str) -> Iterable[FileInfo]:
    folders: set[str] = set()
    start = len(path) + 1 if path else 0
    for entry in files:
        if entry.path == path:
            yield FileInfo(entry.path, size=entry.size)
            continue
        head, slash, _ = entry.path[start:].partition("/")
        whole = entry.path[:start] + head
        if not slash:
            yield FileInfo(whole, size=entry.size)
        elif whole not in folders:
            folders.add(whole)
            yield FileInfo(whole, is_folder=True)
