"""What garbage collection says of itself."""

import msgspec

GRACE_SECONDS = 24 * 3600.0
"""How long nothing may have named a blob before it is removed, unless somebody says otherwise."""


class Collected(msgspec.Struct, frozen=True, kw_only=True):
    """What one run did (a dry run: would do) in one store: blobs that something names, blobs that wait for their grace to
    end with their bytes, blobs and bytes removed, uploads given up. ``due`` is when the first of those waiting may go."""

    store: str
    live: int
    waiting: int
    waiting_bytes: int
    removed: int
    bytes: int
    uploads: int
    due: int | None = None
