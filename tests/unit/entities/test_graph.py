"""How the nodes of a pipeline hang together, and what is refused before anything runs."""

from typing import ClassVar

import pytest

from regista.entities.documents.component import parse_component
from regista.entities.documents.inputs import DATA_TYPES
from regista.entities.documents.job import parse_job
from regista.entities.graph import accepts, build_graph, check_given
from regista.errors import InvalidError


def component(inputs=None, outputs=None, **more):
    used = " ".join(f"${{{{inputs.{name}}}}}" for name, spec in (inputs or {}).items() if not spec.get("optional"))
    return {"type": "command", "command": f"run {used}", "inputs": inputs or {}, "outputs": outputs or {}, **more}


def pipeline(jobs, inputs=None, outputs=None):
    return parse_job({"type": "pipeline", "jobs": jobs, "inputs": inputs or {}, "outputs": outputs or {}}).spec


FOLDER, FILE, RATE = {"type": "uri_folder"}, {"type": "uri_file"}, {"type": "number", "min": 0, "max": 1}
MAKE = component(outputs={"data": FOLDER, "file": FILE})
USE = component(inputs={"data": FOLDER}, outputs={"model": {"type": "mlflow_model"}})


def use(source, body=USE, name="data"):
    return {"component": body, "inputs": {name: source}}


def refused(jobs, match, **more):
    with pytest.raises(InvalidError, match=match) as refusal:
        build_graph(pipeline(jobs, **more))
    return refusal.value


class TestOrder:
    JOBS: ClassVar = {
        "report": use("${{parent.jobs.train.outputs.model}}"),
        "train": use("${{parent.jobs.make.outputs.data}}"),
        "other": {"component": MAKE},
        "make": {"component": MAKE},
    }

    def test_a_node_depends_on_the_nodes_whose_outputs_it_reads(self):
        found = build_graph(pipeline(self.JOBS)).dependencies
        assert found == {"report": {"train"}, "train": {"make"}, "other": set(), "make": set()}

    def test_every_node_comes_after_those_that_it_depends_on(self):
        graph = build_graph(pipeline(self.JOBS))
        assert sorted(graph.order) == sorted(self.JOBS)
        assert graph.order.index("make") < graph.order.index("train") < graph.order.index("report")

    def test_what_is_ready_waits_for_nothing_that_is_not_done(self):
        graph = build_graph(pipeline(self.JOBS))
        assert set(graph.ready(set())) == {"make", "other"}
        assert set(graph.ready({"make"})) == {"train", "other"}

    def test_downstream_is_everything_that_needs_a_node(self):
        graph = build_graph(pipeline(self.JOBS))
        assert (graph.downstream("make"), graph.downstream("report")) == ({"train", "report"}, set())

    def test_a_cycle_is_refused_and_named(self):
        jobs = {"a": use("${{parent.jobs.b.outputs.model}}"), "b": use("${{parent.jobs.a.outputs.model}}")}
        assert "jobs: the nodes wait for one another: " in refused(jobs, "a -> b|b -> a").message

    def test_a_node_that_waits_for_itself_is_a_cycle(self):
        refused({"a": use("${{parent.jobs.a.outputs.model}}")}, "a -> a")

    def test_a_chain_of_two_thousand_nodes_is_ordered(self):
        jobs = {f"n{i}": use(f"${{{{parent.jobs.n{i - 1}.outputs.model}}}}") for i in range(1, 2000)}
        assert (
            build_graph(pipeline({**jobs, "n0": {"component": component(outputs={"model": FOLDER})}})).order[0] == "n0"
        )


