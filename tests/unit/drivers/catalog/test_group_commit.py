"""One commit for many, and to each its own fate."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest

from regista.drivers.catalog.sql.gathering import GatheringSession
from regista.drivers.catalog.sql.group_commit import BATCH, GroupCommit
from regista.drivers.catalog.sql.sqlite import sqlite_engine
from regista.errors import InUseError, RegistaError, StorageFullError, UnavailableError

ROWS = "SELECT key FROM kept ORDER BY key"


@pytest.fixture
def session(tmp_path):
    with sqlite_engine(tmp_path / "x.db").connect() as connection:
        session = GatheringSession(connection, writes=True)
        for statement in (
            "PRAGMA journal_mode = WAL",
            "PRAGMA foreign_keys = ON",
            "CREATE TABLE kept (key TEXT PRIMARY KEY, filling BLOB)",
            "CREATE TABLE child (parent TEXT REFERENCES kept (key) DEFERRABLE INITIALLY DEFERRED)",
        ):
            session.raw.execute(statement)
        yield session


@pytest.fixture
def commits(session):
    """The transactions that were begun and ended, as SQLite saw them."""
    said = []
    session.raw.set_trace_callback(lambda sql: said.append(sql) if sql.split()[0] in {"BEGIN", "COMMIT"} else None)
    return said


@pytest.fixture
def writer(session):
    writer = GroupCommit(session)
    yield writer
    writer.close()


def add(key, size=0):
    def work(session):
        session.raw.execute("INSERT INTO kept VALUES (?, zeroblob(?))", (key, size))
        return key

    return work


@contextmanager
def held(writer):
    """Keep the writer busy, so that whatever is written in the block is one batch."""
    busy, go_on = threading.Event(), threading.Event()

    def wait(_session):
        busy.set()
        assert go_on.wait(30)

    def lead():
        with suppress(RegistaError):  # it shares the fate of its batch
            writer.write(wait)

    first = threading.Thread(target=lead)
    first.start()
    assert busy.wait(30)
    try:
        yield
    finally:
        go_on.set()
        first.join()


def outcomes(writer, works):
    """What became of *works*, all of them in the batch of one that holds the writer."""
    with ThreadPoolExecutor(len(works)) as threads:
        with held(writer):
            running = [threads.submit(writer.write, work) for work in works]
            while writer._items.qsize() < len(works):
                threading.Event().wait(0.001)
        return [each.exception() or each.result() for each in running]


def kept(session):
    return [key for (key,) in session.raw.execute(ROWS)]


def test_those_who_wait_share_one_commit(writer, session, commits):
    keys = [f"k{number:02}" for number in range(20)]
    assert outcomes(writer, [add(key) for key in keys]) == keys
    assert kept(session) == keys
    assert commits == ["BEGIN IMMEDIATE", "COMMIT"]


def test_no_more_than_a_batch_shares_one(writer, commits):
    outcomes(writer, [add(str(number)) for number in range(BATCH + 10)])
    assert commits == ["BEGIN IMMEDIATE", "COMMIT"] * 2


def test_who_raises_is_undone_alone(writer, session):
    def half(session):
        add("half")(session)
        raise ZeroDivisionError("mine")

    first, second, third = outcomes(writer, [add("a"), half, add("b")])
    assert (first, third) == ("a", "b")
    assert isinstance(second, ZeroDivisionError)
    assert kept(session) == ["a", "b"]


def test_an_exit_is_the_callers_too_and_the_writer_lives(writer, session):
    def leave(_session):
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        writer.write(leave)
    assert writer.write(add("a")) == "a"


def test_a_commit_that_fails_is_everybodys_failure_but_who_failed_before_keeps_the_own_one(writer, session):
    def orphan(session):
        session.raw.execute("INSERT INTO child VALUES ('nobody')")

    def wrong(_session):
        raise ZeroDivisionError

    told = outcomes(writer, [add("a"), orphan, wrong])
    assert [type(each) for each in told] == [InUseError, InUseError, ZeroDivisionError]
    assert told[0] is not told[1]
    assert isinstance(told[0].__cause__, sqlite3.IntegrityError)
    assert kept(session) == []
    assert writer.write(add("b")) == "b"


def test_turns_share_the_commit_and_its_failure(writer, session, commits):
    def orphan():
        writer.write(lambda session: session.raw.execute("INSERT INTO child VALUES ('nobody')") and None)
        return "not yet durable"

    told = {}
    with held(writer):
        for name, work in {"turn": lambda: writer.write(add("a")), "orphan": orphan}.items():
            writer.turn(work, lambda result, error, name=name: told.update({name: error or result}))
    writer.write(add("b"))
    assert [type(told[name]) for name in ("turn", "orphan")] == [InUseError, InUseError]
    assert kept(session) == ["b"]
    assert commits == ["BEGIN IMMEDIATE", "COMMIT"] * 2


def test_a_turn_that_passes_over_a_full_database_takes_nobody_along(writer, session):
    session.raw.execute("PRAGMA max_page_count = 20")

    def careless():
        with suppress(RegistaError):
            writer.write(add("large", 1_000_000))
        with suppress(RegistaError):
            writer.write(add("behind"))
        return "done"

    told = []
    with held(writer):
        for work in (lambda: writer.write(add("a")), careless):
            writer.turn(work, lambda result, error: told.append(error or result))
    assert writer.write(add("small")) == "small"
    assert kept(session) == [*(each for each in told if isinstance(each, str) and each != "done"), "small"]
    assert (told[1] == "done") is (told[0] == "a")


def test_a_full_database_is_told_and_the_writer_goes_on(writer, session):
    session.raw.execute("PRAGMA max_page_count = 20")
    told = outcomes(writer, [add("a"), add("large", 1_000_000)])
    assert isinstance(told[1], StorageFullError)
    assert kept(session) == [each for each in told if each == "a"]
    assert writer.write(add("small")) == "small"


def test_a_locked_database_is_told_and_the_writer_goes_on(writer, session, tmp_path):
    session.raw.execute("PRAGMA busy_timeout = 10")
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnavailableError, match="locked"):
        writer.write(add("a"))
    other.execute("ROLLBACK")
    other.close()
    assert writer.write(add("b")) == "b"
    assert kept(session) == ["b"]


def test_what_was_accepted_before_closing_is_done(session):
    writer = GroupCommit(session)
    with ThreadPoolExecutor(5) as threads:
        with held(writer):
            running = [threads.submit(writer.write, add(str(number))) for number in range(4)]
            while writer._items.qsize() < 4:
                threading.Event().wait(0.001)
            closing = threads.submit(writer.close)
            while not writer.closed:
                threading.Event().wait(0.001)
            with pytest.raises(UnavailableError, match="closed"):
                writer.write(add("late"))
        closing.result(30)
        assert [each.result(30) for each in running] == ["0", "1", "2", "3"]
    assert kept(session) == ["0", "1", "2", "3"]
    writer.close()
