"""Files that come in blocks: sent in any order and side by side, then put together by a list of their ids.

Blocks belong to their writer: nobody puts together, or sees, what somebody else has staged. Each is durable when it is
acknowledged, so that an upload goes on after a restart of the client or of the server.
"""

from collections.abc import Callable, Sequence

from regista.entities.access import Caller
from regista.entities.datastore import StagedBlock, StoredFile
from regista.entities.digest import Digest
from regista.entities.names import now
from regista.errors import InvalidError, TooLargeError
from regista.interfaces.blobs import BlobStore
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.content.contents import ContentService
from regista.services.datastores.containers import check_file_path
from regista.services.datastores.files import ANYHOW, Condition, FileService, FileUpload, Labels, check_labels
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

    def begin(self, caller: Caller, container: str, path: str, block_id: str) -> FileUpload:
        """Open an upload of one block; sent again under the same id it replaces the earlier one."""
        check_file_path(path)
        if not block_id or len(block_id.encode()) > MAX_ID_BYTES * 2:
            raise InvalidError(f"the id of a block has 1 to {MAX_ID_BYTES} bytes")
        found = self._catalog.read(lambda tx: self._files.writable(tx, caller, container, path))

        def named(digest: Digest, size: int, _: Labels) -> StoredFile:
            return self._stage(caller, found, path, block_id, (digest, size))

        return FileUpload(self._contents.store(found.scope).begin(), named)

    def _stage(
        self, caller: Caller, found: Container, path: str, block_id: str, content: tuple[Digest, int]
    ) -> StoredFile:
        block = StagedBlock(
            container=str(found),
            path=path,
            owner=caller.principal.id,
            id=block_id,
            scope_id=found.scope.id,
            size=content[1],
            digest=content[0],
            at=now(),
        )

        def work(tx: Transaction) -> None:
            self._files.writable(tx, caller, str(found), path)
            tx.files.put_block(block)

        self._catalog.write(work)
        return StoredFile(container=str(found), path=path, scope_id=found.scope.id, digest=content[0], size=content[1])

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

        Raise ``UnknownBlockError`` for an id that is not staged; then everything stays as it was."""
        check_file_path(path)
        check_labels(labels)
        if len(ids) > MOST_BLOCKS:
            raise TooLargeError(f"a file has at most {MOST_BLOCKS:,} blocks", hint="Send larger blocks.")

        def work(tx: Transaction) -> tuple[Container, list[StagedBlock]]:
            found = self._files.writable(tx, caller, container, path)
            condition.check(path, tx.files.find(container, path))
            staged = {block.id: block for block in tx.files.blocks(container, path, caller.principal.id)}
            if missing := next((one for one in ids if one not in staged), None):
                raise UnknownBlockError(f"there is no block {missing[:100]!r} of {path[:200]!r}", hint="Send it again.")
            return found, [staged[one] for one in ids]

        found, blocks = self._catalog.read(work)
        content = _joined(self._contents.store(found.scope), blocks)
        return self._files.name(caller, container, path, content, labels, condition)


def _joined(store: BlobStore, blocks: Sequence[StagedBlock]) -> tuple[Digest, int]:
    """One blob of all blocks."""
    if len(blocks) == 1 and blocks[0].digest:
        return blocks[0].digest, blocks[0].size
    upload = store.begin()
    try:
        for block in blocks:
            _append(store, block, upload.write)
        size = upload.offset
        return upload.commit(), size
    except BaseException:
        upload.abort()
        raise


def _append(store: BlobStore, block: StagedBlock, write: Callable[[bytes], None]) -> None:
    if block.digest is None:
        raise UnknownBlockError(f"the block {block.id[:100]!r} is gone", hint="Send it again.")
    for chunk in store.read(block.digest):
        write(chunk)
