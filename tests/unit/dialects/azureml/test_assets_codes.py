"""Code: found by its hash before it is sent, and by a hash that is true alone."""

import hashlib
import uuid

import pytest
from hypothesis import given, strategies as st

from regista.dialects.azureml.assets.codes import content_hash
from regista.entities.datastore import parse_container_url
from regista.services.access.access import SYSTEM
from tests.support.houses import manifest_of
from tests.unit.dialects.azureml.test_assets import area, upload

FILES = {"b.py": b"print(1)", "A/c.txt": b"", "a.py": b"x" * 100}


def hash_of(files):
    """The hash as the SDK computes it of a folder."""
    content = {path.lower(): one for path, one in files.items()}
    names = {path.lower(): path for path in files}
    hasher = hashlib.sha256(str(len(files)).encode())
    for path in sorted(content):
        hasher.update(f"#{names[path]}#{len(content[path])}".encode())
    for path in sorted(content):
        hasher.update(content[path])
    return hasher.hexdigest()


@pytest.fixture
def send(door):
    """Sends a folder as code, saying that its hash is *claimed*; returns the answer."""

    def sent(files, claimed):
        path = door.workspace("dev", f"codes/{uuid.uuid4()}/versions/1")
        place = area(door.post(f"{path}/startPendingUpload", {"pendingUploadType": "TemporaryBlobReference"}))
        upload(door, place, {f"src/{name}": content for name, content in files.items()})
        said = {"hash_sha256": claimed, "hash_version": "202208"}
        body = {"codeUri": f"{door.url}/{place}/src", "isAnonymous": True, "properties": said}
        return door.put(path, {"properties": body})

    return sent


@pytest.fixture
def found(door):
    """The ids of code with a hash."""

    def search(wanted, version="202208"):
        path = door.workspace("dev", f"codes/{'f' * 32}/versions")
        return [one["id"] for one in door.get(path, hash=wanted, hashVersion=version)["value"]]

    return search


class TestOfTheHash:
    def test_code_is_found_by_its_hash_under_any_name(self, send, found):
        made = send(FILES, hash_of(FILES))
        assert found(hash_of(FILES)) == [made["id"]]
        assert found(hash_of(FILES), version="202301") == []
        assert "/codes/anonymous/versions/" in made["id"]
        assert made["properties"]["properties"]["hash_sha256"] == hash_of(FILES)
        assert made["properties"]["tags"] == {}

    def test_the_hash_of_a_stranger_s_code_finds_nothing(self, send, found):
        theirs = hash_of({"theirs.py": b"secret"})
        send({"mine.py": b"evil"}, theirs)
        assert found(theirs) == []

    def test_named_code_shows_no_mark_either(self, door, send, found):
        files = {"named.py": b"4"}
        made = send(files, hash_of(files))
        body = {"codeUri": made["properties"]["codeUri"], "properties": made["properties"]["properties"]}
        named = door.put(door.workspace("dev", "codes/named/versions/1"), {"properties": body})
        assert named["properties"]["tags"] == {}
        assert len(found(hash_of(files))) == 1

    def test_code_that_came_by_another_door_is_found_once_it_was_sent_here(self, door, send, found):
        first = send({"twice.py": b"2"}, "false")
        again = send({"twice.py": b"2"}, hash_of({"twice.py": b"2"}))
        assert first["id"] == again["id"]
        assert found(hash_of({"twice.py": b"2"})) == [first["id"]]

    @given(st.dictionaries(st.from_regex(r"[a-zA-Z]{1,8}", fullmatch=True), st.binary(max_size=20), max_size=5))
    def test_it_is_the_one_that_the_sdk_computes(self, files):
        if len({name.lower() for name in files}) < len(files):
            return
        blobs = {entry.digest: files[entry.path] for entry in manifest_of(files).files}
        assert content_hash(manifest_of(files), lambda digest: iter([blobs[digest]])) == hash_of(files)


def test_its_address_is_one_that_the_sdk_can_take_apart(door, send):
    made = send({"addressed.py": b"3"}, "")
    uri = made["properties"]["codeUri"]
    assert uri.startswith("https://regista.blob.core.windows.net/regista-files-")
    container, folder = parse_container_url(uri)
    listed = door.house.files.listing(SYSTEM, container, prefix=folder)
    assert [one.path for one in listed.items] == [f"{folder}/addressed.py"]


def test_a_registry_answers_by_the_name_that_a_client_gave_last(door):
    ids = set()
    for number in range(3):
        path = door.registry("central", f"codes/given-{number}/versions/1")
        asked = {"assetId": f"azureml://registries/central/codes/given-{number}/versions/1"}
        place = area(door.put(door.registry("central", f"tempdatarefs/given-{number}/versions/1"), asked))
        upload(door, place, {"src/a.py": b"print(5)"})
        door.put(path, {"properties": {"codeUri": f"{door.url}/{place}/src", "isAnonymous": True}})
        found = door.get(path)
        ids.add(found["id"])
        assert found["properties"]["tags"] == {}
    assert len(ids) == 1
    assert door.refused("GET", door.registry("central", "codes/given-9/versions/1")).startswith("ResourceNotFound")
