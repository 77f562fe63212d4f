"""Job and component documents."""

import msgspec
import pytest
import yaml

from regista.entities.binding import NodeOutput, ParentInput, ParentOutput
from regista.entities.documents.command import CommandSpec, Distribution, Resources
from regista.entities.documents.component import ComponentDocument, parse_component
from regista.entities.documents.inputs import InputSpec
from regista.entities.documents.job import JobDocument, parse_job
from regista.entities.documents.outputs import OutputSpec
from regista.entities.documents.pipeline import PipelineSpec
from regista.entities.graph import build_graph
from regista.errors import InvalidError, UnsupportedError
from tests.unit.entities.documents import samples


def job(text):
    return parse_job(yaml.safe_load(text))


def component(text):
    return parse_component(yaml.safe_load(text))


class TestCommandJobs:
    @pytest.fixture
    def document(self):
        return job(samples.COMMAND_JOB)

    def test_what_is_said_about_the_job_is_read(self, document):
        assert (document.type, document.name, document.experiment_name) == ("command", "churn-train-7", "churn")
        assert document.tags == {"team": "retention", "quarter": "3", "since": "2024-10-01"}
        assert document.compute == "cpu-cluster"

    def test_inputs_are_read_in_every_shape(self, document):
        assert document.spec.inputs == {
            "customers": InputSpec(type="uri_file", path="./data/customers.csv", mode="download"),
            "rate": InputSpec(type="number", value=0.05),
            "depth": InputSpec(type="integer", value=6),
            "verbose": InputSpec(type="boolean", value=True),
            "sample": InputSpec(type="number", optional=True, min=0, max=1),
        }

    def test_an_empty_output_is_a_folder(self, document):
        assert document.spec.outputs == {
            "model": OutputSpec(type="mlflow_model", mode="upload", name="churn", version="4"),
            "report": OutputSpec(type="uri_folder"),
        }

    def test_what_it_runs_on_is_read(self, document):
        spec = document.spec
        assert spec.resources == Resources(instance_count=2, instance_type="gpu", shm_size="4g")
        assert spec.distribution == Distribution(type="pytorch", process_count_per_instance=2)
        assert (spec.timeout, spec.environment_variables) == (3600, {"LOG_LEVEL": "debug", "WORKERS": "4"})
        assert spec.environment.conda_file == "./env/conda.yml"

    def test_what_means_nothing_here_is_accepted_and_listed(self, document):
        assert set(document.ignored) == {"identity", "services", "queue_settings", "resources.docker_args"}

    @pytest.mark.parametrize("text", ["cpu", "azureml:cpu", "regista:cpu", "azureml:/subscriptions/s/x/computes/cpu"])
    def test_a_compute_has_one_name_however_it_is_written(self, text):
        assert parse_job({"command": "x", "compute": text}).compute == "cpu"

    def test_every_input_is_given_or_optional(self):
        with pytest.raises(InvalidError, match=r"inputs\.data: the job does not say"):
            parse_job({"command": "x", "inputs": {"data": {"type": "uri_folder"}}})


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"comand": "y"}, "comand: there is no such field"),
            ({"command": None}, "command: this field is required"),
            ({"command": "run ${{inputs.x}}"}, r"command: the command speaks of inputs\.x"),
            ({"inputs": []}, "inputs: expected a mapping, found a list"),
            ({"inputs": {"x": [1]}}, r"inputs\.x: expected a mapping"),
            ({"inputs": {"a-b": 1}}, r"inputs\.a-b: 'a-b' cannot name an input"),
            ({"inputs": {"x": {"type": "uri_fodler"}}}, r"inputs\.x\.type: 'uri_fodler' is none of"),
            ({"inputs": {"x": {"path": "p", "value": 1}}}, r"inputs\.x\.value: .*no path beside it"),
            ({"inputs": {"x": {"type": "number", "path": "p"}}}, r"inputs\.x\.path: .* has a value"),
            ({"inputs": {"x": {"type": "integer", "value": 1.5}}}, r"inputs\.x\.value: expected a whole number"),
            ({"inputs": {"x": {"type": "number", "value": 3, "max": 2}}}, "more than the maximum"),
            ({"inputs": {"x": {"type": "number", "value": 3, "min": 9, "max": 2}}}, "minimum 9 is more than"),
            ({"inputs": {"x": {"path": "azureml://nonsense"}}}, r"inputs\.x\.path: .* is not a reference"),
            ({"inputs": {"x": "${{parent.inputs.y}}"}}, r"inputs\.x: .* has no parent here"),
            ({"outputs": {"o": "folder"}}, r"outputs\.o: expected a mapping"),
            ({"outputs": {"o": {"mode": "ro_mount"}}}, r"outputs\.o\.mode: 'ro_mount' is none of"),
            ({"outputs": {"o": {"version": 1}}}, r"outputs\.o\.version: a version needs the name"),
            ({"resources": {"instance_count": 0}}, r"resources\.instance_count: expected a whole number, 1"),
            ({"resources": {"shm_size": "much"}}, r"resources\.shm_size: "),
            ({"limits": {"timeout": "soon"}}, r"limits\.timeout: expected a whole number"),
            ({"distribution": {"type": "carrier pigeon"}}, r"distribution\.type"),
            ({"environment": {"name": "e"}}, "environment: the environment is empty"),
            ({"environment": "azureml:e:1:2"}, "environment: "),
            ({"environment_variables": {"A=B": "1"}}, "cannot name an environment variable"),
            ({"tags": {"a": {"b": 1}}}, r"tags\.a: expected a text, found a mapping"),
            ({"name": "../x"}, "name: '../x' cannot name a job"),
            ({"type": "comand"}, "type: 'comand' is none of"),
            ({"description": "a\0b"}, "description: a text cannot hold a null byte"),
            ({"description": "\ud800"}, "description: the text is not valid Unicode"),
            ({"inputs": {"x": float("nan")}}, r"inputs\.x: "),
            ({"inputs": {"x": 2**70}}, r"inputs\.x: "),
            ({"inputs": {True: 1}}, "inputs: the key 'True' is a boolean"),
            ({"inputs": {"x": {1, 2}}}, r"inputs\.x: a set cannot stand in a document"),
        ],
    )
    def test_a_wrong_field_is_named(self, change, message):
        with pytest.raises(InvalidError, match=f"^{message}|{message}"):
            parse_job({"command": "x", **change})

    def test_the_place_is_named_below_where_the_document_stands(self):
        with pytest.raises(InvalidError, match=r"^body\.command: this field is required"):
            parse_job({}, where="body")

    def test_the_nearest_field_is_suggested(self):
        with pytest.raises(InvalidError) as refusal:
            parse_job({"command": "x", "experiment": "e"})
        assert refusal.value.hint == "Did you mean 'experiment_name'?"

    @pytest.mark.parametrize("kind", ["sweep", "parallel", "spark", "automl"])
    def test_a_kind_that_regista_cannot_run_is_said_to_be_so(self, kind):
        with pytest.raises(UnsupportedError, match=rf"^type: .*'{kind}'"):
            parse_job({"type": kind})
        with pytest.raises(UnsupportedError, match=rf"^jobs\.tune\.type: .*'{kind}'"):
            parse_job({"type": "pipeline", "jobs": {"tune": {"type": kind}}})

    def test_code_outside_of_the_code_folder_is_not_left_out_silently(self):
        with pytest.raises(UnsupportedError, match="additional_includes"):
            parse_job({"command": "x", "additional_includes": ["../lib"]})

    @pytest.mark.parametrize("value", [None, 1, "text", [], b"x", object()])
    def test_what_is_no_mapping_is_refused(self, value):
        with pytest.raises(InvalidError):
            parse_job(value)


