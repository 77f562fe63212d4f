"""How much one request may carry."""

DOCUMENT = 16 << 20
"""Bytes of a body that is read as one document."""

LISTING = 512 << 20
"""Bytes of a body that lists files: a million of them, with long paths."""

PACK = 40 << 20
"""Bytes of a pack of small files, which is held in memory."""

PART = 80 << 20
"""Bytes of one part of a file, which goes to the disk in batches."""
