"""Assets through the azureml dialect, and as the other doors see them."""

import json

import pytest

from regista.entities.asset import AssetKind
from regista.entities.scope import ScopeAddress, ScopeKind
from regista.services.access.access import SYSTEM
from regista.services.assets.versions import NewVersion
from regista.services.datastores.files import Labels
from tests.support.houses import People

DEV = ScopeAddress(ScopeKind.WORKSPACE, "dev")
CENTRAL = ScopeAddress(ScopeKind.REGISTRY, "central")
LONG = "azureml://subscriptions/default/resourcegroups/default/workspaces/dev/datastores/workspaceblobstore/paths"


def upload(door, container, files):
    """Put files where a client of the blob protocol would."""
    caller = door.house.access.authenticate(door.key)
    for path, content in files.items():
        open_upload = door.house.files.begin(caller, container, path)
        open_upload.write(content)
        open_upload.commit(Labels())


def store(door):
    """The container behind the workspace's own datastore."""
    caller = door.house.access.authenticate(door.key)
    return door.house.datastores.get(caller, DEV, "workspaceblobstore").spec["container_name"]


def area(answer):
    """The container of an upload area."""
    return answer["blobReferenceForConsumption"]["blobUri"].rsplit("/", 1)[1]


@pytest.fixture
def dev(door):
    return lambda rest: door.workspace("dev", rest)


@pytest.fixture
def central(door):
    return lambda rest: door.registry("central", rest)


@pytest.fixture
def people(door):
    return People(door.house)


@pytest.fixture
def model(door, dev):
    """Makes a model of uploaded files, and returns what was answered."""

    def make(name, files, version="1", **properties):
        folder = f"LocalUpload/{name}-{version}-{len(files)}"
        upload(door, store(door), {f"{folder}/model/{path}": content for path, content in files.items()})
        body = {"modelUri": f"azureml://datastores/workspaceblobstore/paths/{folder}/model", **properties}
        return door.put(dev(f"models/{name}/versions/{version}"), {"properties": body})

    return make


