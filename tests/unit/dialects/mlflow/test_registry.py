"""The model registry through the dialect: of a workspace, and of a registry that workspaces share."""

import pytest

from regista.entities.asset import AssetKind
from regista.entities.lineage import EdgeType
from regista.entities.scope import ScopeAddress, ScopeKind
from regista.services.access.access import SYSTEM
from regista.services.assets.versions import NewVersion
from tests.support.mlflow_door import FILES

CENTRAL = ScopeAddress(ScopeKind.REGISTRY, "central")


def version(door, name, number="1"):
    return door.get("model-versions/get", name=name, version=number)["model_version"]


class TestNames:
    def test_one_is_made_before_its_first_version(self, registry):
        made = registry.post(
            "registered-models/create", name="early", description="d", tags=[{"key": "a", "value": "b"}]
        )
        assert made["registered_model"]["latest_versions"] == []
        found = registry.get("registered-models/get", name="early")["registered_model"]
        assert (found["description"], found["tags"]) == ("d", [{"key": "a", "value": "b"}])
        assert registry.refused("POST", "registered-models/create", name="early").startswith("RESOURCE_ALREADY_EXISTS")

    def test_it_is_described_tagged_and_renamed(self, door):
        door.model("old-name")
        door.send("PATCH", "registered-models/update", name="old-name", description="new")
        door.post("registered-models/set-tag", name="old-name", key="a", value="b")
        door.post("registered-models/set-tag", name="old-name", key="c", value="d")
        door.send("DELETE", "registered-models/delete-tag", name="old-name", key="a")
        door.post("registered-models/alias", name="old-name", alias="champion", version="1")
        door.post("registered-models/rename", name="old-name", new_name="new-name")
        found = door.get("registered-models/get", name="new-name")["registered_model"]
        assert found["description"] == "new"
        assert found["tags"] == [{"key": "c", "value": "d"}]
        assert found["aliases"] == [{"alias": "champion", "version": "1"}]
        assert [one["version"] for one in found["latest_versions"]] == ["1"]
        assert door.send("GET", "registered-models/get", name="old-name").status == 404

    def test_deleting_it_deletes_its_versions_and_numbers_go_on(self, door):
        for _ in range(3):
            door.model("deleted")
        door.send("DELETE", "registered-models/delete", name="deleted")
        assert door.send("GET", "model-versions/get", name="deleted", version="1").status == 404
        assert door.model("deleted")["version"] == "4"

    @pytest.mark.parametrize(
        ("name", "told"),
        [
            ("", "Missing value for required parameter 'name'."),
            ("  ", "Missing value for required parameter 'name'."),
            ("a/b", "Names cannot contain '/' or ':'."),
            ("a:b", "Names cannot contain '/' or ':'."),
            ("..", "cannot name a model"),
        ],
    )
    def test_a_name_that_cannot_be_is_told(self, door, name, told):
        assert told in door.refused("POST", "registered-models/create", name=name)

    def test_they_are_searched_sorted_and_paged(self, door):
        for name in ("s-b", "s-a", "s-c"):
            door.post("registered-models/create", name=name, tags=[{"key": "group", "value": name[-1]}])
        door.post(
            "registered-models/create", name="s-prompt", tags=[{"key": "mlflow.prompt.is_prompt", "value": "true"}]
        )

        def names(text, **fields):
            found, token = [], ""
            while True:
                page = door.get("registered-models/search", filter=text, max_results=2, page_token=token, **fields)
                found += [one["name"] for one in page["registered_models"]]
                token = page.get("next_page_token", "")
                if not token:
                    return found

        assert names("name LIKE 's-%'") == ["s-a", "s-b", "s-c"]
        assert names("name LIKE 's-%'", order_by=["name DESC"]) == ["s-c", "s-b", "s-a"]
        assert names("name LIKE 's-%'", order_by=["creation_timestamp DESC", "name"])
        assert names("name LIKE 's-%' AND tags.group = 'b'") == ["s-b"]
        assert names("name IN ('s-a', 's-c', 'other')") == ["s-a", "s-c"]
        assert names("name LIKE 's-%' AND tags.`mlflow.prompt.is_prompt` = 'true'") == ["s-prompt"]
        assert names("name LIKE 's-%' AND tags.`mlflow.prompt.is_prompt` != 'true'") == ["s-a", "s-b", "s-c"]
        for wrong in ({"filter": "colour = 'x'"}, {"order_by": ["colour"]}, {"max_results": 1001}, {"page_token": "x"}):
            assert door.refused("GET", "registered-models/search", **wrong).startswith("INVALID_PARAMETER_VALUE")


