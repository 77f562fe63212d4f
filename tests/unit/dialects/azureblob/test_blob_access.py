"""Who may do what through the blob protocol."""

import base64
import hashlib
import hmac
import time
from email.utils import formatdate

import msgspec
import pytest

from regista.entities.access import Permission
from regista.entities.asset import AssetKind
from regista.entities.datastore import files_container, jobs_container, version_container
from tests.support.blob_door import BlobDoor


@pytest.fixture
def container(dev):
    return files_container(dev.id)


class TestSignatures:
    def test_no_credential_and_a_wrong_one_are_told_apart(self, people, container):
        assert BlobDoor(people.house, container).get("a").code == "NoAuthenticationInformation"
        assert BlobDoor(people.house, container, key="rga_wrong").get("a").code == "InvalidAuthenticationInfo"
        for wrong in ("x", "a.b", ".", "é", "A" * 9000, "\0"):
            assert BlobDoor(people.house, container).request("GET", "a", sig=wrong).code in {
                "InvalidAuthenticationInfo",
                "InvalidQueryParameterValue",
            }

    def test_a_signature_that_was_changed_opens_nothing(self, people, ann, container):
        token = people.house.signatures.issue(ann, container, "r").partition("sig=")[2]
        for at in range(0, len(token), 7):
            changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
            answer = BlobDoor(people.house, container).request("GET", "a", sig=changed)
            assert answer.code == "InvalidAuthenticationInfo", at

    def test_an_expired_signature_opens_nothing(self, people, ann, container, monkeypatch):
        door = BlobDoor(people.house, container).signed(ann, "r")
        assert door.get("a").status == 404
        monkeypatch.setattr("regista.services.datastores.signatures.now", lambda: int(time.time() * 1000) + 3_601_000)
        assert door.get("a").code == "InvalidAuthenticationInfo"

    def test_a_signature_gives_no_more_than_it_says(self, door, ann):
        door.put("a", b"1")
        calls = {
            "r": lambda by: by.get("a"),
            "l": lambda by: by.list(),
            "w": lambda by: by.put("a", b"2"),
            "d": lambda by: by.request("DELETE", "a"),
        }
        for right in "rlwd":
            by = door.signed(ann, right)
            for wanted, call in calls.items():
                assert (call(by).status == 403) == (wanted != right), (right, wanted)
            door.put("a", b"1")

    def test_the_right_to_create_replaces_nothing(self, door, ann):
        create = door.signed(ann, "c")
        assert create.put("new", b"1").status == 403
        assert create.put("new", b"1", if_none_match="*").status == 201
        assert create.put("new", b"2", if_none_match="*").status == 409

    def test_a_signature_for_one_place_is_useless_in_another(self, door, ann, people, dev):
        door.put("a", b"1")
        door.put("b", b"2")
        one = door.signed(ann, "rw", path="a")
        assert one.get("a").status == 200
        assert one.get("b").status == one.put("b").status == one.list().status == 403
        area = people.house.areas.open(ann, dev.address, "models/m/1")
        other = BlobDoor(people.house, area.container, query=door._query)
        assert other.get("a").status == other.put("a").status == other.list().status == 403

    def test_what_is_taken_from_the_principal_is_taken_from_its_signatures(self, people, dev, door):
        door.put("a", b"1")
        bob = people.somebody("bob", reader=dev.path)
        by = door.signed(bob, "rlw")
        assert by.get("a").status == 200
        assert by.put("b").status == 403
        people.house.principals.disable(people.root, "bob")
        assert by.get("a").status == 403

    def test_a_key_that_is_revoked_ends_what_was_signed_for_it_and_no_more(self, people, ann, dev, door):
        keys = [people.house.principals.create_key(ann, "ann", name) for name in ("gone", "stays")]
        by = [door.signed(people.house.access.authenticate(one.secret), "rlw") for one in keys]
        assert [one.put("a", b"1").status for one in by] == [201, 201]
        people.house.principals.revoke_key(ann, "ann", "gone")
        refused = by[0].put("b", b"2")
        assert (refused.status, b"revoked" in refused.content) == (401, True), refused
        assert by[0].get("a").status == 401
        assert by[1].put("b", b"2").status == 201

    def test_a_key_that_is_revoked_elsewhere_ends_it_within_two_seconds(self, people, ann, dev, door, monkeypatch):
        issued = people.house.principals.create_key(ann, "ann", "gone")
        by = door.signed(people.house.access.authenticate(issued.secret), "rlw")
        assert by.put("a", b"1").status == 201
        ended = msgspec.structs.replace(issued.key, revoked_at=issued.key.created_at)
        people.house.catalog.write(lambda tx: tx.keys.put(ended))
        later = time.monotonic() + 2.1
        monkeypatch.setattr("regista.services.access.access.time.monotonic", lambda: later)
        assert by.put("b", b"2").status == 401

    def test_a_signature_is_as_narrow_as_the_key_it_was_asked_for_with(self, people, ann, dev, door):
        door.put("a", b"1")
        issued = people.house.principals.create_key(
            ann, "ann", "narrow", seconds=100, permissions=(Permission.ASSETS_DOWNLOAD, "scopes/read")
        )
        caller = people.house.access.authenticate(issued.secret)
        by = door.signed(caller, "rlw")
        assert by.get("a").status == 200
        assert by.put("a").status == 403
        passed = people.house.signatures.verify(by._query.partition("sig=")[2])
        assert passed.caller.expires_at == issued.key.expires_at


