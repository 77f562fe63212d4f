"""Making scopes, and giving and taking roles: nobody gives more than it has."""

import itertools

import pytest

from regista.services.access.access import SYSTEM
from tests.integration.isolation.crowd import crowd
from tests.integration.isolation.roles import MAY
from tests.integration.isolation.world import World

GROUP = "/subscriptions/default/resourceGroups/one"


@pytest.fixture(scope="module")
def people(world: World):
    return list(crowd(world, world.scopes["dev"]))


def test_only_owners_of_a_place_give_roles_there(world, people):
    dev = world.path(world.scopes["dev"])
    places = ("/", "/subscriptions/default", GROUP, dev, dev + "/models/a", dev + "/models/b", GROUP + "x")
    for who, place, role in itertools.product(people, places, MAY):
        answer = world.ask("POST", "/roleAssignments", who.key, json={"principal": "idle", "role": role, "path": place})
        able = who.may("give access", place) and all(who.may(doing, place) for doing in MAY[role])
        wanted = 401 if not who.role else 201 if able else 403
        assert answer.status_code == wanted, (who, place, role, answer.text)
        if able:
            given = answer.json()["id"]
            for other in (
                "Reader at the scope",
                "Contributor at the installation",
                "Registry User at the installation",
            ):
                stranger = next(one for one in people if one.name == other)
                assert world.ask("DELETE", f"/roleAssignments/{given}", stranger.key).status_code in {204, 403}
                assert _is_given(world, given), f"{stranger} took it away"
            assert world.ask("DELETE", f"/roleAssignments/{given}", who.key).status_code == 204
            assert not _is_given(world, given)


def test_taking_away_what_may_not_be_known_is_as_quiet_as_taking_away_nothing(world, people):
    given = world.house.principals.assign(SYSTEM, "idle", "Reader", "/subscriptions/default")
    stranger = next(one for one in people if one.name == "Registry User at the scope")
    answers = [world.ask("DELETE", f"/roleAssignments/{one}", stranger.key) for one in (given.id, "0" * 32)]
    assert [(one.status_code, one.content) for one in answers] == [(204, b"")] * 2
    assert _is_given(world, given.id)


@pytest.mark.parametrize("plural", ["workspaces", "registries"])
def test_only_who_may_write_scopes_in_a_group_makes_one_there(world, people, plural):
    for who in people:
        for group in ("one", "two", f"new-{plural}"):
            name = f"{'w' if plural == 'workspaces' else 'r'}-{group}"
            body = {"name": name, "resource_group": group, "description": "the same each time"}
            answer = world.ask("POST", f"/{plural}", who.key, json=body)
            path = f"/subscriptions/default/resourceGroups/{group}"
            if not who.role:
                wanted = 401
            elif not who.may("see scope", path):
                wanted = 404
            else:
                wanted = 201 if who.may("write scope", path) else 403
            assert answer.status_code == wanted, (who, group, answer.text)


def test_a_scope_of_an_old_name_is_a_new_scope(world):
    """Whoever had a role in a scope that was deleted has none in the next one of its name."""
    body = {"name": "again", "resource_group": "one"}
    root = world.key_of("phoenix-owner", "Owner", "/")
    assert world.ask("POST", "/workspaces", root, json=body).status_code == 201
    path = f"{GROUP}/workspaces/again"
    reader = world.key_of("phoenix", "Reader", path)
    asset = world.key_of("phoenix-asset", "Reader", path + "/models/a")
    assert world.ask("GET", "/workspaces/again", reader).status_code == 200
    assert world.ask("DELETE", "/workspaces/again", root).status_code == 204
    assert world.ask("POST", "/workspaces", root, json=body).status_code == 201
    for key in (reader, asset):
        assert world.ask("GET", "/workspaces/again", key).status_code == 404


def _is_given(world, assignment):
    return any(one.id == assignment for one in world.house.principals.assignments(SYSTEM))