class TestAliases:
    def test_one_names_a_version_until_it_moves_or_goes(self, door):
        door.model("aliased")
        door.model("aliased")
        for number in ("1", "2"):
            door.post("registered-models/alias", name="aliased", alias="champion", version=number)
            found = door.get("registered-models/alias", name="aliased", alias="champion")["model_version"]
            assert (found["version"], found["aliases"]) == (number, ["champion"])
        assert version(door, "aliased", "1")["aliases"] == []
        for _ in range(2):
            assert door.send("DELETE", "registered-models/alias", name="aliased", alias="champion").status == 200
        refused = door.refused("GET", "registered-models/alias", name="aliased", alias="champion")
        assert refused == "INVALID_PARAMETER_VALUE: Registered model alias champion not found."

    @pytest.mark.parametrize(
        ("alias", "told"),
        [
            ("latest", "'latest' alias name (case insensitive) is reserved."),
            ("Latest", "'latest' alias name (case insensitive) is reserved."),
            ("v12", "Version alias name 'v12' is reserved."),
            ("a b", "cannot name an alias"),
        ],
    )
    def test_a_name_that_it_cannot_have_is_told(self, door, alias, told):
        door.send("POST", "registered-models/create", name="no-alias")
        assert told in door.refused("POST", "registered-models/alias", name="no-alias", alias=alias, version="1")

    def test_it_names_only_what_is_there(self, door):
        door.send("POST", "registered-models/create", name="no-alias")
        refused = door.refused("POST", "registered-models/alias", name="no-alias", alias="a", version="7")
        assert refused.startswith("RESOURCE_DOES_NOT_EXIST")


