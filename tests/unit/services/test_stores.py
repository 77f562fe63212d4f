"""Which store holds a scope's bytes never changes behind the scope's back."""

import pytest

from regista.entities.asset import AssetKind
from regista.entities.scope import Store
from regista.errors import ConflictError
from regista.services.access.access import SYSTEM


def read(people, scope):
    opened = people.house.assets.open(SYSTEM, scope.address, AssetKind.MODEL, "m", "1", "weights.bin")
    return b"".join(opened.read())


@pytest.mark.parametrize("bound", [False, True])
def test_a_region_with_scopes_stays_with_its_store(people, tmp_path, bound):
    if bound:
        people.store("first", tmp_path / "first", "eu")
    scope = people.workspace("dev", "eu")
    people.version(scope, name="m")
    with pytest.raises(ConflictError, match="'dev'"):
        people.store("second", tmp_path / "second", "eu")
    if bound:
        with pytest.raises(ConflictError):
            people.store("first", tmp_path / "first")
    people.store("second", tmp_path / "second", "us")
    assert read(people, scope) == b"weights"


def test_the_default_store_stays_where_it_is(people, tmp_path):
    scope = people.workspace("dev")
    people.version(scope, name="m")
    people.house.stores.put(SYSTEM, Store(name="default", url=f"file://{tmp_path}/elsewhere"))
    assert read(people, scope) == b"weights"
