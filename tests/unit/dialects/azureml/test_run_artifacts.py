"""Artifacts by signed addresses: each opens one file, for who may have it, and the file is the run's own everywhere."""

import base64
from urllib.parse import urlsplit

import pytest

from regista.entities.access import PrincipalKind
from regista.services.access.access import SYSTEM
from tests.support.blob_door import BlobDoor
from tests.support.mlflow_door import Door as MlflowDoor

DEV = "/subscriptions/default/resourceGroups/default/workspaces/dev"


@pytest.fixture(scope="module")
def tracking(doors):
    """The workspace as azureml-mlflow addresses it."""
    return MlflowDoor(doors.house, f"/mlflow/v2.0{doors.workspace('dev')}", doors.key)


@pytest.fixture(scope="module")
def reader(doors):
    doors.house.principals.create(SYSTEM, "artifact-reader", PrincipalKind.USER)
    doors.house.principals.assign(SYSTEM, "artifact-reader", "Reader", DEV)
    return doors.by(doors.house.principals.create_key(SYSTEM, "artifact-reader", "k").secret)


@pytest.fixture(scope="module")
def stranger(doors):
    doors.house.principals.create(SYSTEM, "artifact-stranger", PrincipalKind.USER)
    return doors.by(doors.house.principals.create_key(SYSTEM, "artifact-stranger", "k").secret)


@pytest.fixture
def run(tracking):
    return tracking.run()


@pytest.fixture
def artifacts(door, run):
    return door.workspace("dev", f"experiments/any/runs/{run}/artifacts", "history/v1.0")


def blob(door, address: str) -> tuple[BlobDoor, str]:
    """Where an address leads, and its path there."""
    parts = urlsplit(address)
    assert f"{parts.scheme}://{parts.netloc}" == door.url
    assert parts.path.startswith("/files.blob.regista/"), "azureml-mlflow fetches from no other form of address"
    return BlobDoor(door.house, parts.path.split("/")[2], query=parts.query), parts.path


def announced(door, artifacts: str, *paths: str) -> dict[str, str]:
    said = door.post(f"{artifacts}/batch/metadata", {"paths": [{"path": path} for path in paths]})
    return {path: one["contentUri"] for path, one in said["artifactContentInformation"].items()}


def send(door, address: str, content: bytes) -> int:
    there, path = blob(door, address)
    return there.request("PUT", raw=path, content=content, headers={"x-ms-blob-type": "BlockBlob"}).status


def fetch(door, address: str) -> bytes:
    there, path = blob(door, address)
    answer = there.request("GET", raw=path)
    assert answer.status in {200, 206}, answer.content
    return answer.content


class TestAFile:
    def test_is_sent_to_one_address_and_fetched_from_another(self, door, artifacts):
        known = announced(door, artifacts, "model/MLmodel", "notes ü.txt")
        assert send(door, known["model/MLmodel"], b"flavors: {}") == 201
        assert send(door, known["notes ü.txt"], b"text") == 201
        assert [one["path"] for one in door.all(artifacts)] == ["model/MLmodel", "notes ü.txt"]
        there = door.get(f"{artifacts}/contentinfo", path="notes ü.txt")["contentUri"]
        assert fetch(door, there) == b"text"

    def test_is_the_runs_own_by_every_door(self, door, artifacts, tracking, run):
        assert send(door, announced(door, artifacts, "a/b.txt")["a/b.txt"], b"one") == 201
        native = tracking.at("/mlflow/workspaces/dev")
        assert native.get("artifacts/list", run_id=run, path="a")["files"][0]["path"] == "a/b.txt"
        assert native.put(f"runs/{run}/c.txt", b"two").status == 200
        assert fetch(door, door.get(f"{artifacts}/contentinfo", path="c.txt")["contentUri"]) == b"two"

    def test_sent_again_is_replaced(self, door, artifacts):
        for content in (b"one", b"two"):
            assert send(door, announced(door, artifacts, "a.txt")["a.txt"], content) == 201
        assert fetch(door, door.get(f"{artifacts}/contentinfo", path="a.txt")["contentUri"]) == b"two"

    def test_comes_in_blocks_when_it_is_large(self, door, artifacts):
        there, path = blob(door, announced(door, artifacts, "large.bin")["large.bin"])
        names = [base64.b64encode(f"block-{number}".encode()).decode() for number in range(3)]
        for name in names:
            assert there.request("PUT", raw=path, content=name.encode(), comp="block", blockid=name).status == 201
        assert door.all(artifacts) == [], "nothing is there before the list of blocks"
        body = "<BlockList>" + "".join(f"<Latest>{name}</Latest>" for name in names) + "</BlockList>"
        assert there.request("PUT", raw=path, content=body.encode(), comp="blocklist").status == 201
        fetched = fetch(door, door.get(f"{artifacts}/contentinfo", path="large.bin")["contentUri"])
        assert fetched == "".join(names).encode()

    def test_that_is_not_there_has_no_address(self, door, artifacts):
        assert door.refused("GET", f"{artifacts}/contentinfo", None, path="lacking").startswith("ResourceNotFound: ")

    @pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/passwd", "a//b", "", ".", "a\\b", "a\x00b"])
    def test_never_climbs(self, door, artifacts, path):
        said = door.send("POST", f"{artifacts}/batch/metadata", {"paths": [{"path": path}]})
        assert said.status == 400, path
        assert door.send("GET", f"{artifacts}/contentinfo", None, path=path).status == 400


