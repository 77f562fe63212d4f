"""A catalog in PostgreSQL that closes, or loses its connections, while threads have some in their hands."""

import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from regista.drivers.catalog.sql import postgres
from regista.drivers.catalog.sql.catalog import SqlCatalog

pytestmark = pytest.mark.postgres

OURS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
IDLE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle'"


@pytest.fixture
def catalog(postgres_database):
    catalog = SqlCatalog.open(postgres_database)
    yield catalog
    catalog.close()
    gc.collect()


def asked(url, query):
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        return connection.execute(query).fetchall()


def connections(url, wanted):
    """How many there are, when there are as many as *wanted*, or after ten seconds."""
    ended = time.monotonic() + 10
    while (found := len(asked(url, OURS))) != wanted and time.monotonic() < ended:
        time.sleep(0.02)
    return found


class Held:
    """Transactions that stand still, each with a connection of its own, until they are told to go on."""

    def __init__(self, catalog, threads, count=1):
        self._entered, self._go_on = threading.Barrier(count + 1), threading.Event()
        self._told = [threads.submit(catalog.read, self._stand) for _ in range(count)]
        self._entered.wait(30)

    def _stand(self, tx):
        tx.settings.find("color")
        self._entered.wait(30)
        assert self._go_on.wait(30)
        return tx.settings.find("color")

    def go_on(self):
        self._go_on.set()
        return [one.result(30) for one in self._told]


class TestClosing:
    def test_what_is_lent_closes_when_it_comes_back(self, catalog, postgres_database):
        with ThreadPoolExecutor(3) as threads:
            held = Held(catalog, threads, 3)
            catalog.close()
            assert connections(postgres_database, 3) == 3
            assert held.go_on() == [None] * 3
            assert connections(postgres_database, 0) == 0

    def test_who_waits_for_a_connection_has_one_all_the_same(self, catalog, postgres_database):
        count = postgres.CONNECTIONS
        with ThreadPoolExecutor(count + 1) as threads:
            held = Held(catalog, threads, count)
            waiting = threads.submit(catalog.read, lambda tx: tx.settings.find("color"))
            time.sleep(0.2)
            assert not waiting.done()
            catalog.close()
            assert held.go_on() == [None] * count
            assert waiting.result(20) is None
        assert connections(postgres_database, 0) == 0


class TestLosing:
    def test_what_others_hold_when_one_is_lost_closes_when_it_comes_back(self, catalog, postgres_database):
        with ThreadPoolExecutor(1) as threads:
            held = Held(catalog, threads)
            catalog.write(lambda tx: tx.settings.put("color", "red"))
            assert asked(postgres_database, IDLE)
            assert connections(postgres_database, 1) == 1
            assert catalog.read(lambda tx: tx.settings.find("color")) == "red"
            assert connections(postgres_database, 2) == 2
            assert held.go_on() == [None]
            assert connections(postgres_database, 1) == 1
