"""Blobs as plain files on a local disk. ``layout`` draws where they lie and says how they get there."""

from regista.drivers.blobs.local.store import LocalBlobStore

__all__ = ["LocalBlobStore"]
