"""Garbage collection removes what nothing names, and nothing else."""

import pytest

from regista.entities.asset import AssetKind
from regista.entities.digest import digest_of
from regista.errors import ForbiddenError, NotFoundError
from regista.services.access.access import SYSTEM
from regista.services.assets.versions import NewVersion
from regista.services.registry.promotion import Promotion
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
