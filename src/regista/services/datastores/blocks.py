"""Files that come in blocks: sent in any order and side by side, then put together by a list of their ids.

Blocks belong to their writer: nobody puts together, or sees, what somebody else has staged. An upload goes on after a restart
of the client or of the server; blocks whose bytes are not sure to have survived are refused when they are to be used.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import msgspec

from regista.entities.access import Caller
from regista.entities.datastore import StagedBlock, StoredFile
from regista.entities.digest import Digest
from regista.entities.names import now
from regista.errors import DigestMismatchError, InvalidError, NotFoundError, RegistaError, TooLargeError
from regista.interfaces.blobs import BlobStore, Joins
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.content.contents import ContentService
from regista.services.datastores.containers import check_file_path
from regista.services.datastores.files import ANYHOW, Condition, FileService, Labels, check_labels
from regista.services.datastores.shelves import Container

MOST_BLOCKS = 50_000
MAX_ID_BYTES = 64


class UnknownBlockError(InvalidError):
    """A list of blocks names one that was not sent, or was swept since."""


class BlockService:
    """Takes blocks, and puts files together."""

    def __init__(self, catalog: Catalog, contents: ContentService, files: FileService) -> None:
        self._catalog = catalog
        self._contents = contents
        self._files = files
        self._turns = Turns()

    def begin(self, caller: Caller, container: str, path: str, block_id: str) -> "BlockUpload":
        """Open an upload of one block; sent again under the same id it replaces the earlier one."""
        check_file_path(path)
        if not block_id or len(block_id.encode()) > MAX_ID_BYTES * 2:
            raise InvalidError(f"the id of a block has 1 to {MAX_ID_BYTES} bytes")
        found = self._catalog.read(lambda tx: self._files.writable(tx, caller, container, path))
        draft = StagedBlock(
            container=container, path=path, owner=caller.principal.id, id=block_id, scope_id=found.scope.id, size=0
        )

        def stage(block: StagedBlock) -> None:
            def work(tx: Transaction) -> None:
                self._files.writable(tx, caller, container, path)
                tx.files.put_block(block)

            self._catalog.write(work)

        return BlockUpload(self._contents.store(found.scope), draft, stage)

    def staged(self, caller: Caller, container: str, path: str) -> list[StagedBlock]:
        """What the caller has staged for a file, by id."""

        def work(tx: Transaction) -> list[StagedBlock]:
            self._files.writable(tx, caller, container, path)
            return tx.files.blocks(container, path, caller.principal.id)

        return self._catalog.read(work)

    def assemble(
        self,
        caller: Caller,
        container: str,
        path: str,
        ids: Sequence[str],
        labels: Labels,
        condition: Condition = ANYHOW,
    ) -> StoredFile:
        """Put the file together from the blocks, in the order of *ids*; then the staged blocks are forgotten.

        Raise ``UnknownBlockError`` for an id that is not staged; then everything stays as it was. Asked again, by a client
        that did not hear that it was done, the answer is the file: putting together takes as long as the disk needs."""
        check_file_path(path)
        check_labels(labels)
        if len(ids) > MOST_BLOCKS:
            raise TooLargeError(f"a file has at most {MOST_BLOCKS:,} blocks", hint="Send larger blocks.")
        labels = msgspec.structs.replace(labels, blocks=hashlib.sha256("\n".join(ids).encode()).hexdigest())
        with self._turns.of(f"{caller.principal.id}/{container}/{path}"):
            return self._assembled(caller, container, path, ids, labels, condition)

    def _assembled(
        self, caller: Caller, container: str, path: str, ids: Sequence[str], labels: Labels, condition: Condition
    ) -> StoredFile:
        def work(tx: Transaction) -> tuple[Container, list[StagedBlock]] | StoredFile:
            found = self._files.writable(tx, caller, container, path)
            staged = {block.id: block for block in tx.files.blocks(container, path, caller.principal.id)}
            old = tx.files.find(container, path)
            missing = next((one for one in ids if one not in staged), None)
            if missing and old and old.owner == caller.principal.id and old.blocks == labels.blocks:
                return old  # the client did not hear that it was done, and asks again
            condition.check(path, old)
            if missing:
                raise UnknownBlockError(f"there is no block {missing[:100]!r} of {path[:200]!r}", hint="Send it again.")
            return found, [staged[one] for one in ids]

        ready = self._catalog.read(work)
        if isinstance(ready, StoredFile):
            return ready
        found, blocks = ready
        store = self._contents.store(found.scope)
        file = self._files.name(caller, container, path, joined(store, blocks), labels, condition)
        forget(store, blocks)
        return file


class BlockUpload:
    """An open upload of one block."""

    def __init__(self, store: BlobStore, draft: StagedBlock, stage: Callable[[StagedBlock], None]) -> None:
        self._upload = store.begin_piece() if isinstance(store, Joins) else store.begin()
        self._is_piece = isinstance(store, Joins)
        self._draft, self._stage = draft, stage
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._hashing = self._staged = False

    def expect_md5(self) -> None:
        """Hash along: ``commit`` will compare."""
        self._hashing = True

    def write(self, chunk: bytes | bytearray) -> None:
        """Append *chunk*."""
        self._upload.write(chunk)
        if self._hashing:
            self._md5.update(chunk)

    def commit(self, labels: Labels, md5: bytes = b"") -> StagedBlock:
        """Stage the block. Raise ``DigestMismatchError`` when *md5* is given and is not that of the bytes."""
        del labels  # a block has none
        if md5 and md5 != (actual := self._md5.digest()):
            raise DigestMismatchError(f"md5:{md5.hex()}", f"md5:{actual.hex()}")
        size = self._upload.offset
        if self._is_piece:
            self._upload.close()
            block = msgspec.structs.replace(self._draft, size=size, upload=self._upload.id, at=now())
        else:
            block = msgspec.structs.replace(self._draft, size=size, digest=self._upload.commit(), at=now())
        if self._hashing:
            block = msgspec.structs.replace(block, md5=self._md5.digest())
        self._stage(block)
        self._staged = True
        return block

    def abort(self) -> None:
        """Forget what was sent; quiet after ``commit``."""
        if not self._staged:
            self._upload.abort()


class Turns:
    """One at a time for each name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[threading.Lock, int]] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        with self._lock:
            turn, count = self._waiting.get(name, (threading.Lock(), 0))
            self._waiting[name] = turn, count + 1
        try:
            with turn:
                yield
        finally:
            with self._lock:
                turn, count = self._waiting.pop(name)
                if count > 1:
                    self._waiting[name] = turn, count - 1


