"""Disks that are full or read-only, seen through the door: an answer that says so, nothing half done, and on again afterwards."""

import os
import subprocess
from contextlib import contextmanager

import pytest
from anyio.from_thread import start_blocking_portal

from regista.entities.digest import digest_of
from regista.services.access.access import SYSTEM
from tests.support.door import Door
from tests.support.houses import People, open_house

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")


@pytest.fixture
def disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine does not let root mount: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def served(home, catalog):
    with open_house(home, f"sqlite:///{catalog}") as house, start_blocking_portal() as portal:
        people = People(house)
        people.workspace("dev")
        people.store("far", home / "far", "elsewhere")
        people.registry("far-away", "elsewhere")
        house.principals.create(SYSTEM, "ann", "user")
        house.principals.assign(SYSTEM, "ann", "Owner", "/")
        key = house.principals.create_key(SYSTEM, "ann", "k").secret
        door = Door(house, portal)
        yield lambda method, path, **options: door(method, path, key, **options)


def files(folder):
    return {path for path in folder.rglob("*") if path.is_file()}


def test_a_full_store(disk, tmp_path):
    with served(disk, tmp_path / "catalog.sqlite") as ask:
        before = files(disk)
        big, pack = os.urandom(5 << 20), os.urandom(5 << 20)
        answers = [ask("PUT", f"/workspaces/dev/blobs/{digest_of(big)}", content=big)]
        framed = bytes.fromhex(digest_of(pack)[7:]) + len(pack).to_bytes(8, "big") + pack
        answers.append(ask("POST", "/workspaces/dev/blobs/pack", content=framed))
        assert [(one.status_code, one.json()["code"]) for one in answers] == [(507, "storage_full")] * 2
        assert all("Traceback" not in one.text and one.json()["hint"] for one in answers)
        assert files(disk) == before
        upload = ask("POST", "/workspaces/dev/uploads").json()["id"]
        assert ask("PATCH", f"/workspaces/dev/uploads/{upload}?offset=0", content=b"first").status_code == 200
        assert ask("PATCH", f"/workspaces/dev/uploads/{upload}?offset=5", content=big).status_code == 507
        assert ask("GET", f"/workspaces/dev/uploads/{upload}").json()["offset"] in range(5, 5 + len(big))
        assert ask("PUT", f"/workspaces/dev/blobs/{digest_of(b'x')}", content=b"x").status_code in {200, 507}


def test_a_promotion_into_a_full_store_leaves_no_name(disk, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "far").symlink_to(disk)
    with served(home, tmp_path / "catalog.sqlite") as ask:
        big = os.urandom(5 << 20)
        assert ask("PUT", f"/workspaces/dev/blobs/{digest_of(big)}", content=big).status_code == 200
        entry = {"path": "w", "digest": digest_of(big), "size": len(big)}
        assert ask("POST", "/workspaces/dev/models", json={"name": "m", "files": [entry]}).status_code == 201
        shared = ask("POST", "/workspaces/dev/models/m/share", json={"registry": "far-away"})
        assert (shared.status_code, shared.json()["code"]) == (507, "storage_full")
        assert ask("GET", "/registries/far-away/models/m").status_code == 404
        assert not [path for path in files(disk) if path.stat().st_size > 1 << 20]
        subprocess.run(["mount", "-o", "remount,size=16m", disk], check=True)
        assert ask("POST", "/workspaces/dev/models/m/share", json={"registry": "far-away"}).status_code == 200
        assert ask("GET", "/registries/far-away/models/m/versions/1/files/w").content == big


def test_a_full_catalog(disk, tmp_path):
    with served(tmp_path, disk / "catalog.sqlite") as ask:
        made, answer = [], None
        for number in range(400):
            body = {"name": f"m{number}", "description": "x" * 40_000}
            answer = ask("POST", "/workspaces/dev/models", json=body)
            if answer.status_code != 201:
                break
            made.append(f"m{number}")
        assert answer is not None
        assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
        assert made
        assert all(ask("GET", f"/workspaces/dev/models/{name}").status_code == 200 for name in made)
        assert ask("GET", f"/workspaces/dev/models/m{len(made)}").status_code == 404
        subprocess.run(["mount", "-o", "remount,size=32m", disk], check=True)
        assert ask("POST", "/workspaces/dev/models", json={"name": "after"}).status_code == 201


def test_a_read_only_store(disk, tmp_path):
    with served(disk, tmp_path / "catalog.sqlite") as ask:
        entry = {"path": "w", "digest": digest_of(b"x"), "size": 1}
        assert ask("PUT", f"/workspaces/dev/blobs/{digest_of(b'x')}", content=b"x").status_code == 200
        assert ask("POST", "/workspaces/dev/models", json={"name": "m", "files": [entry]}).status_code == 201
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        for answer in (
            ask("PUT", f"/workspaces/dev/blobs/{digest_of(b'y')}", content=b"y"),
            ask("POST", "/workspaces/dev/uploads"),
            ask("POST", "/workspaces/dev/models", json={"name": "n", "files": [entry | {"path": "other"}]}),
        ):
            assert answer.status_code == 503, answer.text
            assert answer.json()["hint"]
        assert ask("GET", "/workspaces/dev/models/m/versions/1/files/w").content == b"x"
        assert ask("GET", "/workspaces/dev/models/n").status_code == 404
