"""A home over PostgreSQL: one server has it, and what ends its jobs has to know the catalog that they are in."""

import json
import shutil
import subprocess
import sys

import pytest

from regista.errors import UnauthenticatedError
from tests.support.server import ServerFailedError, running_server

pytestmark = pytest.mark.postgres


def regista(*words):
    """The program in a process of its own, which knows no catalog but the one it is given."""
    command = [sys.executable, "-m", "regista", *words]
    return subprocess.run(
        command, env={"HOME": "/nonexistent"}, capture_output=True, text=True, timeout=60, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture(scope="module")
def catalog(postgres_server):
    name = postgres_server.create_database()
    yield postgres_server.url_of(name).replace("postgres@", "postgres:hidden@")
    postgres_server.drop_database(name)


@pytest.fixture(scope="module")
def server(tmp_path_factory, catalog):
    with running_server(tmp_path_factory.mktemp("house") / "home", {"REGISTA_CATALOG": catalog}) as server:
        yield server


def test_a_second_server_has_to_have_a_home_of_its_own(server, catalog, tmp_path):
    answer = regista("up", "--home", str(server.home), "--catalog", catalog, "--port", "0")
    assert answer.returncode == 1
    assert f"'{server.home}' is in use by process {server.process.pid}" in answer.stderr
    assert "--home" in answer.stderr
    assert json.loads((server.home / "run" / "server.json").read_text())["url"] == server.url


def test_servers_of_one_catalog_have_the_same_keys(server, catalog, tmp_path):
    second = tmp_path / "second"
    answer = regista("up", "--home", str(second), "--catalog", catalog, "--port", "0")
    assert answer.returncode == 1
    assert f"not in {second}/keys" in answer.stderr
    assert "--new-owner-key" in answer.stderr
    list(server.client().workspaces.list())
    shutil.copytree(server.home / "keys", second / "keys", dirs_exist_ok=True)
    with running_server(second, {"REGISTA_CATALOG": catalog}) as other:
        made = other.client().workspaces.create(name="shared")
        assert server.client().workspaces.get("shared").id == made.id


def test_a_lost_key_of_the_owner_is_replaced_when_that_is_said(postgres_database, tmp_path):
    home = tmp_path / "home"
    told = {"REGISTA_CATALOG": postgres_database}
    with running_server(home, told) as server:
        old = server.owner_key
    (home / "keys" / "owner.key").unlink()
    with pytest.raises(ServerFailedError, match="--new-owner-key"), running_server(home, told):
        pass
    with running_server(home, told, "--new-owner-key") as server:
        list(server.client().workspaces.list())
        with pytest.raises(UnauthenticatedError):
            list(server.client(key=old).workspaces.list())


def test_jobs_are_not_looked_for_in_another_catalog(server, catalog):
    answer = regista("down", "--home", str(server.home), "--jobs")
    assert answer.returncode == 1
    assert f"in another catalog: postgresql://{catalog.rpartition('@')[2]}" in answer.stderr
    assert not (server.home / "catalog.sqlite").exists()
    assert server.process.poll() is None
    assert "hidden" not in answer.stderr + (server.home / "run" / "server.json").read_text()
    answer = regista("down", "--home", str(server.home), "--jobs", "--catalog", catalog)
    assert (answer.returncode, answer.stdout) == (0, "Regista is down.\n"), answer.stderr
    assert server.process.wait(5) == 0
