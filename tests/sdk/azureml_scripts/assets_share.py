"""Sharing from a workspace into a registry, and using what was shared from another workspace."""

import os
import tempfile
from pathlib import Path

import requests
from azure.ai.ml import load_component
from azure.ai.ml.entities import BuildContext, Data, Environment, Model
from recorder import GROUP, NAME, OTHER, REGISTRY, SERVER, SUBSCRIPTION, refused, registry, workspace

ml, there, other = workspace(), registry(), workspace(OTHER)
folder = Path(tempfile.mkdtemp())
HEADERS = {"Authorization": f"Bearer {os.environ['IDENTITY_HEADER']}"}


def native(path):
    """What the native API says of the registry."""
    where = f"{SERVER}/api/v1/registries/{SUBSCRIPTION}:{GROUP}:{REGISTRY}/{path}"
    answer = requests.get(where, headers=HEADERS, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


(folder / "packed").mkdir()
(folder / "packed" / "MLmodel").write_text("flavors: {}\n")
(folder / "packed" / "w.bin").write_bytes(b"w" * 1000)
name = f"{NAME}-model"
ml.models.create_or_update(
    Model(
        name=name,
        path=folder / "packed",
        type="mlflow_model",
        tags={"a": "b"},
        description="d",
        flavors={"f": {"v": "1"}},
    )
)
shared = ml.models.share(name, "1", registry_name=REGISTRY, share_with_name=f"{name}-shared", share_with_version="7")
for found in (shared, there.models.get(f"{name}-shared", "7")):
    assert (found.name, found.version, found.type) == (f"{name}-shared", "7", "mlflow_model"), found
    assert (found.tags, found.description, found.flavors) == ({"a": "b"}, "d", {"f": {"v": "1"}}), found
there.models.download(f"{name}-shared", "7", folder / "down")
found = {one.name: one.read_bytes() for one in (folder / "down").rglob("*") if one.is_file()}
assert found == {"MLmodel": b"flavors: {}\n", "w.bin": b"w" * 1000}, found
assert (folder / "down" / f"{name}-shared" / "packed").is_dir(), list((folder / "down").rglob("*"))
version = native(f"models/{name}-shared/versions/7")
assert version["capsule"], version
refused(
    "already exists in registry",
    ml.models.share,
    name,
    "1",
    registry_name=REGISTRY,
    share_with_name=f"{name}-shared",
    share_with_version="7",
)
refused(
    "there is no model",
    ml.models.share,
    name,
    "99",
    registry_name=REGISTRY,
    share_with_name=name,
    share_with_version="99",
)
used = other.models.create_or_update(Model(name=f"{name}-used", path=shared.id, type="mlflow_model"))
assert used.version == "1", used

(folder / "data").mkdir()
(folder / "data" / "a.csv").write_text("x\n1\n")
data = ml.data.create_or_update(Data(name=f"{NAME}-data", path=str(folder / "data")))
shared = ml.data.share(
    data.name, data.version, registry_name=REGISTRY, share_with_name=data.name, share_with_version="2"
)
assert (shared.name, shared.version, shared.type) == (data.name, "2", "uri_folder"), shared
assert there.data.get(data.name, version="2").path.startswith(SERVER)

image = ml.environments.create_or_update(Environment(name=f"{NAME}-env", image="ubuntu", tags={"k": "v"}))
shared = ml.environments.share(
    image.name, "1", registry_name=REGISTRY, share_with_name=image.name, share_with_version="1"
)
assert (shared.image, shared.tags) == ("ubuntu", {"k": "v"}), shared
(folder / "docker").mkdir()
(folder / "docker" / "Dockerfile").write_text("FROM debian\n")
built = ml.environments.create_or_update(Environment(name=f"{NAME}-build", build=BuildContext(path=folder / "docker")))
shared = ml.environments.share(
    built.name, "1", registry_name=REGISTRY, share_with_name=built.name, share_with_version="1"
)
context = requests.get(f"{shared.build.path}Dockerfile", headers=HEADERS, timeout=60)
assert context.text == "FROM debian\n", (shared.build.path, context.text)

# A component of the workspace, with an environment of the registry.
(folder / "src").mkdir()
(folder / "src" / "a.py").write_text("print('a')\n")
(folder / "use.yml").write_text(f"""
name: {NAME.replace("-", "_")}_use
type: command
code: ./src
environment: azureml://registries/{REGISTRY}/environments/{image.name}/versions/1
command: python a.py
""")
component = other.components.create_or_update(load_component(folder / "use.yml"))
assert component.environment == f"azureml://registries/{REGISTRY}/environments/{image.name}/versions/1", (
    component.environment
)