class TestKeys:
    def test_a_key_opens_what_its_principal_may(self, people, dev, door, container):
        door.put("a", b"1")
        people.house.principals.create(people.root, "bob", "user")
        people.house.principals.assign(people.root, "bob", "Reader", dev.path)
        secret = people.house.principals.create_key(people.root, "bob", "k").secret
        by = BlobDoor(people.house, container, key=secret)
        assert by.get("a").content == b"1"
        assert by.put("b").status == 403

    def test_a_token_for_storage_opens_what_its_key_does(self, people, dev, door, container):
        people.house.principals.create(people.root, "bob", "user")
        people.house.principals.assign(people.root, "bob", "Reader", dev.path)
        secret = people.house.principals.create_key(people.root, "bob", "k").secret
        door.put("a", b"1")
        for audience, status in (("https://storage.azure.com", 200), ("https://management.azure.com", 401)):
            token = people.house.access.exchange(secret, audience).text
            assert BlobDoor(people.house, container, key=token).get("a").status == status

    def test_a_stranger_is_told_that_there_is_nothing(self, people, door):
        people.workspace("other")
        bob = people.somebody("bob", data_scientist="/subscriptions/default/resourceGroups/default/workspaces/other")
        door.put("a", b"1")
        by = door.signed(bob, "rlwcd")
        for answer in (by.get("a"), by.list(), by.put("b"), by.request("DELETE", "a")):
            assert answer.status == 404