class TestOfVersions:
    def test_what_was_put_is_there_and_shown_below_a_path_whose_bytes_never_change(self, door, dev, model):
        made = model("churn", {"a": b"1", "b/c": b"2"}, modelType="mlflow_model", tags={"n": 1}, stage="Staging")
        assert made["properties"]["modelUri"] == f"{LONG}/asset-folders/models/churn/1/model"
        assert made["properties"]["provisioningState"] == "Succeeded"
        assert door.get(dev("models/churn/versions/1")) == made
        version = door.house.assets.get(SYSTEM, DEV, AssetKind.MODEL, "churn", "1")
        assert (version.type, version.file_count, version.tags, version.stage) == (
            "mlflow_model", 2, {"n": "1"}, "Staging",
        )  # fmt: skip

    def test_a_native_one_is_shown_below_the_folder_of_assets(self, door, dev, central, people):
        scope = door.house.scopes.get(SYSTEM, DEV)
        people.version(scope, files={"x": b"1", "y": b"2"}, name="native")
        people.version(scope, files={"only.pkl": b"1"}, name="native-file")
        people.version(scope, AssetKind.DATA, files={"t.csv": b"1"}, name="table", type="uri_file")
        assert door.get(dev("models/native/versions/1"))["properties"]["modelUri"] == f"{LONG}/assets/models/native/1"
        file = door.get(dev("models/native-file/versions/1"))["properties"]["modelUri"]
        assert file == f"{LONG}/assets/models/native-file/1/only.pkl"
        data = door.get(dev("data/table/versions/1"))["properties"]
        assert data["dataUri"] == f"{LONG}/assets/data/table/1/t.csv"
        registry = door.house.scopes.get(SYSTEM, CENTRAL)
        shared = people.version(registry, files={"x": b"1", "y": b"2"}, name="native")
        uri = door.get(central("models/native/versions/1"))["properties"]["modelUri"]
        assert uri == f"{door.url}/regista-folder-{shared.id}/native"

    def test_the_same_content_again_changes_what_is_said_and_nothing_else(self, door, dev, model):
        model("again", {"a": b"1"}, tags={"a": "b"}, description="one", flavors={"f": {"data": {"v": "1"}}})
        changed = model("again", {"a": b"1"}, tags={"c": "d"}, isArchived=False)
        assert changed["properties"]["tags"] == {"c": "d"}
        assert changed["properties"]["description"] == "one"
        assert changed["properties"]["flavors"] == {"f": {"data": {"v": "1"}}}

    def test_other_content_is_a_path_that_cannot_change(self, door, dev, model):
        model("fixed", {"a": b"1"})
        upload(door, store(door), {"LocalUpload/fixed/other": b"2"})
        body = {"properties": {"modelUri": "azureml://datastores/workspaceblobstore/paths/LocalUpload/fixed"}}
        answer = door.send("PUT", dev("models/fixed/versions/1"), body)
        assert (answer.status, answer.error) == (400, "UserError: Asset paths cannot be updated.")

    def test_an_answer_sent_back_archives_without_looking_at_a_byte(self, door, dev, model):
        made = model("hidden", {"a": b"1"}, stage="Staging")
        body = {"properties": {**made["properties"], "isArchived": True, "stage": None}}
        door.put(dev("models/hidden/versions/1"), body)
        assert [one["name"] for one in door.all(dev("models/hidden/versions"))] == []
        assert [one["name"] for one in door.all(dev("models/hidden/versions"), listViewType="ArchivedOnly")] == ["1"]
        assert door.get(dev("models/hidden"))["properties"]["latestVersion"] is None
        assert door.get(dev("models/hidden/versions/1"))["properties"]["stage"] == "Staging"

    def test_a_deleted_one_is_never_given_again(self, door, dev, model):
        model("gone", {"a": b"1"})
        assert door.send("DELETE", dev("models/gone/versions/1")).status == 200
        assert door.send("DELETE", dev("models/gone/versions/1")).status == 200
        assert door.send("DELETE", dev("models/never/versions/1")).status == 204
        body = {"properties": {"modelUri": "azureml://datastores/workspaceblobstore/paths/LocalUpload/gone-1-1/model"}}
        assert door.refused("PUT", dev("models/gone/versions/1"), body).startswith("ResourceExists: ")

    @pytest.mark.parametrize("field", ["autoDeleteSetting", "intellectualProperty", "defaultDeploymentTemplate"])
    def test_a_promise_that_nobody_keeps_is_refused(self, door, dev, field):
        body = {"properties": {"modelUri": "azureml://jobs/j/outputs/o", field: {"x": 1}}}
        answer = door.send("PUT", dev("models/promised/versions/1"), body)
        assert (answer.status, field in answer.error) == (501, True)

    @pytest.mark.parametrize(
        "uri",
        [
            None,
            "",
            "./local",
            "file:///etc/passwd",
            "https://example.org/x",
            "azureml://datastores/none/paths/x",
            "azureml://datastores/workspaceblobstore/paths/../../x",
            "wasbs://a@b/c",
            "azureml://jobs/none/outputs/o",
        ],
    )
    def test_content_that_is_nowhere_is_refused_by_name(self, door, dev, uri):
        answer = door.send("PUT", dev("models/nowhere/versions/1"), {"properties": {"modelUri": uri}})
        assert answer.status in {400, 404, 501}, answer.content


