"""Models of a workspace: files and folders, tags, stages, labels, archiving, other content, what the other doors see."""

import os
import tempfile
from pathlib import Path

import mlflow
import requests
from azure.ai.ml.constants import ListViewType
from azure.ai.ml.entities import Model
from azure.core.exceptions import ResourceNotFoundError
from recorder import GROUP, NAME, SERVER, SUBSCRIPTION, WORKSPACE, refused, workspace

ml = workspace()
folder = Path(tempfile.mkdtemp())
HEADERS = {"Authorization": f"Bearer {os.environ['IDENTITY_HEADER']}"}
NATIVE = f"{SERVER}/api/v1/workspaces/{SUBSCRIPTION}:{GROUP}:{WORKSPACE}"


def native(path, method="GET", **options):
    """What the native API says."""
    answer = requests.request(method, f"{NATIVE}/{path}", headers=HEADERS, timeout=60, **options)
    assert answer.status_code < 300, answer.text
    return answer.json()


def files(place):
    """Every file below a folder, by its path."""
    return {str(one.relative_to(place)): one.read_bytes() for one in Path(place).rglob("*") if one.is_file()}


packed = folder / "packed"
(packed / "deep").mkdir(parents=True)
(packed / "MLmodel").write_text("flavors: {}\n")
(packed / "deep" / "weights.bin").write_bytes(b"w" * 100_000)
(packed / "empty").write_bytes(b"")
single = folder / "model.pkl"
single.write_bytes(b"pickle")

# A folder, with everything that can be said.
name = f"{NAME}-folder"
sent = Model(
    name=name,
    path=packed,
    type="mlflow_model",
    description="one",
    tags={"a": "b", "n": 1},
    properties={"p": "q"},
    flavors={"sklearn": {"sklearn_version": "1.5", "code": None}},
    stage="Development",
)
made = ml.models.create_or_update(sent)
for found in (made, ml.models.get(name, "1"), ml.models.get(name, label="latest")):
    assert (found.name, found.version, found.type, found.description) == (name, "1", "mlflow_model", "one"), found
    assert (found.tags, found.stage) == ({"a": "b", "n": "1"}, "Development"), found
    assert found.properties == {"p": "q"}, found.properties
    assert found.flavors == {"sklearn": {"sklearn_version": "1.5", "code": None}}, found.flavors
    assert found.path.startswith(
        f"azureml://subscriptions/{SUBSCRIPTION}/resourcegroups/{GROUP}/workspaces/{WORKSPACE}/"
    )
    assert found.path.endswith("/packed"), found.path
    assert found.creation_context.created_at, found.creation_context
    assert found.id.endswith(f"/workspaces/{WORKSPACE}/models/{name}/versions/1"), found.id
ml.models.download(name, "1", folder / "down")
assert files(folder / "down" / name / "packed") == files(packed), files(folder / "down")

# The other doors see the same.
seen = native(f"models/{name}/versions/1")
assert (seen["type"], seen["file_count"], seen["description"]) == ("mlflow_model", 3, "one"), seen
assert seen["spec"] == {"flavors": {"sklearn": {"sklearn_version": "1.5", "code": None}}}, seen["spec"]
assert (seen["tags"], seen["properties"], seen["stage"]) == (found.tags, {"p": "q"}, "Development"), seen

# The next number; the same again; other content under the same name is refused in the SDK's own words.
assert ml.models.create_or_update(Model(name=name, path=packed)).version == "2"
again = ml.models.create_or_update(
    Model(name=name, version="1", path=packed, type="mlflow_model", tags={"c": "d"}, flavors=sent.flavors)
)
assert (again.version, again.tags, again.description) == ("1", {"c": "d"}, "one"), again
(packed / "more").write_text("more")
refused("Asset paths cannot be updated", ml.models.create_or_update, Model(name=name, version="2", path=packed))

# One file.
one = f"{NAME}-file"
made = ml.models.create_or_update(Model(name=one, path=single, version="v1.0"))
assert made.path.endswith("/model.pkl"), made.path
ml.models.download(one, "v1.0", folder / "down")
assert files(folder / "down" / one) == {"model.pkl": b"pickle"}, files(folder / "down" / one)
changed = ml.models.get(one, "v1.0")
changed.tags["x"] = "y"
changed.description = "told"
changed.stage = "Production"
changed = ml.models.create_or_update(changed)
assert (changed.tags, changed.description, changed.stage) == ({"x": "y"}, "told", "Production"), changed
from_other = ml.models.create_or_update(
    Model(name=f"{NAME}-copy", path=ml.models.get(name, "1").path, type="mlflow_model")
)
assert native(f"models/{NAME}-copy/versions/1")["manifest"] == seen["manifest"]

# What a run left, by both of its names: the run is known as the one that made it.
mlflow.set_tracking_uri(ml.workspaces.get(WORKSPACE).mlflow_tracking_uri)
mlflow.set_experiment(f"{NAME}-experiment")
with mlflow.start_run() as run:
    mlflow.log_artifact(str(single), "kept/model")
for number, uri in enumerate(
    (
        f"runs:/{run.info.run_id}/kept/model",
        f"azureml://jobs/{run.info.run_id}/outputs/artifacts/paths/kept/model",
        f"azureml://datastores/workspaceartifactstore/paths/ExperimentRun/dcid.{run.info.run_id}/outputs/kept/model",
    )
):
    left = ml.models.create_or_update(Model(name=f"{NAME}-run{number}", path=uri))
    assert left.job_name == run.info.run_id, (uri, left.job_name)
    assert left.path.endswith("/model"), left.path
    ml.models.download(left.name, "1", folder / "run")
    assert files(folder / "run" / left.name) == {"model/model.pkl": b"pickle"}, files(folder / "run" / left.name)
    assert native(f"models/{left.name}/versions/1")["capsule"], left.name

# Lists, archiving and restoring of versions and of names.
assert {one, name} <= {found.name for found in ml.models.list()}
assert [found.version for found in ml.models.list(name)] == ["2", "1"]
assert [found.version for found in ml.models.list(name, stage="Development")] == ["1"]
assert list(ml.models.list(f"{NAME}-none")) == []
ml.models.archive(name, "2")
assert [found.version for found in ml.models.list(name)] == ["1"]
assert [found.version for found in ml.models.list(name, list_view_type=ListViewType.ARCHIVED_ONLY)] == ["2"]
assert [found.version for found in ml.models.list(name, list_view_type=ListViewType.ALL)] == ["2", "1"]
assert ml.models.get(name, label="latest").version == "1"
assert native(f"models/{name}/versions/2")["archived"] is True
ml.models.restore(name, "2")
assert ml.models.get(name, label="latest").version == "2"
ml.models.archive(name)
assert name not in {found.name for found in ml.models.list()}
assert name in {found.name for found in ml.models.list(list_view_type=ListViewType.ARCHIVED_ONLY)}
ml.models.restore(name)
assert name in {found.name for found in ml.models.list()}
assert ml.models.get(name, "1").stage == "Development"

# What is not there, and what is not served.
absent = refused("there is no", ml.models.get, f"{NAME}-none", "1")
assert isinstance(absent, ResourceNotFoundError), absent
refused("does not exist", ml.models.get, f"{NAME}-none", label="latest")
refused(
    "nothing",
    ml.models.create_or_update,
    Model(name=f"{NAME}-x", path="azureml://datastores/workspaceblobstore/paths/nothing/here"),
)
refused("registered by URL", ml.models.create_or_update, Model(name=f"{NAME}-x", path="https://example.org/model"))
