"""Pipeline jobs: from YAML and from the DSL, components of workspaces and registries, pipelines in pipelines, steps."""

import contextlib
import io
import os
import tempfile
import time
from pathlib import Path

import requests
from azure.ai.ml import Input, MLClient, Output, command, dsl, load_component, load_job
from azure.ai.ml.dsl._group_decorator import group
from azure.ai.ml.entities import AmlCompute, CronTrigger, Environment, JobSchedule, PipelineJob, PipelineJobSettings
from azure.ai.ml.parallel import RunFunction, parallel_run_function
from azure.ai.ml.sweep import Choice
from recorder import GROUP, NAME, SERVER, SUBSCRIPTION, WORKSPACE, refused, registry, workspace

ml: MLClient = workspace()
folder = Path(tempfile.mkdtemp())
os.chdir(folder)
SIGNED = {"Authorization": f"Bearer {os.environ['IDENTITY_HEADER']}"}
NATIVE = f"{SERVER}/api/v1/workspaces/{SUBSCRIPTION}:{GROUP}:{WORKSPACE}"
EXPERIMENT = f"{NAME}-experiment"
WORD = NAME.replace("-", "_")


def native(path, method="GET", **options):
    """What the native API says."""
    answer = requests.request(method, f"{NATIVE}/{path}", headers=SIGNED, timeout=60, **options)
    assert answer.status_code < 300, answer.text
    return answer.json()


def ended(name):
    """The job when it has ended."""
    while (found := ml.jobs.get(name)).status not in {"Completed", "Failed", "Canceled"}:
        time.sleep(0.3)
    return found


def streamed(name):
    """What the SDK prints while it follows a job."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        ml.jobs.stream(name)
    return printed.getvalue()


def steps(name):
    """The steps of a pipeline, by the names of their nodes."""
    return {one.properties["azureml.nodeid"]: one for one in ml.jobs.list(parent_job_name=name)}


def files(place):
    """Every file below a folder, by its path."""
    return {str(one.relative_to(place)): one.read_text() for one in Path(place).rglob("*") if one.is_file()}


(folder / "data").mkdir()
(folder / "data" / "a.csv").write_text("x,y\n1,2\n")
(folder / "src").mkdir()
(folder / "src" / "add.py").write_text(
    "import pathlib, sys\n"
    "number, word, out, *rest = sys.argv[1:]\n"
    "print('adding', number, word, *rest)\n"
    "pathlib.Path(out, 'sum.txt').write_text(str(float(number) + 1))\n"
)
COMPONENT = """
$schema: https://azuremlschemas.azureedge.net/latest/commandComponent.schema.json
name: %s
version: "1"
type: command
display_name: Add one
inputs:
  number: {type: number}
  word: {type: string, default: none}
  flag: {type: boolean, default: true}
  data: {type: uri_folder, optional: true}
outputs:
  out: {type: uri_folder}
code: ./src
environment: %s
command: >-
  python add.py ${{inputs.number}} ${{inputs.word}} ${{outputs.out}} ${{inputs.flag}} $[[--data ${{inputs.data}}]]
