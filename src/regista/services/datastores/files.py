"""Files in containers: finding, listing, reading, writing.

A file is a row that names a blob of the scope's store; the row keeps the blob from garbage collection, and claims it for
whoever wrote it, so that a version can be registered from files without moving a byte. What shelves show has no rows.

Nobody skips an upload on somebody else's word: metadata is shown only to who wrote the file.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec

from regista.entities.access import Caller
from regista.entities.datastore import StoredFile
from regista.entities.digest import Digest
from regista.entities.names import now
from regista.errors import (
    AlreadyExistsError,
    ConflictError,
    DigestMismatchError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
)
from regista.interfaces.blobs import BlobStore, BlobUpload
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.content.contents import ContentService
from regista.services.datastores.containers import (
    check_file_path,
    find_container,
    is_repetition,
    readable_owner,
    require_replaceable,
    require_writable,
)
from regista.services.datastores.listing import Listing, page_of
from regista.services.datastores.sections import SectionFiles
from regista.services.datastores.shelves import Container, LiveFile, Shelf

T = TypeVar("T")

MOST_METADATA = 8192


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """What must hold of the file that is there: ``absent`` (none is), ``match`` (one with this etag is; ``*``: any),
    ``none_match`` (none with this etag is)."""

    absent: bool = False
    match: str = ""
    none_match: str = ""

    def check(self, path: str, old: StoredFile | None) -> None:
        """Raise ``AlreadyExistsError`` or ``ConflictError`` when it does not hold."""
        if self.absent and old is not None:
            raise AlreadyExistsError(f"there is a file {path[:200]!r} already")
        if self.match and (old is None or self.match not in {"*", old.etag}):
            raise ConflictError(f"the file {path[:200]!r} is not the one that the condition names")
        if self.none_match and old is not None and self.none_match == old.etag:
            raise ConflictError(f"the file {path[:200]!r} is the one that the condition excludes")


ANYHOW = Condition()


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """What a writer says about a file; ``blocks`` tells by which list it was put together."""

    content_type: str = ""
    metadata: dict[str, str] = {}
    md5: bytes = b""
    blocks: str = ""


class OpenedFile(msgspec.Struct, frozen=True):
    """A file, ready to be read in ranges."""

    file: StoredFile
    reader: Callable[[int, int], Iterator[bytes]]

    def read(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes of the range in chunks of at most 1 MiB."""
        return self.reader(start, self.file.size if end is None else end)


