"""What a caller may not read does not exist for it; what it may read but not do is forbidden, by every route."""

import pytest

from regista.dialects.mlflow.routes import ROUTES, TEMPLATES
from regista.entities.access import PrincipalKind
from regista.entities.scope import ScopeKind
from regista.services.access.access import SYSTEM
from tests.support.mlflow_door import FILES

DEV = "/subscriptions/default/resourceGroups/default/workspaces/dev"
CENTRAL = "/subscriptions/default/resourceGroups/default/registries/central"

SPANS = b'{"spans": [{"name": "x", "context": {"trace_id": "0x1", "span_id": "0x2"}, "start_time": 1}]}'


@pytest.fixture(scope="module")
def stocked(doors):
    """A run with a file, a logged model, a trace with feedback, and registered models in ``dev`` and in ``central``."""
    run = doors.run(run_name="secret")
    model = doors.post("logged-models", experiment_id="0", source_run_id=run)["model"]["info"]["model_id"]
    doors.put(f"models/{model}/MLmodel", b"x")
    version = doors.model("guarded", run)
    doors.at("/mlflow/registries/central").model("guarded", run)
    uri = doors.get("model-versions/get-download-uri", name="guarded", version="1")["artifact_uri"]
    place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}
    told = {"trace_id": "tr-guarded", "trace_location": place, "request_time": "2026-01-02T03:04:05Z", "state": "OK"}
    doors.post("traces", trace={"trace_info": told})
    doors.put("traces/tr-guarded/traces.json", SPANS)
    assessment = {"assessment_name": "good", "feedback": {"value": True}}
    hook = {"name": "h", "url": "https://example.com", "events": OF_WEBHOOKS["events"]}
    webhook = doors.post("webhooks", **hook)["webhook"]["webhook_id"]
    said = doors.post("traces/tr-guarded/assessments", assessment=assessment)["assessment"]["assessment_id"]
    return {
        "run": run,
        "model": model,
        "version": version["version"],
        "file": uri.rpartition("/")[2],
        "trace": "tr-guarded",
        "assessment": said,
        "webhook": webhook,
    }


@pytest.fixture(scope="module")
def people(doors):
    """Doors into ``dev`` by who has which role where."""

    def person(name, *roles):
        doors.house.principals.create(SYSTEM, name, PrincipalKind.USER)
        for role, path in roles:
            doors.house.principals.assign(SYSTEM, name, role, path)
        return doors.at(doors.base, doors.house.principals.create_key(SYSTEM, name, "k").secret)

    return {
        "stranger": person("stranger"),
        "reader": person("reader", ("Reader", DEV)),
        "scientist": person("scientist", ("Data Scientist", DEV)),
        "shopper": person("shopper", ("Registry User", CENTRAL)),
    }


FIELDS = {
    "name": "guarded",
    "new_name": "other",
    "version": "1",
    "experiment_id": "0",
    "experiment_name": "Default",
    "experiment_ids": ["0"],
    "metric_key": "m",
    "key": "k",
    "value": "1",
    "timestamp": 1,
    "alias": "a",
    "stage": "Staging",
    "status": "LOGGED_MODEL_READY",
    "tags": [{"key": "a", "value": "b"}],
    "model_json": '{"artifact_path":"m","flavors":{},"utc_time_created":"t","run_id":"r"}',
}
OF_TRACES = {
    "trace_id": "tr-guarded",
    "trace_ids": ["tr-guarded"],
    "timestamp_ms": 1,
    "prompt_versions": [{"name": "p", "version": "1"}],
    "assessment": {"assessment_name": "good", "feedback": {"value": True}},
    "locations": [{"mlflow_experiment": {"experiment_id": "0"}}],
    "tags": [],
    "status": "OK",
}
OF_WEBHOOKS = {
    "url": "https://example.com",
    "events": [{"entity": "MODEL_VERSION", "action": "CREATED"}],
    "event": {"entity": "MODEL_VERSION", "action": "CREATED"},
    "status": "ACTIVE",
}
ALL = sorted({**ROUTES, **TEMPLATES})
READS = ("/search", "search-datasets", "get-latest-versions", "batchGetInfos", "presigned-download-url")


def call(door, stocked, method, name):
    run, of_traces = stocked["run"], name.startswith("traces")
    of_webhooks = name.startswith("webhooks")
    one = stocked["webhook" if of_webhooks else "model"]
    ids = iter([stocked["trace"], stocked["assessment"]] if of_traces else [one] * 2)
    path = "/".join(next(ids) if part == "*" else part for part in name.split("/"))
    fields = {
        **FIELDS,
        "run_id": run,
        "run_ids": [run],
        "source": f"runs:/{run}/model",
        **(OF_TRACES if of_traces else {}),
        **(OF_WEBHOOKS if of_webhooks else {}),
    }
    if name == "registered-models/create":
        fields["name"] = "something-new"
    if "presigned" in name:
        fields["path"] = "model/MLmodel"
    if name == "traces/delete-traces":
        fields.pop("timestamp_ms")
    if method == "GET":
        fields = {
            key: value
            for key, value in fields.items()
            if key not in {"tags", "locations", "assessment", "events", "event"}
        }
        if name == "metrics/get-history-bulk":
            fields["run_id"] = [run]
    if name in {"runs/update", "runs/log-batch"}:
        fields.pop("status")
    return door.send(method, path, **fields)


