"""Opening a catalog: whose it is, where it is, what it costs."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from regista.drivers.catalog.sql.catalog import SqlCatalog
from regista.errors import ConflictError, InvalidError, UnavailableError

HOLDER = """
import sys
from regista.drivers.catalog.sql.catalog import SqlCatalog
catalog = SqlCatalog.open(sys.argv[1])
catalog.write(lambda tx: tx.settings.put("mine", "yes"))
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/catalog.db"


class TestOwnership:
    def test_a_second_process_is_refused_until_the_first_is_dead(self, url):
        with subprocess.Popen(
            [sys.executable, "-c", HOLDER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as holder:
            assert holder.stdout.readline() == b"open\n"
            with pytest.raises(ConflictError, match=f"process {holder.pid}") as refusal:
                SqlCatalog.open(url)
            assert refusal.value.hint
            holder.kill()
        catalog = SqlCatalog.open(url)
        assert catalog.read(lambda tx: tx.settings.find("mine")) == "yes"
        catalog.close()

    def test_a_second_catalog_in_the_same_process_is_refused(self, url):
        catalog = SqlCatalog.open(url)
        with pytest.raises(ConflictError):
            SqlCatalog.open(url)
        catalog.close()
        SqlCatalog.open(url).close()

    def test_a_failed_opening_lets_go_of_the_file(self, url, tmp_path):
        (tmp_path / "catalog.db").write_bytes(b"this is not a database" * 1000)
        for _ in range(2):
            with pytest.raises(UnavailableError, match="not a database"):
                SqlCatalog.open(url)


class TestUrls:
    @pytest.mark.parametrize(
        "url",
        [
            "",
            "x",
            "mysql://h/d",
            "sqlite://catalog.db",
            "sqlite:///c.db?mode=ro",
            "sqlite+aiosqlite://",
            "postgresql+asyncpg://h/d",
        ],
    )
    def test_other_urls_are_invalid(self, url):
        with pytest.raises(InvalidError) as refusal:
            SqlCatalog.open(url)
        assert "sqlite:///" in refusal.value.hint

    def test_a_folder_that_is_not_there_is_told(self, tmp_path):
        with pytest.raises(UnavailableError, match="nowhere"):
            SqlCatalog.open(f"sqlite:///{tmp_path}/nowhere/catalog.db")

    @pytest.mark.parametrize("name", ["with space #%20+.db", "ünï 名.db"])
    def test_unusual_file_names_are_kept(self, tmp_path, name):
        from sqlalchemy import URL

        url = URL.create("sqlite", database=str(tmp_path / name)).render_as_string()
        SqlCatalog.open(url).close()
        assert (tmp_path / name).is_file()

    def test_a_server_that_does_not_answer_is_unavailable_and_its_password_stays_secret(self):
        with pytest.raises(UnavailableError) as refusal:
            SqlCatalog.open("postgresql+psycopg://me:hunter2@127.0.0.1:1/db")
        assert "hunter2" not in f"{refusal.value.message} {refusal.value.hint}"

    def test_two_catalogs_in_memory_are_two(self):
        one, two = SqlCatalog.open("sqlite://"), SqlCatalog.open("sqlite://")
        one.write(lambda tx: tx.settings.put("k", "v"))
        assert two.read(lambda tx: tx.settings.find("k")) is None
        one.close()
        two.close()


class TestReaders:
    def test_readers_do_not_wait_for_a_long_write(self, url):
        catalog = SqlCatalog.open(url)
        inside, go_on = threading.Event(), threading.Event()

        def work(tx):
            tx.settings.put("k", "v")
            inside.set()
            assert go_on.wait(30)

        with ThreadPoolExecutor(1) as threads:
            writing = threads.submit(catalog.write, work)
            assert inside.wait(30)
            assert catalog.read(lambda tx: tx.settings.find("k")) is None
            go_on.set()
            writing.result(30)
        assert catalog.read(lambda tx: tx.settings.find("k")) == "v"
        catalog.close()

    def test_more_readers_than_connections_take_turns(self, url):
        catalog = SqlCatalog.open(url)
        catalog.write(lambda tx: tx.settings.put("k", "v"))
        with ThreadPoolExecutor(40) as threads:
            reads = threads.map(lambda _: catalog.read(lambda tx: tx.settings.find("k")), range(400))
            assert set(reads) == {"v"}
        catalog.close()

    def test_the_file_is_whole_after_closing(self, url, tmp_path):
        catalog = SqlCatalog.open(url)
        catalog.write(lambda tx: tx.settings.put("k", "v"))
        catalog.close()
        assert not (tmp_path / "catalog.db-wal").exists()


def test_the_settings_that_make_it_durable_are_in_force(url):
    catalog = SqlCatalog.open(url)
    connection = catalog._database._writing.raw
    asked = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    assert [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in asked] == ["wal", 2, 1, 5000]
    catalog.close()