class TestAccountKeys:
    def signed(self, people, caller, dev, method, path, query="", **changes):
        account = f"{caller.principal.id}.blob.regista.internal"
        headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2025-11-05"} | changes.pop("headers", {})
        lines = [method, *[""] * 11]
        lines += [f"{name}:{value}" for name, value in sorted(headers.items()) if name.startswith("x-ms-")]
        lines += [f"/{account}{path}", *sorted(part.replace("=", ":") for part in query.split("&") if part)]
        key = base64.b64decode(people.house.signatures.account_key(caller, dev.id))
        signature = base64.b64encode(hmac.new(key, "\n".join(lines).encode(), hashlib.sha256).digest()).decode()
        headers["authorization"] = f"SharedKey {account}:{changes.get('signature', signature)}"
        door = BlobDoor(people.house, changes.get("container", files_container(dev.id)))
        pairs = dict(part.split("=") for part in query.split("&") if part)
        return door.request(method, headers=headers, raw=changes.get("sent", path), **pairs)

    def test_a_request_that_is_signed_with_the_account_key_is_answered(self, people, ann, dev, door):
        door.put("a", b"1")
        path = f"/acct.blob.x/{door.container}/a"
        assert self.signed(people, ann, dev, "GET", path).content == b"1"
        listing = self.signed(people, ann, dev, "GET", f"/{door.container}", "comp=list&restype=container")
        assert listing.names() == ["a"]

    def test_anything_else_is_not(self, people, ann, dev, door):
        door.put("a", b"1")
        path = f"/{door.container}/a"
        bob = people.somebody("bob", reader=dev.path)
        assert self.signed(people, ann, dev, "GET", path, sent=f"/{door.container}/b").status == 401
        assert self.signed(people, ann, dev, "GET", path, signature="AAAA").status == 401
        assert self.signed(people, ann, dev, "GET", path, signature="!").code == "AuthenticationFailed"
        old = {"x-ms-date": formatdate(time.time() - 3600, usegmt=True)}
        assert self.signed(people, ann, dev, "GET", path, headers=old).code == "AuthenticationFailed"
        assert self.signed(people, ann, dev, "GET", path, headers={"x-ms-date": "now"}).code == "AuthenticationFailed"
        assert self.signed(people, bob, dev, "PUT", path).status == 403
        area = people.house.areas.open(ann, dev.address, "x")
        assert self.signed(people, ann, dev, "GET", f"/{area.container}/a").status == 403

    def test_a_key_that_ends_gives_none(self, people, ann, dev):
        from regista.errors import ForbiddenError

        secret = people.house.principals.create_key(ann, "ann", "short", seconds=10).secret
        with pytest.raises(ForbiddenError):
            people.house.signatures.account_key(people.house.access.authenticate(secret), dev.id)


class TestOthersFiles:
    @pytest.fixture
    def narrow(self, people, dev, door):
        """May write one model, and nothing else."""
        return door.signed(people.somebody("bob", registry_user=f"{dev.path}/models/one"), "rlwcd")

    def test_who_may_write_one_asset_sees_and_changes_its_own_files_only(self, door, narrow):
        door.put("LocalUpload/h/model.pkl", b"ann's")
        assert narrow.put("LocalUpload/h/model.pkl", b"evil").status == 403
        assert narrow.get("LocalUpload/h/model.pkl").status == 404
        assert narrow.request("DELETE", "LocalUpload/h/model.pkl").status == 404
        assert narrow.request("PUT", "LocalUpload/h/model.pkl", comp="metadata").status == 404
        assert narrow.put("LocalUpload/i/model.pkl", b"bob's").status == 201
        assert narrow.list().names() == ["LocalUpload/i/model.pkl"]
        assert door.list().names() == ["LocalUpload/h/model.pkl", "LocalUpload/i/model.pkl"]
        assert door.get("LocalUpload/h/model.pkl").content == b"ann's"

    def test_the_same_bytes_again_are_welcome(self, door, narrow):
        door.put("LocalUpload/h/model.pkl", b"same")
        assert narrow.put("LocalUpload/h/model.pkl", b"same").status == 201
        assert narrow.get("LocalUpload/h/model.pkl").content == b"same"
        mark = {"x-ms-meta-upload_status": "completed"}
        assert narrow.request("PUT", "LocalUpload/h/model.pkl", b"", mark, comp="metadata").status == 200

    def test_the_same_bytes_again_give_no_right_to_others(self, door, narrow):
        """Or whoever knows what somebody else's file holds could make it its own, and put something else there next."""
        path = "LocalUpload/h/model.pkl"
        door.put(path, b"same")
        for _ in range(2):
            assert narrow.put(path, b"same").status == 201
            assert narrow.put(path, b"evil").status == 403
            assert narrow.block(path, "MDAw", b"evil").status == 201
            assert narrow.blocks(path, "MDAw").status == 403
            assert narrow.request("DELETE", path).status == 403
        assert door.get(path).content == b"same"
        assert door.put(path, b"better").status == 201
        assert narrow.put(path, b"evil").status == 403
        assert door.put("LocalUpload/mine", b"1").status == narrow.put("LocalUpload/other", b"1").status == 201
        assert narrow.put("LocalUpload/other", b"2").status == 201

    def test_nobody_skips_an_upload_on_somebody_elses_word(self, people, dev, door):
        marked = {"x-ms-meta-upload_status": "completed", "x-ms-blob-type": "BlockBlob"}
        assert door.request("PUT", "LocalUpload/h/model.pkl", b"evil", marked).status == 201
        cyd = door.signed(people.somebody("cyd", data_scientist=dev.path), "rlwc")
        assert "x-ms-meta-upload_status" not in cyd.head("LocalUpload/h/model.pkl").headers
        assert b"upload_status" not in cyd.list(include="metadata").content
        assert door.head("LocalUpload/h/model.pkl").headers["x-ms-meta-upload_status"] == "completed"
        assert cyd.put("LocalUpload/h/model.pkl", b"good").status == 201

    def test_an_upload_area_is_its_creators_alone(self, people, ann, dev):
        area = people.house.areas.open(ann, dev.address, "models/m/1")
        mine = BlobDoor(people.house, area.container).signed(ann, "rlwc")
        assert mine.put("a", b"1").status == 201
        theirs = mine.signed(people.somebody("cyd", owner="/"), "rlwc")
        for answer in (theirs.get("a"), theirs.list(), theirs.put("b")):
            assert answer.status == 404


