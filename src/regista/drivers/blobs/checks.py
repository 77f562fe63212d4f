"""What every blob store asks of its callers before it does anything."""

import os
import re
import secrets
import stat
from io import FileIO
from pathlib import Path

from regista.errors import InvalidError

_UPLOAD_ID = re.compile(r"[0-9a-f]{32}")


def new_upload_id() -> str:
    """A name that nobody can guess and that is safe as a file's name."""
    return secrets.token_hex(16)


def check_upload_id(text: object) -> str:
    """Return *text* when ``new_upload_id`` may have given it; raise ``InvalidError`` otherwise."""
    if isinstance(text, str) and _UPLOAD_ID.fullmatch(text):
        return text
    raise InvalidError(f"{str(text)[:100]!r} is not the id of an upload", hint="Use the id that the upload was given.")


def check_range(size: int, start: int, end: int | None) -> tuple[int, int]:
    """Cut a range to a content of *size* bytes; raise ``InvalidError`` for one that counts from before the start."""
    if start < 0 or (end is not None and end < 0):
        raise InvalidError(f"the range {start} to {end} is negative", hint="Count bytes from the start of the blob.")
    return min(start, size), size if end is None else min(max(end, start), size)


def open_source(source: Path | int) -> FileIO:
    """Open the local file *source* for reading, through symbolic links (one that is open already stays so when the
    answer is closed); raise ``InvalidError`` for anything that is not a readable file."""
    try:
        # Without O_NONBLOCK a pipe would hold us here until somebody writes into it.
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
        opened = FileIO(source, closefd=False) if isinstance(source, int) else FileIO(os.open(source, flags))
    except (OSError, ValueError) as unreadable:
        reason = getattr(unreadable, "strerror", None) or str(unreadable)
        raise InvalidError(f"cannot read the file {str(source)!r}: {reason}", hint="Check the path.") from unreadable
    if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
        opened.close()
        named = "what is open" if isinstance(source, int) else repr(str(source))
        raise InvalidError(f"{named} is not a file", hint="Name a file; folders are added file by file.")
    return opened


def remaining(file: int) -> int:
    """How many bytes the open *file* has from where it stands."""
    return max(os.fstat(file).st_size - os.lseek(file, 0, os.SEEK_CUR), 0)
