"""Environments of a workspace: images, conda files, build contexts, what has no name."""

import os
import tempfile
from pathlib import Path

import requests
from azure.ai.ml import load_environment
from azure.ai.ml.constants import ListViewType
from azure.ai.ml.entities import BuildContext, Environment
from recorder import GROUP, NAME, SERVER, SUBSCRIPTION, WORKSPACE, refused, registry, workspace

ml = workspace()
folder = Path(tempfile.mkdtemp())
NATIVE = f"{SERVER}/api/v1/workspaces/{SUBSCRIPTION}:{GROUP}:{WORKSPACE}"
HEADERS = {"Authorization": f"Bearer {os.environ['IDENTITY_HEADER']}"}


def native(method, path, **options):
    """What the native API says."""
    answer = requests.request(method, f"{NATIVE}/{path}", headers=HEADERS, timeout=60, **options)
    assert answer.status_code < 300, answer.text
    return answer.json()


conda = folder / "conda.yml"
conda.write_text("name: x\nchannels: [conda-forge]\ndependencies:\n- python=3.11\n- pip\n- pip:\n  - numpy==2.0.0\n")
packages = {"name": "x", "channels": ["conda-forge"], "dependencies": ["python=3.11", "pip", {"pip": ["numpy==2.0.0"]}]}

# A conda file on an image, with everything that can be said.
name = f"{NAME}-conda"
routes = {
    "liveness_route": {"port": 80, "path": "/live"},
    "readiness_route": {"port": 80, "path": "/ready"},
    "scoring_route": {"port": 80, "path": "/score"},
}
sent = Environment(
    name=name,
    image="mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04",
    conda_file=conda,
    description="one",
    tags={"a": "b"},
    properties={"p": "q"},
    inference_config=routes,
)
made = ml.environments.create_or_update(sent)
for found in (made, ml.environments.get(name, version="1"), ml.environments.get(name, label="latest")):
    assert (found.name, found.version, found.description, found.image) == (name, "1", "one", sent.image), found
    assert (found.tags, found.properties, found.conda_file) == ({"a": "b"}, {"p": "q"}, packages), found
    live = getattr(found.inference_config, "liveness_route", None) or found.inference_config["livenessRoute"]
    assert (live["path"] if isinstance(live, dict) else live.path) == "/live", live
    assert found.os_type.lower() == "linux", found.os_type
seen = native("GET", f"environments/{name}/versions/1")
assert (seen["spec"]["image"], seen["spec"]["conda"]) == (sent.image, packages), seen["spec"]

# The same again is the same version; other content is the next one; a version never changes.
assert ml.environments.create_or_update(Environment(name=name, image=sent.image, conda_file=conda)).version == "1"
assert ml.environments.get(name, version="1").inference_config is not None
conda.write_text(conda.read_text().replace("2.0.0", "2.1.0"))
assert ml.environments.create_or_update(Environment(name=name, image=sent.image, conda_file=conda)).version == "2"
refused("with other content", ml.environments.create_or_update, Environment(name=name, version="1", image="ubuntu"))
same = native(
    "POST",
    "environments",
    json={"name": f"{NAME}-native", "version": "1", "spec": {"image": "ubuntu", "conda_file": packages}},
)
there = ml.environments.get(f"{NAME}-native", version="1")
assert (there.image, there.conda_file, there.version) == ("ubuntu", packages, same["version"]), there
pip = native("POST", "environments", json={"name": f"{NAME}-pip", "spec": {"pip": ["numpy==2.0.0"]}})
assert ml.environments.get(f"{NAME}-pip", version=pip["version"]).conda_file["dependencies"][1] == {
    "pip": ["numpy==2.0.0"]
}

# A build context.
context = folder / "docker"
(context / "inner").mkdir(parents=True)
(context / "Dockerfile").write_text("FROM ubuntu\nRUN pip install -r requirements.txt\n")
(context / "requirements.txt").write_text("numpy\n")
(context / "inner" / "Other").write_text("FROM debian\n")
built = ml.environments.create_or_update(Environment(name=f"{NAME}-build", build=BuildContext(path=context)))
assert built.build.dockerfile_path in {None, "Dockerfile"}, built.build.dockerfile_path
files = requests.get(f"{built.build.path}Dockerfile", headers=HEADERS, timeout=60)
assert files.text.startswith("FROM ubuntu"), (built.build.path, files.text)
inner = Environment(name=f"{NAME}-inner", build=BuildContext(path=context, dockerfile_path="inner/Other"))
assert ml.environments.create_or_update(inner).build.dockerfile_path == "inner/Other"
assert native("GET", f"environments/{NAME}-inner/versions/1")["spec"]["dockerfile"] == "FROM debian\n"
wrong = Environment(name=f"{NAME}-wrong", build=BuildContext(path=context, dockerfile_path="none"))
refused("has no file 'none'", ml.environments.create_or_update, wrong)

# From YAML, lists, archiving and restoring.
(folder / "env.yml").write_text(
    f"name: {NAME}-yaml\nversion: 7\nimage: ubuntu\nconda_file: ./conda.yml\ntags: {{k: v}}\n"
)
loaded = ml.environments.create_or_update(load_environment(folder / "env.yml"))
assert (loaded.version, loaded.tags, loaded.image) == ("7", {"k": "v"}, "ubuntu"), loaded
listed = {found.name: found for found in ml.environments.list()}
assert {name, f"{NAME}-build", f"{NAME}-yaml"} <= listed.keys()
assert listed[name].latest_version == "2", listed[name].latest_version
assert [found.version for found in ml.environments.list(name)] == ["2", "1"]
ml.environments.archive(name, version="2")
assert [found.version for found in ml.environments.list(name)] == ["1"]
assert [found.version for found in ml.environments.list(name, list_view_type=ListViewType.ARCHIVED_ONLY)] == ["2"]
ml.environments.restore(name, version="2")
ml.environments.archive(f"{NAME}-build", version="1")
ml.environments.restore(f"{NAME}-build", version="1")
ml.environments.archive(name)
assert name not in {found.name for found in ml.environments.list()}
ml.environments.restore(name)
assert name in {found.name for found in ml.environments.list()}
refused("there is no", ml.environments.get, f"{NAME}-none", version="1")
nameless = Environment(image="ubuntu", conda_file=conda)
nameless._is_anonymous = True
nameless._generate_anonymous_name_version(source="image", conda_file=nameless._translated_conda_file)
asked = nameless.version
first = ml.environments.create_or_update(nameless)
assert first._is_anonymous, first
assert ml.environments.get("CliV2AnonymousEnvironment", version=asked).id == first.id
assert first.name not in {found.name for found in ml.environments.list()}

# What ships is in the registry "azureml", for everybody to look at.
shipped = registry("azureml").environments
found = shipped.get("sklearn-1.5", label="latest")
assert found.id == f"azureml://registries/azureml/environments/sklearn-1.5/versions/{found.version}", found.id
assert shipped.get("AzureML-sklearn-1.5", version=found.version).name == "sklearn-1.5"
assert "sklearn-1.5" in {each.name for each in shipped.list()}
assert [each.version for each in shipped.list("sklearn-1.5")] == [found.version]
refused("ships with Regista", shipped.get, "sklearn-9", version="1")
