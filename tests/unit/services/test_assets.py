"""Assets, the same in a workspace and in a registry."""

import pytest

from regista.entities.asset import AssetKind
from regista.entities.digest import digest_of
from regista.entities.journal import AuditQuestion
from regista.entities.manifest import Manifest, ManifestEntry
from regista.entities.page import PageRequest
from regista.errors import AlreadyExistsError, ForbiddenError, InvalidError, NotFoundError, RegistaError
from regista.services.access.access import SYSTEM
from regista.services.assets.assets import VersionChange
from regista.services.assets.versions import NewVersion
from tests.support.houses import NOBODY, manifest_of

MODEL = AssetKind.MODEL


@pytest.fixture(params=["workspace", "registry"])
def scope(people, request):
    return getattr(people, request.param)("somewhere")


def test_a_version_is_found_by_number_by_label_and_as_the_latest(people, scope):
    first = people.version(scope, name="churn", files={"a": b"1"})
    second = people.version(scope, name="churn", files={"a": b"2"})
    assets = people.house.assets
    assert (first.version, second.version) == ("1", "2")
    assert assets.get(SYSTEM, scope.address, MODEL, "churn", "1").id == first.id
    assert assets.get(SYSTEM, scope.address, MODEL, "churn").id == second.id
    assets.set_alias(SYSTEM, scope.address, MODEL, "churn", "champion", "1")
    assert assets.get(SYSTEM, scope.address, MODEL, "churn", label="champion").id == first.id
    with pytest.raises(NotFoundError, match="with the alias 'challenger'"):
        assets.get(SYSTEM, scope.address, MODEL, "churn", label="challenger")
    assert assets.get(SYSTEM, scope.address, MODEL, "churn", label="latest").id == second.id


def test_a_version_is_written_once_and_the_same_again_is_quiet(people, scope):
    first = people.version(scope, name="churn", version="7", files={"a": b"1"})
    assert people.version(scope, name="churn", version="7", files={"a": b"1"}).id == first.id
    with pytest.raises(AlreadyExistsError, match="other content"):
        people.version(scope, name="churn", version="7", files={"a": b"2"})
    assert people.version(scope, name="churn", files={"a": b"2"}).version == "8"


def test_latest_is_the_newest_that_is_not_archived(people, scope):
    people.version(scope, name="churn", files={"a": b"1"})
    people.version(scope, name="churn", files={"a": b"2"})
    assets = people.house.assets
    assets.update(SYSTEM, scope.address, MODEL, "churn", "2", VersionChange(archived=True))
    assert assets.get(SYSTEM, scope.address, MODEL, "churn").version == "1"
    assert assets.get_asset(SYSTEM, scope.address, MODEL, "churn").latest_version == "1"
    listed = assets.versions(SYSTEM, scope.address, MODEL, "churn", PageRequest())
    assert [one.version for one in listed.items] == ["1"]
    assets.update(SYSTEM, scope.address, MODEL, "churn", "2", VersionChange(archived=False))
    assert assets.get(SYSTEM, scope.address, MODEL, "churn").version == "2"


def test_a_deleted_version_is_gone_and_its_number_is_never_given_again(people, scope):
    people.version(scope, name="churn", files={"a": b"1"})
    people.house.assets.delete(SYSTEM, scope.address, MODEL, "churn", "1")
    people.house.assets.delete(SYSTEM, scope.address, MODEL, "churn", "1")
    with pytest.raises(NotFoundError):
        people.house.assets.get(SYSTEM, scope.address, MODEL, "churn", "1")
    with pytest.raises(AlreadyExistsError, match="deleted"):
        people.version(scope, name="churn", version="1", files={"a": b"1"})
    assert people.version(scope, name="churn", files={"a": b"1"}).version == "2"


def test_an_anonymous_version_is_called_by_its_content(people, scope):
    one = people.version(scope, AssetKind.CODE, anonymous=True, files={"run.py": b"print()"})
    again = people.version(scope, AssetKind.CODE, anonymous=True, files={"run.py": b"print()"})
    assert one.id == again.id
    assert len(one.version) == 64