class FileService:
    """Works on the files of every container. What *shelves* cover is read only."""

    def __init__(self, catalog: Catalog, contents: ContentService, shelves: tuple[Shelf, ...]) -> None:
        self._catalog = catalog
        self._contents = contents
        self._shelves = shelves

    def get(self, caller: Caller, container: str, path: str) -> StoredFile:
        """What is known of a file; raise ``NotFoundError``."""
        return self._find(caller, container, path)[0]

    def open(self, caller: Caller, container: str, path: str) -> OpenedFile:
        """A file to be read; raise ``NotFoundError``."""
        file, store, live = self._find(caller, container, path)
        if live is not None:
            return OpenedFile(file, live.read)
        digest = file.digest
        if digest is None:
            raise NotFoundError(f"the file {path[:200]!r} has no bytes yet")
        return OpenedFile(file, lambda start, end: store.read(digest, start, end))

    def listing(
        self,
        caller: Caller,
        container: str,
        *,
        prefix: str = "",
        delimiter: str = "",
        start: str = "",
        limit: int = 5000,
    ) -> Listing:
        """A page of the files whose paths begin with *prefix*. Shelves are looked into where the prefix names what they
        keep (a version, a job), and are not to be seen above that."""

        def work(tx: Transaction) -> tuple[SectionFiles | None, Listing]:
            found = find_container(tx, caller, container)
            shelf = self._shelf(found, prefix)
            if shelf is not None:
                return SectionFiles(found, shelf.sections(tx, caller, found, prefix)), Listing()
            owner = readable_owner(caller, found)

            def scan(first: str, before: str | None, count: int) -> list[StoredFile]:
                return [_shown(caller, file) for file in tx.files.scan(container, first, before, count, owner=owner)]

            return None, page_of(scan, prefix, delimiter, start, limit)

        sections, listed = self._catalog.read(work)
        if sections is None:
            return listed
        sections.load(self._contents)
        return page_of(sections.scan, prefix, delimiter, start, limit)

    def reference(self, caller: Caller, container: str, path: str) -> str:
        """How the rest of the system calls what a shelf shows at *path*; empty for what has rows."""

        def work(tx: Transaction) -> SectionFiles | None:
            found = find_container(tx, caller, container)
            shelf = self._shelf(found, path)
            return SectionFiles(found, shelf.sections(tx, caller, found, path)) if shelf else None

        sections = self._catalog.read(work)
        return sections.reference(path) if sections else ""

    def begin(self, caller: Caller, container: str, path: str, condition: Condition = ANYHOW) -> "FileUpload":
        """Open an upload of the file *path*: nothing is visible before ``commit``, which replaces what was there.

        Whatever can be refused is refused now, and asked again at the end."""
        check_file_path(path)

        def work(tx: Transaction) -> Container:
            found = self.writable(tx, caller, container, path)
            condition.check(path, tx.files.find(container, path))
            return found

        found = self._catalog.read(work)
        upload = self._contents.store(found.scope).begin()

        def named(digest: Digest, size: int, labels: Labels) -> StoredFile:
            return self.name(caller, container, path, (digest, size), labels, condition)

        return FileUpload(upload, named)

    def name(
        self,
        caller: Caller,
        container: str,
        path: str,
        content: tuple[Digest, int],
        labels: Labels,
        condition: Condition = ANYHOW,
    ) -> StoredFile:
        """Let *path* be the blob *content* (digest and size), which the caller has brought; staged blocks are forgotten."""
        check_labels(labels)

        def work(tx: Transaction) -> StoredFile:
            found = self.writable(tx, caller, container, path)
            old = tx.files.find(container, path)
            condition.check(path, old)
            repeated = is_repetition(caller, found, old, content[0])
            file = drafted_file(caller, found, path, content, labels, old, repeated=repeated)
            tx.claims.add(found.scope.id, caller.principal.id, {content[0]: content[1]}, file.modified_at)
            tx.files.put(file)
            tx.files.delete_blocks(container, path, caller.principal.id)
            return file

        return self._catalog.write(work)

    def set_metadata(
        self, caller: Caller, container: str, path: str, metadata: dict[str, str], condition: Condition = ANYHOW
    ) -> StoredFile:
        """Replace a file's metadata; raise ``NotFoundError`` when it is not there."""
        check_labels(Labels(metadata=metadata))

        def work(tx: Transaction) -> StoredFile:
            found = self.writable(tx, caller, container, path)
            old = self._readable(tx, caller, found, path)
            condition.check(path, old)
            if old.owner != caller.principal.id:
                require_replaceable(caller, found, old)
            changed = msgspec.structs.replace(old, metadata=metadata, etag=_new_etag(), modified_at=now())
            tx.files.put(changed)
            return changed

        return self._catalog.write(work)

    def delete(self, caller: Caller, container: str, path: str, condition: Condition = ANYHOW) -> None:
        """Remove a file; raise ``NotFoundError`` when it is not there. Versions made of it keep their bytes."""

        def work(tx: Transaction) -> None:
            found = self.writable(tx, caller, container, path)
            old = self._readable(tx, caller, found, path)
            condition.check(path, old)
            require_replaceable(caller, found, old)
            tx.files.delete(container, path)

        self._catalog.write(work)

    def writable(self, tx: Transaction, caller: Caller, container: str, path: str) -> Container:
        """The container, in which the caller may write *path*; raise otherwise."""
        found = find_container(tx, caller, container)
        require_writable(caller, found)
        if self._shelf(found, path) is not None:
            raise ForbiddenError(
                f"{path[:200]!r} is where versions and outputs of jobs are shown", hint="Choose another folder."
            )
        return found

    def store(self, found: Container) -> BlobStore:
        """The store of a container's bytes."""
        return self._contents.store(found.scope)

    def _shelf(self, container: Container, path: str) -> Shelf | None:
        return next((shelf for shelf in self._shelves if shelf.covers(container.kind, path)), None)

    def _find(self, caller: Caller, container: str, path: str) -> tuple[StoredFile, BlobStore, LiveFile | None]:
        try:
            check_file_path(path)
        except InvalidError as wrong:  # clients ask for `folder/` to learn whether it is a file
            raise NotFoundError(f"there is no file {path[:200]!r} in container {container}") from wrong

        def work(tx: Transaction) -> tuple[Container, SectionFiles | StoredFile]:
            found = find_container(tx, caller, container)
            shelf = self._shelf(found, path)
            if shelf is not None:
                return found, SectionFiles(found, shelf.sections(tx, caller, found, path))
            return found, self._readable(tx, caller, found, path)

        found, kept = self._catalog.read(work)
        store = self._contents.store(found.scope)
        if isinstance(kept, StoredFile):
            return kept, store, None
        kept.load(self._contents)
        file, live = kept.find(path)
        if file is None:
            raise _absent(found, path)
        return file, store, live

    @staticmethod
    def _readable(tx: Transaction, caller: Caller, found: Container, path: str) -> StoredFile:
        owner = readable_owner(caller, found)
        file = tx.files.find(str(found), path)
        if file is None or owner not in {None, file.owner}:
            raise _absent(found, path)
        return _shown(caller, file)