class TestVersions:
    @pytest.mark.parametrize("where", ["/mlflow/workspaces/dev", "/mlflow/registries/central"])
    def test_one_is_registered_from_a_run_without_a_byte_being_sent_again(self, door, where):
        run = door.run()
        made = door.at(where).model("from-run", run)
        assert made["status"] == "READY"
        assert (made["run_id"], made["current_stage"], made["version"]) == (run, "None", "1")
        uri = door.at(where).get("model-versions/get-download-uri", name="from-run", version="1")["artifact_uri"]
        assert uri.startswith(f"https://regista.test:8470{where}{FILES}/versions/")
        path = uri.removeprefix(f"https://regista.test:8470{where}")
        folder = path.removeprefix(f"{FILES}/")
        assert door.at(where).request("GET", FILES, query=f"path={folder}").json["files"] == [
            {"path": "MLmodel", "is_dir": False, "file_size": 12},
            {"path": "model.pkl", "is_dir": False, "file_size": 7},
        ]
        assert door.at(where).request("GET", f"{path}/model.pkl").content == b"weights"

    def test_it_is_an_asset_with_its_type_and_its_past(self, door, registry):
        run = door.run()
        registry.model("an-asset", run)
        found = door.house.assets.get(SYSTEM, CENTRAL, AssetKind.MODEL, "an-asset", "1")
        assert (found.type, found.file_count) == ("mlflow_model", 2)
        edges = door.house.catalog.read(lambda tx: tx.lineage.edges([found.node], upstream=True))
        assert [(edge.type, edge.source.rpartition("/")[2]) for edge in edges] == [(EdgeType.PRODUCED, run)]
        assert found.capsule

    def test_files_without_an_mlmodel_are_a_custom_model(self, door, registry):
        registry.model("plain", files={"weights.bin": b"x"})
        assert door.house.assets.get(SYSTEM, CENTRAL, AssetKind.MODEL, "plain", "1").type == "custom_model"

    def test_one_is_registered_from_a_logged_model(self, door, registry):
        run = door.run()
        model = door.post("logged-models", experiment_id="0", source_run_id=run)["model"]["info"]
        door.put(f"models/{model['model_id']}/MLmodel", b"x")
        registry.post("registered-models/create", name="from-logged")
        for source in (f"models:/{model['model_id']}", model["artifact_uri"]):
            made = registry.post("model-versions/create", name="from-logged", source=source, model_id=model["model_id"])
            assert made["model_version"]["model_id"] == model["model_id"]
            assert made["model_version"]["run_id"] == run

    def test_a_copy_is_the_same_content(self, door, registry):
        registry.model("original")
        registry.post("registered-models/create", name="copy")
        registry.post("model-versions/create", name="copy", source="models:/original/1")
        uri = registry.get("model-versions/get-download-uri", name="original", version="1")["artifact_uri"]
        door.post("registered-models/create", name="copy-in-dev")
        door.post("model-versions/create", name="copy-in-dev", source=uri)
        original = door.house.assets.get(SYSTEM, CENTRAL, AssetKind.MODEL, "original", "1")
        copy = door.house.assets.get(SYSTEM, CENTRAL, AssetKind.MODEL, "copy", "1")
        dev = ScopeAddress(ScopeKind.WORKSPACE, "dev")
        in_dev = door.house.assets.get(SYSTEM, dev, AssetKind.MODEL, "copy-in-dev", "1")
        assert original.content == copy.content == in_dev.content

    @pytest.mark.parametrize(
        "source",
        [
            "/etc",
            "file:///etc",
            "model",
            "../model",
            "s3://bucket/model",
            "https://elsewhere.test/mlflow/workspaces/dev/api/2.0/mlflow-artifacts/artifacts/runs/{run}/model",
            "https://regista.test:8470/other/runs/{run}/model",
            "runs:/{run}/../model",
            "runs:/{run}/%2e%2e/model",
            "runs:/{run}/model?x=1",
            "runs:/{run}/model#x",
            "runs:/nothing/model",
            "models:/m-00000000000000000000000000000000",
            "models:/nothing/1",
            "mlflow-artifacts:/../../etc",
            "mlflow-artifacts:/runs/nothing/model",
            "mlflow-artifacts://elsewhere/runs/{run}/model",
            "http://[bad",
            "dbfs:/x",
        ],
    )
    def test_a_source_that_is_not_here_is_refused(self, door, source):
        run = door.run()
        door.put(f"runs/{run}/model/MLmodel", b"x")
        door.send("POST", "registered-models/create", name="bad-source")
        answer = door.send("POST", "model-versions/create", name="bad-source", source=source.format(run=run))
        assert answer.status in {400, 404}, answer.content
        assert door.get("model-versions/search", filter="name='bad-source'") == {"model_versions": []}

    def test_a_source_is_of_the_run_that_is_named(self, door):
        run, other = door.run(), door.run()
        door.put(f"runs/{run}/model/MLmodel", b"x")
        door.send("POST", "registered-models/create", name="bad-source")
        asked = {"name": "bad-source", "source": f"runs:/{run}/model", "run_id": other}
        assert "not of the run" in door.refused("POST", "model-versions/create", **asked)

    def test_the_name_has_to_be_there(self, door):
        run = door.run()
        door.put(f"runs/{run}/model/MLmodel", b"x")
        refused = door.refused("POST", "model-versions/create", name="nobody", source=f"runs:/{run}/model")
        assert refused.startswith("RESOURCE_DOES_NOT_EXIST")

    def test_it_is_described_tagged_staged_and_deleted(self, door):
        door.model("staged")
        door.model("staged")
        door.send("PATCH", "model-versions/update", name="staged", version="1", description="d")
        door.post("model-versions/set-tag", name="staged", version="1", key="a", value="b")
        door.post("model-versions/set-tag", name="staged", version="1", key="c", value="d")
        door.send("DELETE", "model-versions/delete-tag", name="staged", version="1", key="a")
        for number in ("1", "2"):
            asked = {"name": "staged", "version": number, "stage": "production", "archive_existing_versions": True}
            door.post("model-versions/transition-stage", **asked)
        first = version(door, "staged", "1")
        assert (first["current_stage"], first["description"]) == ("Archived", "d")
        assert first["tags"] == [{"key": "c", "value": "d"}]
        latest = door.post("registered-models/get-latest-versions", name="staged", stages=["Production"])
        assert [one["version"] for one in latest["model_versions"]] == ["2"]
        assert len(door.get("registered-models/get-latest-versions", name="staged")["model_versions"]) == 2
        assert "Invalid Model Version stage" in door.refused(
            "POST", "model-versions/transition-stage", name="staged", version="1", stage="Nowhere"
        )
        assert door.send("DELETE", "model-versions/delete", name="staged", version="2").status == 200
        assert door.send("GET", "model-versions/get", name="staged", version="2").status == 404
        assert door.model("staged")["version"] == "3"

    def test_a_version_is_a_number(self, door):
        refused = door.refused("GET", "model-versions/get", name="staged", version="one")
        assert refused == "INVALID_PARAMETER_VALUE: Parameter 'version' must be an integer, got 'one'."

    def test_they_are_searched_sorted_and_paged(self, door):
        run = door.run()
        for name in ("vs-a", "vs-b"):
            for _ in range(2):
                door.model(name, run)
        door.post("model-versions/set-tag", name="vs-a", version="2", key="vs", value="1")

        def found(text, **fields):
            seen, token = [], ""
            while True:
                page = door.get("model-versions/search", filter=text, max_results=3, page_token=token, **fields)
                seen += [f"{one['name'][-1]}{one['version']}" for one in page["model_versions"]]
                token = page.get("next_page_token", "")
                if not token:
                    return " ".join(seen)

        assert found("name = 'vs-a'", order_by=["version_number ASC"]) == "a1 a2"
        assert found(f"run_id = '{run}'", order_by=["name DESC", "version_number DESC"]) == "b2 b1 a2 a1"
        assert found(f"run_id IN ('{run}') AND version_number > 1", order_by=["name"]) == "a2 b2"
        assert found("tags.vs = '1'") == "a2"
        assert found(f"source_path = 'runs:/{run}/model' AND name LIKE '%b'", order_by=["version_number"]) == "b1 b2"
        assert found("name = 'nothing'") == ""
        assert found(f"run_id != '{run}' AND name LIKE 'vs-_'") == ""
        assert found("source_path LIKE 'runs:/%/model' AND name = 'vs-a'", order_by=["version_number"]) == "a1 a2"
        assert found(f"tags.source = 'runs:/{run}/model'") == ""
        both = "name IN ('vs-a', 'vs-b')"
        assert found(both).startswith("a2 ")  # its tag was set last
        assert found(both, order_by=["version_number", "name DESC"]) == "b1 a1 b2 a2"
        assert found(f"{both} AND version_number <= 1 AND creation_timestamp > 0", order_by=["name"]) == "a1 b1"
        for wrong in (["run_id"], ["source_path"], ["metrics.x"], ["colour"]):
            assert door.refused("GET", "model-versions/search", order_by=wrong).startswith("INVALID_PARAMETER_VALUE")

    def test_one_that_was_registered_from_nothing_that_was_said_is_found_by_its_address(self, door):
        dev = ScopeAddress(ScopeKind.WORKSPACE, "dev")
        door.house.assets.create(SYSTEM, dev, NewVersion(kind=AssetKind.MODEL, name="unsaid"))
        (one,) = door.get("model-versions/search", filter="name = 'unsaid'")["model_versions"]
        assert one["run_id"] == ""
        asked = f"source_path = '{one['source']}'"
        assert [found["name"] for found in door.get("model-versions/search", filter=asked)["model_versions"]] == [
            "unsaid"
        ]
        asked = f"source_path = '{one['source']}0'"
        assert door.get("model-versions/search", filter=asked)["model_versions"] == []

    def test_no_run_has_a_name_as_long_as_that(self, door):
        door.post("registered-models/create", name="long-run")
        asked = {"name": "long-run", "source": "dummy", "run_id": "r" * 256}
        assert "255" in door.refused("POST", "model-versions/create", **asked)

    def test_prompts_are_versions_without_files(self, door):
        prompt = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
        door.post("registered-models/create", name="greeting", tags=prompt)
        text = [{"key": "mlflow.prompt.text", "value": "Hello {{name}}"}]
        for _ in range(2):
            made = door.post("model-versions/create", name="greeting", source="dummy-source", tags=[*prompt, *text])
        assert made["model_version"]["version"] == "2"
        assert made["model_version"]["source"] == "dummy-source"
        assert len(door.get("model-versions/search", filter="name = 'greeting'")["model_versions"]) == 2
        found = door.get("model-versions/search")["model_versions"]
        assert "greeting" not in {one["name"] for one in found}
