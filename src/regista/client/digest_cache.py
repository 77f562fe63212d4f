"""Remembering digests between calls, so that a large model is not read again only to find that it did not change.

One SQLite file in the user's cache folder: source path, size, mtime, ctime and inode, and the digest they had. It is a
convenience and never a truth: whatever is wrong with it (damaged, locked, read-only, an older form) makes it empty, not
an error. A file that changed within the last two seconds is not remembered, for it may change again unseen.
"""

import os
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

from regista.client.tree import Scan, ScannedFile
from regista.entities.digest import Digest, parse_digest
from regista.errors import InvalidError

_FORM = 1
_PATIENCE_SECONDS = 2.0
_DAMAGED = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_SETTLED_NS = 2_000_000_000
_KEPT_SECONDS = 90 * 24 * 3600
_TABLE = (
    "CREATE TABLE IF NOT EXISTS digests (source TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER,"
    " inode INTEGER, digest TEXT, used INTEGER) WITHOUT ROWID"
)
_FIND = (
    "SELECT source, size, mtime_ns, ctime_ns, inode, digest FROM digests"
    " WHERE source = ? OR (source >= ? AND source < ?)"
)
_FORGET = "DELETE FROM digests WHERE source = ? OR (source >= ? AND source < ?)"


def cache_folder() -> Path:
    """Where the client keeps what it can lose: `$REGISTA_CACHE`, or `regista` in the user's cache folder."""
    if own := os.environ.get("REGISTA_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "regista"


class DigestCache:
    """Digests of files as they were last seen. Threads and processes may share the file; an object is for one thread."""

    def __init__(self, folder: Path | None = None) -> None:
        self._path = (folder or cache_folder()) / f"digests-{_FORM}.sqlite"

    def known(self, scan: Scan) -> dict[str, Digest]:
        """The digests, by path, of those files that look exactly as they did when they were remembered."""
        root = os.path.realpath(scan.root)
        try:
            with closing(self._open()) as database:
                rows = database.execute(_FIND, _bounds(root))
                seen = {row[0]: (row[1:5], parse_digest(row[5])) for row in rows}
        except (sqlite3.Error, OSError, InvalidError, UnicodeEncodeError) as wrong:
            self._start_over(wrong)
            return {}
        found = {}
        for file in scan.files:
            look, digest = seen.get(file.source, (None, None))
            if digest is not None and look == (file.size, file.mtime_ns, file.ctime_ns, file.inode):
                found[file.path] = digest
        return found

    def remember(self, hashed: Iterable[tuple[ScannedFile, Digest]]) -> None:
        """Keep the digests of these files, and forget what nobody asked for in three months."""
        settled, now = time.time_ns() - _SETTLED_NS, int(time.time())
        rows = [
            (file.source, file.size, file.mtime_ns, file.ctime_ns, file.inode, digest, now)
            for file, digest in hashed
            if max(file.mtime_ns, file.ctime_ns) < settled
        ]
        if not rows:
            return
        try:
            with closing(self._open()) as database, database:
                database.executemany("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
                database.execute("DELETE FROM digests WHERE used < ?", (now - _KEPT_SECONDS,))
        except (sqlite3.Error, OSError, UnicodeEncodeError) as wrong:
            self._start_over(wrong)

    def forget(self, scan: Scan) -> None:
        """Drop what is remembered of the scan's place: somebody found it to be wrong."""
        root = os.path.realpath(scan.root)
        with suppress(sqlite3.Error, OSError, UnicodeEncodeError), closing(self._open()) as database, database:
            database.execute(_FORGET, _bounds(root))

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        database = sqlite3.connect(self._path, timeout=_PATIENCE_SECONDS)
        try:
            # Losing the last rows with the power is no loss here.
            database.execute("PRAGMA synchronous = OFF")
            database.execute(_TABLE)
        except BaseException:
            database.close()
            raise
        return database

    def _start_over(self, wrong: Exception) -> None:
        """Remove a damaged file; leave one that is only busy or out of reach."""
        if isinstance(wrong, InvalidError) or getattr(wrong, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
            with suppress(OSError):
                self._path.unlink()


def _bounds(root: str) -> tuple[str, str, str]:
    """The values that stand for *root* itself and what is in it ('0' is the character after '/')."""
    return root, root.rstrip("/") + "/", root.rstrip("/") + "0"