class TestPipelineJobs:
    @pytest.fixture
    def document(self):
        return job(samples.PIPELINE_JOB)

    def test_settings_are_read(self, document):
        settings = document.spec.settings
        assert (settings.default_compute, settings.default_datastore) == ("cpu-cluster", "workspaceblobstore")
        assert (settings.continue_on_step_failure, settings.force_rerun) == (False, False)

    def test_a_node_by_reference_keeps_what_it_is_given(self, document):
        train = document.spec.jobs["train"]
        assert (train.component, train.type, train.compute, train.force_rerun) == ("azureml:train:3", "", "gpu", True)
        assert train.inputs["data"] == InputSpec(binding=NodeOutput("prepare", "clean"))
        assert train.inputs["epochs"] == InputSpec(binding=ParentInput("epochs"))
        assert train.inputs["holdout"] == InputSpec(type="uri_file", path="./holdout.csv", mode="ro_mount")
        assert train.outputs == {"model": OutputSpec(binding=ParentOutput("model"))}

    def test_a_command_in_a_node_is_its_own_component(self, document):
        score = document.spec.jobs["score"]
        assert score.inputs["model"] == InputSpec(
            type="mlflow_model", mode="download", binding=NodeOutput("train", "model")
        )
        assert isinstance(score.component, CommandSpec)
        assert score.component.inputs == {"model": InputSpec(type="mlflow_model", mode="download")}
        assert score.component.outputs == {"scores": OutputSpec(type="uri_file", mode="upload")}

    def test_an_output_of_a_command_in_a_node_has_the_type_of_what_it_becomes(self):
        inner = {"command": "echo > ${{outputs.o}}", "outputs": {"o": "${{parent.outputs.file}}"}}
        nested = {"jobs": {"n": inner}, "outputs": {"file": "${{parent.outputs.file}}"}}
        for node in (inner, nested):
            spec = parse_job({"jobs": {"n": node}, "outputs": {"file": {"type": "uri_file"}}}).spec
            assert next(iter(spec.jobs["n"].component.outputs.values())).type == "uri_file"
            build_graph(spec)

    def test_it_hangs_together(self, document):
        assert build_graph(document.spec).order == ("prepare", "train", "score")

    def test_a_job_can_run_a_pipeline_component_by_reference(self):
        spec = parse_job(
            {"type": "pipeline", "component": "azureml:p:1", "inputs": {"raw": {"path": "azureml:d:1"}}}
        ).spec
        assert (spec.component, spec.jobs, spec.inputs["raw"].path) == ("azureml:p:1", {}, "azureml:d:1")

    def test_a_job_can_run_a_pipeline_component_that_stands_in_it(self):
        inline = yaml.safe_load(samples.PIPELINE_COMPONENT)
        mapping = {"type": "pipeline", "component": inline, "inputs": {"raw": {"path": "azureml:d:1"}}}
        spec = parse_job({**mapping, "outputs": {"model": {"name": "churn"}}}).spec
        assert spec.inputs == {"raw": InputSpec(type="uri_folder", path="azureml:d:1")}
        assert spec.outputs == {"model": OutputSpec(type="mlflow_model", name="churn")}
        assert build_graph(spec).order == ("prepare", "train")
        with pytest.raises(InvalidError, match=r"inputs\.roh: there is no such input"):
            parse_job({**mapping, "inputs": {"roh": {"path": "azureml:d:1"}}})

    @pytest.mark.parametrize(
        ("node", "message"),
        [
            ({}, r"jobs\.n: a node has one of component, command and jobs, this one none"),
            ({"component": "azureml:c:1", "command": "x"}, "component and command"),
            ({"component": 5, "inputs": 5}, r"jobs\.n\.inputs: expected a mapping"),
            ({"component": "azureml:c:1", "inputs": {"x": "a ${{parent.inputs.y}}"}}, r"jobs\.n\.inputs\.x: .*mixes"),
            ({"component": "azureml:c:1", "inputs": {"x": "${{inputs.y}}"}}, r"jobs\.n\.inputs\.x: .*is not a binding"),
            ({"component": "azureml:c:1", "outputs": {"x": "${{parent.inputs.y}}"}}, r"jobs\.n\.outputs\.x: an output"),
            ({"component": {"command": "x", "inputs": {"a": 5}}}, r"jobs\.n\.component\.inputs\.a: expected a mapping"),
            ({"component": {"command": "x", "code": 5, "ode": 6}}, r"jobs\.n\.component\.ode: there is no such field"),
            ({"type": "pipeline", "command": "x"}, r"jobs\.n\.type: the node is a command, not a pipeline"),
            (
                {"component": "azureml:c:1", "environment": "azureml:e:1"},
                r"jobs\.n\.environment: there is no such field",
            ),
        ],
    )
    def test_a_wrong_node_is_named(self, node, message):
        with pytest.raises(InvalidError, match=message):
            parse_job({"type": "pipeline", "jobs": {"n": node}})

    def test_a_pipeline_without_nodes_is_refused(self):
        with pytest.raises(InvalidError, match="jobs: a pipeline has at least one node"):
            parse_job({"type": "pipeline"})


