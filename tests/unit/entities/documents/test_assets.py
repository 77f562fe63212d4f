"""Environment, model, data, scope and endpoint documents."""

import msgspec
import pytest
import yaml

from regista.entities.documents.data import parse_data
from regista.entities.documents.endpoint import parse_online_deployment, parse_online_endpoint
from regista.entities.documents.environment import BuildSpec, EnvironmentDocument, parse_environment
from regista.entities.documents.model import ModelDocument, parse_model
from regista.entities.documents.scope import parse_registry, parse_workspace
from regista.errors import InvalidError
from tests.unit.entities.documents import samples


class TestEnvironments:
    def test_an_image_with_a_conda_file_inside_is_read(self):
        document = parse_environment(yaml.safe_load(samples.ENVIRONMENT))
        assert (document.name, document.version, document.image) == ("churn-env", "1.2", "python:3.11-slim")
        assert document.conda_file["dependencies"][2] == {"pip": ["scikit-learn==1.5.2", "mlflow"]}

    def test_a_build_context_is_read(self):
        assert parse_environment({"name": "e", "build": {"path": "."}}).build == BuildSpec(path=".")

    @pytest.mark.parametrize(
        ("pip", "read"),
        [
            (["a==1", " b "], ("a==1", "b")), ("a==1\n# why\n\nb\n", ("a==1", "b")), ("a==1", ("a==1",)),
            ("./requirements.txt", "./requirements.txt"), ("a @ https://x/y.whl", ("a @ https://x/y.whl",)),
        ],
    )  # fmt: skip
    def test_pip_requirements_are_lines_or_a_file(self, pip, read):
        assert parse_environment({"name": "e", "pip": pip}).pip == read

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"image": None}, "the environment is empty"),
            ({"build": {"path": "."}}, "build: an environment has an image or a build context, not both"),
            ({"build": {}, "image": None}, r"build\.path: this field is required"),
            ({"conda_file": {"dependencies": [5]}}, r"conda_file\.dependencies\[0\]: expected a package"),
            ({"conda_file": {"dependencies": [{"pip": [5]}]}}, r"conda_file\.dependencies\[0\]"),
            ({"conda_file": [1]}, "conda_file: expected a text, found a list"),
            ({"pip": ["a\n--index-url evil"]}, r"pip\[0\]: expected one line"),
            ({"os_type": "amiga"}, "os_type: 'amiga' is none of linux, windows"),
            ({"version": "latest"}, "version: 'latest' is a label"),
            ({"version": "a/b"}, "version: 'a/b' cannot name a version"),
        ],
    )
    def test_a_wrong_field_is_named(self, change, message):
        with pytest.raises(InvalidError, match=message):
            parse_environment({"name": "e", "image": "python:3.11", **change})


class TestModelsAndData:
    def test_a_model_is_read(self):
        document = parse_model(
            {"name": "churn", "version": 3, "type": "MLFLOW_MODEL", "path": "runs:/abc/model", "stage": "Production",
             "flavors": {"python_function": {"loader_module": "mlflow.sklearn"}}, "properties": {"a": 1}}
        )  # fmt: skip
        assert (document.version, document.type, document.path) == ("3", "mlflow_model", "runs:/abc/model")
        assert (document.stage, document.properties) == ("Production", {"a": "1"})

    def test_the_types_that_are_not_written_are_those_of_azure(self):
        assert parse_model({"name": "m", "path": "./m"}).type == "custom_model"
        assert parse_data({"name": "d", "path": "./d"}).type == "uri_folder"

    @pytest.mark.parametrize("parse", [parse_model, parse_data])
    @pytest.mark.parametrize("missing", ["name", "path"])
    def test_name_and_path_are_required(self, parse, missing):
        with pytest.raises(InvalidError, match=f"{missing}: this field is required"):
            parse({key: "x" for key in ("name", "path") if key != missing})


