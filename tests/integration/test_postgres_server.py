"""The PostgreSQL that tests start: real, isolated, and gone afterwards."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, text

from tests.support import postgres

pytestmark = pytest.mark.postgres

ROOT = Path(__file__).parents[2]


def execute(url, statement):
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            done = connection.execute(text(statement))
            return done.scalar() if done.returns_rows else None
    finally:
        engine.dispose()


def test_a_database_is_empty_and_takes_tables(postgres_database):
    execute(postgres_database, "CREATE TABLE mark (word text)")
    execute(postgres_database, "INSERT INTO mark VALUES ('here')")
    assert execute(postgres_database, "SELECT word FROM mark") == "here"
    others = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'mark'"
    assert execute(postgres_database, others) == 0


def test_a_database_is_not_the_one_that_another_test_sees(postgres_server, postgres_database, postgres_url):
    execute(postgres_database, "CREATE TABLE mark (word text)")
    other = postgres_server.url_of(postgres_server.create_database())
    for url in (other, postgres_url):
        assert execute(url, "SELECT to_regclass('mark')") is None


def test_a_database_can_be_copied_from_a_template(postgres_server, postgres_database):
    execute(postgres_database, "CREATE TABLE mark (word text)")
    copy = postgres_server.create_database(template=postgres_database.rpartition("/")[2])
    assert execute(postgres_server.url_of(copy), "SELECT to_regclass('mark')::text") == "mark"


def test_a_dropped_database_is_gone_and_dropping_it_again_is_quiet(postgres_server):
    name = postgres_server.create_database()
    postgres_server.drop_database(name)
    postgres_server.drop_database(name)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(f"postgresql://postgres@127.0.0.1:{postgres_server.port}/{name}")


def test_text_sorts_as_a_language_does_so_that_a_query_relying_on_bytes_is_found_out(postgres_url):
    assert execute(postgres_url, "SELECT 'B' < 'a'") is False


def test_missing_programs_are_named_with_the_command_that_installs_them(monkeypatch, tmp_path):
    monkeypatch.setattr(postgres.Path, "glob", lambda *_: iter(()))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(postgres.PostgresMissingError, match="apt-get install --no-install-recommends postgresql"):
        postgres.find_programs()


@pytest.mark.crash
def test_the_server_ends_when_the_process_that_started_it_is_killed():
    starter = "import time\nfrom tests.support.postgres import running_postgres\n"
    starter += "with running_postgres() as server:\n    print(server.folder, flush=True)\n    time.sleep(60)\n"
    with subprocess.Popen([sys.executable, "-c", starter], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        folder = Path(process.stdout.readline().strip())
        lock = folder / "data" / "postmaster.pid"
        assert lock.exists()
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while lock.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not lock.exists()
    shutil.rmtree(folder)
