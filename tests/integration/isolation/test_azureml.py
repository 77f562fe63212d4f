"""The doors of azure-ai-ml and of its bytes: everybody gets there what the native table says of the same thing."""

import pytest

from regista.entities.asset import AssetKind
from regista.entities.datastore import files_container, jobs_container, version_container
from regista.services.access.access import SYSTEM
from tests.integration.isolation.table import Verb
from tests.integration.isolation.test_table import everybody
from tests.integration.isolation.world import KINDS, World, expected

_HOST = "https://regista.test"
_RESOURCE = "/subscriptions/default/resourceGroups/{group}/providers/Microsoft.MachineLearningServices/{scopes}/{scope}"
ARM = _HOST + _RESOURCE
CONTENT = {"dev": ARM, "central": f"{_HOST}/mferp/managementfrontend{_RESOURCE}"}
HISTORY = f"{_HOST}/history/v1.0{_RESOURCE}"
RUN = HISTORY + "/experiments/any/runs/{run}/artifacts"


def of_assets(content: str) -> tuple[Verb, ...]:
    """What is said of one asset; *content* is where those of the scope are."""
    one = content + "/{kinds}/{name}"
    return (
        Verb("GET", one, "see assets", "see assets", "asset"),
        Verb("GET", one + "/versions/1", "see assets", "see assets", "asset"),
        Verb("GET", content + "/{kinds}", "see", at="inside"),
        Verb("GET", one + "/versions", "see", at="inside"),
        Verb("PUT", one, "write assets", "see assets", "asset", {"properties": {"isArchived": False}}),
        Verb("POST", one + "/versions/9/startPendingUpload", "bring bytes", at="inside",
             body={"pendingUploadType": "TemporaryBlobReference"}),
    )  # fmt: skip


ENDPOINT = ARM + "/onlineEndpoints/ep"
OF_A_WORKSPACE = (
    Verb("GET", ARM, "see", at="inside"),
    Verb("PATCH", ARM, "write scope", "see scope", body={"tags": {"a": "b"}}),
    Verb("GET", ARM + "/jobs", "see jobs", "see jobs"),
    Verb("GET", ARM + "/jobs/j", "see jobs", "see jobs"),
    Verb("POST", ARM + "/jobs/j/cancel", "cancel jobs", "see jobs"),
    Verb("GET", HISTORY + "/runs/j", "see jobs", "see jobs"),
    Verb("GET", HISTORY + "/runs/j/details", "see jobs", "see jobs"),
    Verb("GET", HISTORY + "/runs/j/children", "see jobs", "see jobs"),
    Verb("PATCH", HISTORY + "/runs/j", "write jobs", "see jobs", body={"description": "one"}),
    Verb("GET", RUN + "/contentinfo?path=f.txt", "download", "see jobs"),
    Verb("GET", RUN, "download", "see jobs"),
    Verb("POST", RUN + "/batch/metadata", "write jobs", "see jobs", body={"paths": [{"path": "f.txt"}]}),
    Verb("GET", ARM + "/computes/ci", "see resources", "see resources"),
    Verb("GET", ARM + "/datastores/d", "see resources", "see resources"),
    Verb("GET", ARM + "/connections/n", "see resources", "see resources"),
    Verb("GET", ARM + "/onlineEndpoints", "see", at="inside"),
    Verb("GET", ENDPOINT, "see endpoints", "see endpoints"),
    Verb("POST", ENDPOINT + "/listKeys", "endpoint keys", "see endpoints"),
    Verb("GET", ENDPOINT + "/deployments", "see endpoints", "see endpoints"),
    Verb("GET", ENDPOINT + "/deployments/blue", "see endpoints", "see endpoints"),
    Verb("POST", ENDPOINT + "/deployments/blue/getLogs", "endpoint logs", "see endpoints", body={"tail": 5}),
    Verb("GET", ARM + "/featuresets", "see", at="inside", ok=501),
)


class TestTheControlPlane:
    @pytest.mark.slow
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("place", ["dev", "central"])
    def test_with_every_asset(self, world: World, place: str, kind: AssetKind) -> None:
        verbs = [(verb, kind, name) for verb in of_assets(CONTENT[place]) for name in ("a", "b")]
        _try(world, place, verbs)

    @pytest.mark.slow
    def test_with_a_workspace(self, world: World) -> None:
        _try(world, "dev", [(verb, AssetKind.MODEL, "b") for verb in OF_A_WORKSPACE])


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