class TestReadOnlyPlaces:
    def test_versions_are_shown_and_not_written(self, people, dev, ann, door):
        version = people.version(dev, name="churn", files={"MLmodel": b"m", "data/w.bin": b"w"})
        assert door.list(prefix="assets/models/churn/1/").names() == [
            "assets/models/churn/1/MLmodel",
            "assets/models/churn/1/data/w.bin",
        ]
        assert door.list(prefix="assets/models/churn/1", delimiter="/").names() == ["assets/models/churn/1/"]
        assert door.get("assets/models/churn/1/data/w.bin").content == b"w"
        assert door.put("assets/models/churn/1/MLmodel").status == 403
        assert door.block("assets/x", "MDAw").status == 403
        assert door.list().names() == []
        alone = door.signed(ann, "rlw", container=version_container(version.id))
        assert alone.list().names() == ["MLmodel", "data/w.bin"]
        assert alone.get("data/w.bin", x_ms_range="bytes=0-0").content == b"w"
        assert alone.put("x").status == 403

    def test_what_may_not_be_downloaded_is_not(self, people, dev, door):
        version = people.version(dev, name="churn")
        house = people.house
        role = "Looker"
        from regista.entities.access import Role

        house.principals.put_role(people.root, Role(name=role, permissions=("*/read",)))
        bob = people.somebody("bob")
        house.principals.assign(people.root, "bob", role, dev.path)
        by = door.signed(bob, "rl")
        assert by.list(prefix="assets/models/churn/1").status == 403
        assert by.get("assets/models/churn/1/weights.bin").status == 403
        assert by.get("assets/models/none/1/weights.bin").status == 404
        assert door.signed(bob, "rl", container=version_container(version.id)).list().status == 403

    def test_a_deleted_version_is_gone(self, people, dev, ann, door):
        version = people.version(dev, name="churn")
        people.house.assets.delete(people.root, dev.address, AssetKind.MODEL, "churn", "1")
        assert door.get("assets/models/churn/1/weights.bin").status == 404
        assert door.signed(ann, "rl", container=version_container(version.id)).list().status == 404

    @pytest.mark.parametrize(
        "prefix", ["assets/", "assets/models", "assets/models/", "assets/x/y/z", "azureml/", "azureml/x"]
    )
    def test_above_one_thing_nothing_is_shown(self, people, dev, door, prefix):
        people.version(dev, name="churn")
        assert door.list(prefix=prefix).names() == []

    def test_a_registry_has_no_datastore(self, people, ann, door):
        central = people.registry("central")
        owner = people.somebody("cyd", owner="/")
        for container in (files_container(central.id), jobs_container(central.id)):
            by = door.signed(owner, "rlw", container=container)
            assert by.list().status == by.put("a").status == 404