class TestScopes:
    def test_a_workspace_is_read_and_what_only_azure_has_is_listed(self):
        document = parse_workspace(
            {"name": "dev", "location": "west", "tags": {"a": 1}, "hbi_workspace": False, "key_vault": "x"}
        )
        assert (document.name, document.location, document.tags) == ("dev", "west", {"a": "1"})
        assert set(document.ignored) == {"hbi_workspace", "key_vault"}

    def test_a_registry_keeps_its_other_regions_once(self):
        mapping = {"name": "shared", "location": "eastus", "tags": {}}
        regions = [{"location": "eastus"}, {"location": "west", "storage_config": {"x": 1}}, "west", "north"]
        assert parse_registry({**mapping, "replication_locations": regions}).replication_locations == ("west", "north")

    @pytest.mark.parametrize("entry", [5, None, [], "", {"region": "x"}, {"location": ""}])
    def test_a_region_that_is_none_is_refused(self, entry):
        with pytest.raises(InvalidError, match=r"replication_locations\[0\]"):
            parse_registry({"name": "shared", "location": "x", "replication_locations": [entry]})

    def test_the_name_of_a_registry_has_at_most_32_characters(self):
        with pytest.raises(InvalidError, match="cannot name a registry"):
            parse_registry({"name": "r" * 33})


class TestEndpoints:
    def test_an_endpoint_is_read(self):
        document = parse_online_endpoint(
            {
                "name": "churn",
                "auth_mode": "key",
                "traffic": {"blue": "90", "green": 10},
                "mirror_traffic": {"green": 20},
            }
        )
        assert (document.traffic, document.mirror_traffic) == ({"blue": 90, "green": 10}, {"green": 20})
        assert parse_online_endpoint({"name": "churn"}).traffic is None

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"traffic": {"blue": 90}}, "traffic: the percentages make neither 0 nor 100"),
            ({"traffic": {"blue": 101}}, r"traffic\.blue: expected a whole number, 0 to 100"),
            ({"traffic": {"blue": -1, "green": 101}}, r"traffic\.blue"),
            ({"traffic": {"no name": 100}}, "cannot name a deployment"),
            ({"mirror_traffic": {"blue": 51}}, "mirror_traffic: at most 50 percent"),
            ({"mirror_traffic": {"blue": 1, "green": 1}}, "at most one deployment"),
            ({"auth_mode": "none"}, "auth_mode: 'none' is none of"),
        ],
    )
    def test_a_wrong_field_is_named(self, change, message):
        with pytest.raises(InvalidError, match=message):
            parse_online_endpoint({"name": "churn", **change})


class TestDeployments:
    def test_a_deployment_is_read(self):
        document = parse_online_deployment(yaml.safe_load(samples.DEPLOYMENT))
        assert document.model == ModelDocument(path="../model-1/")
        assert document.environment == EnvironmentDocument(image="python:3.11", conda_file="../env/conda.yaml")
        assert (document.code_configuration.scoring_script, document.instance_count) == ("score.py", 2)
        assert (document.request_settings.request_timeout_ms, document.request_settings.max_queue_wait_ms) == (
            90000,
            500,
        )
        assert (document.liveness_probe.initial_delay, document.readiness_probe.initial_delay) == (30, 10)
        assert set(document.ignored) == {"app_insights_enabled", "scale_settings"}
        assert msgspec.json.decode(msgspec.json.encode(document), type=type(document)) == document

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"model": "azureml://registries/shared/environments/e/versions/1"}, "model: .* names a environment"),
            ({"model": {"pth": "x"}}, r"model\.path: this field is required"),
            (
                {"code_configuration": {"code": "./s", "scoring_script": "../s.py"}},
                r"code_configuration\.scoring_script",
            ),
            ({"code_configuration": {"code": "./s"}}, r"scoring_script: this field is required"),
            ({"instance_count": 0}, "instance_count: expected a whole number, 1 to 1000"),
            ({"request_settings": {"timeout": 1}}, r"request_settings\.timeout: there is no such field"),
            ({"liveness_probe": {"period": 0}}, r"liveness_probe\.period"),
            ({"endpoint_name": None}, "endpoint_name: this field is required"),
        ],
    )
    def test_a_wrong_field_is_named(self, change, message):
        with pytest.raises(InvalidError, match=message):
            parse_online_deployment({"name": "blue", "endpoint_name": "churn", "model": "azureml:m:1", **change})
