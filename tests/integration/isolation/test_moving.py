"""Promotion and preflight ask at two places: where a thing is and where it goes. And nothing goes along that its mover may not read."""

import pytest

from regista.dialects.azureml.ids import guid
from regista.entities.asset import AssetKind
from regista.entities.names import new_id, now
from regista.entities.scope import ScopeKind
from regista.services.access.access import SYSTEM
from tests.integration.isolation.crowd import crowd
from tests.integration.isolation.roles import MAY
from tests.integration.isolation.table_azureml import HOST, RESOURCE
from tests.integration.isolation.world import KINDS, World, said

MODEL = AssetKind.MODEL


@pytest.fixture(scope="module", params=["dev", "central"])
def place(request):
    return request.param


@pytest.fixture(scope="module")
def people(world: World):
    return {place: list(crowd(world, world.scopes[place])) for place in ("dev", "central")}


@pytest.mark.parametrize("verb", ["plan", "share", "import"])
@pytest.mark.parametrize("kind", [AssetKind.MODEL, *(pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS[1:])])
def test_sharing_takes_the_bytes_here_and_the_right_to_write_there(world, people, place, kind, verb):
    source, target = world.scopes[place], world.scopes["shelf"]
    plural = "workspaces" if place == "dev" else "registries"
    for who in people[place]:
        for name in ("a", "b"):
            if verb == "import":
                answer = _imported(world, who, source, kind, name)
            else:
                body = {"registry": "shelf"}
                answer = world.ask("POST", f"/{plural}/{place}/{kind.plural}/{name}/{verb}", who.key, json=body)
            wanted = _wanted(world, who, world.path(source, kind, name), world.path(target, kind, name))
            got = 200 if answer.status_code == 202 else answer.status_code
            assert got == wanted, (who, name, answer.text)


def _imported(world, who, source, kind, name):
    """The same asked as azure-ai-ml does."""
    where = (
        f"registries/{source.name}"
        if source.kind is ScopeKind.REGISTRY
        else f"locations/local/workspaces/{guid(source.id)}"
    )
    properties = {"sourceAssetId": f"azureml://{where}/{kind.plural}/{name}/versions/1", "referenceType": "Id"}
    target = RESOURCE.format(group="two", scopes="registries", scope="shelf")
    address = f"{HOST}/mferp/managementfrontend{target}/import"
    return world.ask("POST", address, who.key, json={"properties": properties})


def _wanted(world, who, source, target):
    if not who.role:
        return 401
    if not (who.may("see assets", source) and who.may_inside("see assets", world.path(world.scopes["shelf"]))):
        return 404
    if not who.may("download", source):
        return 403
    if not who.may("see scope", target):
        return 404
    return 200 if who.may("write assets", target) else 403


def test_every_pair_of_roles_here_and_there(world):
    dev, shelf = world.path(world.scopes["dev"]), world.path(world.scopes["shelf"])
    for here in (None, *MAY):
        for there in (None, *MAY):
            name = f"pair-{here}-{there}".replace(" ", "-")
            key = world.key_of(name, here or "Reader", *([dev] if here else []))
            if there:
                world.house.principals.assign(SYSTEM, name, there, shelf)
            answer = world.ask("POST", "/workspaces/dev/models/a/share", key, json={"registry": "shelf"})
            writes = there is not None and "write assets" in MAY[there]
            wanted = 404 if not here or not there else 200 if writes and "download" in MAY[here] else 403
            assert answer.status_code == wanted, (name, answer.text)


