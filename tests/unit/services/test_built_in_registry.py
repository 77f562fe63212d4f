"""The registry of the environments that ship with Regista."""

import pytest

from regista.entities.asset import AssetKind
from regista.entities.page import PageRequest
from regista.entities.scope import BUILT_IN_REGISTRY, ScopeAddress, ScopeKind
from regista.errors import InvalidError, NotFoundError
from regista.services.access.access import SYSTEM
from regista.services.scopes.scopes import NewScope
from tests.support.houses import NOBODY

BUILT_IN = ScopeAddress(ScopeKind.REGISTRY, BUILT_IN_REGISTRY)
ENVIRONMENT = AssetKind.ENVIRONMENT


def test_everybody_sees_what_there_is(people):
    names = [one.name for one in people.house.assets.assets(NOBODY, BUILT_IN, ENVIRONMENT, PageRequest()).items]
    assert {"minimal", "sklearn-1.5"} <= set(names)
    every = people.house.assets.versions(NOBODY, BUILT_IN, ENVIRONMENT, None, PageRequest()).items
    assert [one.name for one in every] == names
    for name in names:
        (only,) = people.house.assets.versions(NOBODY, BUILT_IN, ENVIRONMENT, name, PageRequest()).items
        assert people.house.assets.get_asset(NOBODY, BUILT_IN, ENVIRONMENT, name).latest_version == only.version


@pytest.mark.parametrize("name", ["sklearn-1.5", "AzureML-sklearn-1.5"])
def test_a_version_is_found_by_every_name_that_it_has(people, name):
    get = people.house.assets.get
    found = get(NOBODY, BUILT_IN, ENVIRONMENT, name, label="latest")
    assert (found.name, found.version) == ("sklearn-1.5", get(NOBODY, BUILT_IN, ENVIRONMENT, name).version)
    assert "scikit-learn==1.5.*" in found.spec["pip"]
    assert get(NOBODY, BUILT_IN, ENVIRONMENT, name, found.version) == found


def test_what_does_not_ship_is_named(people):
    get = people.house.assets.get
    with pytest.raises(NotFoundError, match="'sklearn-9' ships"):
        get(SYSTEM, BUILT_IN, ENVIRONMENT, "sklearn-9")
    with pytest.raises(NotFoundError, match="version '99'"):
        get(SYSTEM, BUILT_IN, ENVIRONMENT, "sklearn-1.5", "99")
    with pytest.raises(NotFoundError, match="version 'champion'"):
        get(SYSTEM, BUILT_IN, ENVIRONMENT, "sklearn-1.5", label="champion")
    assert people.house.assets.versions(SYSTEM, BUILT_IN, ENVIRONMENT, "sklearn-9", PageRequest()).items == ()


def test_everybody_may_look_at_the_registry_itself(people):
    found = people.house.scopes.get(NOBODY, BUILT_IN)
    assert (found.name, found.kind) == (BUILT_IN_REGISTRY, ScopeKind.REGISTRY)
    assert people.house.scopes.page(SYSTEM, ScopeKind.REGISTRY, PageRequest()).items == ()


def test_it_holds_environments_alone_and_its_name_is_taken(people):
    with pytest.raises(NotFoundError, match="built in"):
        people.house.assets.assets(SYSTEM, BUILT_IN, AssetKind.MODEL, PageRequest())
    with pytest.raises(InvalidError, match="built in"):
        people.house.scopes.create(SYSTEM, NewScope(kind=ScopeKind.REGISTRY, name=BUILT_IN_REGISTRY))
