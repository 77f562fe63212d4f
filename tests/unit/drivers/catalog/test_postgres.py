"""What only a server promises: many processes, conflicts, connections that come and go."""

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from regista.drivers.catalog.sql import postgres
from regista.drivers.catalog.sql.catalog import SqlCatalog
from regista.entities.digest import digest_of
from regista.entities.run import Artifact
from regista.errors import TooLargeError, UnavailableError

pytestmark = pytest.mark.postgres


@pytest.fixture
def catalog(postgres_database):
    catalog = SqlCatalog.open(postgres_database)
    yield catalog
    catalog.close()


def cut_off(url):
    """End every connection to the database but our own."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_servers_that_start_at_once_make_one_schema(postgres_database):
    with ThreadPoolExecutor(4) as threads:
        catalogs = list(threads.map(lambda _: SqlCatalog.open(postgres_database), range(4)))
    for number, catalog in enumerate(catalogs):
        catalog.write(lambda tx, number=number: tx.settings.put(str(number), "x"))
    assert all(catalogs[0].read(lambda tx: [tx.settings.find(str(number)) for number in range(4)]))
    for catalog in catalogs:
        catalog.close()


def test_work_that_a_neighbour_upset_is_run_again(catalog):
    catalog.write(lambda tx: tx.settings.put("count", "0"))
    both_have_read = threading.Barrier(2)
    runs = []

    def count_up(tx):
        seen = int(tx.settings.find("count"))
        runs.append(seen)
        if len(runs) <= 2:
            both_have_read.wait(30)
        tx.settings.put("count", str(seen + 1))

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda _: catalog.write(count_up), range(2)))
    assert catalog.read(lambda tx: tx.settings.find("count")) == "2"
    assert len(runs) == 3


def test_patience_with_neighbours_ends(catalog, monkeypatch):
    monkeypatch.setattr(postgres, "PATIENCE", 0.05)
    catalog.write(lambda tx: tx.settings.put("count", "0"))

    def spoiled(tx):
        tx.settings.find("count")
        other = threading.Thread(target=catalog.write, args=(lambda tx: tx.settings.put("count", "9"),))
        other.start()
        other.join()
        tx.settings.put("count", "1")

    with pytest.raises(UnavailableError, match="writers"):
        catalog.write(spoiled)


def test_connections_that_were_cut_off_are_made_again(catalog, postgres_database):
    catalog.write(lambda tx: tx.settings.put("k", "v"))
    cut_off(postgres_database)
    assert catalog.read(lambda tx: tx.settings.find("k")) == "v"
    cut_off(postgres_database)
    catalog.write(lambda tx: tx.settings.put("k", "w"))
    assert catalog.read(lambda tx: tx.settings.find("k")) == "w"


def test_work_whose_connection_breaks_is_run_again_from_the_start(catalog, postgres_database):
    runs = []

    def work(tx):
        tx.settings.put(f"run{len(runs)}", "x")
        runs.append(1)
        if len(runs) == 1:
            cut_off(postgres_database)
        tx.settings.put("done", "x")

    catalog.write(work)
    assert len(runs) == 2
    assert catalog.read(lambda tx: [tx.settings.find(key) for key in ("run0", "run1", "done")]) == [None, "x", "x"]


def test_a_database_that_is_gone_is_unavailable(catalog, postgres_server, postgres_database):
    postgres_server.drop_database(postgres_database.rsplit("/", 1)[1])
    for call in (catalog.read, catalog.write):
        with pytest.raises(UnavailableError):
            call(lambda tx: tx.settings.find("k"))


def test_names_too_long_to_index_are_told(catalog):
    import secrets

    with pytest.raises(TooLargeError, match="longer"):
        catalog.write(lambda tx: tx.settings.put(secrets.token_hex(4000), "v"))
    catalog.write(lambda tx: tx.settings.put("k", "v"))


def test_a_statement_that_is_read_often_stays_prepared(catalog):
    for _ in range(10):
        catalog.read(lambda tx: tx.settings.find("count"))

    def prepared(tx):
        return tx.settings._session.raw.execute("SELECT statement FROM pg_prepared_statements").fetchall()

    assert any("FROM settings" in statement for (statement,) in catalog.read(prepared))


def test_a_file_that_is_written_again_as_it_is_leaves_the_rows_alone(catalog, postgres_database):
    def written(content, at):
        digest = digest_of(content)
        with psycopg.connect(postgres_database.replace("+psycopg", "")) as connection:
            catalog.write(lambda tx: tx.claims.add("w", "", {digest: len(content)}, at))
            artifact = Artifact(scope_id="w", owner="runs/r", path="a", digest=digest, size=len(content))
            catalog.write(lambda tx: tx.artifacts.put(artifact))
            rows = connection.execute(
                "SELECT xmin, digest FROM artifacts UNION ALL SELECT xmin, digest FROM blob_claims"
            )
            return sorted((digest, int(xmin)) for xmin, digest in rows)

    first = written(b"one", 1)
    assert len(first) == 2
    assert written(b"one", 2) == first
    assert len(written(b"two", 3)) == 3
