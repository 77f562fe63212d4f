"""Files in containers: as content of versions, beside garbage collection, in areas that end, and page by page."""

import os
import time

import pytest
from hypothesis import given, strategies as st

from regista.entities.asset import AssetKind
from regista.entities.datastore import (
    StoredFile,
    files_container,
    jobs_container,
    parse_container_url,
    version_container,
)
from regista.errors import InvalidError, NotFoundError
from regista.services.access.access import SYSTEM
from regista.services.assets.versions import NewVersion
from regista.services.datastores.files import Labels
from regista.services.datastores.listing import page_of, successor
from tests.support.workplace import Workplace

MODEL = AssetKind.MODEL


@pytest.fixture
def dev(people):
    return people.workspace("dev")


@pytest.fixture
def ann(people, dev):
    return people.somebody("ann", data_scientist=dev.path)


def put(people, caller, container, *paths, content=b""):
    for path in paths:
        upload = people.house.files.begin(caller, container, path)
        upload.write(content or path.encode())
        upload.commit(Labels())


class TestContent:
    def test_files_below_a_folder_become_a_version_without_being_sent_again(self, people, dev, ann):
        container = files_container(dev.id)
        put(people, ann, container, "LocalUpload/h/model/MLmodel", "LocalUpload/h/model/data/w", "LocalUpload/h/modelx")
        found = people.house.stored_contents.find(ann, container, "LocalUpload/h/model/")
        assert [entry.path for entry in found.manifest.files] == ["MLmodel", "data/w"]
        assert (found.scope, found.reference) == (dev, "")
        made = people.house.registration.create(
            ann, dev.address, NewVersion(kind=MODEL, name="m", manifest=found.manifest)
        )
        opened = people.house.assets.open(ann, dev.address, MODEL, "m", made.version, "data/w")
        assert b"".join(opened.read()) == b"LocalUpload/h/model/data/w"

    def test_a_file_is_a_content_of_its_own_name(self, people, dev, ann):
        container = files_container(dev.id)
        put(people, ann, container, "LocalUpload/h/model.pkl")
        found = people.house.stored_contents.find(ann, container, "LocalUpload/h/model.pkl")
        assert [entry.path for entry in found.manifest.files] == ["model.pkl"]

    def test_a_whole_area_is_a_content(self, people, dev, ann):
        area = people.house.areas.open(ann, dev.address, "codes/x/1")
        put(people, ann, area.container, "src/main.py", "src/lib/a.py")
        found = people.house.stored_contents.find(ann, area.container, "")
        assert [entry.path for entry in found.manifest.files] == ["src/lib/a.py", "src/main.py"]

    def test_what_lies_in_a_registrys_area_is_registered_there(self, people):
        central = people.registry("central")
        cyd = people.somebody("cyd", registry_user=central.path)
        area = people.house.areas.open(cyd, central.address, "models/m/1")
        put(people, cyd, area.container, "model/MLmodel")
        found = people.house.stored_contents.find(cyd, area.container, "model")
        made = people.house.registration.create(
            cyd, central.address, NewVersion(kind=MODEL, name="m", manifest=found.manifest)
        )
        assert made.file_count == 1

    def test_nothing_there_is_not_found(self, people, dev, ann):
        for path in ("none", "", "a/b"):
            with pytest.raises(NotFoundError):
                people.house.stored_contents.find(ann, files_container(dev.id), path)

    def test_somebody_elses_files_are_nobodys_to_register_who_may_not_read_them(self, people, dev, ann):
        put(people, ann, files_container(dev.id), "secret/x")
        narrow = people.somebody("bob", registry_user=f"{dev.path}/models/one")
        with pytest.raises(NotFoundError):
            people.house.stored_contents.find(narrow, files_container(dev.id), "secret")

    def test_files_of_a_version_are_told_by_its_reference(self, people, dev, ann):
        people.version(dev, name="churn", files={"MLmodel": b"m", "data/w": b"w"})
        container = files_container(dev.id)
        whole = people.house.stored_contents.find(ann, container, "assets/models/churn/1/")
        assert whole.reference == "azureml://workspaces/dev/models/churn/versions/1"
        made = people.house.registration.create(ann, dev.address, NewVersion(kind=MODEL, name="again"), whole.reference)
        assert made.file_count == 2
        part = people.house.stored_contents.find(ann, container, "assets/models/churn/1/data")
        assert (part.reference, [entry.path for entry in part.manifest.files]) == ("", ["w"])
        people.house.registration.create(ann, dev.address, NewVersion(kind=MODEL, name="p", manifest=part.manifest))

    def test_a_datastore_reference_leads_to_a_container(self, people, dev, ann):
        locate = people.house.stored_contents.locate
        assert locate(ann, dev.address, "workspaceblobstore", "/a/b/") == (files_container(dev.id), "a/b")
        assert locate(ann, dev.address, "workspaceartifactstore", "x") == (jobs_container(dev.id), "x")


