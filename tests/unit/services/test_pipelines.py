"""Pipelines: bindings, order, failure, cancel, nesting, reuse."""

import itertools
import time

import pytest

from regista.entities.asset import AssetKind
from regista.entities.job import JobStatus, JobType
from regista.errors import InvalidError, NotFoundError
from regista.services.assets.versions import NewVersion
from regista.services.jobs.plans import command_plan
from tests.support.workplace import PLAIN, Workplace

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Workplace(tmp_path_factory.mktemp("place"))
    place.asset(AssetKind.DATA, {"a.csv": "1"}, name="rows", type="uri_folder")
    place.asset(AssetKind.ENVIRONMENT, {}, name="plain", spec={"conda": {"dependencies": ["pip"]}}, scope=place.central)
    yield place
    place.close()


def appears(place, *names):
    """Wait until there are jobs of these names."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            return [place.job(name) for name in names]
        except NotFoundError:
            time.sleep(0.01)
    raise AssertionError(names)


def node(command, **fields):
    return {"command": command, "environment": PLAIN, **fields}


def pipeline(jobs, **fields):
    return {"type": "pipeline", "jobs": jobs, **fields}


def fresh():
    """A text that no other test uses, so that nothing is reused by accident."""
    return f"u{next(_numbers)}-{time.time_ns()}"


def chain(mark, **fields):
    return pipeline(
        {
            "prepare": node(
                f"cat ${{{{inputs.data}}}}/a.csv > ${{{{outputs.out}}}}/b.csv; echo {mark} | tee ${{{{outputs.out}}}}/mark",
                inputs={"data": "${{parent.inputs.raw}}"},
                outputs={"out": {"type": "uri_folder"}},
            ),
            "train": node(
                "echo ${{inputs.rate}} > ${{outputs.model}}/rate; cat ${{inputs.data}}/b.csv >> ${{outputs.model}}/rate",
                inputs={"data": "${{parent.jobs.prepare.outputs.out}}", "rate": "${{parent.inputs.rate}}"},
                outputs={"model": "${{parent.outputs.model}}"},
            ),
        },
        inputs={"raw": {"type": "uri_folder", "path": "azureml:rows:1"}, "rate": 0.5},
        outputs={"model": {"type": "uri_folder"}},
        **fields,
    )


class TestBindings:
    def test_a_file_where_a_component_declares_a_folder_is_given_as_the_file_that_it_is(self, place):
        place.asset(AssetKind.DATA, {"one.csv": "1\n"}, name="one", type="uri_file")
        reads = {
            "type": "command",
            "command": "cat ${{inputs.data}}; cp ${{inputs.data}} ${{outputs.again}}",
            "environment": PLAIN,
            "inputs": {"data": {"type": "uri_folder"}},
            "outputs": {"again": {"type": "uri_file"}},
        }
        jobs = {
            "a": {"component": reads, "inputs": {"data": {"type": "uri_file", "path": "azureml:one:1"}}},
            "b": {"component": reads, "inputs": {"data": "${{parent.jobs.a.outputs.again}}"}},
        }
        job = place.run(pipeline(jobs))
        assert job.status is JobStatus.COMPLETED, job.error
        steps = place.steps(job.name)
        assert [place.log(steps[name].name)[-2:] for name in jobs] == ["1\n", "1\n"]

    def test_inputs_and_outputs_flow_from_step_to_step_and_out(self, place):
        job = place.run(chain(fresh()))
        assert job.status is JobStatus.COMPLETED, job.error
        assert place.read(job.name, "model", "rate") == "0.5\n1"
        steps = place.steps(job.name)
        assert list(steps) == ["prepare", "train"]
        assert steps["train"].parent == steps["train"].root == job.name
        assert steps["train"].created_by == "ada"

    def test_lineage_ties_the_whole_to_its_steps_and_the_steps_to_one_another(self, place):
        job = place.run(chain(fresh()))
        me, steps = f"job:{job.scope_id}/{job.name}", place.steps(job.name)
        nodes = {name: f"job:{job.scope_id}/{step.name}" for name, step in steps.items()}
        assert {("step:prepare", nodes["prepare"]), ("step:train", nodes["train"])} <= place.edges(me)
        assert ("input:data", nodes["prepare"]) in place.edges(nodes["train"])
        assert any(source.endswith("/data/rows/1") for _, source in place.edges(nodes["prepare"]))

    def test_optional_inputs_stay_away_and_defaults_stand_in(self, place):
        component = {
            "type": "command",
            "command": "echo ${{inputs.d}} $[[--o ${{inputs.o}}]] $[[--data ${{inputs.f}}]]",
            "environment": PLAIN,
            "inputs": {
                "d": {"type": "integer", "default": 4},
                "o": {"type": "string", "optional": True},
                "f": {"type": "uri_folder", "optional": True},
            },
        }
        document = pipeline(
            {"s": {"component": component, "inputs": {"o": "${{parent.inputs.maybe}}"}}},
            inputs={"maybe": {"type": "string", "optional": True}},
        )
        job = place.run(document)
        assert place.log(place.steps(job.name)["s"].name) == "4\n", job.error

    def test_artifacts_of_a_step_can_be_bound(self, place):
        document = pipeline(
            {
                "a": node(f"mkdir -p outputs; echo {fresh()} > outputs/x"),
                "b": node(
                    "cat ${{inputs.i}}/x",
                    inputs={"i": {"path": "${{parent.jobs.a.outputs.artifacts}}", "type": "uri_folder"}},
                ),
            }
        )
        job = place.run(document)
        assert job.status is JobStatus.COMPLETED, job.error
        assert place.log(place.steps(job.name)["b"].name).startswith("u")

    def test_artifacts_that_a_step_declares_are_its_artifacts(self, place):
        written = f"echo {fresh()} > ${{{{outputs.artifacts}}}}/x; echo more > outputs/y"
        document = pipeline(
            {
                "a": node(written, outputs={"artifacts": {}}),
                "b": node(
                    "ls ${{inputs.i}}; cat ${{inputs.i}}/x", inputs={"i": "${{parent.jobs.a.outputs.artifacts}}"}
                ),
            }
        )
        job = place.run(document)
        assert job.status is JobStatus.COMPLETED, job.error
        steps = place.steps(job.name)
        assert place.log(steps["b"].name).startswith("x\ny\nu")
        assert place.files(steps["a"].name, "artifacts") == ["x", "y"]

    def test_artifacts_that_are_declared_become_a_version(self, place):
        written = f"echo {fresh()} > ${{{{outputs.artifacts}}}}/x"
        job = place.run(pipeline({"a": node(written, outputs={"artifacts": {"type": "uri_folder", "name": "kept"}})}))
        assert job.status is JobStatus.COMPLETED, job.error
        made = place.house.assets.get(place.caller, place.dev, AssetKind.DATA, "kept")
        assert (made.file_count, place.steps(job.name)["a"].outputs["artifacts"].node) == (1, made.node)

    def test_a_named_output_of_the_pipeline_is_registered(self, place):
        document = chain(fresh())
        document["outputs"]["model"] = {"type": "uri_folder", "name": "piped"}
        job = place.run(document)
        assert job.status is JobStatus.COMPLETED, job.error
        made = place.house.assets.get(place.caller, place.dev, AssetKind.DATA, "piped")
        assert job.outputs["model"].node == made.node
        assert ("output:model", f"job:{job.scope_id}/{place.steps(job.name)['train'].name}") in place.edges(made.node)

    @pytest.mark.parametrize(
        ("bound", "said"),
        [
            ("${{parent.inputs.nope}}", "nope"),
            ("${{parent.jobs.nope.outputs.x}}", "nope"),
            ("${{parent.jobs.a.outputs.x}}", "a"),
        ],
    )
    def test_a_binding_that_leads_nowhere_is_refused_at_once(self, place, bound, said):
        document = pipeline({"a": node("true"), "b": node("true", inputs={"i": bound})})
        with pytest.raises(InvalidError, match=f"jobs.b.*{said}"):
            place.submit(document, "leads-nowhere")
        with pytest.raises(NotFoundError):
            place.job("leads-nowhere")

    def test_a_cycle_is_refused(self, place):
        document = pipeline(
            {
                "a": node(
                    "true",
                    inputs={"i": {"type": "uri_folder", "path": "${{parent.jobs.b.outputs.o}}"}},
                    outputs={"o": {}},
                ),
                "b": node(
                    "true",
                    inputs={"i": {"type": "uri_folder", "path": "${{parent.jobs.a.outputs.o}}"}},
                    outputs={"o": {}},
                ),
            }
        )
        with pytest.raises(InvalidError, match="wait for one another"):
            place.submit(document)


class TestComponents:
    COMMAND = {  # noqa: RUF012
        "type": "command",
        "command": "echo ${{inputs.n}} > ${{outputs.o}}/n",
        "inputs": {"n": {"type": "integer", "min": 1}},
        "outputs": {"o": {"type": "uri_folder"}},
    }

    def test_components_of_the_workspace_and_of_a_registry_run(self, place):
        place.asset(AssetKind.COMPONENT, {}, name="mine", spec=self.COMMAND | {"environment": PLAIN})
        place.asset(AssetKind.COMPONENT, {}, name="ours", scope=place.central,
                    spec=self.COMMAND | {"environment": "azureml:plain:1"})  # fmt: skip
        document = pipeline(
            {
                "a": {"component": "azureml:mine@latest", "inputs": {"n": 3}},
                "b": {"component": "azureml://registries/central/components/ours/versions/1", "inputs": {"n": 4}},
            }
        )
        job = place.run(document)
        steps = place.steps(job.name)
        assert [place.read(steps[name].name, "o", "n") for name in "ab"] == ["3\n", "4\n"], job.error
        assert "component" in {role for role, _ in place.edges(f"job:{job.scope_id}/{steps['b'].name}")}

    def test_a_value_outside_of_what_the_component_allows_is_refused(self, place):
        with pytest.raises(InvalidError, match=r"jobs\.a\.inputs\.n.*minimum"):
            place.submit(pipeline({"a": {"component": self.COMMAND | {"environment": PLAIN}, "inputs": {"n": 0}}}))

    def test_a_pipeline_component_runs_as_a_job(self, place):
        mark = fresh()
        spec = {
            "type": "pipeline",
            "inputs": {"n": {"type": "integer"}},
            "outputs": {"o": {"type": "uri_folder"}},
            "jobs": {"s": {"component": self.COMMAND | {"environment": PLAIN, "command": f"echo ${{{{inputs.n}}}} {mark} > ${{{{outputs.o}}}}/n"},
                           "inputs": {"n": "${{parent.inputs.n}}"}, "outputs": {"o": "${{parent.outputs.o}}"}}},
        }  # fmt: skip
        place.asset(AssetKind.COMPONENT, {}, name="whole", spec=spec, type="pipeline")
        job = place.run({"type": "pipeline", "component": "azureml:whole:1", "inputs": {"n": 8}})
        assert place.read(job.name, "o", "n") == f"8 {mark}\n", job.error
        assert ("component", f"version:{job.scope_id}/component/whole/1") in place.edges(
            f"job:{job.scope_id}/{job.name}"
        )

    def test_components_in_the_form_that_registration_gives_them_run(self, place):
        mark = fresh()
        step = self.COMMAND | {
            "environment": PLAIN,
            "command": f"echo ${{{{inputs.n}}}} {mark} > ${{{{outputs.o}}}}/n",
            "limits": {"timeout": 60},
        }
        whole = {
            "type": "pipeline",
            "inputs": {"n": {"type": "integer", "default": 2}},
            "outputs": {"o": {"type": "uri_folder"}},
            "jobs": {"s": {"component": "azureml:normal-step@latest", "inputs": {"n": "${{parent.inputs.n}}"},
                           "outputs": {"o": "${{parent.outputs.o}}"}, "limits": {"timeout": 30}}},
        }  # fmt: skip
        for name, spec in (("normal-step", step), ("normal-whole", whole)):
            new = NewVersion(kind=AssetKind.COMPONENT, name=name, type=spec["type"], spec=spec)
            place.house.registration.create(place.caller, place.dev, new)
        job = place.run({"type": "pipeline", "component": "azureml:normal-whole:1"})
        assert place.read(job.name, "o", "n") == f"2 {mark}\n", job.error
        assert command_plan(place.steps(job.name)["s"]).timeout == 30
        inline = {"type": "command", "command": "true", "environment": PLAIN}
        nested = place.run(pipeline({"a": {"component": "azureml:normal-whole:1", "inputs": {"n": 5}}, "b": inline}))
        assert place.read(f"{nested.name}_a_s", "o", "n") == f"5 {mark}\n", nested.error


class TestNesting:
    def test_a_pipeline_inside_a_pipeline(self, place):
        mark = fresh()
        inner = {
            "type": "pipeline",
            "inputs": {"n": 0},
            "outputs": {"o": {"type": "uri_folder"}},
            "jobs": {"deep": node(f"echo ${{{{inputs.n}}}} {mark} > ${{{{outputs.o}}}}/n",
                                  inputs={"n": "${{parent.inputs.n}}"}, outputs={"o": "${{parent.outputs.o}}"})},
        }  # fmt: skip
        inner["inputs"] = {"n": "${{parent.inputs.n}}"}
        inner["outputs"] = {"o": {"type": "uri_folder"}}
        document = pipeline(
            {
                "nest": inner,
                "after": node("cat ${{inputs.i}}/n > ${{outputs.o}}/m", inputs={"i": "${{parent.jobs.nest.outputs.o}}"},
                              outputs={"o": "${{parent.outputs.o}}"}),
            },
            inputs={"n": 6},
            outputs={"o": {"type": "uri_folder"}},
        )  # fmt: skip
        job = place.run(document)
        assert job.status is JobStatus.COMPLETED, job.error
        assert place.read(job.name, "o", "m") == f"6 {mark}\n"
        nested = place.steps(job.name)["nest"]
        assert nested.type is JobType.PIPELINE
        assert place.steps(nested.name)["deep"].root == job.name


class TestFailure:
    def document(self, **settings):
        return pipeline(
            {
                "bad": node(f"echo {fresh()}; exit 2", outputs={"o": {}}),
                "after": node("true", inputs={"i": {"type": "uri_folder", "path": "${{parent.jobs.bad.outputs.o}}"}}),
                "free": node(f"sleep 0.3; echo {fresh()} > ${{{{outputs.o}}}}/x", outputs={"o": {}}),
                "later": node(
                    "cat ${{inputs.i}}/x",
                    inputs={"i": {"type": "uri_folder", "path": "${{parent.jobs.free.outputs.o}}"}},
                ),
            },
            settings=settings,
        )

    def test_what_does_not_depend_on_a_failed_step_goes_on(self, place):
        job = place.run(self.document())
        steps = place.steps(job.name)
        assert job.status is JobStatus.FAILED
        assert "'bad'" in job.error
        assert "exit code 2" in job.error
        assert set(steps) == {"bad", "free", "later"}
        assert steps["later"].status is JobStatus.COMPLETED

    def test_the_first_failure_ends_everything_where_that_is_asked_for(self, place):
        with place.working(slots=2):
            document = self.document(continue_on_step_failure=False)
            document["jobs"]["free"]["command"] = "sleep 30"
            job = place.wait(place.submit(document).name)
        steps = place.steps(job.name)
        assert job.status is JobStatus.FAILED
        assert steps["free"].status is JobStatus.CANCELED
        assert set(steps) == {"bad", "free"}

    def test_an_output_that_was_not_written_fails_the_step_that_needs_it(self, place):
        document = pipeline(
            {
                "a": node(f"echo {fresh()}", outputs={"o": {"type": "uri_file"}}),
                "b": node(
                    "cat ${{inputs.i}}", inputs={"i": {"type": "uri_file", "path": "${{parent.jobs.a.outputs.o}}"}}
                ),
            }
        )
        job = place.run(document)
        assert job.status is JobStatus.FAILED
        assert "did not write its output 'o'" in job.error

    def test_a_failing_nested_pipeline_fails_its_parent(self, place):
        job = place.run(pipeline({"nest": pipeline({"x": node(f"echo {fresh()}; exit 1")})}))
        assert job.status is JobStatus.FAILED
        assert "'nest'" in job.error


class TestCancel:
    def test_running_steps_end_and_no_others_begin(self, place):
        document = pipeline(
            {
                "a": node(f"echo {fresh()}; sleep 30", outputs={"o": {}}),
                "nest": pipeline({"x": node(f"echo {fresh()}; sleep 30")}),
                "b": node("true", inputs={"i": {"type": "uri_folder", "path": "${{parent.jobs.a.outputs.o}}"}}),
            }
        )
        with place.working(slots=2):
            job = place.submit(document)
            appears(place, f"{job.name}_nest_x", f"{job.name}_a")
            place.wait(f"{job.name}_nest_x", "Running")
            place.wait(f"{job.name}_a", "Running")
            began = time.monotonic()
            place.house.jobs.cancel(place.caller, place.dev, job.name)
            done = place.wait(job.name)
        assert done.status is JobStatus.CANCELED
        assert time.monotonic() - began < 20
        assert {name: step.status for name, step in place.steps(job.name).items()} == dict.fromkeys(
            ("a", "nest"), JobStatus.CANCELED
        )

    def test_a_queued_pipeline_never_begins(self, place):
        job = place.submit(chain(fresh()))
        place.house.jobs.cancel(place.caller, place.dev, job.name)
        place.work()
        assert place.job(job.name).status is JobStatus.CANCELED
        assert place.steps(job.name) == {}


class TestReuse:
    def test_an_unchanged_step_is_taken_from_before(self, place):
        mark = fresh()
        first, second = place.run(chain(mark)), place.run(chain(mark))
        steps, before = place.steps(second.name), place.steps(first.name)
        assert {name: step.reused_from for name, step in steps.items()} == {name: before[name].name for name in before}
        assert second.outputs == first.outputs
        assert ("reused", f"job:{first.scope_id}/{before['train'].name}") in place.edges(
            f"job:{first.scope_id}/{steps['train'].name}"
        )
        assert place.log(steps["prepare"].name) == place.log(before["prepare"].name)

    def test_only_what_changed_runs_again(self, place):
        mark = fresh()
        place.run(chain(mark))
        document = chain(mark)
        document["inputs"]["rate"] = 0.7
        steps = place.steps(place.run(document).name)
        assert steps["prepare"].reused_from
        assert not steps["train"].reused_from

    @pytest.mark.parametrize(
        "change",
        [
            {"settings": {"force_rerun": True}},
            {"prepare": {"environment_variables": {"A": "1"}}},
            {"prepare": {"is_deterministic": False}},
            {
                "prepare": {
                    "environment": {"conda_file": {"dependencies": ["pip"]}, "environment_variables": {"X": "1"}}
                }
            },
        ],
        ids=str,
    )
    def test_what_decides_the_result_decides_about_reuse(self, place, change):
        mark = fresh()
        place.run(chain(mark))
        document = chain(mark)
        document["jobs"]["prepare"].update(change.pop("prepare", {}))
        document.update(change)
        assert not place.steps(place.run(document).name)["prepare"].reused_from

    def test_a_step_that_failed_is_not_taken(self, place):
        mark = fresh()
        document = pipeline({"a": node(f"echo {mark}; exit 1")})
        place.run(document)
        assert place.steps(place.run(document).name)["a"].status is JobStatus.FAILED

    def test_twenty_reused_steps_take_no_time(self, place):
        mark = fresh()
        jobs = {"s0": node(f"echo {mark} > ${{{{outputs.o}}}}/x", outputs={"o": {}})}
        for number in range(1, 20):
            bound = f"${{{{parent.jobs.s{number - 1}.outputs.o}}}}"
            jobs[f"s{number}"] = node(
                "cp ${{inputs.i}}/x ${{outputs.o}}/x",
                inputs={"i": {"type": "uri_folder", "path": bound}},
                outputs={"o": {}},
            )
        first = place.run(pipeline(jobs))
        assert first.status is JobStatus.COMPLETED, first.error
        second = place.submit(pipeline(jobs))
        began = time.perf_counter()
        place.work()
        took = time.perf_counter() - began
        assert all(step.reused_from for step in place.steps(second.name).values())
        assert took < 0.5, f"{took:.3f} s"
