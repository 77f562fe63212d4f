"""What a caller may not read answers exactly like what is not there, and nothing it may read tells of it."""

import re

import pytest

from regista.entities.asset import AssetKind
from regista.entities.digest import digest_of
from regista.services.access.access import SYSTEM
from tests.integration.isolation import table, table_azureml, table_mlflow
from tests.integration.isolation.test_azureml import IN_A_WORKSPACE
from tests.integration.isolation.world import SPECS, Somebody, World, said

MODEL = AssetKind.MODEL


def renamed(answer, *names):
    """The answer with every *name* called the same."""
    text = repr((answer.status_code, said(answer), answer.headers.get("content-type")))
    for name in names:
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", "X", text)
    return text


@pytest.fixture(scope="module")
def stranger(world: World) -> Somebody:
    return Somebody("stranger", world.key_of("stranger", "Owner", world.path(world.scopes["other"])), "Owner")


@pytest.fixture(scope="module")
def guest(world: World) -> Somebody:
    """Who may do anything with one model of ``dev`` and of ``central``, and nothing else."""
    places = [world.path(world.scopes[name], MODEL, "a") for name in ("dev", "central")]
    return Somebody("guest", world.key_of("guest", "Owner", *places), "Owner")


@pytest.fixture(scope="module")
def secret(world: World) -> bytes:
    """What a model of ``dev`` holds that few may read."""
    world.people.version(world.scopes["dev"], name="b", version="secret", files={"f": b"secret bytes"})
    return b"secret bytes"


class _Renamed:
    """A scope under another name."""

    def __init__(self, scope, name):
        self.name, self.kind, self.address = name, scope.kind, scope.address
        self.subscription, self.resource_group, self.id = scope.subscription, scope.resource_group, scope.id


@pytest.mark.parametrize("place", ["dev", "central"])
@pytest.mark.parametrize("door", ["native", "mlflow"])
def test_a_hidden_scope_answers_as_an_absent_one(world, stranger, place, door):
    scope = world.scopes[place]
    native = (*table.OF_A_SCOPE, *table.OF_AN_ASSET, *(table.OF_A_WORKSPACE if place == "dev" else ()))
    mlflow = (
        *table_mlflow.OF_MODELS,
        *table_mlflow.OF_SCOPES,
        *(table_mlflow.IN_A_WORKSPACE if place == "dev" else ()),
    )
    for verb in native if door == "native" else mlflow:
        hidden = world.request(verb, stranger, scope, MODEL, "a")
        absent = world.request(verb, stranger, _Renamed(scope, "abs-ent"), MODEL, "a")
        assert renamed(hidden, place) == renamed(absent, "abs-ent"), verb
        assert verb.can == "nothing" or hidden.status_code in {400, 404}, verb


@pytest.mark.parametrize("place", ["dev", "central"])
def test_a_hidden_scope_answers_as_an_absent_one_to_the_sdk_too(world, stranger, place):
    scope = world.scopes[place]
    rows = (
        *table_azureml.of_assets(place, MODEL),
        *(IN_A_WORKSPACE if place == "dev" else table_azureml.OF_A_REGISTRY),
    )
    for verb in rows:
        if verb.method == "PUT" and verb.path == table_azureml.ARM:
            continue  # would make the absent one: who may make one is tried in test_giving
        hidden = world.request(verb, stranger, scope, MODEL, "a")
        absent = world.request(verb, stranger, _Renamed(scope, "abs-ent"), MODEL, "a")
        assert renamed(hidden, place) == renamed(absent, "abs-ent"), verb
        assert verb.can == "nothing" or hidden.status_code in {400, 404, 204}, verb


@pytest.mark.parametrize("place", ["dev", "central"])
@pytest.mark.parametrize("kind", list(AssetKind))
def test_a_hidden_asset_answers_as_an_absent_one(world, guest, place, kind):
    scope = world.scopes[place]
    asset = (*table.OF_AN_ASSET, *(table_mlflow.OF_MODELS if kind is MODEL else ()))
    for verb in asset:
        hidden = world.request(verb, guest, scope, kind, "b")
        absent = world.request(verb, guest, scope, kind, "n0ne")
        assert renamed(hidden, "b") == renamed(absent, "n0ne"), verb
        shown = verb.at == "asset"
        assert hidden.status_code in {403, 404} if shown else hidden.status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/workspaces/dev/jobs/{}"),
        ("GET", "/workspaces/dev/jobs/{}/log"),
        ("GET", "/workspaces/dev/jobs/{}/children"),
        ("GET", "/workspaces/dev/jobs/{}/trace"),
        ("POST", "/workspaces/dev/jobs/{}/cancel"),
        ("GET", "/workspaces/dev/jobs/{}/outputs/model/manifest"),
        ("GET", "/workspaces/dev/onlineEndpoints/{}"),
        ("GET", "/workspaces/dev/onlineEndpoints/{}/why"),
        ("GET", "/workspaces/dev/onlineEndpoints/{}/traffic"),
        ("GET", "/workspaces/dev/onlineEndpoints/{}/deployments"),
        ("GET", "/workspaces/dev/onlineEndpoints/{}/deployments/blue/trace"),
        ("GET", "/mlflow/workspaces/dev/api/2.0/mlflow/runs/get?run_id={}"),
        ("GET", "/mlflow/workspaces/dev/api/2.0/mlflow-artifacts/artifacts/runs/{}/f.txt"),
    ],
)
def test_hidden_work_answers_as_absent_work(world, guest, method, path):
    there = "ep" if "Endpoints" in path else world.runs["dev"] if "mlflow" in path else "j"
    hidden = world.ask(method, path.format(there), guest.key)
    absent = world.ask(method, path.format("n0ne"), guest.key)
    assert renamed(hidden, there) == renamed(absent, "n0ne")
    assert hidden.status_code == 404


