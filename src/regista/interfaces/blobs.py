"""Bytes by digest. Names, versions and users are not known here: those live in the catalog."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

from regista.entities.digest import Digest

CHUNK = 1 << 20
"""Bytes in one chunk of a read, at most."""


class BlobUpload(Protocol):
    """An open, resumable write. Used as a context manager it closes (never commits) at the end of the block."""

    @property
    def id(self) -> str:
        """The name under which ``BlobStore.resume`` finds the upload again, also after a restart."""

    @property
    def offset(self) -> int:
        """How many bytes are durably received: where the next ``write`` goes on."""

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Append *chunk*; raise ``StorageFullError`` when it does not fit (the upload stays at its old offset)."""

    def commit(self, expected: Digest | None = None) -> Digest:
        """Make the bytes durable (fsync of file and folder) and visible under their digest, then forget the upload.

        Raise ``DigestMismatchError`` when *expected* is given and is not theirs: then nothing becomes visible and the
        upload is gone. Committing bytes that the store has already changes nothing."""

    def abort(self) -> None:
        """Forget the upload and its bytes. Aborting what is gone is quiet."""

    def close(self) -> None:
        """Let go of the file; the bytes received stay for ``resume``."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc_info: object) -> None: ...


class BlobStore(Protocol):
    """Maps a digest to bytes and back. A blob that is visible is whole and durable; it never changes.

    Drivers are checked by ``regista.conformance.blobs.BlobStoreContract``, which a new driver subclasses. All methods
    may be called from many threads at once."""

    def begin(self) -> BlobUpload:
        """Open a new upload."""

    def resume(self, upload_id: str) -> BlobUpload:
        """Open an upload again; raise ``NotFoundError`` when it was committed, aborted or swept, ``InvalidError`` for
        an id that ``begin`` cannot have given."""

    def put(self, content: bytes, expected: Digest | None = None) -> Digest:
        """Store *content* whole and return its digest; the same promises as an upload that is committed."""

    def add_file(self, source: Path | int, expected: Digest | None = None, *, link: bool = False) -> Digest:
        """Store the bytes of the local file *source* and return their digest; the file is read while it is hashed.

        A number is an open file, which stays open: it is read from where it stands, as far as it reaches at the call.
        With *link* the caller gives up the file: the store may take it over instead of copying it."""

    def read(self, digest: Digest, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes from *start* up to (not including) *end* in chunks of at most ``CHUNK`` bytes.

        A range beyond the end is cut; raise ``NotFoundError`` at the call, not at the first chunk, when there is no
        such blob."""

    def get(self, digest: Digest) -> bytes:
        """The whole content, for small blobs such as manifests; verified: raise ``DigestMismatchError`` on rot."""

    def size(self, digest: Digest) -> int:
        """The number of bytes; raise ``NotFoundError`` when there is no such blob."""

    def exists(self, digest: Digest) -> bool:
        """Whether the blob is visible."""

    def renew(self, digest: Digest) -> bool:
        """Whether the blob is visible; when it is, it counts as stored just now. Who finds bytes that are there already, and
        is going to name them, calls this: a garbage collection that runs at the same moment then leaves them alone."""

    def delete(self, digest: Digest, *, unless_stored_since: float | None = None) -> bool:
        """Remove the blob and return whether that was done; deleting the absent is quiet. Only garbage collection calls this.

        A blob that was stored, stored again or renewed at *unless_stored_since* (seconds since 1970) or later stays. Of a
        ``put``, ``commit``, ``add_file`` or ``renew`` at the same moment one comes first: either it keeps the blob, or it
        finds that the blob is gone."""

    def digests(self) -> Iterator[Digest]:
        """Every visible blob, each once, in no order."""

    def sweep(self, older_than_seconds: float) -> int:
        """Abort uploads that nobody has written to for so long; return how many there were."""


@runtime_checkable
class OnDisk(Protocol):
    """What a store on a local disk offers besides: files that a program on the same machine may read, and never write."""

    def path(self, digest: Digest) -> Path:
        """The file that holds the blob; raise ``NotFoundError`` when there is no such blob."""


@runtime_checkable
class Joins(Protocol):
    """What a store offers besides that makes one blob of several uploads, without their being blobs themselves first.

    Checked by ``regista.conformance.joins.JoinsContract``."""

    def begin_piece(self) -> BlobUpload:
        """Open an upload that is to be joined: nothing hashes it along, nor hurries it to the disk."""

    def join(self, pieces: Sequence[tuple[str, int]]) -> Digest:
        """Make the bytes of *pieces* (ids of closed uploads, and the sizes they must have), one behind the other, one blob,
        durably, and return its digest. The pieces stay until they are aborted or swept.

        Raise ``NotFoundError`` for one that is gone, or whose bytes a crash of the machine may have taken."""


class Gathering(Protocol):
    """Takes blobs that are to be stored together. The digests are known at once; the blobs are visible and durable when the
    block has ended. Where it raises, each of them may be there or not."""

    def put(self, content: bytes) -> Digest:
        """As in ``BlobStore``."""

    def add_file(self, source: Path, *, link: bool = False) -> Digest:
        """As in ``BlobStore``. A file that is given up with *link* must stay as it is until the block has ended."""


@runtime_checkable
class Gathers(Protocol):
    """What a store offers besides that waits a few times for many blobs, and not a few times for each.

    Checked by ``regista.conformance.gathers.GathersContract``."""

    def gather(self) -> AbstractContextManager[Gathering]:
        """Begin to store blobs together, for one thread."""
