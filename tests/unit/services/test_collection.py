"""Garbage collection removes what nothing names, and nothing else."""

import threading
import time

import pytest

from regista.entities.asset import AssetKind
from regista.entities.digest import digest_of
from regista.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, RegistaError
from regista.services.access.access import SYSTEM
from regista.services.assets.versions import NewVersion
from regista.services.collection import rounds
from regista.services.collection.rounds import CollectionRounds
from regista.services.registry.promotion import Promotion
from regista.services.tracking.runs import NewRun
from tests.support.houses import NOBODY, manifest_of

MODEL = AssetKind.MODEL


def removed(people, grace=0.0):
    """Two runs: the first notes, the second removes."""
    people.house.collection.collect(SYSTEM, grace_seconds=grace)
    return sum(one.removed for one in people.house.collection.collect(SYSTEM, grace_seconds=grace))


def test_what_is_named_stays_and_what_is_not_goes(people):
    dev = people.workspace("dev")
    people.version(dev, name="kept", files={"w": b"kept"})
    people.version(dev, name="gone", files={"w": b"gone"})
    people.house.assets.delete(SYSTEM, dev.address, MODEL, "gone", "1")
    people.house.contents.put(SYSTEM, dev.address, [(digest_of(b"never named"), b"never named")])
    people.house.collection.collect(SYSTEM, grace_seconds=-1)
    store = people.house.stores.for_scope(dev)[1]
    people.house.collection.collect(SYSTEM, grace_seconds=-1)
    assert store.exists(digest_of(b"kept"))
    assert not store.exists(digest_of(b"gone"))
    assert not store.exists(digest_of(b"never named"))
    assert people.house.assets.manifest(SYSTEM, dev.address, MODEL, "kept", "1")


def test_what_was_just_sent_is_not_touched(people):
    dev = people.workspace("dev")
    people.house.contents.put(SYSTEM, dev.address, [(digest_of(b"fresh"), b"fresh")])
    assert removed(people, grace=3600) == 0
    made = people.house.registration.create(
        SYSTEM, dev.address, NewVersion(kind=MODEL, name="m", manifest=manifest_of({"f": b"fresh"}))
    )
    assert made.version == "1"


def test_what_was_promoted_lives_on_without_its_workspace(people):
    dev, central = people.workspace("dev"), people.registry("central")
    people.version(dev, name="churn", files={"w": b"weights"})
    made = people.house.promotion.promote(
        SYSTEM, Promotion(source=dev.address, kind=MODEL, name="churn", target=central.address)
    )
    people.house.scopes.delete(SYSTEM, dev.address)
    removed(people, grace=-1)
    store = people.house.stores.for_scope(central)[1]
    assert store.exists(digest_of(b"weights"))
    assert store.exists(made.capsule)


def test_artifacts_go_with_their_workspace_and_no_earlier(people):
    dev, prod = people.workspace("dev"), people.workspace("prod")
    for scope, content in ((dev, b"of dev"), (prod, b"of prod"), (dev, b"of both"), (prod, b"of both")):
        run = people.house.runs.create(SYSTEM, scope.address, NewRun())
        upload = people.house.artifacts.begin(SYSTEM, scope.address, f"runs/{run.job.name}", "f")
        upload.write(content)
        upload.commit()
    store = people.house.stores.for_scope(dev)[1]
    removed(people, grace=-1)
    assert all(store.exists(digest_of(content)) for content in (b"of dev", b"of prod", b"of both"))
    people.house.scopes.delete(SYSTEM, dev.address)
    removed(people, grace=-1)
    assert [store.exists(digest_of(content)) for content in (b"of dev", b"of prod", b"of both")] == [False, True, True]


def test_bytes_that_were_removed_must_be_sent_again(people):
    dev = people.workspace("dev")
    people.version(dev, name="gone", files={"w": b"gone"})
    people.house.assets.delete(SYSTEM, dev.address, MODEL, "gone", "1")
    removed(people, grace=-1)
    with pytest.raises(NotFoundError):
        people.house.registration.create(
            SYSTEM, dev.address, NewVersion(kind=MODEL, name="m", manifest=manifest_of({"w": b"gone"}))
        )
    assert people.version(dev, name="m", files={"w": b"gone"}).version == "1"


def test_a_dry_run_changes_nothing(people):
    dev = people.workspace("dev")
    people.house.contents.put(SYSTEM, dev.address, [(digest_of(b"x"), b"x")])
    for _ in range(3):
        people.house.collection.collect(SYSTEM, grace_seconds=-1, dry_run=True)
    assert people.house.stores.for_scope(dev)[1].exists(digest_of(b"x"))