@pytest.mark.parametrize(("method", "name"), [key for key in ALL if key[1] != "server-info"])
class TestEveryRoute:
    def test_a_stranger_finds_nothing(self, people, stocked, method, name):
        answer = call(people["stranger"], stocked, method, name)
        assert (answer.status, answer.json["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
        assert "secret" not in answer.error
        assert people["stranger"].at("/mlflow/registries/central").send(method, name).status >= 400

    def test_a_reader_reads_and_changes_nothing(self, people, stocked, method, name):
        answer = call(people["reader"], stocked, method, name)
        reads = (method == "GET" or name.endswith(READS)) and not name.startswith("webhooks")
        if not reads:
            assert (answer.status, answer.json["error_code"]) == (403, "PERMISSION_DENIED"), answer.content
        elif name != "registered-models/alias":
            assert answer.status == 200, answer.content

    def test_without_a_key_there_is_nothing(self, people, stocked, method, name):
        assert call(people["reader"].at("/mlflow/workspaces/dev", ""), stocked, method, name).status == 401


class TestFiles:
    @pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE"])
    def test_a_stranger_finds_no_files(self, people, stocked, verb):
        for owner in (f"runs/{stocked['run']}/model", f"models/{stocked['model']}", f"versions/{stocked['file']}"):
            assert people["stranger"].request(verb, f"{FILES}/{owner}/MLmodel", b"x").status == 404

    def test_a_reader_fetches_and_does_not_write(self, people, stocked):
        path = f"{FILES}/runs/{stocked['run']}/model/MLmodel"
        assert people["reader"].request("GET", path).status == 200
        assert people["reader"].request("PUT", path, b"other").status == 403
        assert people["reader"].request("DELETE", path).status == 403

    def test_nobody_writes_the_files_of_a_version(self, doors, stocked):
        answer = doors.put(f"versions/{stocked['file']}/MLmodel", b"other")
        assert answer.error.startswith("INVALID_PARAMETER_VALUE: the files of a registered version never change")

    def test_a_version_is_read_through_its_own_scope_alone(self, doors, stocked):
        path = f"{FILES}/versions/{stocked['file']}/MLmodel"
        assert doors.request("GET", path).status == 200
        assert doors.at("/mlflow/workspaces/prod").request("GET", path).status == 404
        assert doors.at("/mlflow/registries/central").request("GET", path).status == 404

    def test_a_key_without_the_right_to_download_reads_names_and_no_bytes(self, doors, stocked):
        secret = doors.house.principals.create_key(
            SYSTEM, "ada", "names", permissions=("scopes/read", "jobs/read", "assets/read")
        ).secret
        narrow = doors.at(doors.base, secret)
        assert narrow.send("GET", "runs/get", run_id=stocked["run"]).status == 200
        assert narrow.request("GET", f"{FILES}/runs/{stocked['run']}/model/MLmodel").status == 403


class TestAcross:
    def test_who_may_not_read_a_run_registers_nothing_from_it(self, doors, people, stocked):
        registry = people["shopper"].at("/mlflow/registries/central")
        run = stocked["run"]
        for source in (
            f"runs:/{run}/model",
            f"models:/{stocked['model']}",
            f"{doors.url}{FILES}/runs/{run}/model",
            f"{doors.url}{FILES}/versions/{stocked['file']}",
        ):
            answer = registry.send("POST", "model-versions/create", name="guarded", source=source)
            assert answer.status == 404, (source, answer.content)
        assert registry.send("GET", "registered-models/get", name="guarded").status == 200

    def test_a_scientist_works_in_its_workspace_alone(self, people):
        scientist = people["scientist"]
        assert scientist.send("POST", "runs/create", experiment_id="0").status == 200
        elsewhere = scientist.at("/mlflow/workspaces/prod")
        assert elsewhere.send("POST", "runs/create", experiment_id="0").status == 404

    def test_a_key_of_another_scope_opens_nothing_here(self, doors):
        secret = doors.house.principals.create_key(SYSTEM, "ada", "narrow", paths=(CENTRAL,)).secret
        assert doors.at(doors.base, secret).send("GET", "experiments/get", experiment_id="0").status == 404

    def test_every_route_says_in_which_scopes_it_is(self):
        assert all(route.kinds for route in (*ROUTES.values(), *TEMPLATES.values()))
        assert {kind for route in ROUTES.values() for kind in route.kinds} == set(ScopeKind)