class TestOfLists:
    def test_they_come_in_pages_newest_first(self, door, dev, model):
        for number in ("1", "2", "3"):
            model("paged", {"a": number.encode()}, version=number)
        assert [one["name"] for one in door.all(dev("models/paged/versions"), **{"$top": "2"})] == ["3", "2", "1"]
        newest = {"$orderBy": "createdtime desc", "$top": "1"}
        assert [one["name"] for one in door.get(dev("models/paged/versions"), **newest)["value"]] == ["3"]
        assert door.send("GET", dev("models/paged/versions"), **{"$orderBy": "name"}).status == 501
        assert door.get(dev("models/none-of-these/versions")) == {"value": []}

    def test_they_are_filtered_by_stage_tags_and_properties(self, door, dev, model):
        model("sifted", {"a": b"1"}, stage="Production", tags={"a": "b"}, properties={"p": "q"})
        model("sifted", {"a": b"2"}, version="2", tags={"a": "c"})

        def found(**query):
            return [one["name"] for one in door.all(dev("models/sifted/versions"), **query)]

        assert found(stage="Production") == found(tags="a=b") == found(properties="p=q") == ["1"]
        assert found(tags="a") == ["2", "1"]

    def test_a_name_tells_the_next_number(self, door, dev, model):
        model("numbered", {"a": b"1"}, version="7")
        properties = door.get(dev("models/numbered"))["properties"]
        assert (properties["latestVersion"], properties["nextVersion"]) == ("7", "8")
        assert door.refused("GET", dev("models/not-numbered")).startswith("ResourceNotFound: ")
        door.put(dev("models/numbered"), {"properties": {**properties, "isArchived": True, "description": "d"}})
        assert "numbered" not in [one["name"] for one in door.all(dev("models"))]
        assert "numbered" in [one["name"] for one in door.all(dev("models"), listViewType="ListViewType.ALL")]


class TestOfUploads:
    def test_a_registry_takes_files_from_an_area_of_the_caller(self, door, central):
        asked = {"assetId": "azureml://registries/central/models/up/versions/1"}
        place = door.put(central("tempdatarefs/up/versions/1"), asked)
        upload(door, area(place), {"model/a": b"1", "model/b": b"2"})
        uri = f"{door.url}/{area(place)}/model"
        made = door.put(central("models/up/versions/1"), {"properties": {"modelUri": uri}})
        assert made["properties"]["modelUri"].endswith("/model")
        answer = door.send("PUT", central("models/up/versions/1"), {"properties": made["properties"]})
        assert (answer.status, answer.headers["location"]) == (202, door.url + central("models/up/versions/1"))
        again = door.put(central("tempdatarefs/up/versions/1"), asked)
        assert area(again) != area(place)
        read = door.post(central("datarefs/up/versions/1"), {**asked, "blobUri": made["properties"]["modelUri"]})
        assert "sp=rl" in read["blobReferenceForConsumption"]["credential"]["sasUri"]

    def test_the_path_and_the_asset_have_to_agree(self, door, central):
        asked = {"assetId": "azureml://registries/central/models/other/versions/1"}
        assert door.refused("PUT", central("tempdatarefs/up/versions/1"), asked).startswith("UserError: ")

    def test_what_is_in_one_scope_is_not_registered_in_another(self, door, central):
        upload(door, store(door), {"LocalUpload/elsewhere/a": b"1"})
        body = {"properties": {"modelUri": f"{LONG}/LocalUpload/elsewhere"}}
        assert door.send("PUT", central("models/elsewhere/versions/1"), body).status == 501


