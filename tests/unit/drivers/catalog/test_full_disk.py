"""A catalog whose disk is full says so, loses nothing, and goes on when there is room again."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from regista.drivers.catalog.sql.catalog import SqlCatalog
from regista.errors import StorageFullError

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")


@pytest.fixture
def disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder]
    done = subprocess.run(mount, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine does not let root mount: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_is_told_and_nothing_acknowledged_is_lost(disk):
    catalog = SqlCatalog.open(f"sqlite:///{disk}/catalog.db")
    ballast = disk / "ballast"
    ballast.write_bytes(b"x" * (1 << 20))

    def fill(number):
        kept = []
        for turn in range(1000):
            key = f"{number}.{turn}"
            try:
                catalog.write(lambda tx, key=key: tx.settings.put(key, "x" * 20_000))
            except StorageFullError:
                return kept
            kept.append(key)
        return kept

    with ThreadPoolExecutor(8) as threads:
        kept = [key for each in threads.map(fill, range(8)) for key in each]
    assert kept
    assert all(catalog.read(lambda tx: [tx.settings.find(key) for key in kept]))
    ballast.unlink()
    catalog.write(lambda tx: tx.settings.put("after", "room"))
    catalog.close()

    catalog = SqlCatalog.open(f"sqlite:///{disk}/catalog.db")
    assert all(catalog.read(lambda tx: [tx.settings.find(key) for key in [*kept, "after"]]))
    assert catalog._database._writing.raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    catalog.close()
