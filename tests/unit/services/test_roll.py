"""Who is on the roll of a machine's workers, and who is taken off it."""

import errno
import fcntl
import subprocess
import sys
from contextlib import contextmanager

import pytest

from regista.drivers.catalog.sql.catalog import SqlCatalog
from regista.services.working.roll import Roll

PROGRAM = """
import sys, time
from pathlib import Path
from regista.services.working.roll import Roll
Roll(Path(sys.argv[1]), sys.argv[2]).enter()
print("here", flush=True)
time.sleep(600)
"""
LONG = 2**50


@contextmanager
def living(folder, name):
    """A process that is on the roll, and is killed at the end."""
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(folder), name], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "here\n"
        yield
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def catalog():
    catalog = SqlCatalog.open("sqlite://")
    yield catalog
    catalog.close()


@pytest.fixture
def roll(tmp_path):
    roll = Roll(tmp_path / "roll", "new")
    roll.enter()
    yield roll
    roll.leave()


def claimed(catalog, worker, job_id):
    catalog.write(lambda tx: tx.leases.offer(job_id))
    return catalog.write(lambda tx: tx.leases.claim(worker, 1, LONG))


def claimable(catalog):
    return catalog.write(lambda tx: tx.leases.claim("new", 2**45, LONG))


def test_what_a_killed_worker_had_is_free_and_it_is_struck_off(roll, catalog, tmp_path):
    claimed(catalog, "old", "a")
    with living(tmp_path / "roll", "old"):
        pass
    roll.free_the_dead(catalog)
    assert claimable(catalog).job_id == "a"
    assert [path.name for path in (tmp_path / "roll").iterdir()] == ["new"]


def test_what_one_that_lives_has_stays_its_own(roll, catalog, tmp_path):
    claimed(catalog, "old", "a")
    claimed(catalog, "new", "b")
    with living(tmp_path / "roll", "old"):
        roll.free_the_dead(catalog)
        roll.free_the_dead(catalog)
        assert claimable(catalog) is None
        assert {path.name for path in (tmp_path / "roll").iterdir()} == {"new", "old"}


def test_what_one_of_another_machine_has_stays_its_own(roll, catalog):
    claimed(catalog, "elsewhere", "a")
    roll.free_the_dead(catalog)
    assert claimable(catalog) is None


def test_who_leaves_is_not_on_it_and_may_come_again(roll, tmp_path):
    roll.leave()
    roll.leave()
    assert not list((tmp_path / "roll").iterdir())
    roll.enter()
    assert [path.name for path in (tmp_path / "roll").iterdir()] == ["new"]


def test_where_there_are_no_locks_nobody_is_on_it_and_nobody_is_taken_for_dead(catalog, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "no locks available")

    claimed(catalog, "old", "a")
    (tmp_path / "old").touch()
    monkeypatch.setattr(fcntl, "flock", refuse)
    roll = Roll(tmp_path, "new")
    roll.enter()
    roll.free_the_dead(catalog)
    assert claimable(catalog) is None
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    roll.leave()
