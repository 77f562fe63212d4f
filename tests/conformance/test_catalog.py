"""The contract of catalogs, for every catalog there is."""

import os
import tempfile
from collections import Counter

import pytest

from regista.conformance.catalog import CatalogContract
from regista.drivers.catalog.sql.catalog import SqlCatalog


@pytest.fixture(scope="module")
def template(postgres_server):
    """The name of a database with an empty catalog, to be copied: faster than making one."""
    name = postgres_server.create_database()
    SqlCatalog.open(postgres_server.url_of(name)).close()
    yield name
    postgres_server.drop_database(name)


@pytest.fixture
def folder(tmp_path):
    """Where a catalog's file is: in memory where that can be, since hundreds of tests would wait for the disk otherwise."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="regista-") as name:
        yield name


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
    """PostgreSQL, with a fresh copy of an empty catalog for each test."""

    @pytest.fixture
    def catalog(self, postgres_server, template):
        name = postgres_server.create_database(template)
        catalog = SqlCatalog.open(postgres_server.url_of(name))
        yield catalog
        catalog.close()
        postgres_server.drop_database(name)


def test_no_part_of_the_contract_hides_a_test_of_another():
    names = Counter(name for part in CatalogContract.__bases__ for name in vars(part) if not name.startswith("_"))
    assert [name for name, count in names.items() if count > 1] == []
