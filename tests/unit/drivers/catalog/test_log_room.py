"""The log of a SQLite database has room at its end, and says the same with it as without."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys

import pytest

from regista.drivers.catalog.sql.log_room import ROOM, LogRoom

WRITER = """
import os, sqlite3, sys
from pathlib import Path
from regista.drivers.catalog.sql.log_room import LogRoom
path = Path(sys.argv[1])
base = sqlite3.connect(path, isolation_level=None)
base.execute("PRAGMA journal_mode = WAL")
base.execute("PRAGMA synchronous = FULL")
base.execute("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, text TEXT)")
room = LogRoom(path)
for number in range(int(sys.argv[2])):
    base.execute("BEGIN IMMEDIATE")
    room.keep()
    base.execute("INSERT INTO rows (text) VALUES (?)", ("x" * 3000,))
    base.execute("COMMIT")
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def base(tmp_path):
    opened = sqlite3.connect(tmp_path / "base.db", isolation_level=None)
    opened.execute("PRAGMA journal_mode = WAL")
    opened.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT)")
    yield opened
    opened.close()


def write(base, room, text="x" * 3000):
    base.execute("BEGIN IMMEDIATE")
    room.keep()
    base.execute("INSERT INTO rows (text) VALUES (?)", (text,))
    base.execute("COMMIT")


def test_the_log_grows_by_leaps(base, tmp_path):
    room, log, sizes = LogRoom(tmp_path / "base.db"), tmp_path / "base.db-wal", set()
    for _ in range(300):
        write(base, room)
        sizes.add(log.stat().st_size)
    room.close()
    assert len(sizes) < 20, "without room it would be one for each commit"
    assert max(sizes) >= ROOM


def test_what_was_committed_is_there_after_the_writer_was_killed(tmp_path):
    """Each writer goes on with the log that the one before left; a copy is looked at, for a look folds it into the file."""
    home = tmp_path / "home"
    home.mkdir()
    for turn in range(1, 4):
        killed = subprocess.run(
            [sys.executable, "-c", WRITER, home / "base.db", "200"], capture_output=True, check=False
        )
        assert killed.returncode == -9, killed.stderr
        assert (home / "base.db-wal").stat().st_size > ROOM
        copy = tmp_path / f"copy-{turn}"
        shutil.copytree(home, copy)
        with contextlib.closing(sqlite3.connect(copy / "base.db")) as opened:
            found = opened.execute("SELECT count(*), sum(length(text)) FROM rows").fetchone()
            assert found == (turn * 200, turn * 600_000)
            assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_log_that_begins_anew_keeps_its_room(base, tmp_path):
    room, log = LogRoom(tmp_path / "base.db"), tmp_path / "base.db-wal"
    for _ in range(50):
        write(base, room)
    size = log.stat().st_size
    base.execute("PRAGMA wal_checkpoint(RESTART)")
    for _ in range(50):
        write(base, room)
    room.close()
    assert log.stat().st_size == size
    assert base.execute("SELECT count(*) FROM rows").fetchone() == (100,)


def test_a_disk_without_room_is_not_its_business(base, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    room = LogRoom(tmp_path / "base.db")
    for _ in range(3):
        write(base, room)
    room.close()
    assert base.execute("SELECT count(*) FROM rows").fetchone() == (3,)
