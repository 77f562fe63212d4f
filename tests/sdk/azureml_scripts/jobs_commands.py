"""Command jobs: inputs and outputs of all kinds, logs, downloads, changes, cancellation, and jobs of the other doors."""

import contextlib
import io
import os
import tempfile
import time
from pathlib import Path

import requests
from azure.ai.ml import Input, Output, PyTorchDistribution, command, load_job
from azure.ai.ml.constants import ListViewType
from azure.ai.ml.entities import AmlCompute, Data, Environment, Job, ManagedIdentityConfiguration, Model, QueueSettings
from recorder import GROUP, NAME, REGISTRY, SERVER, SUBSCRIPTION, WORKSPACE, refused, registry, workspace

ml = workspace()
folder = Path(tempfile.mkdtemp())
os.chdir(folder)
SIGNED = {"Authorization": f"Bearer {os.environ['IDENTITY_HEADER']}"}
NATIVE = f"{SERVER}/api/v1/workspaces/{SUBSCRIPTION}:{GROUP}:{WORKSPACE}"


def native(path, method="GET", **options):
    """What the native API says."""
    answer = requests.request(method, f"{NATIVE}/{path}", headers=SIGNED, timeout=60, **options)
    assert answer.status_code < 300, answer.text
    return answer


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


def files(place):
    """Every file below a folder, by its path."""
    return {str(one.relative_to(place)): one.read_text() for one in Path(place).rglob("*") if one.is_file()}


plain = Environment(name=f"{NAME}-plain", version="1", image="python", conda_file={"dependencies": ["pip"]})
ml.environments.create_or_update(plain)
ml.compute.begin_create_or_update(AmlCompute(name=f"{NAME}-cpu"[:24], size="STANDARD_DS3_V2")).result()
cluster = f"{NAME}-cpu"[:24]
where = {"environment": f"azureml:{NAME}-plain:1", "experiment_name": f"{NAME}-experiment"}

