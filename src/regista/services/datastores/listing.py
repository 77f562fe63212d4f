"""One page of a container: files in the order of their paths, and the folders that a delimiter makes of them."""

from collections.abc import Callable

import msgspec

from regista.entities.datastore import StoredFile
from regista.errors import InvalidError

MOST = 5000
"""Items of one page."""

_MAX_BYTES = 4096
_FEW = 16
"""Files to look at first where the next one may stand for a whole folder."""

Scan = Callable[[str, str | None, int], list[StoredFile]]
"""At most so many files by path, from a path on, up to (not including) another."""


class Listing(msgspec.Struct, frozen=True):
    """Files and folders (text, with the delimiter at its end), in order; and the path at which the next page begins."""

    items: tuple[StoredFile | str, ...] = ()
    next: str | None = None


def page_of(scan: Scan, prefix: str, delimiter: str, start: str, limit: int) -> Listing:
    """The files whose paths begin with *prefix*, from *start* on; those with *delimiter* behind the prefix as folders."""
    for text in (prefix, delimiter, start):
        _check(text)
    if not limit >= 1:
        raise InvalidError(f"a page of {limit} files is none", hint=f"Ask for 1 to {MOST}.")
    limit = min(limit, MOST)
    first: str | None = max(prefix, start)
    before = successor(prefix)
    items: list[StoredFile | str] = []
    batch = _FEW if delimiter else limit + 1
    while first is not None:
        asked = min(limit + 1 - len(items), batch)
        batch *= 2
        found = scan(first, before, asked)
        first = None if len(found) < asked else found[-1].path + "\x01"  # no path holds a control character
        for file in found:
            if len(items) == limit:
                return Listing(tuple(items), file.path)
            folder = _folder(file.path, prefix, delimiter)
            if folder:
                items.append(folder)
                first, batch = successor(folder), _FEW
                break
            items.append(file)
    return Listing(tuple(items))


def successor(prefix: str) -> str | None:
    """The first text, in the order of UTF-8, behind all that begin with *prefix*; None when there is none."""
    while prefix:
        last = ord(prefix[-1])
        if last < 0x10FFFF:
            return prefix[:-1] + chr(0xE000 if last == 0xD7FF else last + 1)
        prefix = prefix[:-1]
    return None


def _folder(path: str, prefix: str, delimiter: str) -> str:
    if not delimiter:
        return ""
    head, mark, _ = path[len(prefix) :].partition(delimiter)
    return prefix + head + mark if mark else ""


def _check(text: str) -> None:
    """No file's path has such a beginning; a database might not even take it."""
    try:
        length = len(text.encode())
    except UnicodeEncodeError as wrong:
        raise InvalidError("the beginning of paths is not valid Unicode") from wrong
    if length > _MAX_BYTES or any(ord(char) < 32 for char in text):
        raise InvalidError(f"no path begins with {text[:80]!r}")