class TestAnAddress:
    def test_opens_its_own_file_alone(self, door, artifacts):
        known = announced(door, artifacts, "a.txt", "b.txt")
        there, _ = blob(door, known["a.txt"])
        _, other = blob(door, known["b.txt"])
        assert there.request("PUT", raw=other, content=b"x", headers={"x-ms-blob-type": "BlockBlob"}).status == 403
        assert there.list(prefix="ExperimentRun/").status == 403

    def test_to_fetch_from_takes_no_bytes(self, door, artifacts):
        send(door, announced(door, artifacts, "a.txt")["a.txt"], b"one")
        there, path = blob(door, door.get(f"{artifacts}/contentinfo", path="a.txt")["contentUri"])
        assert there.request("PUT", raw=path, content=b"x", headers={"x-ms-blob-type": "BlockBlob"}).status == 403
        assert there.request("DELETE", raw=path).status == 403

    def test_of_what_is_no_artifact_takes_no_bytes(self, door, artifacts, run):
        container = blob(door, announced(door, artifacts, "a.txt")["a.txt"])[0].container
        whole = BlobDoor(door.house, container, key=door.key)
        for path in (
            f"ExperimentRun/dcid.{run}/user_logs/std_log.txt",
            f"ExperimentRun/dcid.{run}/a",
            "a",
            "Experiment/0",
        ):
            assert whole.put(path).status in {400, 403, 404}, path


class TestRights:
    def test_who_may_only_read_sends_nothing(self, door, artifacts, reader):
        send(door, announced(door, artifacts, "a.txt")["a.txt"], b"one")
        assert reader.send("POST", f"{artifacts}/batch/metadata", {"paths": [{"path": "b"}]}).status == 403
        assert [one["path"] for one in reader.all(artifacts)] == ["a.txt"]

    def test_to_who_sees_nothing_there_is_no_run(self, artifacts, stranger):
        for method, tail, body in (("GET", "", None), ("POST", "/batch/metadata", {"paths": []})):
            assert stranger.send(method, artifacts + tail, body).status == 404
        assert stranger.send("GET", f"{artifacts}/contentinfo", None, path="a.txt").status == 404

    def test_a_run_that_is_not_there_has_no_artifacts(self, door):
        path = door.workspace("dev", "experiments/any/runs/lacking/artifacts", "history/v1.0")
        assert door.send("GET", path).status == 404
        assert door.send("POST", f"{path}/batch/metadata", {"paths": [{"path": "a"}]}).status == 404

    def test_an_address_ends_with_the_rights_of_who_asked_for_it(self, door, doors, artifacts):
        doors.house.principals.create(SYSTEM, "artifact-writer", PrincipalKind.USER)
        given = doors.house.principals.assign(SYSTEM, "artifact-writer", "Data Scientist", DEV)
        writer = doors.by(doors.house.principals.create_key(SYSTEM, "artifact-writer", "k").secret)
        address = announced(writer, artifacts, "late.txt")["late.txt"]
        doors.house.principals.unassign(SYSTEM, given.id)
        assert send(door, address, b"x") in {403, 404}
        assert door.all(artifacts) == []


class TestWhatNoRunHasMade:
    def test_lies_among_the_files_of_the_workspace(self, door):
        base = door.workspace("dev", "artifacts/LocalUpload/240101T-1", "artifact/v2.0")
        known = announced(door, base, "model/MLmodel")
        assert send(door, known["model/MLmodel"], b"flavors: {}") == 201
        assert [one["path"] for one in door.all(base)] == ["model/MLmodel"]
        assert fetch(door, door.get(f"{base}/contentinfo", path="model/MLmodel")["contentUri"]) == b"flavors: {}"

    def test_is_not_an_asset_nor_an_output(self, door):
        for origin, group in (("assets", "models"), ("azureml", "job"), ("..", "x")):
            base = door.workspace("dev", f"artifacts/{origin}/{group}", "artifact/v2.0")
            said = door.send("POST", f"{base}/batch/metadata", {"paths": [{"path": "a/1/x"}]})
            if said.status == 200:
                assert send(door, said.json["artifactContentInformation"]["a/1/x"]["contentUri"], b"x") == 403
            else:
                assert said.status == 400