def test_a_digest_alone_gives_no_right_to_the_bytes(people, scope):
    people.version(scope, name="secret", files={"a": b"the secret weights"})
    other = people.registry("other")
    thief = people.somebody("thief", registry_user=other.path)
    stolen = NewVersion(kind=MODEL, name="mine", manifest=manifest_of({"a": b"the secret weights"}))
    with pytest.raises(NotFoundError, match="have not been sent"):
        people.house.registration.create(thief, other.address, stolen)
    assert people.house.contents.missing(thief, other.address, {digest_of(b"the secret weights"): 18})


def test_bytes_that_a_caller_may_download_elsewhere_in_the_store_need_not_be_sent_again(people, scope):
    people.version(scope, name="open", files={"a": b"shared bytes"})
    other = people.registry("other")
    assert people.house.contents.missing(SYSTEM, other.address, {digest_of(b"shared bytes"): 12}) == []


def test_a_manifest_that_lies_about_a_size_is_refused(people, scope):
    people.version(scope, name="open", files={"a": b"four"})
    wrong = NewVersion(kind=MODEL, name="lie", manifest=Manifest.of([ManifestEntry("a", digest_of(b"four"), 99)]))
    with pytest.raises(InvalidError, match="the manifest says 99"):
        people.house.registration.create(SYSTEM, scope.address, wrong)


def test_what_may_not_be_read_does_not_exist_and_what_may_be_read_is_forbidden_by_name(people, scope):
    people.version(scope, name="churn")
    with pytest.raises(NotFoundError):
        people.house.assets.get(NOBODY, scope.address, MODEL, "churn")
    reader = people.somebody("reader", reader=scope.path)
    assert people.house.assets.get(reader, scope.address, MODEL, "churn").version == "1"
    with pytest.raises(ForbiddenError, match="assets/write"):
        people.house.assets.update(reader, scope.address, MODEL, "churn", "1", VersionChange(description="x"))
    with pytest.raises(ForbiddenError):
        people.version(scope, caller=reader, name="churn")


def test_a_role_on_one_asset_shows_that_one_alone(people, scope):
    people.version(scope, name="churn")
    people.version(scope, name="other")
    narrow = people.somebody("narrow", reader=f"{scope.path}/models/churn")
    assert people.house.assets.get(narrow, scope.address, MODEL, "churn").version == "1"
    with pytest.raises(NotFoundError):
        people.house.assets.get(narrow, scope.address, MODEL, "other")
    names = [one.name for one in people.house.assets.assets(narrow, scope.address, MODEL, PageRequest()).items]
    assert names == ["churn"]


def test_every_change_is_in_the_audit_and_in_the_outbox(people, scope):
    people.version(scope, name="churn")
    people.house.assets.set_alias(SYSTEM, scope.address, MODEL, "churn", "champion", "1")
    records = people.house.catalog.read(
        lambda tx: tx.journal.audit(AuditQuestion(places=((scope.path, 0),)), PageRequest(limit=50))
    ).items
    events = people.house.catalog.read(lambda tx: tx.journal.events(0, 100))
    assert {"model.create", "model.alias"} <= {one.action for one in records}
    assert {"model.create", "model.alias"} <= {one.type for one in events}


@pytest.mark.parametrize("name", ["", "a/b", "..", "x" * 256, "a\nb", "naïve", ":", "a@b"])
def test_a_hostile_name_is_refused_and_leaves_nothing(people, scope, name):
    with pytest.raises(RegistaError):
        people.version(scope, name=name, anonymous=False) if name else people.version(scope, name=" ")
    assert people.house.assets.assets(SYSTEM, scope.address, MODEL, PageRequest()).items == ()


def test_a_hundred_thousand_files_make_one_version(people, scope):
    content = b"the same in each"
    digest = digest_of(content)
    people.house.contents.put(SYSTEM, scope.address, [(digest, content)])
    manifest = Manifest.of(ManifestEntry(f"d{n % 100}/f{n}", digest, len(content)) for n in range(100_000))
    made = people.house.registration.create(
        SYSTEM, scope.address, NewVersion(kind=AssetKind.DATA, name="big", manifest=manifest)
    )
    assert made.file_count == 100_000
    assert people.house.assets.manifest(SYSTEM, scope.address, AssetKind.DATA, "big", "1") == manifest