def test_only_owners_collect(people):
    with pytest.raises(ForbiddenError):
        people.house.collection.collect(NOBODY)


def test_a_dry_run_says_what_would_go_and_what_waits(people):
    dev = people.workspace("dev")
    people.version(dev, name="kept", files={"w": b"kept"})
    people.version(dev, name="gone", files={"w": b"gone" * 10})
    people.house.assets.delete(SYSTEM, dev.address, MODEL, "gone", "1")
    people.house.catalog.write(lambda tx: tx.claims.sweep(2**52))
    collection, store = people.house.collection, people.house.stores.for_scope(dev)[1]
    with store.begin() as upload:
        upload.write(b"half")
    (first,) = collection.collect(SYSTEM, grace_seconds=3600, dry_run=True)
    with store.resume(upload.id) as found:
        assert found.offset == 4
    assert (first.removed, first.waiting) == (0, 2)  # its file and its manifest
    assert first.waiting_bytes > 40
    assert abs(first.due - time.time() * 1000 - 3_600_000) < 10_000
    (last,) = collection.collect(SYSTEM, grace_seconds=-1, dry_run=True)
    assert (last.removed, last.bytes, last.waiting, last.due) == (2, first.waiting_bytes, 0, None)
    (done,) = collection.collect(SYSTEM, grace_seconds=-1)
    assert (done.removed, done.bytes, done.live, done.uploads) == (2, first.waiting_bytes, first.live, 1)
    assert (first.live, collection.collect(SYSTEM, grace_seconds=-1)[0].removed) == (2, 0)


def test_a_grace_that_is_shorter_than_it_takes_to_register_is_refused(people):
    for grace in (0, -1, 3599, float("nan"), float("inf")):
        with pytest.raises(InvalidError, match="grace"):
            people.house.collection.run(SYSTEM, grace_seconds=grace)
    assert people.house.collection.run(SYSTEM, grace_seconds=3600)


class Meddling:
    """A store in which something happens in the very moment before a blob is removed."""

    def __init__(self, inner, happens):
        self._inner, self._happens = inner, happens

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def delete(self, digest, **options):
        self._happens(digest)
        return self._inner.delete(digest, **options)


def meddled(people, monkeypatch, happens):
    """Collect with *happens* called before each removal; the blob of a deleted version is due."""
    dev = people.workspace("dev")
    people.version(dev, name="gone", files={"w": b"weights"})
    people.house.assets.delete(SYSTEM, dev.address, MODEL, "gone", "1")
    name, store = people.house.stores.for_scope(dev)
    meddling = Meddling(store, lambda digest: happens(dev, digest))
    monkeypatch.setattr(people.house.collection._service._stores, "all", lambda: {name: meddling})
    people.house.collection.collect(SYSTEM, grace_seconds=-1)
    return dev, store


@pytest.mark.parametrize("registers", [True, False])
def test_bytes_that_are_sent_again_in_that_very_moment_stay(people, monkeypatch, registers):
    def sent(dev, digest):
        if digest != digest_of(b"weights"):
            return
        people.house.contents.put(SYSTEM, dev.address, [(digest, b"weights")])
        if registers:
            new = NewVersion(kind=MODEL, name="again", manifest=manifest_of({"w": b"weights"}))
            people.house.registration.create(SYSTEM, dev.address, new)

    dev, store = meddled(people, monkeypatch, sent)
    assert store.get(digest_of(b"weights")) == b"weights"
    people.version(dev, name="again", files={"w": b"weights"})


def test_bytes_that_are_named_without_being_sent_in_that_very_moment_stay(people, monkeypatch):
    """The scope had them before: whoever may use it need not send them again."""
    made = []

    def named(dev, digest):
        if digest == digest_of(b"weights"):
            new = NewVersion(kind=MODEL, name="again", manifest=manifest_of({"w": b"weights"}))
            made.append(people.house.registration.create(SYSTEM, dev.address, new))

    _, store = meddled(people, monkeypatch, named)
    assert [one.version for one in made] == ["1"]
    assert store.get(digest_of(b"weights")) == b"weights"
    assert store.exists(made[0].manifest)
    people.house.collection.collect(SYSTEM, grace_seconds=-1)
    assert store.exists(digest_of(b"weights"))


def test_what_is_copied_in_that_very_moment_stays(people, monkeypatch, tmp_path):
    people.store("far", tmp_path / "far", "north")
    there = people.registry("there", "north")
    promoted = []

    def copied(dev, digest):
        if digest == digest_of(b"weights"):
            people.version(there, name="far", files={"w": b"weights"})
            promotion = Promotion(source=there.address, kind=MODEL, name="far", target=central.address)
            promoted.append(people.house.promotion.promote(SYSTEM, promotion))

    central = people.registry("central")
    _, store = meddled(people, monkeypatch, copied)
    assert promoted
    assert store.get(digest_of(b"weights")) == b"weights"


