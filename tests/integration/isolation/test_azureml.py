"""The doors of azure-ai-ml and of its bytes: everybody gets there what the native table says of the same thing."""

import json

import pytest

from regista.dialects.azureml.routes import ROUTES
from regista.dialects.azureml.routing import Route
from regista.entities.asset import AssetKind
from regista.entities.datastore import files_container, jobs_container, version_container
from regista.entities.scope import ScopeKind
from regista.services.access.access import SYSTEM
from tests.integration.isolation import table_azureml as table
from tests.integration.isolation.table import Verb
from tests.integration.isolation.test_table import everybody, visible
from tests.integration.isolation.world import KINDS, World, expected

_HOST = table.HOST
_REFUSING = ("unserved", "marketplace")


def refusals() -> tuple[Verb, ...]:
    """Rows of what is refused by name, each with any words in its open places."""
    return tuple(_refusal(route) for route in ROUTES.all if route.handler.__module__.endswith(_REFUSING))


def _refusal(route: Route) -> Verb:
    door = {"": "", "genericasset": "/genericasset"}[route.service]
    path = "/".join("any" if part.startswith("{") else part for part in route.template.split("/"))
    return Verb(route.method, f"{_HOST}{door}{table.RESOURCE}/{path}", "see", at="inside", ok=501)


UNSERVED = (
    *(Verb(method, f"{table.ARM}/batchEndpoints/e{tail}", "see", at="inside", ok=501)
      for tail in ("", "/deployments/d") for method in ("PUT", "PATCH")),
    *(Verb("GET", f"{table.ARM}/batchEndpoints/e{tail}", "see", at="inside", ok=404) for tail in ("", "/deployments", "/deployments/d")),
    Verb("POST", f"{table.ARM}/batchEndpoints/e/listkeys", "see", at="inside", ok=404),
    *(Verb("GET", f"{table.MFERP}/batchEndpoints/e{tail}/jobs", "see", at="inside", ok=404) for tail in ("", "/deployments/d")),
    Verb("GET", table.ARM + "/schedules/s", "see", at="inside", ok=404),
    Verb("PUT", table.ARM + "/schedules/s", "see", at="inside", ok=501),
    Verb("POST", table.ARM + "/schedules/s/trigger", "see", at="inside", ok=404),
    *refusals(),
)  # fmt: skip

IN_A_WORKSPACE = (
    *table.OF_A_WORKSPACE, *table.OF_RESOURCES, *table.OF_JOBS, *table.OF_ENDPOINTS, *table.OF_THE_SUBSCRIPTION, *UNSERVED,
)  # fmt: skip


class TestTheControlPlane:
    @pytest.mark.slow
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("place", ["dev", "central"])
    def test_with_every_asset(self, world: World, place: str, kind: AssetKind) -> None:
        rows = (*table.of_assets(place, kind), *(table.OF_A_REGISTRY_ASSET if place == "central" else ()))
        _try(world, place, [(verb, kind, name) for verb in rows for name in ("a", "b")])

    @pytest.mark.slow
    def test_with_a_workspace(self, world: World) -> None:
        _try(world, "dev", [(verb, AssetKind.MODEL, "b") for verb in IN_A_WORKSPACE])

    @pytest.mark.slow
    def test_with_a_registry(self, world: World) -> None:
        rows = (*table.OF_A_REGISTRY, *table.OF_THE_SUBSCRIPTION)
        _try(world, "central", [(verb, AssetKind.MODEL, "b") for verb in rows])

    def test_ids_are_resolved_for_who_may_see_what_they_name(self, world: World) -> None:
        for who in everybody(world, "dev"):
            for verb in table.RESOLVING:
                answer = world.request(verb, who, world.scopes["dev"], AssetKind.MODEL, "a")
                if who.role:
                    told = bool(answer.json().get("values"))
                    assert told == who.may("see jobs", world.path(world.scopes["dev"])), (who, answer.text)

    @pytest.mark.parametrize("kind", list(ScopeKind))
    def test_scopes_are_listed_that_may_be_known(self, world: World, kind: ScopeKind) -> None:
        plural = "workspaces" if kind is ScopeKind.WORKSPACE else "registries"
        for who in everybody(world, "dev"):
            for place in (table.SUBSCRIPTION, table.GROUP.format(group="one"), table.GROUP.format(group="two")):
                answer = world.ask("GET", f"{_HOST}{place}{table.PROVIDER}/{plural}", who.key)
                if who.role:
                    there = {name for name in visible(world, who, kind)
                             if place.endswith(("default", world.scopes[name].resource_group))}  # fmt: skip
                    assert {one["name"] for one in answer.json()["value"]} == there, (who, place)

    def test_a_group_is_there_for_who_sees_anything_in_it(self, world: World) -> None:
        for who in everybody(world, "dev"):
            listed = world.ask("GET", "/subscriptions/default/resourceGroups", who.key)
            for group in ("one", "two", "none"):
                answer = world.ask("GET", _HOST + table.GROUP.format(group=group), who.key)
                if not who.role:
                    assert answer.status_code == listed.status_code == 401
                else:
                    there = group in {one["name"] for one in listed.json()}
                    assert answer.status_code == (200 if there else 404), (who, group)

    def test_computes_are_counted_for_who_may_see_them(self, world: World) -> None:
        path = f"{_HOST}{table.SUBSCRIPTION}{table.PROVIDER}/locations/local/usages"
        for who in everybody(world, "dev"):
            answer = world.ask("GET", path, who.key)
            for one in answer.json().get("value", ()):
                name = one["name"]["value"].rpartition(" ")[2]
                assert name in visible(world, who, ScopeKind.WORKSPACE), who
                assert not one["currentValue"] or who.may("see resources", world.path(world.scopes[name])), who