class TestProvenance:
    """A capsule says no more than whoever sealed it could read."""

    @pytest.fixture(scope="class", autouse=True)
    @staticmethod
    def past(world: World):
        """In ``dev`` a job whose log is secret made model ``trained``."""
        dev = world.scopes["dev"]
        store = world.house.stores.for_scope(dev)[1]
        job = world.house.jobs.get(SYSTEM, dev.address, "j")
        from msgspec.structs import replace

        told = replace(job, id=new_id(), name="told", log=store.put(b"the secret of dev"), created_at=now())
        world.house.catalog.write(lambda tx: tx.jobs.add(told))

    def test_who_may_not_read_a_log_hands_none_on(self, world):
        dev, shelf = world.path(world.scopes["dev"]), world.path(world.scopes["shelf"])
        key = world.key_of("leaker", "Reader", dev)
        world.house.principals.assign(SYSTEM, "leaker", "Owner", shelf)
        assert world.ask("GET", "/workspaces/dev/jobs/told/log", key).status_code == 403
        body = {"name": "leaked", "path": "azureml://workspaces/dev/jobs/told/outputs/model"}
        assert world.ask("POST", "/registries/shelf/models", key, json=body).status_code == 201
        world.house.principals.unassign(SYSTEM, _assignment(world, "leaker", dev))
        trace = world.ask("GET", "/registries/shelf/models/leaked/versions/1/trace", key)
        assert "told" in trace.text
        assert "secret of dev" not in trace.text

    def test_who_may_gives_the_whole_record_on(self, world):
        shelf = world.path(world.scopes["shelf"])
        key = world.key_of("honest", "Owner", "/")
        body = {"name": "given", "path": "azureml://workspaces/dev/jobs/told/outputs/model"}
        assert world.ask("POST", "/registries/shelf/models", key, json=body).status_code == 201
        for role, told in (("Registry User", True), ("Reader", False)):
            reader = world.key_of(f"reads-as-{role}".replace(" ", "-"), role, shelf)
            trace = world.ask("GET", "/registries/shelf/models/given/versions/1/trace", reader)
            assert ("secret of dev" in trace.text) is told

    def test_a_sealed_record_goes_on_with_who_may_read_it(self, world):
        """Out of the workspace goes a new one with what its bearer may read, out of a registry the one that is there."""
        dev, shelf = world.path(world.scopes["dev"]), world.path(world.scopes["shelf"])
        root = world.key_of("sealer", "Owner", "/")
        body = {"name": "sealed", "path": "azureml://jobs/told/outputs/model"}
        assert world.ask("POST", "/workspaces/dev/models", root, json=body).status_code == 201
        assert "secret of dev" in world.ask("GET", "/workspaces/dev/models/sealed/versions/1/trace", root).text
        key = world.key_of("carrier", "Reader", dev + "/models/sealed")
        world.house.principals.assign(SYSTEM, "carrier", "Registry User", shelf)
        share = world.ask("POST", "/workspaces/dev/models/sealed/share", key, json={"registry": "shelf"})
        assert share.status_code == 200
        trace = world.ask("GET", "/registries/shelf/models/sealed/versions/1/trace", key).text
        assert "told" in trace
        assert "secret of dev" not in trace
        central = {"registry": "central"}
        assert world.ask("POST", "/workspaces/dev/models/sealed/share", root, json=central).status_code == 200
        world.house.principals.assign(SYSTEM, "carrier", "Reader", world.path(world.scopes["central"]))
        on = {"registry": "shelf", "share_with_name": "sealed-on"}
        refused = world.ask("POST", "/registries/central/models/sealed/share", key, json=on)
        assert refused.status_code == 403
        assert "provenance/detail" in refused.text

    def test_what_lies_behind_a_registry_stays_there(self, world):
        """A base model out of ``dev``, of which this workspace's people see the card alone, and what they make of it."""
        other, central = world.path(world.scopes["other"]), world.path(world.scopes["central"])
        root = world.key_of("maker", "Owner", "/")
        body = {"name": "base", "path": "azureml://workspaces/dev/jobs/told/outputs/model"}
        made = world.ask("POST", "/registries/central/models", root, json=body).json()
        assert "secret of dev" in world.ask("GET", "/registries/central/models/base/versions/1/trace", root).text
        world.key_of("tuner", "Data Scientist", other)
        world.house.principals.assign(SYSTEM, "tuner", "Reader", central)
        key = world.house.principals.create_key(SYSTEM, "tuner", "second").secret
        scope = world.scopes["other"]

        def consumed(tx):
            from regista.entities.lineage import Edge, EdgeType

            source = f"version:{world.scopes['central'].id}/model/base/{made['version']}"
            tx.lineage.add([Edge(source=source, target=f"job:{scope.id}/j", type=EdgeType.CONSUMED, role="input:base")])

        world.house.catalog.write(consumed)
        body = {"name": "tuned", "path": "azureml://jobs/j/outputs/model"}
        assert world.ask("POST", "/workspaces/other/models", key, json=body).status_code == 201
        trace = world.ask("GET", "/workspaces/other/models/tuned/versions/1/trace", key)
        assert "told" in trace.text, "the card is theirs to read"
        assert "secret of dev" not in trace.text


class TestDeployments:
    @pytest.mark.parametrize("verb", ["preflight", "create"])
    def test_a_hidden_model_answers_as_an_absent_one(self, world, verb):
        key = world.key_of(f"deployer-{verb}", "Owner", world.path(world.scopes["other"]))
        answers = []
        for registry in ("central", "abs-ent"):
            document = {
                "name": "nn",
                "endpoint_name": "ep",
                "model": f"azureml://registries/{registry}/models/a/versions/1",
            }
            path = "onlineDeployments/preflight" if verb == "preflight" else "onlineEndpoints/ep/deployments/nn"
            answer = world.ask(
                "POST" if verb == "preflight" else "PUT", f"/workspaces/other/{path}", key, json=document
            )
            answers.append(repr((answer.status_code, said(answer))).replace(registry, "X"))
        assert answers[0] == answers[1]

    def test_preflight_of_a_hidden_workspace_says_what_it_says_of_an_absent_one(self, world, people):
        document = {"name": "nn", "endpoint_name": "ep", "model": "azureml:b:1"}
        for who in people["dev"]:
            answer, absent = (
                world.ask("POST", f"/workspaces/{name}/onlineDeployments/preflight", who.key, json=document)
                for name in ("dev", "abs-ent")
            )
            path = world.path(world.scopes["dev"])
            if not who.role:
                assert answer.status_code == 401, who
            elif not (who.may("see scope", path) or who.may_inside("see assets", path)):
                assert answer.text.replace("'dev'", "X") == absent.text.replace("'abs-ent'", "X"), who
                assert not all(check["ok"] for check in answer.json())
            if not who.may("see endpoints", path):
                assert "blue" not in answer.text


def _assignment(world, principal, path):
    found = world.house.principals.assignments(SYSTEM, principal=principal, path=path)
    return found[0].id
