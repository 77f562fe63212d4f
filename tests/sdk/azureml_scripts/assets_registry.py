"""Assets that are made in a registry, by a client of the registry: every kind, with what a component needs."""

import os
import tempfile
from pathlib import Path

import requests
from azure.ai.ml import __version__, load_component
from azure.ai.ml.constants import ListViewType
from azure.ai.ml.entities import BuildContext, Data, Environment, Model
from recorder import GROUP, NAME, REGISTRY, SERVER, SUBSCRIPTION, refused, registry, workspace

ml = registry()
WHOLE = not __version__.startswith("1.34")
"""Before 1.35 the SDK archives names in registries by a method that it does not have, but for models."""

folder = Path(tempfile.mkdtemp())
NATIVE = f"{SERVER}/api/v1/registries/{SUBSCRIPTION}:{GROUP}:{REGISTRY}"
HEADERS = {"Authorization": f"Bearer {os.environ['IDENTITY_HEADER']}"}


def native(path):
    """What the native API says."""
    answer = requests.get(f"{NATIVE}/{path}", headers=HEADERS, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def files(place):
    """Every file below a folder, by its path."""
    return {str(one.relative_to(place)): one.read_bytes() for one in Path(place).rglob("*") if one.is_file()}


packed = folder / "packed"
(packed / "deep").mkdir(parents=True)
(packed / "MLmodel").write_text("flavors: {}\n")
(packed / "deep" / "weights.bin").write_bytes(b"w" * 10_000)
single = folder / "model.pkl"
single.write_bytes(b"pickle")

# Models: a folder and a file, numbered, described anew, downloaded.
name = f"{NAME}-folder"
made = ml.models.create_or_update(
    Model(name=name, path=packed, type="mlflow_model", tags={"a": "b"}, flavors={"f": {"v": "1"}}, stage="Development")
)
for found in (made, ml.models.get(name, "1"), ml.models.get(name, label="latest")):
    assert (found.name, found.version, found.type, found.tags) == (name, "1", "mlflow_model", {"a": "b"}), found
    assert found.id == f"azureml://registries/{REGISTRY}/models/{name}/versions/1", found.id
    assert found.path.startswith(f"{SERVER}/"), found.path
    assert found.flavors == {"f": {"v": "1"}}, found.flavors
    assert found.stage in {"Development", None}, found.stage  # before 1.35 the SDK had none in registries
ml.models.download(name, "1", folder / "down")
assert files(folder / "down" / name / "packed") == files(packed), files(folder / "down")
assert native(f"models/{name}/versions/1")["file_count"] == 2
assert ml.models.create_or_update(Model(name=name, path=packed)).version == "2"
again = ml.models.create_or_update(Model(name=name, version="1", path=packed, type="mlflow_model", tags={"c": "d"}))
assert again.tags == {"c": "d"}, again.tags
(packed / "more").write_text("more")
refused("Asset paths cannot be updated", ml.models.create_or_update, Model(name=name, version="1", path=packed))
one = ml.models.create_or_update(Model(name=f"{NAME}-file", version="9", path=single))
ml.models.download(one.name, "9", folder / "down")
assert files(folder / "down" / one.name) == {"model.pkl": b"pickle"}, files(folder / "down")
assert {name, one.name} <= {found.name for found in ml.models.list()}
assert [found.version for found in ml.models.list(name)] == ["2", "1"]
ml.models.archive(name, "2")
assert ml.models.get(name, label="latest").version == "1"
assert [found.version for found in ml.models.list(name)] == ["1"]
ml.models.restore(name, "2")
assert [found.version for found in ml.models.list(name)] == ["2", "1"]
ml.models.archive(name)
assert name not in {found.name for found in ml.models.list()}
assert name in {found.name for found in ml.models.list(list_view_type=ListViewType.ALL)}
ml.models.restore(name)

# Data.
table = folder / "flights"
table.mkdir()
(table / "a.csv").write_text("x\n1\n")
data = ml.data.create_or_update(Data(name=f"{NAME}-data", version="1", path=str(table), description="one"))
for found in (data, ml.data.get(data.name, version="1"), ml.data.get(data.name, label="latest")):
    assert (found.version, found.type, found.description) == ("1", "uri_folder", "one"), found
    assert found.path.startswith(f"{SERVER}/"), found.path
    assert found.path.endswith("/flights/"), found.path
assert native(f"data/{data.name}/versions/1")["file_count"] == 1
lines = ml.data.create_or_update(Data(name=f"{NAME}-lines", version="1", path=str(table / "a.csv"), type="uri_file"))
assert lines.path.endswith("/a.csv"), lines.path
assert (
    ml.data.create_or_update(
        Data(name=f"{NAME}-web", version="1", path="https://example.org/a.csv", type="uri_file")
    ).path
    == "https://example.org/a.csv"
)
assert data.name in {found.name for found in ml.data.list()}
assert [found.version for found in ml.data.list(data.name)] == ["1"]
ml.data.archive(data.name, version="1")
assert list(ml.data.list(data.name)) == []
ml.data.restore(data.name, version="1")
if WHOLE:
    ml.data.archive(data.name)
    ml.data.restore(data.name)
refused("version is required", ml.data.create_or_update, Data(name=f"{NAME}-none", path=str(table)))

# Environments.
conda = folder / "conda.yml"
conda.write_text("dependencies:\n- python=3.11\n- pip:\n  - numpy==2.0.0\n")
environment = ml.environments.create_or_update(
    Environment(name=f"{NAME}-env", image="ubuntu", conda_file=conda, tags={"a": "b"})
)
for found in (
    environment,
    ml.environments.get(environment.name, "1"),
    ml.environments.get(environment.name, label="latest"),
):
    assert (found.version, found.image, found.tags) == ("1", "ubuntu", {"a": "b"}), found
    assert found.conda_file["dependencies"][0] == "python=3.11", found.conda_file
assert ml.environments.create_or_update(Environment(name=f"{NAME}-env", image="debian")).version == "2"
context = folder / "docker"
context.mkdir()
(context / "Dockerfile").write_text("FROM ubuntu\n")
built = ml.environments.create_or_update(
    Environment(name=f"{NAME}-build", version="1", build=BuildContext(path=context))
)
assert requests.get(f"{built.build.path}Dockerfile", headers=HEADERS, timeout=60).text == "FROM ubuntu\n", (
    built.build.path
)
assert {environment.name, built.name} <= {found.name for found in ml.environments.list()}
assert [found.version for found in ml.environments.list(environment.name)] == ["2", "1"]
ml.environments.archive(environment.name, version="2")
ml.environments.restore(environment.name, version="2")
if WHOLE:
    ml.environments.archive(environment.name)
    ml.environments.restore(environment.name)

# Components, with code, an environment of the registry, and a pipeline of them.
(folder / "src").mkdir()
(folder / "src" / "a.py").write_text("print('a')\n")
short = NAME.replace("-", "_")
COMPONENT = f"""
name: {short}_train
type: command
inputs:
  lr: {{type: number, default: 0.1}}
outputs:
  out: {{type: uri_folder}}
code: ./src
environment: azureml://registries/{REGISTRY}/environments/{environment.name}/versions/1
command: python a.py --lr ${{{{inputs.lr}}}} --out ${{{{outputs.out}}}}
"""
(folder / "train.yml").write_text(COMPONENT)
component = ml.components.create_or_update(load_component(folder / "train.yml"))
for found in (
    component,
    ml.components.get(component.name, "1"),
    ml.components.get(component.name),
    ml.components.get(component.name, label="latest"),
):
    assert (found.version, found.inputs["lr"].default) == ("1", 0.1), found
    assert found.environment == f"azureml://registries/{REGISTRY}/environments/{environment.name}/versions/1", (
        found.environment
    )
    assert found.code.startswith(f"azureml://registries/{REGISTRY}/codes/"), found.code
assert native(f"components/{component.name}/versions/1")["spec"]["environment"] == f"azureml:{environment.name}:1"
assert (
    ml.components.create_or_update(
        load_component(folder / "train.yml", params_override=[{"command": "python a.py"}])
    ).version
    == "2"
)
(folder / "pipe.yml").write_text(f"""
name: {short}_pipe
version: "5"
type: pipeline
inputs:
  lr: {{type: number, default: 0.2}}
outputs:
  final: {{type: uri_folder}}
jobs:
  one:
    type: command
    component: azureml://registries/{REGISTRY}/components/{component.name}/versions/1
    inputs: {{lr: "${{{{parent.inputs.lr}}}}"}}
    outputs: {{out: "${{{{parent.outputs.final}}}}"}}
  two:
    type: command
    component: ./train.yml
    inputs: {{lr: 0.5}}
""")
pipe = ml.components.create_or_update(load_component(folder / "pipe.yml"))
found = ml.components.get(pipe.name, "5")
assert (found.type, set(found.jobs)) == ("pipeline", {"one", "two"}), found
ml.components.download(component.name, folder / "component", version="1")
assert (folder / "component" / "component_spec.yaml").exists()
assert {component.name, pipe.name} <= {found.name for found in ml.components.list()}
assert [found.version for found in ml.components.list(component.name)] == ["2", "1"]
ml.components.archive(component.name, version="2")
assert [found.version for found in ml.components.list(component.name)] == ["1"]
ml.components.restore(component.name, version="2")
if WHOLE:
    ml.components.archive(component.name)
    ml.components.restore(component.name)
local = workspace().environments.create_or_update(Environment(name=f"{NAME}-local", image="ubuntu"))
refused(
    "",
    ml.components.create_or_update,
    load_component(
        folder / "train.yml", params_override=[{"environment": f"azureml:{local.id}"}, {"name": f"{short}_bad"}]
    ),
)
for operations in (ml.models, ml.data, ml.environments, ml.components):
    refused("", operations.get, f"{NAME}-none", "1") if operations is not ml.data else refused(
        "", operations.get, f"{NAME}-none", version="1"
    )
