"""Everybody says every verb to everything, and gets what the table says: nothing more is allowed, and nothing less."""

import re
from collections import Counter

import pytest

from regista.dialects.native import app as native
from regista.entities.asset import AssetKind
from regista.entities.scope import ScopeKind
from tests.integration.isolation import table, table_mlflow as mlflow
from tests.integration.isolation.crowd import crowd
from tests.integration.isolation.table import ELSEWHERE
from tests.integration.isolation.world import KINDS, Somebody, World, expected

IN_BOTH = (*table.OF_A_SCOPE, *table.OF_AN_ASSET)


class TestEverybody:
    @pytest.mark.parametrize("kind", [pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS])
    @pytest.mark.parametrize("place", ["dev", "central"])
    def test_with_every_asset(self, world: World, place: str, kind: AssetKind) -> None:
        verbs = [(verb, name) for verb in table.OF_AN_ASSET for name in ("a", "b")]
        _try(world, place, [(verb, kind, name) for verb, name in verbs], everybody(world, place))

    @pytest.mark.slow
    @pytest.mark.parametrize("place", ["dev", "central"])
    def test_with_every_scope(self, world: World, place: str) -> None:
        verbs = table.OF_A_SCOPE + (table.OF_A_WORKSPACE if place == "dev" else ())
        _try(world, place, [(verb, AssetKind.MODEL, "b") for verb in verbs], everybody(world, place))

    @pytest.mark.slow
    @pytest.mark.parametrize("place", ["dev", "central"])
    def test_with_the_installation(self, world: World, place: str) -> None:
        verbs = [(verb, AssetKind.MODEL, "a") for verb in table.OF_THE_INSTALLATION]
        _try(world, place, verbs, everybody(world, place))

    @pytest.mark.slow
    @pytest.mark.parametrize("place", ["dev", "central"])
    def test_through_the_door_of_mlflow(self, world: World, place: str) -> None:
        verbs = [(verb, AssetKind.MODEL, name) for verb in mlflow.OF_MODELS for name in ("a", "b")]
        others = (*mlflow.OF_SCOPES, *(mlflow.IN_A_WORKSPACE + mlflow.OF_WORKSPACES if place == "dev" else ()))
        _try(world, place, [*verbs, *((verb, AssetKind.MODEL, "b") for verb in others)], everybody(world, place))

    @pytest.mark.slow
    def test_through_the_door_of_mlflow_with_the_workspace_in_a_header(self, world: World) -> None:
        models, others = (
            mlflow.by_header(mlflow.OF_MODELS),
            mlflow.by_header((*mlflow.OF_SCOPES, *mlflow.IN_A_WORKSPACE)),
        )
        verbs = [(verb, AssetKind.MODEL, name) for verb in models for name in ("a", "b")]
        verbs += [(verb, AssetKind.MODEL, "b") for verb in others]
        _try(world, "dev", verbs, everybody(world, "dev"))

    def test_in_short(self, world: World) -> None:
        few = ("nobody", "revoked", "Reader at the scope", "Data Scientist at the other scope", "Owner at single assets",
               "a job key")  # fmt: skip
        some = [one for one in everybody(world, "dev") if one.name in few]
        assert len(some) == len(few)
        verbs = [(verb, AssetKind.MODEL, name) for verb in table.OF_AN_ASSET for name in ("a", "b")]
        _try(world, "dev", [*verbs, *((verb, AssetKind.MODEL, "b") for verb in table.OF_A_WORKSPACE)], some)


