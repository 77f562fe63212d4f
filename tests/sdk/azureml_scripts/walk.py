"""The whole way, as Azure's own notebook for sharing between workspaces goes it: an environment and a component in a registry,
a pipeline of them in a workspace, its model into the workspace and on into the registry, an endpoint that serves it from there;
then the same with data."""

import json
import tempfile
import time
from pathlib import Path

from azure.ai.ml import Input, load_component
from azure.ai.ml.constants import AssetTypes
from azure.ai.ml.dsl import pipeline
from azure.ai.ml.entities import (
    BuildContext,
    Data,
    Environment,
    ManagedOnlineDeployment,
    ManagedOnlineEndpoint,
    Model,
)
from recorder import NAME, REGISTRY, registry, workspace

ml, central = workspace(), registry()
version = str(int(time.time()))
folder = Path(tempfile.mkdtemp())
TRAIN = f"{NAME}_train".replace("-", "_")


def write(path, text):
    """A file of the program's."""
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text)
    return str(folder / path)


write(
    "context/Dockerfile",
    "FROM python:3.11\nRUN pip install 'mlflow-skinny==2.22.*' 'scikit-learn==1.7.*' 'pandas<3' setuptools\n",
)
write("data/part.csv", "x,y\n" + "".join(f"{n},{2 * n + 1}\n" for n in range(50)))
write(
    "source/train.py",
    """
import argparse, os, mlflow, pandas
from sklearn.linear_model import LinearRegression
parser = argparse.ArgumentParser()
parser.add_argument("--data"); parser.add_argument("--model"); parser.add_argument("--rest")
told = parser.parse_args()
mlflow.autolog(disable=True)
table = pandas.concat(pandas.read_csv(os.path.join(told.data, name)) for name in os.listdir(told.data))
model = LinearRegression().fit(table[["x"]], table["y"])
mlflow.log_metric("score", model.score(table[["x"]], table["y"]))
mlflow.sklearn.save_model(model, told.model)
mlflow.log_artifacts(told.model, "model")
table.tail(3).to_csv(os.path.join(told.rest, "rest.csv"))
print("trained on", len(table))
""",
)
component_file = write(
    "train.yml",
    f"""
name: {TRAIN}
version: "1"
type: command
inputs:
  data: {{type: uri_folder}}
outputs:
  model: {{type: mlflow_model}}
  rest: {{type: uri_folder}}
code: ./source
environment: azureml:replaced@latest
command: python train.py --data ${{{{inputs.data}}}} --model ${{{{outputs.model}}}} --rest ${{{{outputs.rest}}}}
""",
)

# An environment and a component in the registry.
central.environments.create_or_update(
    Environment(
        name=f"{NAME}-env", version=version, build=BuildContext(path=str(folder / "context")), description="walk"
    )
)
environment = central.environments.get(f"{NAME}-env", version=version)
assert environment.id.startswith(f"azureml://registries/{REGISTRY}/environments/"), environment.id
loaded = load_component(source=component_file)
loaded.environment, loaded.version = environment, version
central.components.create_or_update(loaded)
train = central.components.get(TRAIN, version=version)
assert train.version == version


# A pipeline of it in the workspace.
@pipeline()
def with_shared_component(data):
    train_job = train(data=data)  # noqa: F841 - the SDK calls the node after it


def ran(data):
    """A pipeline over *data* that has completed, and the job of its one step."""
    job = with_shared_component(data=data)
    job.settings.default_compute = "cpu-cluster"
    job = ml.jobs.create_or_update(job, experiment_name=f"{NAME}-experiment", skip_validation=True)
    ml.jobs.stream(job.name)
    job = ml.jobs.get(job.name)
    assert job.status == "Completed", job.status
    steps = [one for one in ml.jobs.list(parent_job_name=job.name) if one.display_name == "train_job"]
    assert len(steps) == 1, steps
    return job, steps[0].name


_, step = ran(Input(type="uri_folder", path=f"{folder}/data/"))

# Its model in the workspace, and from there into the registry.
made = ml.models.create_or_update(
    Model(
        name=f"{NAME}-model",
        version=version,
        path=f"azureml://jobs/{step}/outputs/artifacts/paths/model",
        type=AssetTypes.MLFLOW_MODEL,
        description="from a job's output",
    )
)
assert made.job_name == step, made.job_name
assert ml.models.get(f"{NAME}-model", version=version).type == "mlflow_model"
ml.models.share(
    name=f"{NAME}-model",
    version=version,
    registry_name=REGISTRY,
    share_with_name=f"{NAME}-model-new",
    share_with_version=version,
)

# The same by way of this machine.
ml.jobs.download(step, download_path=str(folder / "fetched"))
packed = next((folder / "fetched").rglob("MLmodel")).parent
again = Model(path=str(packed), type=AssetTypes.MLFLOW_MODEL, name=f"{NAME}-model-new", version=str(int(version) + 1))
central.models.create_or_update(again)
assert {one.version for one in central.models.list(f"{NAME}-model-new")} == {version, str(int(version) + 1)}

# Served in the workspace from the registry.
shared = central.models.get(f"{NAME}-model-new", version=version)
endpoint = ManagedOnlineEndpoint(name=f"{NAME}-ep", description="walk", auth_mode="key")
ml.begin_create_or_update(endpoint).result()
demo = ManagedOnlineDeployment(
    name="demo", endpoint_name=endpoint.name, model=shared.id, instance_type="Standard_F4s_v2", instance_count=1
)
ml.online_deployments.begin_create_or_update(demo).result()
endpoint.traffic = {"demo": 100}
ml.begin_create_or_update(endpoint).result()
asked = write("asked.json", json.dumps({"input_data": {"columns": ["x"], "data": [[10], [20]]}}))
answer = ml.online_endpoints.invoke(endpoint_name=endpoint.name, deployment_name="demo", request_file=asked)
assert [round(one) for one in json.loads(answer)] == [21, 41], answer
ml.online_endpoints.begin_delete(name=endpoint.name).result()

# Data: in the registry, used from there, and shared from the workspace.
points = Data(
    name=f"{NAME}-data", version=version, path=f"{folder}/data/", type=AssetTypes.URI_FOLDER, description="walk"
)
central.data.create_or_update(points)
found = central.data.get(f"{NAME}-data", version=version)
ran(Input(type="uri_folder", path=found.id))
local = Data(name=f"{NAME}-local", version=version, path=f"{folder}/data/", type=AssetTypes.URI_FOLDER)
ml.data.create_or_update(local)
ml.data.share(
    name=local.name,
    version=version,
    registry_name=REGISTRY,
    share_with_name=f"{NAME}-shared",
    share_with_version=version,
)
assert central.data.get(f"{NAME}-shared", version=version).type == "uri_folder"