class TestOtherOwners:
    def test_a_logged_model_has_files_too(self, door, tracking, run):
        model = tracking.post("logged-models", experiment_id="0", source_run_id=run)["model"]["info"]["model_id"]
        base = door.workspace("dev", f"experiments/~models/runs/{model}/artifacts", "history/v1.0")
        assert send(door, announced(door, base, "MLmodel")["MLmodel"], b"flavors: {}") == 201
        assert [one["path"] for one in door.all(base)] == ["MLmodel"]
        assert tracking.at("/mlflow/workspaces/dev").get("logged-models/" + model)["model"]["info"]["model_id"] == model

    def test_a_registered_version_is_read_only(self, door, tracking, run):
        made = tracking.model("by-plugin", run)
        uri = tracking.get("model-versions/get-download-uri", name="by-plugin", version=made["version"])["artifact_uri"]
        identifier = uri.rpartition("/")[2]
        base = door.workspace("dev", f"experiments/~versions/runs/{identifier}/artifacts", "history/v1.0")
        assert {one["path"] for one in door.all(base)} == {"MLmodel", "model.pkl"}
        assert fetch(door, door.get(f"{base}/contentinfo", path="model.pkl")["contentUri"]) == b"weights"
        assert door.send("POST", f"{base}/batch/metadata", {"paths": [{"path": "x"}]}).status == 400


class TestAddressesOfMlflow:
    def test_are_the_plugins_own_for_the_plugin_alone(self, door, tracking):
        def uri(prefix: str, agent: str) -> str:
            there = tracking.at(prefix)
            headers = {"user-agent": agent}
            run = there.request("POST", "/api/2.0/mlflow/runs/create", b'{"experiment_id": "0"}', headers).json
            found: str = run["run"]["info"]["artifact_uri"]
            return found

        resource = door.workspace("dev")
        assert uri(f"/mlflow/v2.0{resource}", "azureml-mlflow/1.62").startswith(
            f"azureml://regista.test:8470/mlflow/v2.0{resource}/"
        )
        assert uri(f"/mlflow/v2.0{resource}", "mlflow-python-client/3").startswith("https://")
        assert uri(f"/mlflow/v1.0{resource}", "azureml-mlflow/1.62").startswith("https://")
        assert uri("/mlflow/workspaces/dev", "azureml-mlflow/1.62").startswith("https://")

    @pytest.mark.parametrize(
        "path",
        [
            "/mlflow/v3.0{WS}",
            "/mlflow{WS}",
            "/mlflow/v2.0{OTHER}",
            "/mlflow/v2.0/subscriptions/default/resourceGroups/other/{TAIL}",
            "/mlflow/v2.0/subscriptions/default/resourceGroups/default/providers/Microsoft.Storage/workspaces/dev",
        ],
    )
    def test_name_what_there_is(self, door, tracking, path):
        whole = path.format(
            WS=door.workspace("dev"), OTHER=door.workspace("lacking"), TAIL=door.workspace("dev").split("/", 5)[5]
        )
        assert tracking.at(whole).send("GET", "experiments/get", experiment_id="0").status == 404

    def test_a_version_is_registered_from_the_plugins_address(self, door, tracking, run):
        assert tracking.at("/mlflow/workspaces/dev").put(f"runs/{run}/model/MLmodel", b"flavors: {}\n").status == 200
        tracking.post("registered-models/create", name="from-plugin")
        base = f"azureml://regista.test:8470/mlflow/v2.0{door.workspace('dev')}/experiments/any/runs/{run}/artifacts"
        made = tracking.post("model-versions/create", name="from-plugin", source=f"{base}/model", run_id=run)
        assert made["model_version"]["status"] == "READY"
        for wrong in (
            base.replace("regista.test", "elsewhere.test"),
            base.replace("/dev/", "/lacking/"),
            f"{base}/../x",
        ):
            assert tracking.send("POST", "model-versions/create", name="from-plugin", source=wrong).status >= 400

    def test_an_asynchronous_batch_is_there_when_it_is_answered(self, tracking, run):
        body = b'{"run_id": "%s", "metrics": [{"key": "m", "value": 1, "timestamp": 1}]}' % run.encode()
        assert tracking.request("POST", "/api/2.0/preview/mlflow/runs/log-batch-async", body).json == {}
        assert tracking.get("runs/get", run_id=run)["run"]["data"]["metrics"][0]["value"] == 1
        status = "/api/2.0/preview/mlflow/runs/get-run-data-status"
        assert tracking.request("GET", status, query=f"run_id={run}&batch_tracking_id=x").json == {"is_complete": True}