class FileUpload:
    """An open upload of one file."""

    def __init__(self, upload: BlobUpload, name: Callable[[Digest, int, Labels], StoredFile]) -> None:
        self._upload, self._name = upload, name
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._hashing = False

    def expect_md5(self) -> None:
        """Hash along: ``commit`` will compare."""
        self._hashing = True

    def write(self, chunk: bytes | bytearray) -> None:
        """Append *chunk*."""
        self._upload.write(chunk)
        if self._hashing:
            self._md5.update(chunk)

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self._upload.offset

    def commit(self, labels: Labels, md5: bytes = b"") -> StoredFile:
        """Make the bytes durable, then visible. Raise ``DigestMismatchError`` when *md5* is given and is not theirs."""
        if md5 and md5 != (actual := self._md5.digest()):
            raise DigestMismatchError(f"md5:{md5.hex()}", f"md5:{actual.hex()}")
        size = self._upload.offset
        return self._name(self._upload.commit(), size, labels)

    def abort(self) -> None:
        """Forget what was sent; quiet after ``commit``."""
        self._upload.abort()


def check_labels(labels: Labels) -> None:
    """Raise ``InvalidError`` for labels that are too long, or that no header could carry."""
    texts = [labels.content_type, *labels.metadata, *labels.metadata.values()]
    if sum(map(len, texts)) > MOST_METADATA:
        raise InvalidError(f"a file has at most {MOST_METADATA} characters of metadata")
    if any(not 32 <= ord(char) < 256 or ord(char) == 127 for text in texts for char in text):
        raise InvalidError("metadata is text that a header can carry", hint="Encode anything else, e.g. as base64.")


def drafted_file(
    caller: Caller,
    found: Container,
    path: str,
    content: tuple[Digest, int],
    labels: Labels,
    old: StoredFile | None,
    source: str = "",
    *,
    repeated: bool = False,
) -> StoredFile:
    """The row of a file that *caller* writes now, over what is there."""
    at = now()
    return StoredFile(
        container=str(found),
        path=path,
        scope_id=found.scope.id,
        digest=content[0],
        size=content[1],
        owner=caller.principal.id,
        source=source,
        repeated=repeated,
        md5=labels.md5,
        blocks=labels.blocks,
        content_type=labels.content_type,
        metadata=labels.metadata,
        etag=_new_etag(),
        created_at=old.created_at if old else at,
        modified_at=at,
    )


def _shown(caller: Caller, file: StoredFile) -> StoredFile:
    """The file as *caller* may see it: without metadata of somebody else's."""
    return file if file.owner == caller.principal.id else msgspec.structs.replace(file, metadata={})


def _new_etag() -> str:
    return f'"0x{secrets.token_hex(8).upper()}"'


def _absent(container: Container, path: str) -> NotFoundError:
    return NotFoundError(f"there is no file {path[:200]!r} in container {container}")