"""
plain = Environment(name=f"{NAME}-plain", version="1", conda_file={"dependencies": ["pip"]}, image="python")
ml.environments.create_or_update(plain)
shelf = registry()
shelf.environments.create_or_update(plain)
cluster = f"{NAME}-c"[:24]
ml.compute.begin_create_or_update(AmlCompute(name=cluster, size="STANDARD_DS3_V2")).result()
(folder / "add.yml").write_text(COMPONENT % (f"{WORD}_add", f"azureml:{NAME}-plain:1"))
(folder / "shelf.yml").write_text(
    COMPONENT
    % (f"{WORD}_shelf", f"azureml://registries/{shelf.registries.get().name}/environments/{NAME}-plain/versions/1")
)
inline = load_component("add.yml")
registered = ml.components.create_or_update(load_component("add.yml"))
shared = shelf.components.create_or_update(load_component("shelf.yml"))
from_shelf = load_component(client=shelf, name=shared.name, version=shared.version)


# the DSL: inline, registered and shared components, a pipeline in a pipeline, inputs given and bound, optional inputs
@dsl.pipeline(name=f"{WORD}_inner")
def inner(number: float, data: Input(type="uri_folder")):
    """Inside another."""
    deep = registered(number=number, data=data)
    return {"left": deep.outputs.out}


@dsl.pipeline(default_compute="serverless", description="said", tags={"a": "b"}, experiment_name=EXPERIMENT)
def whole(number: float, data: Input(type="uri_folder"), word: str = "w", flag: bool = False):
    """The whole."""
    first = inline(number=number, word=word, flag=flag)
    first.environment_variables = {"GREETING": "hello"}
    first.compute = cluster
    first.set_limits(timeout=100)
    second = registered(number=2.5, data=first.outputs.out)
    third = from_shelf(number=3, data=second.outputs.out)
    third.outputs.out.mode = "upload"
    fourth = inner(number=4.5, data=data)
    return {"final": third.outputs.out, "nested": fourth.outputs.left}


job = whole(number=1.5, data=Input(type="uri_folder", path="data"))
job.display_name, job.name = "A whole", f"{NAME}-dsl"
job.settings.continue_on_step_failure = False
assert ml.jobs.validate(job).passed
made = ml.jobs.create_or_update(job)
assert (made.name, made.display_name, made.experiment_name) == (f"{NAME}-dsl", "A whole", EXPERIMENT), made
assert (made.description, made.tags, made.type) == ("said", {"a": "b"}, "pipeline"), made
printed = streamed(made.name)
for line in ("adding 1.5 w False", "adding 2.5 none True --data", "adding 3 none", "adding 4.5 none True --data"):
    assert line in printed, printed
done = ended(made.name)
assert done.status == "Completed", printed
assert set(done.jobs) == {"first", "second", "third", "fourth"}, done.jobs
assert done.settings.continue_on_step_failure is False, done.settings
assert done.settings.default_compute == "serverless", done.settings
first, third, fourth = (done.jobs[name] for name in ("first", "third", "fourth"))
assert (first.compute, first.environment_variables, first.limits.timeout) == (cluster, {"GREETING": "hello"}, 100), (
    first
)
assert first.inputs["number"]._data == "${{parent.inputs.number}}", first.inputs["number"]
assert third.component == f"azureml://registries/{shelf.registries.get().name}/components/{shared.name}/versions/1", (
    third
)
assert third.inputs["data"]._data == "${{parent.jobs.second.outputs.out}}", third.inputs["data"]
assert (fourth.type, fourth.inputs["number"]._data) == ("pipeline", "4.5"), fourth
assert [done.inputs[name]._data for name in ("number", "word", "flag")] == ["1.5", "w", "False"], done.inputs
assert done.inputs["data"].path.startswith("azureml://datastores/workspaceblobstore/"), done.inputs["data"].path
found = steps(made.name)
assert set(found) == {"first", "second", "third", "fourth"}, found
assert {one.status for one in found.values()} == {"Completed"}, found
assert [one.properties["azureml.nodeid"] for one in ml.jobs.list(parent_job_name=found["fourth"].name)] == ["deep"]
step = ml.jobs.get(found["second"].name)
assert (step.type, step.status, step.experiment_name) == ("command", "Completed", EXPERIMENT), step
assert "adding 2.5" in streamed(step.name)
ml.jobs.download(made.name, download_path="whole", all=True)
assert files("whole")["named-outputs/final/sum.txt"] == "4.0", files("whole")
assert files("whole")["named-outputs/nested/sum.txt"] == "5.5", files("whole")
ml.jobs.download(step.name, download_path="step", all=True)
assert files("step")["named-outputs/out/sum.txt"] == "3.5", files("step")
assert "adding 2.5" in files("step")["artifacts/user_logs/std_log.txt"], files("step")
assert made.name in {one.name for one in ml.jobs.list()}
assert step.name not in {one.name for one in ml.jobs.list()}

# what is said of it changes; the same under the same name is quiet, another is not
done.tags["more"] = "1"
again = ml.jobs.create_or_update(done)
assert again.tags == {"a": "b", "more": "1"}, again.tags
ml.jobs.archive(made.name)
assert made.name not in {one.name for one in ml.jobs.list()}
ml.jobs.restore(made.name)
assert made.name in {one.name for one in ml.jobs.list()}
other = whole(number=7, data=Input(type="uri_folder", path="data"))
other.name = made.name
refused("another job", ml.jobs.create_or_update, other)

# again: results are used again, unless they are not to be
second = ended(ml.jobs.create_or_update(whole(number=1.5, data=Input(type="uri_folder", path="data"))).name)
reused = steps(second.name)["second"]
assert reused.properties["azureml.isreused"] == "true", reused.properties
ml.jobs.download(reused.name, download_path="reused", all=True)
assert files("reused")["named-outputs/out/sum.txt"] == "3.5", files("reused")
forced = whole(number=1.5, data=Input(type="uri_folder", path="data"))
forced.settings.force_rerun = True
fresh = steps(ended(ml.jobs.create_or_update(forced).name).name)["second"]
assert "azureml.isreused" not in fresh.properties, fresh.properties
compared = native(f"jobs/{made.name}")
assert (compared["type"], compared["status"]) == ("pipeline", "Completed"), compared
assert {one["node"] for one in native(f"jobs/{made.name}/children")["items"]} == set(found)

# YAML: inline commands, a registered component, literals, named outputs, settings
(folder / "pipeline.yml").write_text(
    f"""