class TestBindings:
    def test_an_unknown_node_is_refused_with_the_nearest(self):
        refusal = refused(
            {"make": {"component": MAKE}, "u": use("${{parent.jobs.mkae.outputs.data}}")}, "no node 'mkae'"
        )
        assert refusal.message.startswith("jobs.u.inputs.data: ")
        assert "'make'" in refusal.hint

    def test_an_unknown_output_is_refused(self):
        refusal = refused(
            {"make": {"component": MAKE}, "u": use("${{parent.jobs.make.outputs.dat}}")}, "no output 'dat'"
        )
        assert "'data'" in refusal.hint

    def test_what_a_command_left_in_its_folder_is_an_output(self):
        jobs = {"make": {"component": MAKE}, "u": use("${{parent.jobs.make.outputs.artifacts}}")}
        assert build_graph(pipeline(jobs)).dependencies["u"] == {"make"}

    def test_an_unknown_input_of_the_pipeline_is_refused(self):
        refused({"u": use("${{parent.inputs.raw}}")}, "jobs.u.inputs.data: the pipeline has no input 'raw'")

    def test_an_input_that_the_component_does_not_have_is_refused(self):
        jobs = {"u": {"component": USE, "inputs": {"data": {"path": "azureml:d:1"}, "date": 1}}}
        refused(jobs, "jobs.u.inputs.date: the component has no such input")

    def test_an_input_that_nobody_gives_is_refused(self):
        refused({"u": {"component": USE}}, "jobs.u.inputs.data: the node does not give this input")

    def test_an_optional_input_and_one_with_a_default_need_not_be_given(self):
        body = component(inputs={"a": {"type": "string", "optional": True}, "b": {"type": "integer", "default": 3}})
        assert build_graph(pipeline({"u": {"component": body}})).order == ("u",)

    def test_a_required_input_cannot_hang_on_an_optional_one(self):
        refused(
            {"u": use("${{parent.inputs.raw}}")},
            "is optional",
            inputs={"raw": {"type": "uri_folder", "optional": True}},
        )

    def test_an_output_of_the_pipeline_is_no_input(self):
        refused({"u": use("${{parent.outputs.x}}")}, "cannot be an input")


class TestTypes:
    def test_a_file_may_go_where_a_folder_is_declared_and_a_folder_not_where_a_file_is(self):
        """As in Azure ML, whose examples do so."""
        file = {"m": {"component": MAKE}, "u": use("${{parent.jobs.m.outputs.file}}")}
        assert build_graph(pipeline(file)).order == ("m", "u")
        reads = component(inputs={"data": {"type": "uri_file"}})
        folder = {"m": {"component": MAKE}, "u": use("${{parent.jobs.m.outputs.data}}", reads)}
        refused(folder, "expected uri_file, m.data is uri_folder")

    def test_a_file_is_no_output_that_is_declared_as_a_folder(self):
        jobs = {"m": {"component": MAKE, "outputs": {"file": "${{parent.outputs.all}}"}}}
        refused(jobs, "expected uri_folder, the node is uri_file", outputs={"all": {"type": "uri_folder"}})

    def test_a_number_does_not_go_where_content_is_wanted(self):
        refused({"u": use("${{parent.inputs.n}}")}, "expected uri_folder, .* is integer", inputs={"n": 5})

    def test_content_does_not_go_where_a_number_is_wanted(self):
        jobs = {
            "m": {"component": MAKE},
            "u": use("${{parent.jobs.m.outputs.data}}", component(inputs={"rate": RATE}), "rate"),
        }
        refused(jobs, "expected number")

    @pytest.mark.parametrize(
        ("value", "match"), [(2, "more than the maximum"), ("fast", "expected a number"), (True, "a number")]
    )
    def test_a_literal_is_checked_against_its_declaration(self, value, match):
        refused({"u": use(value, component(inputs={"rate": RATE}), "rate")}, rf"jobs\.u\.inputs\.rate: .*{match}")

    def test_a_reference_as_a_plain_text_is_content(self):
        assert build_graph(pipeline({"u": use("azureml:flights:3")})).order == ("u",)

    def test_every_type_accepts_itself_and_the_unknown(self):
        assert all(accepts(type_, type_) and accepts(type_, "") and accepts("", type_) for type_ in DATA_TYPES)
        assert accepts("uri_folder", "mlflow_model")
        assert not accepts("integer", "number")


class TestOutputs:
    def test_the_output_of_a_pipeline_is_made_by_one_node(self):
        jobs = {name: {"component": MAKE, "outputs": {"data": "${{parent.outputs.data}}"}} for name in ("a", "b")}
        assert build_graph(pipeline({"a": jobs["a"]}, outputs={"data": FOLDER})).order == ("a",)
        refused(jobs, "makes the output 'data' already", outputs={"data": FOLDER})

    def test_an_output_that_no_node_makes_is_refused(self):
        refused({"a": {"component": MAKE}}, "outputs.data: no node makes this output", outputs={"data": None})

    def test_an_output_that_the_pipeline_or_the_component_lacks_is_refused(self):
        refused(
            {"a": {"component": MAKE, "outputs": {"data": "${{parent.outputs.data}}"}}}, "the pipeline has no output"
        )
        refused({"a": {"component": MAKE, "outputs": {"date": {"mode": "upload"}}}}, "the component has no such output")