class TestOfEnvironments:
    def test_a_conda_file_is_text_here_and_a_mapping_there(self, door, dev):
        body = {
            "image": "ubuntu",
            "condaFile": "dependencies: [python=3.11]\n",
            "inferenceConfig": {"livenessRoute": {"port": 1, "path": "/"}},
        }
        made = door.put(dev("environments/conda/versions/1"), {"properties": body})["properties"]
        assert (made["image"], made["inferenceConfig"]) == ("ubuntu", body["inferenceConfig"])
        version = door.house.assets.get(SYSTEM, DEV, AssetKind.ENVIRONMENT, "conda", "1")
        assert version.spec["conda"] == {"dependencies": ["python=3.11"]}
        assert "regista.azureml" not in made["properties"]
        assert door.put(dev("environments/conda/versions/1"), {"properties": made})["properties"] == made

    @pytest.mark.parametrize("text", ["- a list", "a: &x 1\nb: *x\n", "{", "x: !!python/object:os.system {}", "\0"])
    def test_what_is_no_conda_file_is_refused(self, door, dev, text):
        answer = door.send("PUT", dev("environments/bad/versions/1"), {"properties": {"image": "u", "condaFile": text}})
        assert answer.status == 400, answer.content

    def test_other_content_exists_already(self, door, dev):
        door.put(dev("environments/fixed/versions/1"), {"properties": {"image": "ubuntu"}})
        answer = door.send("PUT", dev("environments/fixed/versions/1"), {"properties": {"image": "debian"}})
        assert answer.status == 409

    def test_a_client_s_name_for_the_nameless_leads_to_it(self, door, dev):
        path = dev("environments/CliV2AnonymousEnvironment/versions/abc")
        body = {"properties": {"image": "nameless", "isAnonymous": True}}
        made = door.put(path, body)
        assert "/environments/anonymous/versions/" in made["id"]
        assert made["properties"]["tags"] == {}
        assert door.get(path) == made == door.put(path, body)
        assert door.refused("GET", dev("environments/CliV2AnonymousEnvironment/versions/abd"))


SPEC = {"type": "command", "command": "echo ${{inputs.x}}", "inputs": {"x": {"type": "number", "default": "0.5"}}}


class TestOfComponents:
    def put(self, door, path, **more):
        spec = {**SPEC, "environment": "azureml:base:1", "is_deterministic": True, "_source": "CLASS", **more}
        return door.put(path, {"properties": {"componentSpec": spec}})["properties"]["componentSpec"]

    @pytest.fixture(autouse=True)
    def base(self, door, dev, central):
        for place in (dev, central):
            door.put(place("environments/base/versions/1"), {"properties": {"image": "ubuntu"}})

    def test_it_is_the_yaml_that_other_doors_write(self, door, dev):
        made = self.put(door, dev("components/echo/versions/1"))
        assert made["inputs"] == SPEC["inputs"]
        assert made["environment"].endswith("/workspaces/dev/environments/base/versions/1")
        assert (made["name"], made["version"], made["is_deterministic"]) == ("echo", "1", True)
        version = door.house.assets.get(SYSTEM, DEV, AssetKind.COMPONENT, "echo", "1")
        assert version.spec == {
            "type": "command",
            "command": "echo ${{inputs.x}}",
            "environment": "azureml:base:1",
            "inputs": {"x": {"type": "number", "default": 0.5}},
        }

    def test_the_same_by_another_door_is_the_same(self, door, dev):
        spec = {**SPEC, "environment": "azureml:base:1", "is_deterministic": True}
        spec["inputs"] = {"x": {"type": "number", "default": 0.5, "optional": False}}
        new = NewVersion(kind=AssetKind.COMPONENT, name="twin", version="1", spec=spec)
        native = door.house.registration.create(SYSTEM, DEV, new)
        self.put(door, dev("components/twin/versions/1"))
        assert door.house.assets.get(SYSTEM, DEV, AssetKind.COMPONENT, "twin", "1").id == native.id

    def test_another_command_exists_already(self, door, dev):
        self.put(door, dev("components/fixed/versions/1"))
        spec = {**SPEC, "environment": "azureml:base:1", "command": "other"}
        body = {"properties": {"componentSpec": spec}}
        assert door.send("PUT", dev("components/fixed/versions/1"), body).status == 409

    def test_the_default_version_is_the_latest(self, door, dev):
        self.put(door, dev("components/latest/versions/1"))
        self.put(door, dev("components/latest/versions/2"))
        assert door.get(dev("components/latest/versions/azureml_default"))["name"] == "2"

    def test_one_in_a_registry_refers_to_registries_alone(self, door, dev, central):
        made = self.put(door, central("components/echo/versions/1"))
        assert made["environment"] == "azureml://registries/central/environments/base/versions/1"
        spec = {**SPEC, "environment": "azureml:" + dev("environments/base/versions/1")}
        answer = door.send("PUT", central("components/local/versions/1"), {"properties": {"componentSpec": spec}})
        assert (answer.status, "in a workspace" in answer.error) == (400, True)

    @pytest.mark.parametrize("kind", ["parallel", "sweep", "automl", "spark"])
    def test_a_type_that_does_not_run_here_is_refused(self, door, dev, kind):
        answer = door.send("PUT", dev("components/odd/versions/1"), {"properties": {"componentSpec": {"type": kind}}})
        assert answer.status == 501


