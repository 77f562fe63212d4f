"""Reads of a SQLite file: of who waits for a connection, and of who does not."""

import threading

import pytest

from regista.conformance.catalog.turns import at_once
from regista.drivers.catalog.sql.catalog import SqlCatalog
from regista.drivers.catalog.sql.readers import READERS
from regista.interfaces.catalog import WouldWaitError


@pytest.fixture
def catalog(tmp_path):
    catalog = SqlCatalog.open(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    catalog.write(lambda tx: tx.settings.put("color", "red"))
    yield catalog
    catalog.close()


def color(catalog):
    return catalog.read(lambda tx: tx.settings.find("color"))


def counted(catalog, most):
    """A read of *most* rows."""

    def work(tx):
        numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT count(*) FROM n"
        return tx.settings._session.raw.execute(numbers, (most,)).fetchone()[0]

    return catalog.read(work)


def test_a_long_read_would_wait_and_a_short_one_behind_it_does_not(catalog):
    assert at_once(catalog, lambda: counted(catalog, 100)) == 100
    with pytest.raises(WouldWaitError):
        at_once(catalog, lambda: counted(catalog, 100_000))
    assert at_once(catalog, lambda: [color(catalog) for _ in range(1000)]) == ["red"] * 1000
    assert counted(catalog, 100_000) == 100_000


def test_many_statements_of_one_read_count_together(catalog):
    with pytest.raises(WouldWaitError):
        at_once(catalog, lambda: catalog.read(lambda tx: [tx.settings.find("color") for _ in range(10_000)]))


def test_who_does_not_wait_reads_while_every_reader_is_busy_and_somebody_writes(catalog):
    busy, go_on = threading.Barrier(READERS + 2), threading.Event()

    def wait(_tx):
        busy.wait(30)
        assert go_on.wait(30)

    threads = [threading.Thread(target=catalog.read, args=(wait,)) for _ in range(READERS)]
    threads.append(threading.Thread(target=catalog.write, args=(wait,)))
    for thread in threads:
        thread.start()
    try:
        busy.wait(30)
        assert at_once(catalog, lambda: color(catalog)) == "red"
    finally:
        go_on.set()
        for thread in threads:
            thread.join()


def test_one_reads_at_once_and_another_would_wait(catalog):
    def beside(_tx):
        refused = []

        def read():
            try:
                at_once(catalog, lambda: color(catalog))
            except WouldWaitError:
                refused.append(True)

        other = threading.Thread(target=read)
        other.start()
        other.join()
        return refused

    assert at_once(catalog, lambda: catalog.read(beside)) == [True]


def test_what_is_read_at_once_is_what_was_written_before(catalog):
    for number in range(50):
        catalog.write(lambda tx, number=number: tx.settings.put("color", str(number)))
        assert at_once(catalog, lambda: color(catalog)) == str(number)