class TestTime:
    def test_files_outlive_garbage_collection_and_go_when_they_are_deleted(self, people, dev, ann):
        container, store = files_container(dev.id), people.house.stores.for_scope(dev)[1]
        put(people, ann, container, "kept", "gone")
        digest = people.house.files.get(ann, container, "kept").digest
        gone = people.house.files.get(ann, container, "gone").digest
        people.house.files.delete(ann, container, "gone")
        for _ in range(2):
            people.house.collection.collect(SYSTEM, grace_seconds=-1)
        assert store.exists(digest)
        assert not store.exists(gone)
        found = people.house.stored_contents.find(ann, container, "kept")  # although the claim was swept
        people.house.registration.create(ann, dev.address, NewVersion(kind=MODEL, name="m", manifest=found.manifest))

    def test_an_area_ends_and_its_files_with_it(self, people, dev, ann, monkeypatch):
        area = people.house.areas.open(ann, dev.address, "x", seconds=10)
        put(people, ann, area.container, "a", "b")
        later = int(time.time() * 1000) + 11_000
        for room in ("containers", "areas"):
            monkeypatch.setattr(f"regista.services.datastores.{room}.now", lambda: later)
        with pytest.raises(NotFoundError):
            people.house.files.listing(ann, area.container)
        assert people.house.areas.sweep() == 3
        assert people.house.catalog.read(lambda tx: tx.files.find_area(area.id)) is None

    def test_garbage_collection_takes_what_has_ended(self, people, dev, ann):
        area = people.house.areas.open(ann, dev.address, "x", seconds=0.1)
        put(people, ann, area.container, "a")
        digest, store = people.house.files.get(ann, area.container, "a").digest, people.house.stores.for_scope(dev)[1]
        block = people.house.blocks.begin(ann, files_container(dev.id), "big", "1")
        block.write(b"staged")
        block.commit(Labels())
        time.sleep(0.15)
        for _ in range(2):
            people.house.collection.collect(SYSTEM, grace_seconds=-1)
        assert not store.exists(digest)
        assert people.house.blocks.staged(ann, files_container(dev.id), "big") == []

    @pytest.mark.parametrize("seconds", [0, -1, 1e9, float("nan")])
    def test_an_area_lives_for_days_at_most(self, people, dev, ann, seconds):
        with pytest.raises(InvalidError):
            people.house.areas.open(ann, dev.address, "x", seconds=seconds)


class TestListing:
    names = st.text(st.sampled_from("ab/é\U0001f40d0."), min_size=1, max_size=6)

    @given(
        st.sets(names, max_size=30),
        st.text(st.sampled_from("ab/é"), max_size=3),
        st.sampled_from(["", "/", "a/"]),
        st.integers(1, 7),
    )
    def test_pages_hold_every_file_and_folder_once_in_order(self, paths, prefix, delimiter, limit):
        ordered = sorted(paths, key=str.encode)

        def scan(first, before, count):
            inside = [
                p for p in ordered if p.encode() >= first.encode() and (before is None or p.encode() < before.encode())
            ]
            return [StoredFile(container="c", path=p, scope_id="s", digest=None, size=0) for p in inside[:count]]

        expected = []
        for path in ordered:
            if path.startswith(prefix):
                head, mark, _ = path[len(prefix) :].partition(delimiter) if delimiter else (path, "", "")
                name = prefix + head + mark if mark else path
                if name not in expected[-1:]:
                    expected.append(name)
        found, start = [], ""
        while True:
            page = page_of(scan, prefix, delimiter, start, limit)
            found += [one if isinstance(one, str) else one.path for one in page.items]
            if page.next is None:
                break
            assert len(page.items) == limit
            start = page.next
        assert found == expected

    @given(st.text(max_size=4), st.text(max_size=4))
    def test_what_comes_behind_a_prefix_is_behind_all_that_begin_with_it(self, prefix, tail):
        after = successor(prefix)
        whole = (prefix + tail).encode("utf-8", "surrogatepass")
        assert after is None or whole < after.encode("utf-8", "surrogatepass")

    def test_a_folder_costs_no_look_at_each_file_in_it(self):
        looked = []

        def scan(first, before, count):
            looked.append(count)
            inside = [
                p
                for p in (f"{n // 1000}/{n % 1000:04}" for n in range(10_000))
                if p >= first and (before is None or p < before)
            ]
            return [StoredFile(container="c", path=p, scope_id="s", digest=None, size=0) for p in inside[:count]]

        assert len(page_of(scan, "", "/", "", 5000).items) == 10
        assert sum(looked) < 500


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Workplace(tmp_path_factory.mktemp("place"))
    script = "import os; print('hello'); os.makedirs('outputs/m'); open('outputs/m/w', 'w').write('weights'); open('${{outputs.out}}/x', 'w').write('x')"
    command = f'python -c "{script}"'
    place.command(command, "train", outputs={"out": {"type": "uri_folder"}})
    place.work()
    assert place.job("train").status == "Completed", place.job("train").error
    yield place
    place.house.catalog.close()