# code, an inline environment, inputs of every kind, outputs of every kind
(folder / "src").mkdir()
(folder / "data").mkdir()
(folder / "data" / "a.csv").write_text("x,y\n1,2\n")
(folder / "src" / "work.py").write_text(
    """
import argparse, os, pathlib, shutil
given = argparse.ArgumentParser()
for name in "file folder data model remote out asset registered single".split():
    given.add_argument("--" + name)
for name in "rate count word flag maybe".split():
    given.add_argument("--" + name, default="none")
given = given.parse_args()
print("given", given.rate, given.count, given.word, given.flag, given.maybe, os.environ["GREETING"])
assert pathlib.Path(given.file).read_text() == "x,y\\n1,2\\n", given.file
assert pathlib.Path(given.folder, "a.csv").is_file(), given.folder
assert pathlib.Path(given.data, "a.csv").is_file(), given.data
assert list(pathlib.Path(given.model).rglob("*.csv")), given.model
assert list(pathlib.Path(given.remote).rglob("*.csv")), given.remote
pathlib.Path("outputs").mkdir(exist_ok=True)
pathlib.Path("outputs", "note.txt").write_text("noted")
pathlib.Path(given.out, "o.txt").write_text("left")
pathlib.Path(given.asset, "model.txt").write_text("weights")
pathlib.Path(given.registered, "table.csv").write_text("t")
shutil.copy(given.file, given.single)
"""
)
data = ml.data.create_or_update(Data(name=f"{NAME}-data", version="1", type="uri_folder", path="data"))
ml.models.create_or_update(Model(name=f"{NAME}-model", version="1", type="custom_model", path="data"))
registry().models.create_or_update(Model(name=f"{NAME}-shelf", version="1", type="custom_model", path="data"))
wanted = command(
    code="src",
    command=(
        "python work.py --file ${{inputs.file}} --folder ${{inputs.folder}} --data ${{inputs.data}}"
        " --model ${{inputs.model}} --remote ${{inputs.remote}} --rate ${{inputs.rate}} --count ${{inputs.count}}"
        " --word ${{inputs.word}} --flag ${{inputs.flag}} --out ${{outputs.out}} --asset ${{outputs.asset}}"
        " --registered ${{outputs.registered}} --single ${{outputs.single}}"
    ),
    environment=Environment(image="python", conda_file={"dependencies": ["pip"], "name": "inline"}),
    inputs={
        "file": Input(type="uri_file", path="data/a.csv"),
        "folder": Input(type="uri_folder", path="data", mode="download"),
        "data": Input(type="uri_folder", path=f"azureml:{NAME}-data:1", mode="ro_mount"),
        "model": Input(type="custom_model", path=f"{NAME}-model@latest"),
        "remote": Input(type="custom_model", path=f"azureml://registries/{REGISTRY}/models/{NAME}-shelf/versions/1"),
        "rate": 0.25,
        "count": 7,
        "word": "two words",
        "flag": True,
    },
    outputs={
        "out": Output(type="uri_folder"),
        "asset": Output(type="custom_model", name=f"{NAME}-left"),
        "registered": Output(type="uri_folder", name=f"{NAME}-table", version="7", mode="upload"),
        "single": Output(type="uri_file"),
    },
    environment_variables={"GREETING": "hello"},
    display_name="All of it",
    description="every kind",
    tags={"a": "b"},
    compute=cluster,
    experiment_name=f"{NAME}-experiment",
    identity=ManagedIdentityConfiguration(client_id="someone"),
    distribution=PyTorchDistribution(process_count_per_instance=1),
    instance_count=1,
    shm_size="2g",
    docker_args="--ipc=host",
    timeout=600,
)
wanted.queue_settings = QueueSettings(job_tier="standard")
wanted.properties = {"mine": "kept"}
wanted.name = f"{NAME}-all"
made = ml.jobs.create_or_update(wanted)
assert (made.name, made.display_name, made.description) == (f"{NAME}-all", "All of it", "every kind"), made
assert (made.tags, made.properties["mine"], made.experiment_name) == ({"a": "b"}, "kept", f"{NAME}-experiment"), made
assert made.status in {"Queued", "Preparing", "Running"}, made.status
printed = streamed(made.name)
assert "Streaming user_logs/std_log.txt" in printed, printed
assert "given 0.25 7 two words True none hello" in printed, printed
done = ended(made.name)
assert done.status == "Completed", streamed(made.name)
assert "given 0.25 7 two words" in streamed(made.name), "a log is printed after the end as well"
assert done.compute == cluster, done.compute
assert (done.resources.instance_count, done.resources.shm_size) == (1, "2g"), done.resources
assert done.resources.docker_args == "--ipc=host", done.resources
assert (done.distribution.type, done.limits.timeout) == ("pytorch", 600), (done.distribution, done.limits)
assert (done.identity.client_id, done.queue_settings.job_tier.lower()) == ("someone", "standard"), done.identity
assert done.environment_variables == {"GREETING": "hello"}, done.environment_variables
assert done.environment.startswith("anonymous:"), done.environment
assert "/codes/" in done.code, done.code
assert done.inputs["file"].path.endswith("/a.csv"), done.inputs["file"].path
assert done.inputs["file"].path.startswith("azureml://"), done.inputs["file"].path
assert done.inputs["folder"].mode == "download", done.inputs["folder"].mode
assert done.inputs["data"].path in {f"{NAME}-data:1", data.id}, done.inputs["data"].path
assert (done.inputs["data"].mode, done.inputs["model"].type) == ("ro_mount", "custom_model"), done.inputs
assert done.inputs["remote"].path.endswith(f"registries/{REGISTRY}/models/{NAME}-shelf/versions/1"), done.inputs
assert [done.inputs[name]._data for name in ("rate", "count", "word", "flag")] == ["0.25", "7", "two words", "True"]
assert (done.outputs["asset"].name, done.outputs["asset"].version) == (f"{NAME}-left", "1"), done.outputs["asset"]
assert (done.outputs["registered"].mode, done.outputs["registered"].version) == ("upload", "7"), done.outputs
assert ml.models.get(f"{NAME}-left", "1").type == "custom_model"
assert ml.data.get(f"{NAME}-table", "7").type == "uri_folder"
assert ml.jobs.show_services(made.name) is None

# downloads
left = "x,y\n1,2\n"
ml.jobs.download(made.name, download_path="logs")
assert set(files("logs")) == {"artifacts/user_logs/std_log.txt", "artifacts/outputs/note.txt"}, files("logs")
ml.jobs.download(made.name, download_path="one", output_name="out")
assert files("one") == {"named-outputs/out/o.txt": "left"}, files("one")
ml.jobs.download(made.name, download_path="every", all=True)
found = files("every")
assert found["named-outputs/asset/model.txt"] == "weights", found
assert found["named-outputs/registered/table.csv"] == "t", found
assert left in {text for path, text in found.items() if path.startswith("named-outputs/single/")}, found
assert "given 0.25" in found["artifacts/user_logs/std_log.txt"], found

