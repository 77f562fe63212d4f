"""Components of a workspace: their interface, code, environment; pipelines of them; the same component by another door."""

import os
import tempfile
from pathlib import Path

import requests
import yaml
from azure.ai.ml import Input, Output, command, dsl, load_component
from azure.ai.ml.constants import ListViewType
from azure.ai.ml.entities import Environment
from recorder import GROUP, NAME, SERVER, SUBSCRIPTION, WORKSPACE, refused, workspace

ml = workspace()
folder = Path(tempfile.mkdtemp())
NATIVE = f"{SERVER}/api/v1/workspaces/{SUBSCRIPTION}:{GROUP}:{WORKSPACE}"
HEADERS = {"Authorization": f"Bearer {os.environ['IDENTITY_HEADER']}"}


def native(method, path, **options):
    """What the native API says."""
    answer = requests.request(method, f"{NATIVE}/{path}", headers=HEADERS, timeout=60, **options)
    assert answer.status_code < 300, answer.text
    return answer.json()


def same(one, other, *but):
    """Whether two components are dumped to the same YAML, but for a few fields."""
    left, right = (
        {key: value for key, value in component._to_dict().items() if key not in {"id", "creation_context", *but}}
        for component in (one, other)
    )
    assert left == right, (left, right)


(folder / "src" / "deep").mkdir(parents=True)
(folder / "src" / "a.py").write_text("print('a')\n")
(folder / "src" / "deep" / "B.txt").write_text("b\n")
environment = ml.environments.create_or_update(Environment(name=f"{NAME}-env", version="3", image="ubuntu"))
name = f"{NAME}_train".replace("-", "_")
TRAIN = f"""
$schema: https://azuremlschemas.azureedge.net/latest/commandComponent.schema.json
name: {name}
display_name: Train it
version: "1"
type: command
description: d
tags: {{a: b}}
is_deterministic: false
inputs:
  data: {{type: uri_folder, description: the data, mode: ro_mount}}
  lr: {{type: number, default: 0.1, min: 0.0, max: 1.0}}
  n: {{type: integer, default: 3, optional: true}}
  flag: {{type: boolean, default: true}}
  s: {{type: string, enum: [x, y], default: x}}
  m: {{type: mlflow_model, optional: true}}
outputs:
  out: {{type: uri_folder, mode: upload}}
code: ./src
environment: azureml:{environment.name}@latest
command: >-
  python a.py --data ${{{{inputs.data}}}} --lr ${{{{inputs.lr}}}} $[[--n ${{{{inputs.n}}}}]] --s ${{{{inputs.s}}}}
  --flag ${{{{inputs.flag}}}} $[[--m ${{{{inputs.m}}}}]] --out ${{{{outputs.out}}}}
resources: {{instance_count: 2, shm_size: 2g}}
distribution: {{type: pytorch, process_count_per_instance: 2}}
"""
(folder / "train.yml").write_text(TRAIN)

# What was sent comes back.
sent = load_component(folder / "train.yml")
made = ml.components.create_or_update(sent)
same(made, sent, "environment", "code", "_source")
for found in (made, ml.components.get(name, "1"), ml.components.get(name), ml.components.get(name, label="latest")):
    assert (found.name, found.version, found.display_name, found.description) == (name, "1", "Train it", "d"), found
    assert (found.tags, found.is_deterministic, found.type) == ({"a": "b"}, False, "command"), found
    assert found.environment.endswith(f"/environments/{environment.name}/versions/3"), found.environment
    assert (found.inputs["lr"].default, found.inputs["lr"].min, found.inputs["lr"].max) == (0.1, 0.0, 1.0), found.inputs
    assert (found.inputs["n"].default, found.inputs["n"].optional, found.inputs["flag"].default) == (3, True, True)
    assert (found.inputs["s"].enum, found.inputs["data"].mode, found.outputs["out"].mode) == (
        ["x", "y"],
        "ro_mount",
        "upload",
    )
    assert (found.resources.instance_count, found.distribution.process_count_per_instance) == (2, 2), found
seen = native("GET", f"components/{name}/versions/1")
assert seen["spec"]["inputs"]["lr"] == {"type": "number", "default": 0.1, "min": 0.0, "max": 1.0}, seen["spec"][
    "inputs"
]
assert seen["spec"]["environment"] == f"azureml:{environment.name}:3", seen["spec"]["environment"]
assert "_source" not in seen["spec"], seen["spec"]

