"""Making scopes, and giving and taking roles: nobody gives more than it has."""

import itertools

import pytest

from regista.entities.names import new_id
from regista.services.access.access import SYSTEM
from tests.integration.isolation.crowd import crowd
from tests.integration.isolation.roles import MAY
from tests.integration.isolation.table_azureml import ARM, GROUP as GROUPS, HOST
from tests.integration.isolation.table_mlflow import SHARED
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
            assert answer.status_code == _wanted(who, group), (who, group, answer.text)


def _wanted(who, group):
    """What comes of making a scope in a group, for all doors."""
    path = f"/subscriptions/default/resourceGroups/{group}"
    if not who.role:
        return 401
    if not who.may("see scope", path):
        return 404
    return 201 if who.may("write scope", path) else 403


def test_a_workspace_by_a_template_of_azure_is_made_by_the_same(world, people):
    for who in people:
        for group in ("one", "two", "new-azure"):
            name = f"t-{new_id()[-12:]}"
            body = {"properties": {"parameters": {"workspaceName": {"value": name}}}}
            path = f"{HOST}{GROUPS.format(group=group)}/providers/Microsoft.Resources/deployments/d"
            answer = world.ask("PUT", path, who.key, json=body)
            assert answer.status_code == _wanted(who, group), (who, group, answer.text)
            by_name = world.ask(
                "PUT", ARM.format(group=group, scopes="workspaces", scope=name + "-put"), who.key, json={}
            )
            assert by_name.status_code == _wanted(who, group), (who, group, by_name.text)


def test_a_workspace_of_mlflow_is_made_by_who_may_make_one_in_the_default_group(world, people):
    for who in people:
        name = f"m-{new_id()[-12:]}"
        answer = world.ask("POST", SHARED, who.key, json={"name": name})
        assert answer.status_code == _wanted(who, "default"), (who, answer.text)
        there = world.ask("GET", f"/workspaces/{name}", world._root).status_code
        assert there == (200 if answer.status_code == 201 else 404), who


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