class TestJobs:
    def read(self, place, container, path):
        return b"".join(place.house.files.open(place.caller, container, path).read())

    def listed(self, place, container, prefix):
        return [one.path for one in place.house.files.listing(place.caller, container, prefix=prefix).items]

    def test_what_a_job_printed_and_left_is_shown(self, place):
        scope = place.house.scopes.get(place.caller, place.dev)
        container, root = jobs_container(scope.id), "ExperimentRun/dcid.train/"
        assert self.listed(place, container, root) == [f"{root}outputs/m/w", f"{root}user_logs/std_log.txt"]
        assert self.listed(place, container, f"{root}user_logs") == [f"{root}user_logs/std_log.txt"]
        assert b"hello" in self.read(place, container, f"{root}user_logs/std_log.txt")
        assert self.read(place, container, f"{root}outputs/m/w") == b"weights"
        assert self.listed(place, container, "ExperimentRun/dcid.tra") == []
        files = files_container(scope.id)
        assert self.listed(place, files, "azureml/train/") == ["azureml/train/artifacts/m/w", "azureml/train/out/x"]
        assert self.listed(place, files, "azureml/train/out/") == ["azureml/train/out/x"]
        assert self.read(place, files, "azureml/train/out/x") == b"x"

    def test_what_is_registered_from_there_keeps_its_past(self, place):
        scope = place.house.scopes.get(place.caller, place.dev)
        find = place.house.stored_contents.find
        found = find(place.caller, jobs_container(scope.id), "ExperimentRun/dcid.train/outputs/m")
        assert found.reference == "azureml://jobs/train/outputs/artifacts/paths/m"
        assert (
            find(place.caller, files_container(scope.id), "azureml/train/out").reference
            == "azureml://jobs/train/outputs/out"
        )
        made = place.house.registration.create(
            place.caller, place.dev, NewVersion(kind=MODEL, name="m"), found.reference
        )
        assert made.source["node"].endswith("/train")
        assert made.capsule

    def test_the_log_of_a_job_that_runs_grows(self, place):
        job = place.command("true", "waiting")
        folder = place.settings.work / job.id / "1" / "log"
        folder.mkdir(parents=True)
        scope = place.house.scopes.get(place.caller, place.dev)
        container, path = jobs_container(scope.id), "ExperimentRun/dcid.waiting/user_logs/std_log.txt"
        assert place.house.files.get(place.caller, container, path).size == 0
        (folder / "std_log.txt").write_bytes(b"so far")
        before = place.house.files.open(place.caller, container, path)
        with (folder / "std_log.txt").open("ab") as log:
            log.write(b" and more")
        assert b"".join(before.read()) == b"so far"
        assert self.read(place, container, path) == b"so far and more"
        assert before.file.etag != place.house.files.get(place.caller, container, path).etag


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://h:1/regista-version-" + "0" * 32, ("regista-version-" + "0" * 32, "")),
        ("https://h/regista-files-" + "a" * 32 + "/a%20b/c/", ("regista-files-" + "a" * 32, "a b/c")),
        ("https://h/acct.blob.x/regista-area-" + "1" * 32 + "/top?sig=x", ("regista-area-" + "1" * 32, "top")),
        ("https://h/other/x", None),
        ("https://h", None),
        ("azureml://x/regista-area-" + "1" * 32, None),
        ("https://h/regista-area-" + "1" * 31, None),
    ],
)
def test_the_url_of_a_container_is_known_again(url, found):
    assert parse_container_url(url) == found


def test_a_container_of_a_version_has_its_files(people, dev, ann):
    version = people.version(dev, name="churn", files={"a": b"1", "b/c": b"2"})
    items = people.house.files.listing(ann, version_container(version.id)).items
    assert [one.path for one in items] == ["a", "b/c"]


def test_a_thousand_files_are_one_content(people, dev, ann):
    container = files_container(dev.id)
    paths = [f"many/{n:04}" for n in range(1200)]
    for path in paths:
        people.house.files.name(ann, container, path, ("sha256:" + os.urandom(32).hex(), 1), Labels())
    page = people.house.files.listing(ann, container, prefix="many/", limit=1000)
    assert len(page.items) == 1000
    assert len(people.house.stored_contents.find(ann, container, "many").manifest.files) == 1200