# The same again; the same by the native API; other content is refused; the next number.
assert ml.components.create_or_update(load_component(folder / "train.yml")).id == made.id
document = yaml.safe_load(TRAIN) | {"code": seen["spec"]["code"], "environment": f"azureml:{environment.name}:3"}
body = {"name": f"{name}_native", "version": "1", "spec": document}
native("POST", "components", json=body)
twin = load_component(folder / "train.yml", params_override=[{"name": f"{name}_native"}])
again = ml.components.create_or_update(twin)
assert (
    native("GET", f"components/{name}_native/versions/1")["id"]
    == native("GET", f"components/{again.name}/versions/1")["id"]
)
same(again, twin, "environment", "code", "_source", "$schema")
(folder / "other.yml").write_text(TRAIN.replace("python a.py", "python b.py"))
refused("with other content", ml.components.create_or_update, load_component(folder / "other.yml"))
(folder / "other.yml").write_text(TRAIN.replace("python a.py", "python b.py").replace('version: "1"\n', ""))
assert ml.components.create_or_update(load_component(folder / "other.yml")).version == "2"
assert ml.components.create_or_update(load_component(folder / "other.yml"), skip_if_no_change=True).version in {
    "2",
    "3",
}

# Downloaded with its code and its environment.
ml.components.download(name, folder / "down", version="1")
spec = yaml.safe_load((folder / "down" / "component_spec.yaml").read_text())
assert spec["inputs"]["lr"]["default"] in {0.1, "0.1"}, spec["inputs"]
assert (folder / "down" / "code" / "a.py").read_text() == "print('a')\n"
assert (folder / "down" / "code" / "deep" / "B.txt").read_text() == "b\n"

# The same code is sent once, and found by everybody.
before = {one["version"] for one in native("GET", "codes/anonymous/versions")["items"]}
step = command(
    name=f"{NAME}_step".replace("-", "_"),
    code=str(folder / "src"),
    command="echo ${{inputs.x}} > ${{outputs.y}}",
    environment=environment,
    inputs={"x": Input(type="string", default="q")},
    outputs={"y": Output(type="uri_file")},
)
component = ml.components.create_or_update(step.component)
assert {one["version"] for one in native("GET", "codes/anonymous/versions")["items"]} == before
assert component.code.split("/")[-1] in before, component.code


# A pipeline of components, one of which has no name.
@dsl.pipeline(name=f"{NAME}_pipe".replace("-", "_"), description="both", tags={"k": "v"})
def both(data: Input(type="uri_folder"), rate: float = 0.2):
    first = made(data=data, lr=rate)
    second = component(x="hello")
    second.compute = "serverless"
    return {"final": first.outputs.out, "text": second.outputs.y}


pipe = ml.components.create_or_update(both)
found = ml.components.get(pipe.name, pipe.version)
assert (found.type, set(found.jobs)) == ("pipeline", {"first", "second"}), found
assert (found.inputs["rate"].default, found.outputs["final"].type) == (0.2, "uri_folder"), found.inputs
assert found.jobs["first"].component.endswith(f"{name}:1"), found.jobs["first"].component
assert str(found.jobs["first"].inputs["lr"]._data) == "${{parent.inputs.rate}}", found.jobs["first"].inputs["lr"]._data
stored = native("GET", f"components/{pipe.name}/versions/{pipe.version}")["spec"]["jobs"]
assert stored["first"]["component"] == f"azureml:{name}:1", stored
assert ml.components.create_or_update(both, version=pipe.version).id == pipe.id
nameless = load_component(folder / "train.yml")
nameless.name, nameless._is_anonymous = None, True
quiet = ml.components.create_or_update(nameless, is_anonymous=True)
assert quiet._is_anonymous, quiet
assert ml.components.get("azureml_anonymous", nameless._get_anonymous_hash()).id == quiet.id

# Lists, archiving and restoring.
listed = {found.name: found for found in ml.components.list()}
assert {name, component.name, pipe.name} <= listed.keys(), listed
assert "anonymous" not in listed
latest = listed[name].latest_version
ml.components.archive(name, version=latest)
assert latest not in {found.version for found in ml.components.list(name)}
assert latest in {found.version for found in ml.components.list(name, list_view_type=ListViewType.ALL)}
ml.components.restore(name, version=latest)
assert ml.components.get(name).version == latest
ml.components.archive(name)
assert name not in {found.name for found in ml.components.list()}
ml.components.restore(name)
assert name in {found.name for found in ml.components.list()}
assert ml.components.validate(load_component(folder / "train.yml")).passed
refused("there is no", ml.components.get, f"{NAME}_none", "1")
refused(
    "there is no environment",
    ml.components.create_or_update,
    load_component(
        folder / "train.yml", params_override=[{"name": f"{name}_x"}, {"environment": f"azureml:{NAME}-none:1"}]
    ),
)
