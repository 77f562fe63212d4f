"""What an import has done, so that one that was broken off goes on where it was.

One SQLite file in the user's cache folder for each source and target. It says nothing that the server does not know: who
loses it imports everything again, and finds it there.
"""

import hashlib
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from regista.client.digest_cache import cache_folder
from regista.errors import ConflictError, UnavailableError

Counts = dict[str, int]


class ImportBook:
    """The book of one import; held alone while it runs. Safe for threads."""

    def __init__(self, source: str, target: str, folder: Path | None = None, *, kept: bool = True) -> None:
        """Without *kept* it is forgotten when it is closed."""
        name = hashlib.sha256(f"{source}\n{target}".encode()).hexdigest()[:32]
        place = (folder or cache_folder()) / "imports"
        self._turn = threading.Lock()
        try:
            if kept:
                place.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = place / f"{name}.sqlite" if kept else ":memory:"
            self._rows = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=0.2)
            self._rows.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._rows.execute(
                "CREATE TABLE IF NOT EXISTS done (kind TEXT, id TEXT, counts TEXT, PRIMARY KEY (kind, id)) WITHOUT ROWID"
            )
            self._rows.execute("INSERT OR REPLACE INTO done VALUES ('', 'source', '{}')")
        except sqlite3.OperationalError as wrong:
            if "locked" in str(wrong):
                raise ConflictError("another import from there to here is running", hint="Wait for its end.") from wrong
            raise UnavailableError(f"the progress of the import cannot be kept in {place}: {wrong}") from wrong
        except OSError as wrong:
            raise UnavailableError(f"{place} cannot be made: {wrong.strerror}", hint="Set REGISTA_CACHE.") from wrong

    def find(self, kind: str, name: str) -> Counts | None:
        """What was counted of it in the source when it was done; None when it was not."""
        with self._turn:
            row = self._rows.execute("SELECT counts FROM done WHERE kind = ? AND id = ?", (kind, name)).fetchone()
        return msgspec.json.decode(row[0], type=Counts) if row else None

    def note(self, kind: str, name: str, counts: Counts | None = None) -> None:
        """It is done."""
        with self._turn:
            row = (kind, name, msgspec.json.encode(counts or {}).decode())
            self._rows.execute("INSERT OR REPLACE INTO done VALUES (?, ?, ?)", row)

    def forget(self, kind: str, prefix: str) -> None:
        """Drop what begins so: what it was part of is done."""
        with self._turn:
            self._rows.execute(
                "DELETE FROM done WHERE kind = ? AND id >= ? AND id < ?", (kind, prefix, f"{prefix}\uffff")
            )

    def ids(self, kind: str, size: int) -> Iterator[list[str]]:
        """All of a kind that are done, so many at a time."""
        last = ""
        while True:
            with self._turn:
                query = "SELECT id FROM done WHERE kind = ? AND id > ? ORDER BY id LIMIT ?"
                found = [row[0] for row in self._rows.execute(query, (kind, last, size))]
            if not found:
                return
            yield found
            last = found[-1]

    def close(self) -> None:
        """Let others have it."""
        with suppress(sqlite3.Error):
            self._rows.close()
