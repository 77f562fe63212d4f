"""Subscriptions and resource groups."""

import pytest

from regista.entities.scope import ResourceGroup, Subscription
from regista.errors import ConflictError, ForbiddenError, NotFoundError
from regista.services.access.access import SYSTEM
from regista.services.scopes.groups import GroupChange, SubscriptionChange

GROUP = "/subscriptions/pays/resourceGroups/ml"


@pytest.fixture
def groups(people):
    people.house.groups.create_subscription(SYSTEM, Subscription(name="pays"))
    people.house.groups.create_group(SYSTEM, ResourceGroup(subscription="pays", name="ml"))
    return people.house.groups


def test_the_same_again_changes_nothing(groups):
    groups.update_subscription(SYSTEM, "pays", SubscriptionChange(display_name="Pays"))
    assert groups.create_subscription(SYSTEM, Subscription(name="pays")).display_name == "Pays"
    groups.update_group(SYSTEM, "pays", "ml", GroupChange(tags={"a": "b"}))
    assert groups.create_group(SYSTEM, ResourceGroup(subscription="pays", name="ml")).tags == {"a": "b"}


def test_who_sees_something_inside_sees_that_it_is_there_and_may_not_change_it(people, groups):
    inside = people.somebody("inside", reader=f"{GROUP}/workspaces/w")
    assert groups.subscription(inside, "pays").name == "pays"
    assert groups.group(inside, "pays", "ml").name == "ml"
    for call in (
        lambda: groups.update_subscription(inside, "pays", SubscriptionChange(tags={})),
        lambda: groups.delete_subscription(inside, "pays"),
        lambda: groups.create_group(inside, ResourceGroup(subscription="pays", name="more")),
        lambda: groups.update_group(inside, "pays", "ml", GroupChange(tags={})),
        lambda: groups.delete_group(inside, "pays", "ml"),
    ):
        with pytest.raises(ForbiddenError):
            call()


def test_for_who_sees_nothing_inside_there_is_none(people, groups):
    stranger = people.somebody("stranger", reader="/subscriptions/other")
    assert groups.subscriptions(stranger) == []
    for call in (
        lambda: groups.subscription(stranger, "pays"),
        lambda: groups.group(stranger, "pays", "ml"),
        lambda: groups.create_group(stranger, ResourceGroup(subscription="pays", name="more")),
        lambda: groups.delete_group(stranger, "pays", "ml"),
    ):
        with pytest.raises(NotFoundError):
            call()


def test_what_was_assigned_ends_with_it(people, groups):
    people.somebody("owner-there", owner=GROUP)
    with pytest.raises(ConflictError, match="resource group 'ml'"):
        groups.delete_subscription(SYSTEM, "pays")
    groups.delete_group(SYSTEM, "pays", "ml")
    groups.create_group(SYSTEM, ResourceGroup(subscription="pays", name="ml"))
    assert not [one for one in people.house.principals.assignments(SYSTEM) if one.path == GROUP]