@pytest.mark.parametrize("way", ["file", "manifest"])
def test_nothing_goes_while_a_manifest_cannot_be_read(people, way):
    dev = people.workspace("dev")
    made = people.version(dev, name="kept", files={"w": b"kept"})
    store = people.house.stores.for_scope(dev)[1]
    rotten = store.path(made.manifest if way == "manifest" else digest_of(b"kept"))
    rotten.chmod(0o600)
    rotten.write_bytes(b"rot")
    if way == "file":
        removed(people, grace=-1)
        assert rotten.exists()
        return
    for _ in range(2):
        with pytest.raises(ConflictError, match="nothing is removed"):
            people.house.collection.collect(SYSTEM, grace_seconds=-1)
    assert store.exists(digest_of(b"kept"))


def test_what_is_sealed_with_a_key_that_is_no_longer_ours_is_kept(people, monkeypatch):
    dev, central = people.workspace("dev"), people.registry("central")
    people.version(dev, name="churn", files={"w": b"weights"})
    promotion = Promotion(source=dev.address, kind=MODEL, name="churn", target=central.address)
    made = people.house.promotion.promote(SYSTEM, promotion)
    monkeypatch.setattr(people.house.capsules._signer, "verify", lambda *_: False)
    removed(people, grace=-1)
    assert people.house.stores.for_scope(central)[1].exists(made.capsule)


def test_a_second_collection_beside_the_first_is_refused(people, monkeypatch):
    refused = []

    def again(_, digest):
        try:
            people.house.collection.collect(SYSTEM)
        except ConflictError as error:
            refused.append(error)

    meddled(people, monkeypatch, again)
    assert refused


@pytest.mark.slow
def test_versions_that_come_and_go_beside_collections_are_whole(people):
    """Few contents, so that each is deleted, collected, sent and named again and again, by whoever comes first."""
    dev = people.workspace("dev")
    ended, faults, made = threading.Event(), [], []
    store = people.house.stores.for_scope(dev)[1]

    def register(number):
        turn = 0
        while not ended.is_set():
            turn += 1
            files = {"w": b"content %d" % (turn % 3)}
            try:
                version = people.version(dev, name=f"m{number}", files=files, version=str(turn))
                made.append(version)
                for path, content in files.items():
                    opened = people.house.assets.open(SYSTEM, dev.address, MODEL, version.name, version.version, path)
                    assert b"".join(opened.read()) == content
                people.house.assets.delete(SYSTEM, dev.address, MODEL, version.name, version.version)
            except (RegistaError, AssertionError) as fault:
                faults.append(fault)

    def collect():
        while not ended.is_set():
            # As after a grace: what was noted is due at once, what was stored since the run began is not.
            people.house.collection.collect(SYSTEM, grace_seconds=0)

    threads = [threading.Thread(target=register, args=(number,)) for number in range(3)]
    threads.append(threading.Thread(target=collect))
    for thread in threads:
        thread.start()
    time.sleep(4)
    ended.set()
    for thread in threads:
        thread.join()
    assert len(made) > 20
    assert [fault for fault in faults if not isinstance(fault, NotFoundError)] == []
    assert store.exists(digest_of(b"")) is False


class TestRounds:
    def test_there_is_one_a_day_for_all_servers(self, people, monkeypatch):
        one = CollectionRounds(people.house.catalog, people.house.collection)
        other = CollectionRounds(people.house.catalog, people.house.collection)
        assert [one.look(), other.look()] == [False, False]
        tomorrow = rounds.now() + rounds.EVERY_MS
        monkeypatch.setattr(rounds, "now", lambda: tomorrow)
        assert [one.look(), other.look(), one.look()] == [True, False, False]

    def test_a_failure_is_for_the_log(self, people, monkeypatch, caplog):
        one = CollectionRounds(people.house.catalog, people.house.collection)
        one.look()
        tomorrow = rounds.now() + rounds.EVERY_MS
        monkeypatch.setattr(rounds, "now", lambda: tomorrow)
        people.house.catalog.close()
        assert one.look() is False
        assert "could not be collected" in caplog.text

    def test_it_ends_at_once_when_it_is_told_to(self, people):
        one = CollectionRounds(people.house.catalog, people.house.collection)
        one.start()
        began = time.monotonic()
        one.stop()
        assert time.monotonic() - began < 2