class TestPages:
    """A page of what may be read is one as if nothing else were there."""

    @pytest.mark.parametrize("limit", [1, 2, 100])
    @pytest.mark.parametrize("what", ["/workspaces", "/registries", "/workspaces/dev/models"])
    def test_no_cursor_and_no_short_page_tells_of_the_rest(self, world, guest, what, limit):
        page = world.ask("GET", f"{what}?limit={limit}", guest.key).json()
        assert [one["name"] for one in page["items"]] == [
            {"models": "a", "workspaces": "dev", "registries": "central"}[what.rsplit("/", 1)[-1]]
        ]
        assert page["next"] is None

    def test_pages_of_many_go_on_behind_what_is_seen(self, world):
        for number in range(12):
            world.people.version(world.scopes["shelf"], name=f"many-{number:02}")
        wanted = {f"many-{number:02}" for number in (1, 4, 5, 9)}
        key = world.key_of("some", "Reader", *(world.path(world.scopes["shelf"], MODEL, name) for name in wanted))
        for limit in (1, 2, 3, 4, 5):
            seen, cursor, pages = [], None, 0
            while cursor is not None or not pages:
                after = {"cursor": cursor} if cursor else {}
                page = world.ask("GET", "/registries/shelf/models", key, params={"limit": limit} | after).json()
                assert len(page["items"]) == limit or page["next"] is None
                seen += [one["name"] for one in page["items"]]
                cursor, pages = page["next"], pages + 1
            assert set(seen) == wanted
            assert len(seen) == 4
            assert pages == -(-4 // limit)

    def test_versions_of_a_hidden_name_are_no_versions(self, world, guest):
        for name in ("b", "n0ne"):
            page = world.ask("GET", f"/workspaces/dev/models/{name}/versions?limit=1&show=all", guest.key).json()
            assert page == {"items": [], "next": None}


class TestDigests:
    """Knowing a digest gives no access, not even the knowledge that somebody has the bytes."""

    def body(self, content):
        return {"files": [{"path": "f", "digest": digest_of(content), "size": len(content)}]}

    @pytest.mark.parametrize("where", ["/workspaces/dev", "/registries/central", "/workspaces/other"])
    def test_bytes_of_others_answer_as_bytes_of_nobody(self, world, guest, stranger, secret, where):
        who = stranger if "other" in where else guest
        answers = [
            world.ask("POST", f"{where}/models", who.key, json={"name": "a", "version": "9", **self.body(content)})
            for content in (secret, b"nobodys bytes"[: len(secret)])
        ]
        texts = [
            renamed(answer, digest_of(secret)[:19], digest_of(b"nobodys bytes"[: len(secret)])[:19])
            for answer in answers
        ]
        assert texts[0] == texts[1]
        assert {answer.status_code for answer in answers} == {404}
        blobs = {"blobs": [{"digest": digest_of(secret), "size": len(secret)}]}
        assert world.ask("POST", f"{where}/blobs/missing", who.key, json=blobs).json()["missing"] == [digest_of(secret)]

    def test_who_may_download_everything_need_not_send_again(self, world, secret):
        key = world.key_of(
            "porter", "Registry User", world.path(world.scopes["dev"]), world.path(world.scopes["central"])
        )
        body = {"name": "carried", "version": "1", **self.body(secret)}
        assert world.ask("POST", "/registries/central/models", key, json=body).status_code == 201


class TestReferences:
    """A reference in a document or a path is followed with the caller's rights, and leads nowhere else."""

    PATHS = (
        "azureml://jobs/j/outputs/model",
        "azureml://subscriptions/default/resourcegroups/one/workspaces/dev/jobs/j/outputs/model",
        "azureml://workspaces/dev/jobs/j/outputs/model",
        "azureml://workspaces/dev/models/b/versions/1",
        "azureml://registries/central/models/b/versions/1",
        "azureml://locations/any/workspaces/{dev}/models/b/versions/1",
        "runs:/{run}/f.txt",
        "runs:/j",
        "models:/m-00000000000000000000000000000000",
        "/etc/passwd",
        "file:///etc/passwd",
        "../../../etc/passwd",
        "azureml://datastores/d/paths/etc/passwd",
        "https://127.0.0.1/x",
    )

    @pytest.mark.parametrize(
        ("path", "home"),
        [
            (path, home)
            for path in PATHS
            for home in ("", "dev", "default:one:dev", "other")
            if home.endswith("dev") or path not in {"azureml://jobs/j/outputs/model", "runs:/j"}  # their own
        ],
    )
    def test_no_path_leads_into_a_hidden_scope(self, world, stranger, path, home):
        path = path.format(dev=world.scopes["dev"].id, run=world.runs["dev"])
        body = {"name": "stolen", "path": path, "workspace": home}
        answer = world.ask("POST", "/workspaces/other/models", stranger.key, json=body)
        assert answer.status_code in {400, 404, 501}, answer.text
        assert world.ask("GET", "/workspaces/other/models/stolen", stranger.key).status_code == 404

    SOURCES = (
        "runs:/{run}/f.txt",
        "runs:/{run}",
        "runs:/j/model",
        "mlflow-artifacts:/runs/{run}/f.txt",
        "https://regista.test/mlflow/workspaces/dev/api/2.0/mlflow-artifacts/artifacts/runs/{run}/f.txt",
        "https://regista.test/mlflow/workspaces/dev/api/2.0/mlflow-artifacts/artifacts/runs/j",
        "models:/b/1",
        "azureml://workspaces/dev/models/b/versions/1",
        "file:///etc",
        "/etc",
        "s3://bucket/x",
        "azureml://jobs/j/outputs/model",
    )

    @pytest.mark.parametrize("run", ["", "{run}", "j"])
    @pytest.mark.parametrize("source", SOURCES)
    def test_no_source_of_mlflow_leads_there_either(self, world, guest, source, run):
        """Whoever has one model and nothing else registers nothing out of runs, jobs and other models."""
        base = "/mlflow/workspaces/dev/api/2.0/mlflow/model-versions"
        body = {"name": "a", "source": source.format(run=world.runs["dev"])}
        body |= {"run_id": run.format(run=world.runs["dev"])} if run else {}
        answer = world.ask("POST", base + "/create", guest.key, json=body)
        assert answer.status_code in {400, 403, 404, 501}, answer.text
        found = world.ask("GET", base + "/search", guest.key).json().get("model_versions", [])
        assert [(one["name"], one["version"]) for one in found] == [("a", "1")]

    @pytest.mark.parametrize(
        "reference",
        ["azureml://registries/{}/environments/b/versions/1", "azureml://workspaces/{}/environments/b/versions/1"],
    )
    def test_a_hidden_reference_in_a_document_answers_as_an_absent_one(self, world, stranger, reference):
        answers = []
        for name in ("central" if "registries" in reference else "dev", "abs-ent"):
            spec = SPECS[AssetKind.COMPONENT] | {"environment": reference.format(name)}
            answers.append(
                renamed(
                    world.ask("POST", "/workspaces/other/components", stranger.key, json={"name": "c", "spec": spec}),
                    name,
                )
            )
        assert answers[0] == answers[1]
        assert "404" in answers[0]

    def test_a_build_context_is_read_by_who_may_download_it_alone(self, world):
        dev, other = world.scopes["dev"], world.scopes["other"]
        world.people.version(dev, AssetKind.CODE, name="ctx", version="1", files={"Dockerfile": b"FROM secret"})
        lister = ("scopes/read", "assets/read", "assets/write")
        world.key_of("lister", "Owner", world.path(dev), world.path(other))
        key = world.house.principals.create_key(SYSTEM, "lister", "narrow", permissions=lister).secret
        spec = {"build": {"path": "azureml:ctx:1"}}
        answer = world.ask("POST", "/workspaces/dev/environments", key, json={"name": "spy", "spec": spec})
        assert answer.status_code == 403
        assert "secret" not in answer.text

    def test_comparing_with_hidden_jobs_is_comparing_with_absent_ones(self, world, stranger):
        own = {"workspace": "other", "job": "j"}
        texts = []
        for workspace in ("dev", "abs-ent"):
            for job in ("j", "n0ne"):
                body = {"jobs": [own, {"workspace": workspace, "job": job}]}
                texts.append(renamed(world.ask("POST", "/compare", stranger.key, json=body), workspace, job))
        assert len(set(texts)) == 1


class TestPrincipals:
    def test_others_are_not_there_for_who_may_not_see_them(self, world):
        key = world.key_of("nosy", "Registry User", "/")
        for method, path in (
            ("GET", "/principals/{}/keys"),
            ("POST", "/principals/{}/keys/k/rotate"),
            ("DELETE", "/principals/{}/keys/k"),
            ("GET", "/roleAssignments?principal={}"),
        ):
            texts = {renamed(world.ask(method, path.format(name), key), name) for name in ("idle", "n0body")}
            assert len(texts) == 1, path
        assert [one["name"] for one in world.ask("GET", "/principals", key).json()] == ["nosy"]
        assert {one["role"] for one in world.ask("GET", "/roleAssignments", key).json()} == {"Registry User"}
