"""A store that offers what every store does and nothing besides, as one of a cloud's does."""

from typing import Any

from regista.interfaces.blobs import BlobStore

_OFFERED = frozenset(name for name in vars(BlobStore) if not name.startswith("_"))


class BareStore:
    """*inner*, which may lie on a disk, join pieces or gather blobs: none of that is to be seen."""

    def __init__(self, inner: BlobStore) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        if name not in _OFFERED:
            raise AttributeError(name)
        return getattr(self._inner, name)
