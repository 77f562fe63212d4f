"""Where local paths stand in documents."""

import pytest
import yaml

from regista.entities.documents.local_paths import local_paths
from regista.errors import InvalidError
from tests.unit.entities.documents import samples


def found(text, kind):
    mapping = yaml.safe_load(text) if isinstance(text, str) else text
    return {".".join(map(str, field.location)): (field.purpose, field.text) for field in local_paths(mapping, kind)}


def test_those_of_a_command_job():
    assert found(samples.COMMAND_JOB, "job") == {
        "code": ("code", "./src"),
        "environment.conda_file": ("conda_file", "./env/conda.yml"),
        "inputs.customers.path": ("data", "./data/customers.csv"),
    }


def test_those_of_a_pipeline_job():
    assert found(samples.PIPELINE_JOB, "job") == {
        "jobs.prepare.component": ("component_file", "./components/prepare.yml"),
        "jobs.train.inputs.holdout.path": ("data", "./holdout.csv"),
        "jobs.train.inputs.base.path": ("model", "./base-model"),
        "jobs.score.code": ("code", "../score"),
    }


def test_those_of_components():
    assert found(samples.COMMAND_COMPONENT, "component") == {"code": ("code", "./train_src")}
    assert found(samples.PIPELINE_COMPONENT, "component") == {
        "jobs.prepare.component": ("component_file", "prepare.yml"),
        "jobs.train.component.code": ("code", "./t"),
        "jobs.train.component.environment.build.path": ("environment_context", "./docker"),
    }


def test_those_of_an_environment():
    assert found(samples.ENVIRONMENT, "environment") == {}
    mapping = {"conda_file": "c.yml", "pip": "requirements.txt", "build": {"path": "file:///abs/context"}}
    assert found(mapping, "environment") == {
        "conda_file": ("conda_file", "c.yml"),
        "pip": ("requirements_file", "requirements.txt"),
        "build.path": ("environment_context", "/abs/context"),
    }


def test_those_of_a_deployment():
    assert found(samples.DEPLOYMENT, "online_deployment") == {
        "model.path": ("model", "../model-1/"),
        "code_configuration.code": ("code", "./onlinescoring"),
        "environment.conda_file": ("conda_file", "../env/conda.yaml"),
    }


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("./m", "./m"),
        ("m", "m"),
        ("/abs/m", "/abs/m"),
        ("file:m", "m"),
        ("file:./m", "./m"),
        ("file:///abs", "/abs"),
        ("m:1", "m:1"),
    ],
)
def test_where_content_is_expected_anything_that_points_nowhere_else_is_a_path(path, text):
    assert found({"path": path}, "model") == {"path": ("model", text)}


@pytest.mark.parametrize(
    "path",
    ["azureml:m:1", "regista:m", "azureml://jobs/j/outputs/o", "runs:/r/m", "models:/m/1", "https://x/y", "wasbs://c@a/p",
     "git+https://x/y", "/subscriptions/s/x", "${{parent.inputs.x}}", "", None, 5, ["x"]],
)  # fmt: skip
def test_a_reference_a_url_and_a_binding_are_no_local_paths(path):
    assert found({"path": path}, "model") == {}


@pytest.mark.parametrize("text", ["train", "train:1", "train@latest", "azureml:train:1"])
def test_where_an_asset_is_expected_a_bare_name_is_one(text):
    assert found({"jobs": {"n": {"component": text}}, "environment": text}, "job") == {}


@pytest.mark.parametrize("text", ["train.yml", "./train", "../t.YAML", "/abs/t", "file:train"])
def test_where_an_asset_is_expected_a_file_is_a_document_to_load(text):
    assert [purpose for purpose, _ in found({"component": text, "environment": text}, "job").values()] == [
        "environment_file",
        "component_file",
    ]


def test_locations_lead_to_the_text_in_the_mapping():
    mapping = yaml.safe_load(samples.PIPELINE_JOB)
    for field in local_paths(mapping, "job"):
        holder = mapping
        for key in field.location:
            holder = holder[key]
        assert holder.endswith(field.text)


def test_a_document_inside_itself_is_refused():
    mapping = {"jobs": {}}
    mapping["jobs"]["n"] = mapping
    with pytest.raises(InvalidError, match="inside itself"):
        local_paths(mapping, "job")


@pytest.mark.parametrize("kind", ["online_endpoint", "workspace", "registry"])
def test_other_kinds_have_none(kind):
    assert local_paths({"path": "./x", "code": "./y"}, kind) == []
