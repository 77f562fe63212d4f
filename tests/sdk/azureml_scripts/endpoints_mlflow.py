"""An MLflow model without code, an endpoint that other doors made, and the other way round."""

import importlib
import json
import os
import pickle
import sys
from pathlib import Path

import requests
from azure.ai.ml.entities import KubernetesOnlineEndpoint, ManagedOnlineDeployment, ManagedOnlineEndpoint, Model
from recorder import GROUP, NAME, SERVER, SUBSCRIPTION, WORKSPACE, refused, workspace

ml = workspace()
name = "sdk-" + NAME.replace("endpoints-", "").replace("_", "-")[:20]
key = os.environ["IDENTITY_HEADER"]


def native(method, path, body=None):
    """The native API, as another client uses it."""
    scope = f"{SUBSCRIPTION}:{GROUP}:{WORKSPACE}"
    place = f"{SERVER}/api/v1/workspaces/{scope}/{path}"
    answer = requests.request(method, place, json=body, headers={"Authorization": f"Bearer {key}"}, timeout=60)
    assert answer.ok, answer.text
    return answer.json()


folder = Path("model")
(folder / "code").mkdir(parents=True, exist_ok=True)
(folder / "MLmodel").write_text(
    "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    code: code\n    env: {conda: conda.yaml}\n"
    "  sklearn: {pickled_model: model.pkl, serialization_format: pickle}\n"
)
(folder / "conda.yaml").write_text("dependencies:\n- python=3.11\n")
(folder / "code" / "doubling.py").write_text(
    "class Doubling:\n    def predict(self, rows):\n        return [[2 * one for one in row] for row in rows]\n"
)
sys.path.insert(0, str(folder / "code"))
(folder / "model.pkl").write_bytes(pickle.dumps(importlib.import_module("doubling").Doubling()))
model = ml.models.create_or_update(Model(path=folder, name=f"{NAME}-doubling", type="mlflow_model"))

# The SDK deploys, and the native API shows it.
ml.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name=name)).result()
blue = ManagedOnlineDeployment(
    name="blue", endpoint_name=name, model=f"{model.name}@latest", instance_count=1, instance_type="s"
)
made = ml.online_deployments.begin_create_or_update(blue).result()
assert made.model.endswith(f"/models/{model.name}/versions/{model.version}"), made.model
assert (made.environment, made.code_configuration) == (None, None), made
request = Path("request.json")
request.write_text(json.dumps({"input_data": [[1, 2]]}))
assert json.loads(ml.online_endpoints.invoke(name, request_file=str(request), deployment_name="blue")) == [[2, 4]]
seen = native("GET", f"onlineEndpoints/{name}/deployments/blue")
assert (seen["state"], seen["instance_type"]) == ("Succeeded", "s"), seen
assert native("GET", f"onlineEndpoints/{name}")["scoring_uri"] == ml.online_endpoints.get(name).scoring_uri

# Another door changes the traffic and deploys, and the SDK shows it.
native("PATCH", f"onlineEndpoints/{name}", {"traffic": {"blue": 100}})
assert ml.online_endpoints.get(name).traffic == {"blue": 100}
native(
    "PUT", f"onlineEndpoints/{name}/deployments/green", {"model": f"azureml:{model.name}@latest", "tags": {"a": "b"}}
)
found = ml.online_deployments.get("green", name)
assert (found.tags, found.instance_count) == ({"a": "b"}, 1), found
assert found.model.endswith(f"/models/{model.name}/versions/{model.version}"), found.model
found.description = "changed"
done = ml.online_deployments.begin_create_or_update(found).result()
assert (done.provisioning_state, done.description) == ("Succeeded", "changed"), done
assert native("GET", f"onlineEndpoints/{name}/deployments/green")["spec"]["description"] == "changed"

# What cannot work is refused with every reason, before anything starts.
plain = Path("weights.txt")
plain.write_text("weights")
other = ml.models.create_or_update(Model(path=plain, name=f"{NAME}-plain"))
bare = ManagedOnlineDeployment(
    name="red", endpoint_name=name, model=f"azureml:{other.name}:{other.version}", instance_count=1
)
refused("without code", ml.online_deployments.begin_create_or_update, bare)
ml.online_endpoints.begin_delete(name).result()

# A compute of Kubernetes may be named: the endpoint is served here all the same.
pods = ml.online_endpoints.begin_create_or_update(KubernetesOnlineEndpoint(name=f"{name}-k", compute="k8s")).result()
assert type(pods) is KubernetesOnlineEndpoint, pods
assert pods.compute.endswith("/computes/k8s"), pods.compute
ml.online_endpoints.begin_delete(pods.name).result()