class TestOfSharing:
    def test_it_goes_through_promotion(self, door, dev, central, model):
        made = model("shared", {"a": b"1", "b": b"2"}, tags={"a": "b"})
        workspace = door.get(door.workspace("dev"))["properties"]["workspaceId"]
        source = f"azureml://locations/local/workspaces/{workspace}/models/shared/versions/1"
        body = {"properties": {"sourceAssetId": source, "destinationName": "there", "destinationVersion": "5"}}
        answer = door.send("POST", central("import"), body)
        assert (answer.status, answer.content) == (202, b"")
        assert door.send("GET", answer.headers["location"].removeprefix(door.url)).content == b""
        assert door.get(central("models/there/versions/5"))["properties"]["tags"] == {"a": "b"}
        assert door.house.assets.get(SYSTEM, CENTRAL, AssetKind.MODEL, "there", "5").capsule
        assert made["properties"]["modelUri"].endswith("/model")

    @pytest.mark.parametrize(
        ("source", "status"),
        [
            ("azureml://locations/l/workspaces/00000000-0000-0000-0000-000000000000/models/m/versions/1", 404),
            ("azureml://jobs/j/outputs/o", 400),
            ("m:1", 400),
            ("azureml://registries/central/models/m", 400),
        ],
    )
    def test_a_source_that_names_no_version_is_refused(self, door, central, source, status):
        body = {"properties": {"sourceAssetId": source, "destinationName": "x", "destinationVersion": "1"}}
        assert door.send("POST", central("import"), body).status == status


class TestOfRights:
    def test_a_reader_reads_and_changes_nothing(self, door, dev, model):
        made = model("guarded", {"a": b"1"})
        scope = door.house.scopes.get(SYSTEM, DEV)
        house = door.house
        house.principals.create(SYSTEM, "assets-reader", "user")
        house.principals.assign(SYSTEM, "assets-reader", "Reader", scope.path)
        reader = door.by(house.principals.create_key(SYSTEM, "assets-reader", "t").secret)
        assert reader.get(dev("models/guarded/versions/1"))["name"] == "1"
        body = {"properties": made["properties"]}
        assert reader.send("PUT", dev("models/guarded/versions/1"), body).status == 403
        assert reader.send("PUT", dev("models/guarded"), {"properties": {"isArchived": True}}).status == 403
        assert reader.send("DELETE", dev("models/guarded/versions/1")).status == 403
        assert reader.send("POST", dev("codes/c/versions/1/startPendingUpload"), {}).status == 403

    def test_nobody_registers_from_the_area_of_another(self, door, central):
        house = door.house
        place = door.put(
            central("tempdatarefs/mine/versions/1"), {"assetId": "azureml://registries/central/models/mine/versions/1"}
        )
        upload(door, area(place), {"m/a": b"secret"})
        house.principals.create(SYSTEM, "assets-writer", "user")
        house.principals.assign(SYSTEM, "assets-writer", "Owner", house.scopes.get(SYSTEM, CENTRAL).path)
        writer = door.by(house.principals.create_key(SYSTEM, "assets-writer", "t").secret)
        body = {"properties": {"modelUri": f"{door.url}/{area(place)}/m"}}
        assert writer.send("PUT", central("models/mine/versions/1"), body).status == 404


def test_every_answer_is_json(door, dev):
    for path in ("models", "environments", "data", "components", "codes"):
        assert json.loads(door.send("GET", dev(path)).content)["value"] is not None