class TestNestedPipelines:
    INNER: ClassVar = {
        "type": "pipeline", "inputs": {"raw": FOLDER}, "outputs": {"model": {"type": "mlflow_model"}},
        "jobs": {"train": {**use("${{parent.inputs.raw}}"), "outputs": {"model": "${{parent.outputs.model}}"}}},
    }  # fmt: skip

    def outer(self, body, source="${{parent.jobs.make.outputs.data}}"):
        return {"make": {"component": MAKE}, "inner": use(source, body, "raw")}

    def test_a_pipeline_in_a_pipeline_has_its_own_scope(self):
        assert build_graph(pipeline(self.outer(self.INNER))).dependencies["inner"] == {"make"}

    def test_what_is_wrong_inside_is_named_from_outside(self):
        broken = {**self.INNER, "jobs": {"train": use("${{parent.jobs.make.outputs.data}}")}, "outputs": {}}
        refused(self.outer(broken), r"jobs\.inner\.jobs\.train\.inputs\.data: there is no node 'make'")

    def test_a_pipeline_that_stands_in_a_node_is_checked_too(self):
        jobs = {
            "inner": {
                "type": "pipeline",
                "jobs": {"u": use("${{parent.inputs.raw}}")},
                "inputs": {"raw": {"path": "azureml:a:1"}},
            }
        }
        assert build_graph(pipeline(jobs)).order == ("inner",)
        jobs["inner"]["inputs"] = {}
        refused(jobs, r"jobs\.inner\.jobs\.u\.inputs\.data: the pipeline has no input 'raw'")


class TestComponentsByReference:
    JOBS: ClassVar = {"make": {"component": "azureml:make:1"}, "use": use("${{parent.jobs.make.outputs.anything}}")}

    def test_what_is_not_known_is_not_checked(self):
        assert build_graph(pipeline(self.JOBS)).order == ("make", "use")

    def test_what_is_known_is_checked(self):
        with pytest.raises(InvalidError, match="has no output 'anything'"):
            build_graph(pipeline(self.JOBS), component_of=lambda _: parse_component(MAKE, anonymous=True).spec)

    def test_a_component_of_another_kind_than_the_node_says_is_refused(self):
        spec = pipeline({"make": {"component": "azureml:make:1", "type": "pipeline"}})
        with pytest.raises(InvalidError, match=r"jobs\.make\.type: the component is not a pipeline"):
            build_graph(spec, component_of=lambda _: parse_component(MAKE, anonymous=True).spec)

    def test_pipelines_that_lead_to_one_another_twice_each_end_in_time(self):
        def component_of(reference):
            level = int(reference.rsplit(":", 1)[1])
            node = {"component": f"azureml:p:{level + 1}"} if level < 30 else {"component": MAKE}
            document = {"name": "p", "type": "pipeline", "jobs": {"a": node, "b": node}}
            return parse_component(document).spec

        assert build_graph(pipeline({"top": {"component": "azureml:p:1"}}), component_of=component_of).order == ("top",)

    def test_pipelines_without_end_are_refused(self):
        def component_of(reference):
            level = int(reference.rsplit(":", 1)[1])
            return parse_component(
                {"name": "p", "type": "pipeline", "jobs": {"a": {"component": f"azureml:p:{level + 1}"}}}
            ).spec

        with pytest.raises(InvalidError, match="more than 32 deep"):
            build_graph(pipeline({"top": {"component": "azureml:p:1"}}), component_of=component_of)


def test_what_a_job_gives_to_a_component_is_checked():
    declared = parse_component({"name": "c", **component(inputs={"rate": RATE, "data": FOLDER})}).inputs
    given = parse_job({"command": "x", "inputs": {"rate": 0.5, "data": {"path": "azureml:d:1"}}}).spec.inputs
    check_given(declared, given)
    with pytest.raises(InvalidError, match=r"inputs\.data: this input is required"):
        check_given(declared, {"rate": given["rate"]})
    with pytest.raises(InvalidError, match=r"inputs\.ratee: there is no such input"):
        check_given(declared, {"ratee": given["rate"]})
