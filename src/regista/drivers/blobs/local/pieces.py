"""Uploads that are to be joined.

They are not brought to the disk one by one: that would write everything twice. So what was written before the machine last
started may be lost in part, without the file's looking so, and is not taken."""

import os
from functools import cache
from io import FileIO

from regista.drivers.blobs.local.failures import translated
from regista.drivers.blobs.local.layout import Layout
from regista.errors import NotFoundError


def opened_piece(layout: Layout, upload_id: str, size: int) -> FileIO:
    """The upload's file, for reading; raise ``NotFoundError`` unless it has *size* bytes that are sure to be what was
    written."""
    with translated(layout.root):
        try:
            file = FileIO(os.open(layout.upload(upload_id), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC))
        except FileNotFoundError as missing:
            raise _lost(upload_id) from missing
        found = os.fstat(file.fileno())
        if found.st_size != size or found.st_mtime < _machine_started():
            file.close()
            raise _lost(upload_id)
        return file


@cache
def _machine_started() -> float:
    import psutil

    return psutil.boot_time()


def _lost(upload_id: str) -> NotFoundError:
    return NotFoundError(f"the bytes of the upload {upload_id} are not there any more", hint="Send them again.")