def joined(store: BlobStore, blocks: Sequence[StagedBlock]) -> tuple[Digest, int]:
    """One blob of all blocks; raise ``UnknownBlockError`` for one whose bytes are gone."""
    size = sum(block.size for block in blocks)
    try:
        if isinstance(store, Joins) and all(block.upload for block in blocks):
            return store.join([(block.upload, block.size) for block in blocks]), size
        return _appended(store, blocks), size
    except NotFoundError as gone:
        raise UnknownBlockError(f"a block is gone: {gone.message}", hint="Send the file again.") from gone


def _appended(store: BlobStore, blocks: Sequence[StagedBlock]) -> Digest:
    """The same in a store that joins nothing: blocks are blobs there."""
    upload = store.begin()
    try:
        for block in blocks:
            for chunk in store.read(_digest(block)):
                upload.write(chunk)
        return upload.commit()
    except BaseException:
        upload.abort()
        raise


def _digest(block: StagedBlock) -> Digest:
    if block.digest is None:
        raise NotFoundError(f"the block {block.id[:100]!r} was sent to another store")
    return block.digest


def forget(store: BlobStore, blocks: Sequence[StagedBlock]) -> None:
    """Free the disk; what is left is swept."""
    for block in blocks:
        if block.upload:
            with suppress(RegistaError):
                store.resume(block.upload).abort()
