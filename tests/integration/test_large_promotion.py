"""Promotion of 5 GB inside one store: what goes over the wire and to the disk, counted by the kernel."""

import hashlib
from pathlib import Path

import pytest
from litestar.testing import TestClient

from regista.dialects.native.app import application
from regista.drivers.blobs.local.layout import Layout
from regista.entities.asset import AssetKind
from regista.entities.digest import Digest
from regista.entities.manifest import Manifest, ManifestEntry
from regista.entities.names import now
from regista.entities.scope import Scope
from regista.services.access.access import SYSTEM
from regista.services.assets.versions import NewVersion
from tests.support.houses import People, open_house

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]  # Litestar's own

SIZE = 5 << 30
FEW = 2 << 20
"""Bytes that the catalog, the capsule and the request may come to."""


def zeros(size: int) -> Digest:
    """The digest of so many zeros."""
    hashed, block = hashlib.sha256(), bytes(1 << 24)
    for _ in range(size // len(block)):
        hashed.update(block)
    return Digest(f"sha256:{hashed.hexdigest()}")


def planted(people: People, scope: Scope, store: Path, size: int) -> None:
    """A model ``large`` whose weights are a file with nothing in it: its blob is put into the store as a hole."""
    digest = zeros(size)
    place = Layout(store).blob(digest)
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("wb") as file:
        file.truncate(size)
    people.house.catalog.write(lambda tx: tx.claims.add(scope.id, "", {digest: size}, now()))
    manifest = Manifest.of([ManifestEntry("weights", digest, size)])
    new = NewVersion(kind=AssetKind.MODEL, name="large", manifest=manifest)
    people.house.registration.create(SYSTEM, scope.address, new)


def on_disk(folder: Path) -> int:
    """Bytes that the folder takes up; what else is a hole."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))


def moved() -> int:
    """Bytes that this process has read and written so far, by whatever call (proc(5))."""
    lines = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(lines["rchar"]) + int(lines["wchar"])


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="asks Linux's account of bytes")
def test_five_gigabytes_go_into_a_registry_without_being_read_or_written(tmp_path):
    with open_house(tmp_path, f"sqlite:///{tmp_path / 'catalog.sqlite'}") as house:
        people = People(house)
        planted(people, people.workspace("dev"), tmp_path / "stores" / "default", SIZE)
        people.registry("central")
        people.somebody("ada", owner="/")
        secret = house.principals.create_key(SYSTEM, "ada", "k").secret
        with TestClient(application(house)) as client:
            client.headers["Authorization"] = f"Bearer {secret}"
            client.get("/api/v1/about")
            disk, account = on_disk(tmp_path), moved()
            answer = client.post("/api/v1/workspaces/dev/models/large/share", json={"registry": "central"})
            assert answer.status_code == 200, answer.text
            assert moved() - account < FEW
            assert on_disk(tmp_path) - disk < FEW
            assert len(answer.request.content) + len(answer.content) < 10_000
            there = client.get("/api/v1/registries/central/models/large/versions/1").json()
            assert there["size"] == SIZE
            files = "/api/v1/registries/central/models/large/versions/1/files/weights"
            part = client.get(files, headers={"Range": f"bytes={SIZE - 4}-"})
            assert (part.status_code, part.content) == (206, bytes(4))
