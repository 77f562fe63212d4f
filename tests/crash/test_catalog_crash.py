"""A catalog whose server is killed at any moment keeps what it acknowledged, and nothing in halves."""

import random
import signal
import subprocess
import sys
import time

import pytest

from regista.drivers.catalog.sql.catalog import SqlCatalog

pytestmark = [pytest.mark.crash, pytest.mark.slow]

ROUNDS = 5
WRITER = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from regista.drivers.catalog.sql.catalog import SqlCatalog

os.write(1, b"0 begun\\n")
catalog = SqlCatalog.open(sys.argv[1])

def work(thread):
    for turn in range(10**9):
        key = f"{os.getpid()}.{thread}.{turn}"
        def both(tx):
            tx.settings.put("left " + key, "x" * 500)
            if turn % 5 == 4:
                raise ZeroDivisionError
            tx.settings.put("right " + key, "x" * 500)
        try:
            catalog.write(both)
        except ZeroDivisionError:
            os.write(1, f"undone {key}\\n".encode())
        else:
            os.write(1, f"kept {key}\\n".encode())

with ThreadPoolExecutor(8) as pool:
    list(pool.map(work, range(8)))
"""


def said_until_killed(url, seconds):
    """The writer's whole lines until it was killed *seconds* after its first."""
    with subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True) as writer:
        first = writer.stdout.readline()
        time.sleep(seconds)
        writer.send_signal(signal.SIGKILL)
        said = first + writer.stdout.read()
    assert writer.returncode == -signal.SIGKILL, said
    return [line.split() for line in said.splitlines(keepends=True) if line.endswith("\n")]


def test_every_acknowledged_write_survives_and_none_in_halves(tmp_path):
    url = f"sqlite:///{tmp_path}/catalog.db"
    kept, undone = [], []
    for turn in range(ROUNDS):
        # The first time it may still be making the schema; later there is always time to write.
        for word, key in said_until_killed(url, random.uniform(0.0, 0.2) if turn == 0 else random.uniform(0.3, 1.0)):
            if word == "kept":
                kept.append(key)
            elif word == "undone":
                undone.append(key)
        catalog = SqlCatalog.open(url)
        connection = catalog._database._writing.raw
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        there = {key for (key,) in connection.execute("SELECT key FROM settings")}
        catalog.close()
        assert {f"{side} {key}" for side in ("left", "right") for key in kept} <= there
        assert not {f"left {key}" for key in undone} & there
        lefts, rights = ({key.split()[1] for key in there if key.startswith(side)} for side in ("left", "right"))
        assert lefts == rights
    assert len(kept) > 100
    assert undone
