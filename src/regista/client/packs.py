"""Many small files in one request.

32 bytes   SHA-256 of the content
 8 bytes   its size, big endian
 n bytes   the content
… and so on to the end of the body
"""

from collections.abc import Iterator, Sequence

from regista.client.tree import ScannedFile, read_unchanged
from regista.entities.digest import Digest, hex_of

MAX_PACK_FILE = 1024 * 1024
MAX_PACK_BYTES = 32 * 1024 * 1024
MAX_PACK_FRAMES = 2_000
_HEADER = 40
_LEAST_BYTES = 1024 * 1024
_LEAST_FRAMES = 250

Pending = tuple[ScannedFile, Digest]


def packs_of(files: Sequence[Pending], workers: int) -> Iterator[Sequence[Pending]]:
    """Split *files* into packs that obey the limits, and as many that all *workers* have something to do, unless the
    packs became too small for the trip."""
    total = sum(file.size + _HEADER for file, _ in files)
    most_bytes = min(MAX_PACK_BYTES, max(_LEAST_BYTES, total // workers + 1))
    most_frames = min(MAX_PACK_FRAMES, max(_LEAST_FRAMES, len(files) // workers + 1))
    start, size = 0, 0
    for at, (file, _) in enumerate(files):
        frame = file.size + _HEADER
        if at > start and (size + frame > most_bytes or at - start == most_frames):
            yield files[start:at]
            start, size = at, 0
        size += frame
    if start < len(files):
        yield files[start:]


def read_pack(files: Sequence[Pending]) -> bytes:
    """The body of the request; raises as ``read_unchanged``."""
    frames: list[bytes] = []
    for file, digest in files:
        frames += (bytes.fromhex(hex_of(digest)), file.size.to_bytes(8, "big"), read_unchanged(file))
    return b"".join(frames)