$schema: https://azuremlschemas.azureedge.net/latest/pipelineJob.schema.json
type: pipeline
display_name: From YAML
experiment_name: {EXPERIMENT}
inputs:
  number: 10
  data: {{type: uri_folder, path: ./data}}
outputs:
  final: {{type: uri_folder, name: {NAME}-final, mode: upload}}
settings:
  default_compute: azureml:serverless
  continue_on_step_failure: true
jobs:
  look:
    type: command
    command: ls ${{{{inputs.data}}}}; echo ${{{{inputs.rate}}}} > ${{{{outputs.out}}}}/rate.txt
    environment: azureml:{NAME}-plain:1
    code: ./src
    inputs: {{data: "${{{{parent.inputs.data}}}}", rate: 0.5}}
    outputs: {{out: {{type: uri_folder}}}}
  add:
    type: command
    component: azureml:{WORD}_add:1
    inputs: {{number: "${{{{parent.inputs.number}}}}", data: "${{{{parent.jobs.look.outputs.out}}}}"}}
    outputs: {{out: "${{{{parent.outputs.final}}}}"}}
  file:
    type: command
    component: ./add.yml
    inputs: {{number: 3, word: file}}
"""
)
submitted = ml.jobs.create_or_update(load_job("pipeline.yml"))
assert "adding 10 none True --data" in streamed(submitted.name)
shown = ended(submitted.name)
assert isinstance(shown, PipelineJob)
assert (shown.status, shown.display_name) == ("Completed", "From YAML"), shown
assert (shown.outputs["final"].name, shown.outputs["final"].mode) == (f"{NAME}-final", "upload"), shown.outputs["final"]
assert ml.data.get(f"{NAME}-final", label="latest").type == "uri_folder"
assert shown.inputs["number"]._data == "10", shown.inputs["number"]

# a pipeline component as a job; groups of inputs
nested = ml.components.create_or_update(inner, version="1")
lone = nested(number=6, data=Input(type="uri_folder", path="data"))
lone.settings = PipelineJobSettings(default_compute="serverless")
alone = ended(ml.jobs.create_or_update(lone).name)
assert alone.status == "Completed", alone


@group
class Settings:
    """Inputs that belong together."""

    number: float
    word: str = "grouped"


@dsl.pipeline(default_compute="serverless", experiment_name=EXPERIMENT)
def grouped(settings: Settings):
    """With a group."""
    step = registered(number=settings.number, word=settings.word)
    return {"out": step.outputs.out}


together = ml.jobs.create_or_update(grouped(settings=Settings(number=8.5)))
assert "adding 8.5 grouped" in streamed(together.name)
assert ended(together.name).jobs["step"].inputs["number"]._data == "${{parent.inputs.settings.number}}"

# failures
(folder / "bad.yml").write_text(
    COMPONENT.replace("python add.py", "false; exit 4;") % ("bad", f"azureml:{NAME}-plain:1")
)
bad = load_component("bad.yml")


@dsl.pipeline(default_compute="serverless", experiment_name=EXPERIMENT)
def failing():
    """Fails in its first step."""
    broken = bad(number=1)
    registered(number=2, data=broken.outputs.out)


failed = ml.jobs.create_or_update(failing())
refused("exit code 4", streamed, failed.name)
assert ended(failed.name).status == "Failed"
assert steps(failed.name)["broken"].status == "Failed"

# what another door has submitted
native(
    f"jobs?name={NAME}-native",
    "POST",
    json={
        "type": "pipeline",
        "inputs": {"number": 3},
        "outputs": {"final": {"type": "uri_folder"}},
        "jobs": {
            "one": {
                "component": f"azureml:{WORD}_add:1",
                "inputs": {"number": "${{parent.inputs.number}}"},
                "outputs": {"out": "${{parent.outputs.final}}"},
            },
            "two": {
                "type": "command",
                "command": "cat ${{inputs.data}}/sum.txt",
                "environment": f"azureml:{NAME}-plain:1",
                "inputs": {"data": "${{parent.jobs.one.outputs.out}}"},
            },
        },
    },
)
assert "adding 3 none" in streamed(f"{NAME}-native")
assert set(ended(f"{NAME}-native").jobs) == {"one", "two"}
ml.jobs.download(f"{NAME}-native", download_path="native", all=True)
assert files("native")["named-outputs/final/sum.txt"] == "4.0", files("native")

# cancellation reaches the steps
slow = command(command="sleep 300", environment=f"azureml:{NAME}-plain:1")


@dsl.pipeline(default_compute="serverless", experiment_name=EXPERIMENT)
def waiting():
    """Waits."""
    slow()


waits = ml.jobs.create_or_update(waiting())
while not steps(waits.name):
    time.sleep(0.3)
ml.jobs.begin_cancel(waits.name).result()
assert ml.jobs.get(waits.name).status == "Canceled"

# what Regista cannot run is said
swept = command(
    command="echo ${{inputs.rate}}",
    inputs={"rate": Choice([1, 2])},
    environment=f"azureml:{NAME}-plain:1",
    compute=cluster,
)
sweep = swept.sweep(sampling_algorithm="random", primary_metric="m", goal="maximize")
sweep.set_limits(max_total_trials=2)
refused("cannot run jobs of type 'sweep'", ml.jobs.create_or_update, sweep)
many = parallel_run_function(
    inputs={"data": Input(type="uri_folder", path="data")},
    outputs={"out": Output(type="uri_folder")},
    input_data="${{inputs.data}}",
    mini_batch_size="1",
    instance_count=1,
    task=RunFunction(
        code="./src", entry_script="add.py", environment=f"azureml:{NAME}-plain:1", append_row_to="${{outputs.out}}"
    ),
)


@dsl.pipeline(default_compute=cluster)
def in_parallel(data: Input(type="uri_folder")):
    """With what is not run."""
    many(data=data)


refused("'parallel'", ml.jobs.create_or_update, in_parallel(data=Input(type="uri_folder", path="data")))
assert list(ml.schedules.list()) == []
trigger = CronTrigger(expression="0 0 * * *")
refused(
    "no schedules",
    ml.schedules.begin_create_or_update,
    JobSchedule(name="s", trigger=trigger, create_job=whole(number=1, data=Input(type="uri_folder", path="data"))),
)
refused("there is no schedule", ml.schedules.get, "s")
for ask in (ml.schedules.begin_enable, ml.schedules.begin_disable, ml.schedules.trigger):
    refused("there is no schedule", ask, "s")
ml.schedules.begin_delete("s").result()