class TestListing:
    @pytest.mark.parametrize("place", ["dev", "central"])
    def test_a_list_holds_what_may_be_read_and_nothing_else(self, world: World, place: str) -> None:
        scope = world.scopes[place]
        for who in everybody(world, place):
            answer = world.ask("GET", f"/{_plural(scope.kind)}/{place}/models", who.key)
            if answer.status_code == 200:
                seen = {item["name"] for item in answer.json()["items"]}
                assert seen == {
                    name for name in "ab" if who.may("see assets", world.path(scope, AssetKind.MODEL, name))
                }, who
            for kind in ScopeKind:
                listed = world.ask("GET", f"/{_plural(kind)}", who.key)
                if listed.status_code == 200:
                    assert {one["name"] for one in listed.json()["items"]} == visible(world, who, kind), who
                    assert listed.json()["next"] is None

    def test_a_search_by_mlflow_finds_what_may_be_read_and_nothing_else(self, world: World) -> None:
        searches = [
            verb
            for verb in (*mlflow.OF_RUNS, *mlflow.OF_LOGGED_MODELS, *mlflow.OF_TRACES)
            if verb.path.endswith(("/search", "/batchGetInfos")) or "/traces?" in verb.path
        ]
        assert len(searches) == 5
        for who in everybody(world, "dev"):
            for verb in searches:
                answer = world.request(verb, who, world.scopes["dev"], AssetKind.MODEL, "a")
                found = answer.status_code == 200 and any(answer.json().values())
                assert found == who.may("see jobs", world.path(world.scopes["dev"])), (who, verb, answer.text)

    def test_the_workspaces_of_mlflow_are_those_that_may_be_known(self, world: World) -> None:
        for who in everybody(world, "dev"):
            answer = world.ask("GET", mlflow.SHARED, who.key)
            if who.role:
                names = {one["name"] for one in answer.json()["workspaces"]}
                assert names == visible(world, who, ScopeKind.WORKSPACE), who
            else:
                assert answer.status_code == 401


class TestCoverage:
    def test_every_route_has_its_row(self, world: World) -> None:
        """A new route without a row is one that nobody has thought about."""
        rows = (*IN_BOTH, *table.OF_A_WORKSPACE, *table.OF_THE_INSTALLATION)
        known = Counter(_shape(f"{verb.method} {verb.path.partition('?')[0]}") for verb in rows)
        assert {key: count for key, count in known.items() if count > 2} == {}
        known.update(_shape(route) for route in ELSEWHERE)
        served = {
            _shape(f"{method.upper()} {path.removeprefix(native.PREFIX)}")
            for path, item in world.ask("GET", "/schema/openapi.json").json()["paths"].items()
            for method in item
        }
        assert served - known.keys() == set()
        assert known.keys() - served == set()


_cache: dict[str, list[Somebody]] = {}


def everybody(world: World, place: str) -> list[Somebody]:
    """The crowd of a scope, made once in the life of a world."""
    key = f"{id(world)}/{place}"
    if key not in _cache:
        _cache[key] = list(crowd(world, world.scopes[place]))
    return _cache[key]


def visible(world: World, who: Somebody, kind: ScopeKind) -> set[str]:
    """The scopes that somebody may know of."""
    return {
        scope.name
        for scope in world.scopes.values()
        if scope.kind is kind
        and (who.may("see scope", world.path(scope)) or who.may_inside("see assets", world.path(scope)))
    }


def _try(world, place, asked, people):
    scope = world.scopes[place]
    wrong = []
    for who in people:
        for verb, kind, name in asked:
            wanted = expected(verb, who, world, scope, kind, name)
            answer = world.request(verb, who, scope, kind, name)
            if answer.status_code != wanted:
                wrong.append(f"{who}: {verb.method} {verb.path} {kind} {name}: {answer.status_code}, not {wanted}: "
                             f"{answer.text[:150]}")  # fmt: skip
    assert not wrong, f"{len(wrong)} of {len(people) * len(asked)}:\n" + "\n".join(wrong[:40])


def _plural(kind: ScopeKind) -> str:
    return "workspaces" if kind is ScopeKind.WORKSPACE else "registries"


_NAMES = ("jobs/j", "onlineEndpoints/ep-none", "onlineEndpoints/ep", "deployments/blue-none", "deployments/blue", "labels/latest",
          "aliases/best", "aliases/none", "versions/1", "versions/gone", "files/f.txt", "handover/f.txt", "outputs/model", "keys/primary",
          "subscriptions/default", "resourceGroups/one", "principals/idle", "roles/Custom", "roles/Absent", "stores/default", "keys/spare", "keys/old", "computes/ci-none",
          "computes/ci", "*/start", "datastores/d-none", "datastores/d", "connections/n-none", "connections/n",
          "webhooks/wh-none", "webhooks/wh")  # fmt: skip


def _shape(route: str) -> str:
    """The route with every variable part alike, and both kinds of scope alike where both have it."""
    for name in _NAMES:
        route = re.sub(rf"{re.escape(name)}(?=/|$)", name.split("/", maxsplit=1)[0] + "/*", route)
    route = route.replace("{scopes}", "workspaces")
    route = re.sub(r"\{[^}]*\}", "*", route)
    return re.sub(r" /registries(?=/|$)", " /workspaces", route)