class TestWhatTakesNoToken:
    def test_where_everything_is_may_be_known_by_everybody(self, world: World) -> None:
        told = {path: world.ask("GET", _HOST + path).json() for path in ("/metadata/endpoints", "/discovery")}
        assert not any(name in json.dumps(told) for name in world.scopes)
        for who in everybody(world, "dev"):
            for path, same in told.items():
                assert world.ask("GET", _HOST + path, who.key).json() == same

    def test_a_token_is_for_living_keys(self, world: World) -> None:
        for who in everybody(world, "dev"):
            path, header = f"{_HOST}/identity/token?resource=https://ml.azure.com", {"X-IDENTITY-HEADER": who.key or ""}
            answer = world.ask("GET", path, headers=header)
            assert answer.status_code == (200 if who.role else 401), who
            if who.role:  # and it can do what the key can, no more
                token, route = (
                    answer.json()["access_token"],
                    table.ARM.format(group="one", scopes="workspaces", scope="dev"),
                )
                assert world.ask("GET", route, token).status_code == world.ask("GET", route, who.key).status_code
                assert world.ask("GET", path, headers={"X-IDENTITY-HEADER": token}).status_code == 401


def container(world: World, name: str, place: str) -> str:
    """The container in which the bytes of something are, and the path to one of its files."""
    scope = world.scopes[place]
    if name == "version":
        found = world.house.assets.get(SYSTEM, scope.address, AssetKind.MODEL, "a", "1")
        return f"{version_container(found.id)}/f.txt"
    if name == "run":
        return f"{jobs_container(scope.id)}/ExperimentRun/dcid.{world.runs[place]}/outputs/f.txt"
    return f"{files_container(scope.id)}/assets/models/a/1/f.txt"


BYTES = {
    "version": ("download", "see assets", "asset"),
    "shelf": ("download", "see assets", "asset"),
    "run": ("download", "see jobs", "scope"),
}


class TestTheBytes:
    @pytest.mark.slow
    @pytest.mark.parametrize("what", BYTES)
    def test_are_read_by_who_may_have_them(self, world: World, what: str) -> None:
        """By the key itself, as a credential for storage."""
        can, sees, at = BYTES[what]
        path = f"{_HOST}/files.blob.regista/{container(world, what, 'dev')}"
        _try(world, "dev", [(Verb("GET", path, can, sees, at), AssetKind.MODEL, "a")])

    @pytest.mark.slow
    def test_behind_a_datastore(self, world: World) -> None:
        _try(world, "dev", [(verb, AssetKind.MODEL, "a") for verb in table.OF_BYTES])

    def test_behind_a_datastore_are_listed_for_who_may_have_them(self, world: World) -> None:
        path = f"{_HOST}/files.blob.regista/{files_container(world.scopes['dev'].id)}?restype=container&comp=list&prefix=shared/"
        for who in everybody(world, "dev"):
            answer = world.ask("GET", path, who.key)
            listed = answer.status_code == 200 and "shared/f.txt" in answer.text
            assert listed == who.may("download", world.path(world.scopes["dev"])), who

    @pytest.mark.slow
    def test_are_written_by_nobody_where_they_are_a_versions(self, world: World) -> None:
        for who in everybody(world, "dev"):
            for what in ("version", "shelf"):
                path = f"{_HOST}/files.blob.regista/{container(world, what, 'dev')}"
                for method in ("PUT", "DELETE"):
                    headers = {"x-ms-blob-type": "BlockBlob"}
                    answer = world.ask(method, path, who.key, content=b"x", headers=headers)
                    assert answer.status_code in {401, 403, 404}, (who, method, what, answer.text)


def _try(world, place, asked):
    scope, people = world.scopes[place], everybody(world, place)
    wrong = []
    for who in people:
        for verb, kind, name in asked:
            if isinstance(verb.body, dict) and "description" in verb.body:
                verb = verb._replace(body={"description": f"by {who}"})  # noqa: PLW2901 - what is said already changes nothing
            wanted = expected(verb, who, world, scope, kind, name)
            answer = world.request(verb, who, scope, kind, name)
            got = 200 if answer.status_code in {201, 202} else answer.status_code
            if got != wanted:
                wrong.append(
                    f"{who}: {verb.method} {verb.path} {kind} {name}: {got}, not {wanted}: {answer.text[:150]}"
                )
    assert not wrong, f"{len(wrong)} of {len(people) * len(asked)}:\n" + "\n".join(wrong[:40])