class TestComponents:
    def test_a_command_component_is_read(self):
        document = component(samples.COMMAND_COMPONENT)
        assert (document.type, document.name, document.version) == ("command", "train", "3")
        assert document.is_deterministic is False
        assert document.inputs["epochs"] == InputSpec(type="integer", default=10, min=1, max=100)
        assert document.inputs["schedule"].enum == ("fixed", "decay")
        assert document.outputs == {"model": OutputSpec(type="mlflow_model")}

    def test_a_pipeline_component_is_read_with_what_stands_in_it(self):
        document = component(samples.PIPELINE_COMPONENT)
        assert isinstance(document.spec, PipelineSpec)
        assert document.spec.jobs["prepare"].component == "file:prepare.yml"
        assert document.spec.jobs["train"].component.environment.build.path == "./docker"
        assert document.ignored == ("jobs.train.component.name",)

    @pytest.mark.parametrize(
        ("declared", "message"),
        [
            ({"x": 5}, r"inputs\.x: expected a mapping with a type"),
            ({"x": {"optional": True}}, r"inputs\.x: a declaration has a type"),
            ({"x": {"type": "uri_file", "path": "./x"}}, "neither path nor value"),
            ({"x": {"type": "integer", "default": "many"}}, r"inputs\.x\.default: expected a whole number"),
            ({"x": {"type": "string", "enum": ["a"], "default": "b"}}, r"inputs\.x\.default: 'b' is none of a"),
            ({"x": {"type": "string", "min": 1}}, "min and max belong to a number"),
        ],
    )
    def test_a_wrong_declaration_is_named(self, declared, message):
        with pytest.raises(InvalidError, match=message):
            parse_component({"name": "c", "command": "x", "inputs": declared})

    def test_an_optional_input_outside_of_a_group_is_refused_when_the_component_is_written(self):
        declared = {"x": {"type": "integer", "optional": True}}
        with pytest.raises(InvalidError, match=r"^command: .*has no value"):
            parse_component({"name": "c", "command": "run ${{inputs.x}}", "inputs": declared})

    def test_a_name_is_required_unless_it_is_anonymous(self):
        with pytest.raises(InvalidError, match="name: this field is required"):
            parse_component({"command": "x"})
        assert parse_component({"command": "x"}, anonymous=True).name == ""


@pytest.mark.parametrize(
    ("document", "type_"),
    [
        (job(samples.COMMAND_JOB), JobDocument),
        (job(samples.PIPELINE_JOB), JobDocument),
        (component(samples.COMMAND_COMPONENT), ComponentDocument),
        (component(samples.PIPELINE_COMPONENT), ComponentDocument),
    ],
)
def test_a_document_survives_the_way_through_json(document, type_):
    assert msgspec.json.decode(msgspec.json.encode(document), type=type_) == document