# what one job left is the next one's input; the same name again is quiet, other work under it is refused
chained = command(
    command="cat ${{inputs.place}}/o.txt ${{inputs.short}}",
    inputs={
        "place": Input(type="uri_folder", path=done.outputs["out"].path),
        "short": Input(type="uri_file", path=f"azureml://jobs/{made.name}/outputs/artifacts/paths/outputs/note.txt"),
    },
    **where,
)
chained.name = f"{NAME}-chained"
ml.jobs.create_or_update(chained)
assert ended(chained.name).status == "Completed"
assert native(f"jobs/{chained.name}/log").text.endswith("leftnoted")
simple = command(command="echo once", name=f"{NAME}-simple", **where)
assert ml.jobs.create_or_update(simple).name == f"{NAME}-simple"
assert ml.jobs.create_or_update(command(command="echo once", name=f"{NAME}-simple", **where)).name == f"{NAME}-simple"
refused("another job", ml.jobs.create_or_update, command(command="echo twice", name=f"{NAME}-simple", **where))

# an output at a path of the datastore: seen in there, read by that path in its short and its long form, and linked
place = f"azureml://datastores/workspaceblobstore/paths/{NAME}/placed"
long = ml.datastores.get_default().id.lstrip("/").replace("/providers/Microsoft.MachineLearningServices", "")
long = f"azureml://{long}/paths/{NAME}/placed"
writer = command(
    command="echo placed > ${{outputs.out}}/p.txt; echo alone > ${{outputs.one}}",
    outputs={
        "out": Output(type="uri_folder", path=f"{place}/"),
        "one": Output(type="uri_file", path=f"{place}-${{{{name}}}}/one.txt"),
    },
    name=f"{NAME}-writer",
    **where,
)
ml.jobs.create_or_update(writer)
written = ended(f"{NAME}-writer")
assert written.status == "Completed", streamed(f"{NAME}-writer")
assert written.outputs["out"].path.rstrip("/").endswith(f"paths/{NAME}/placed"), written.outputs["out"].path
assert written.outputs["one"].path.endswith(f"placed-{NAME}-writer/one.txt"), written.outputs["one"].path
ml.jobs.download(f"{NAME}-writer", download_path="placed", all=True)
assert files("placed")["named-outputs/out/p.txt"] == "placed\n", files("placed")
reader = command(
    command="cat ${{inputs.short}}/p.txt ${{inputs.long}}/p.txt ${{inputs.one}}",
    inputs={
        "short": Input(type="uri_folder", path=place),
        "long": Input(type="uri_folder", path=f"{long}/"),
        "one": Input(type="uri_file", path=written.outputs["one"].path),
    },
    name=f"{NAME}-reader",
    **where,
)
ml.jobs.create_or_update(reader)
assert ended(f"{NAME}-reader").status == "Completed", streamed(f"{NAME}-reader")
assert native(f"jobs/{NAME}-reader/log").text.endswith("placed\nplaced\nalone\n")
for number, path in (("1", place), ("2", long)):
    ml.data.create_or_update(Data(name=f"{NAME}-placed", version=number, type="uri_folder", path=path))
    traced = native(f"data/{NAME}-placed/versions/{number}/trace").json()
    assert any(one["node"].endswith(f"/{NAME}-writer") for one in traced["nodes"]), traced["nodes"]

# what is said about a job changes
assert ended(f"{NAME}-simple").status == "Completed"
again = ml.jobs.get(f"{NAME}-simple")
again.display_name, again.description, again.tags["more"] = "Another", "said", "1"
again = ml.create_or_update(again)
assert (again.display_name, again.description, again.tags) == ("Another", "said", {"more": "1"}), again
assert ml.jobs.get(f"{NAME}-simple").display_name == "Another"
if hasattr(ml.jobs, "update"):
    changed = ml.jobs.update(f"{NAME}-simple", tags={"x": "y"}, properties={"p": "q"})
    assert changed.tags == {"more": "1", "x": "y"}, changed.tags
    assert changed.properties["p"] == "q", changed.properties
    assert "regista" in str(
        refused("Regista's own", ml.jobs.update, f"{NAME}-simple", properties={"regista.rights": "x"})
    )


def names(**options):
    return {one.name for one in ml.jobs.list(**options)}


