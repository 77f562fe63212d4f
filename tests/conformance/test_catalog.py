"""The contract of catalogs, for every catalog there is."""

import os
import tempfile
from collections import Counter

import pytest
from sqlalchemy import create_engine

from regista.conformance.catalog import CatalogContract
from regista.drivers.catalog.sql.catalog import SqlCatalog
from regista.drivers.catalog.sql.drawing import metadata
from tests.support.looping import Looping


@pytest.fixture
def folder(tmp_path):
    """Where a catalog's file is: in memory where that can be, since hundreds of tests would wait for the disk otherwise."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="regista-") as name:
        yield name


@pytest.fixture(scope="module")
def postgres_tables(postgres_server):
    """An engine of a database that no other module sees."""
    name = postgres_server.create_database()
    engine = create_engine(postgres_server.url_of(name))
    yield engine
    engine.dispose()
    postgres_server.drop_database(name)


@pytest.fixture(scope="module")
def doers():
    """Who did the work of the loop's tests: most of it has to be its own, for the rest is long."""
    done = Counter()
    yield done
    assert done["loop"] > done["thread"]


class TestMemoryCatalog(CatalogContract):
    """SQLite in memory: the reference."""

    @pytest.fixture
    def catalog(self):
        catalog = SqlCatalog.open("sqlite://")
        yield catalog
        catalog.close()


class TestSqliteCatalog(CatalogContract):
    """SQLite in a file."""

    @pytest.fixture
    def catalog(self, folder):
        catalog = SqlCatalog.open(f"sqlite:///{folder}/catalog.db")
        yield catalog
        catalog.close()


@pytest.mark.postgres
class TestPostgresCatalog(CatalogContract):
    """PostgreSQL: one database, emptied after each test."""

    @pytest.fixture
    def catalog(self, postgres_tables):
        catalog = SqlCatalog.open(postgres_tables.url.render_as_string(hide_password=False))
        yield catalog
        catalog.close()
        with postgres_tables.begin() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())


@pytest.mark.postgres
class TestPostgresCatalogOnALoop(CatalogContract):
    """The same, asked by an event loop, which has connections of its own."""

    @pytest.fixture
    def catalog(self, postgres_tables, doers):
        looping = Looping(SqlCatalog.open(postgres_tables.url.render_as_string(hide_password=False)), doers)
        looping.ready()
        yield looping
        looping.close()
        looping.stop()
        with postgres_tables.begin() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())


def test_no_part_of_the_contract_hides_a_test_of_another():
    names = Counter(name for part in CatalogContract.__bases__ for name in vars(part) if not name.startswith("_"))
    assert [name for name, count in names.items() if count > 1] == []