ml.jobs.archive(f"{NAME}-simple")
assert f"{NAME}-simple" not in names()
assert f"{NAME}-simple" in names(list_view_type=ListViewType.ARCHIVED_ONLY)
assert {f"{NAME}-simple", f"{NAME}-all"} <= names(list_view_type=ListViewType.ALL)
ml.jobs.restore(f"{NAME}-simple")
assert {f"{NAME}-simple", f"{NAME}-all"} <= names()

# failures, cancellation
failed = ml.jobs.create_or_update(command(command="echo oops >&2; exit 3", **where))
refused("exit code 3", streamed, failed.name)
running = ml.jobs.create_or_update(command(command="sleep 300", **where))
refused("Download is allowed only", ml.jobs.download, running.name)
ml.jobs.begin_cancel(running.name).result()
assert ml.jobs.get(running.name).status == "Canceled"
ml.jobs.begin_cancel(running.name).result()
if hasattr(ml.jobs, "begin_delete"):
    ml.jobs.begin_delete(running.name).result()
    refused("there is no job", ml.jobs.get, running.name)
refused("there is no job", ml.jobs.get, f"{NAME}-nothing")

# from YAML
(folder / "job.yml").write_text(
    f"""
$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json
name: {NAME}-yaml
command: ls ${{{{inputs.data}}}}
environment: azureml:{NAME}-plain:1
inputs:
  data: {{type: uri_folder, path: ./data, mode: download}}
experiment_name: {NAME}-experiment
tags: {{from: yaml}}
limits: {{timeout: 120}}
"""
)
ml.jobs.create_or_update(load_job("job.yml"))
assert "a.csv" in streamed(f"{NAME}-yaml")
assert ml.jobs.get(f"{NAME}-yaml").tags == {"from": "yaml"}
assert ml.jobs.validate(load_job("job.yml")).passed

# jobs of the other doors are shown, streamed and downloaded; ours are shown there
document = {
    "type": "command",
    "command": "echo from the command line; mkdir outputs; echo 1 > outputs/one.txt; echo 2 > ${{outputs.two}}/two.txt",
    "environment": f"azureml:{NAME}-plain:1",
    "outputs": {"two": {"type": "uri_folder"}},
    "tags": {"door": "native"},
}
native(f"jobs?name={NAME}-native", "POST", json=document)
assert isinstance(ml.jobs.get(f"{NAME}-native"), Job)
assert "from the command line" in streamed(f"{NAME}-native")
shown = ended(f"{NAME}-native")
assert (shown.tags, shown.experiment_name) == ({"door": "native"}, "Default"), shown
ml.jobs.download(shown.name, download_path="native", all=True)
assert files("native")["artifacts/outputs/one.txt"] == "1\n", files("native")
assert files("native")["named-outputs/two/two.txt"] == "2\n", files("native")
seen = native(f"jobs/{made.name}").json()
assert (seen["type"], seen["status"], seen["tags"]) == ("command", "Completed", {"a": "b"}), seen
assert "given 0.25 7" in native(f"jobs/{made.name}/log").text
there = requests.post(
    f"{SERVER}/mlflow/workspaces/{SUBSCRIPTION}:{GROUP}:{WORKSPACE}/api/2.0/mlflow/runs/create",
    headers=SIGNED,
    json={"experiment_id": "0", "run_name": "a script's", "tags": [{"key": "who", "value": NAME}]},
    timeout=60,
)
if there.status_code == 200:
    run = there.json()["run"]["info"]["run_id"]
    assert ml.jobs.get(run).tags["who"] == NAME
    assert run in names()

# what Regista cannot do is said, and nothing is made
for text, options in (
    ("one machine", {"instance_count": 2}),
    ("one machine", {"distribution": PyTorchDistribution(process_count_per_instance=2)}),
    ("reads nothing from", {"inputs": {"x": Input(type="uri_folder", path="wasbs://c@account/p")}}),
    ("there is nothing at", {"inputs": {"x": Input(path="azureml://datastores/workspaceblobstore/paths/no/where")}}),
    ("read only", {"outputs": {"x": Output(path="azureml://datastores/workspaceartifactstore/paths/mine")}}),
    ("are shown", {"outputs": {"x": Output(path="azureml://datastores/workspaceblobstore/paths/assets/mine")}}),
    ("no datastore", {"outputs": {"x": Output(path="azureml://datastores/nowhere/paths/mine")}}),
    ("not served", {"compute": "local"}),
):
    refused(text, ml.jobs.create_or_update, command(**{"command": "echo no", **where, **options}))
