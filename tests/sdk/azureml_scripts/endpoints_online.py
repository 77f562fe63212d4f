"""An online endpoint from its making to its end: two deployments by scripts of one's own, traffic, mirror, keys, logs."""

import json
import time
from pathlib import Path

import requests
from azure.ai.ml.entities import (
    CodeConfiguration,
    DataCollector,
    DeploymentCollection,
    Environment,
    KubernetesOnlineDeployment,
    ManagedOnlineDeployment,
    ManagedOnlineEndpoint,
    Model,
    OnlineRequestSettings,
    ProbeSettings,
    TargetUtilizationScaleSettings,
)
from recorder import NAME, refused, registry, workspace

ml = workspace()
name = "sdk-" + NAME.replace("endpoints-", "").replace("_", "-")[:20]

code = Path("code")
code.mkdir(exist_ok=True)
(code / "score.py").write_text(
    "import json, os\n"
    "def init():\n    print('loaded', os.listdir(os.environ['AZUREML_MODEL_DIR']))\n"
    "def run(raw):\n    return {'colour': os.environ.get('COLOUR', ''), 'rows': len(json.loads(raw)['data'])}\n"
)
(code / "broken.py").write_text("def init():\n    raise ValueError('no weights today')\ndef run(raw):\n    return 1\n")
weights = Path("weights.txt")
weights.write_text("weights")
conda = Path("conda.yml")
conda.write_text("dependencies:\n- python=3.11\n")
request = Path("request.json")
request.write_text(json.dumps({"data": [1, 2, 3]}))

model = ml.models.create_or_update(Model(path=weights, name=f"{NAME}-model"))
environment = ml.environments.create_or_update(Environment(name=f"{NAME}-env", conda_file=conda, image="none"))
central = registry()
shared = central.models.create_or_update(Model(path=weights, name=f"{NAME}-shared", version="1"))

# The endpoint alone.
made = ml.online_endpoints.begin_create_or_update(
    ManagedOnlineEndpoint(name=name, auth_mode="key", description="one", tags={"a": "b"}, properties={"p": "q"})
).result()
assert (made.name, made.auth_mode, made.description, made.tags) == (name, "key", "one", {"a": "b"}), made
assert made.provisioning_state == "Succeeded", made.provisioning_state
assert made.scoring_uri.startswith("https://"), made.scoring_uri
assert made.properties["p"] == "q", made.properties
assert made.location == ml.workspaces.get().location
assert name in {one.name for one in ml.online_endpoints.list()}
refused(
    "no deployment 'nobody'",
    ml.online_endpoints.begin_create_or_update,
    ManagedOnlineEndpoint(name=name, traffic={"nobody": 100}),
)
closed = ManagedOnlineEndpoint(name=f"{name}-t", public_network_access="disabled")
refused("public_network_access", ml.online_endpoints.begin_create_or_update, closed)


def deployment(colour, **changes):
    """A deployment that says its colour."""
    fields = {
        "name": colour,
        "endpoint_name": name,
        "model": f"azureml:{model.name}:{model.version}",
        "environment": f"azureml:{environment.name}:{environment.version}",
        "code_configuration": CodeConfiguration(code=str(code), scoring_script="score.py"),
        "environment_variables": {"COLOUR": colour},
        "instance_type": "Standard_DS3_v2",
        "instance_count": 1,
    }
    return ManagedOnlineDeployment(**{**fields, **changes})


blue = ml.online_deployments.begin_create_or_update(
    deployment(
        "blue",
        app_insights_enabled=True,
        description="first",
        tags={"c": "d"},
        request_settings=OnlineRequestSettings(
            request_timeout_ms=3000, max_concurrent_requests_per_instance=2, max_queue_wait_ms=1000
        ),
        liveness_probe=ProbeSettings(initial_delay=3, period=4, timeout=5, success_threshold=1, failure_threshold=6),
    )
).result()
assert (blue.name, blue.provisioning_state, blue.instance_count) == ("blue", "Succeeded", 1), blue
found = ml.online_deployments.get("blue", name)
assert found.model.endswith(f"/models/{model.name}/versions/{model.version}"), found.model
assert found.environment.endswith(f"/environments/{environment.name}/versions/{environment.version}"), found.environment
assert "/codes/" in found.code_configuration.code, found.code_configuration.code
assert found.code_configuration.scoring_script == "score.py"
assert (found.instance_type, found.app_insights_enabled, found.description) == ("Standard_DS3_v2", True, "first"), found
assert (found.tags, found.endpoint_name) == ({"c": "d"}, name), found
settings = found.request_settings
assert (settings.request_timeout_ms, settings.max_concurrent_requests_per_instance) == (3000, 2), vars(settings)
assert settings.max_queue_wait_ms == 1000, vars(settings)
assert (found.liveness_probe.period, found.liveness_probe.failure_threshold) == (4, 6), vars(found.liveness_probe)
assert found.environment_variables == {"COLOUR": "blue"}, found.environment_variables

# Traffic, and who answers.
endpoint = ml.online_endpoints.get(name)
assert endpoint.traffic == {"blue": 0}, endpoint.traffic
endpoint.traffic = {"blue": 100}
assert ml.online_endpoints.begin_create_or_update(endpoint).result().traffic == {"blue": 100}
answer = json.loads(ml.online_endpoints.invoke(name, request_file=str(request)))
assert answer == {"colour": "blue", "rows": 3}, answer

# The second one: out of a registry, with a model and an environment that are there inline.
green = deployment("green", model=shared.id, environment=Environment(conda_file=str(conda), image="none"))
green = ml.online_deployments.begin_create_or_update(green).result()
assert green.model == f"azureml://registries/{central.registries.get().name}/models/{shared.name}/versions/1", (
    green.model
)
assert (
    json.loads(ml.online_endpoints.invoke(name, request_file=str(request), deployment_name="green"))["colour"]
    == "green"
)
assert {one.name for one in ml.online_deployments.list(name)} == {"blue", "green"}
endpoint = ml.online_endpoints.get(name)
endpoint.traffic, endpoint.mirror_traffic = {"blue": 100}, {"green": 10}
changed = ml.online_endpoints.begin_create_or_update(endpoint).result()
assert (changed.traffic, changed.mirror_traffic) == ({"blue": 100}, {"green": 10}), changed
changed.traffic, changed.mirror_traffic = {"blue": 40, "green": 60}, {}
changed = ml.online_endpoints.begin_create_or_update(changed).result()
assert (changed.traffic, changed.mirror_traffic) == ({"blue": 40, "green": 60}, {}), changed
assert changed.properties["p"] == "q", changed.properties
changed.traffic = {"blue": 0, "green": 100}
ml.online_endpoints.begin_create_or_update(changed).result()
assert json.loads(ml.online_endpoints.invoke(name, request_file=str(request)))["colour"] == "green"
changed.traffic = {"blue": 10, "green": 100}
refused("neither 0 nor 100", ml.online_endpoints.begin_create_or_update, changed)

# Changing one: what was fetched is sent back with another number, and then with another variable.
again = ml.online_deployments.get("blue", name)
again.instance_count = 2
assert ml.online_deployments.begin_create_or_update(again).result().instance_count == 2
again.environment_variables = {"COLOUR": "navy"}
ml.online_deployments.begin_create_or_update(again).result()
assert (
    json.loads(ml.online_endpoints.invoke(name, request_file=str(request), deployment_name="blue"))["colour"] == "navy"
)

# Tokens: one that is asked for, one of the client's own credential, and what does not stand in for them.
for mode, short in (("aml_token", f"{name}-t"), ("aad_token", f"{name}-a")):
    made = ml.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name=short, auth_mode=mode)).result()
    assert made.auth_mode == mode, made.auth_mode
    told = ml.online_endpoints.get_keys(short)
    assert told.access_token.count(".") == 2, told
    assert time.time() < told.expiry_time_utc <= time.time() + 3601, told.expiry_time_utc
    for opens, status in ((told.access_token, 404), (ml.online_endpoints.get_keys(name).primary_key, 401)):
        signed = {"Authorization": f"Bearer {opens}"}
        patience = (
            time.time() + 60
        )  # on a busy machine the gateway may learn of an endpoint after its creation was answered
        while (said := requests.post(made.scoring_uri, json={}, headers=signed, timeout=60)).status_code != status:
            assert "EndpointNotFound" in said.text, said.text
            assert time.time() < patience, said.text
            time.sleep(0.2)
        assert said.status_code == status, said.text  # 404: it is open, and nothing is behind it
    refused("does not use keys", ml.online_endpoints.begin_regenerate_keys, short)
    answered = requests.post(
        ml.online_endpoints.get(name).scoring_uri,
        json={},
        headers=signed | {"Authorization": f"Bearer {told.access_token}"},
        timeout=60,
    )
    assert answered.status_code == 401, answered.text
ml.online_deployments.begin_create_or_update(deployment("red", endpoint_name=f"{name}-t")).result()
opened = ml.online_endpoints.get(f"{name}-t")
opened.traffic = {"red": 100}
ml.online_endpoints.begin_create_or_update(opened).result()
answer = ml.online_endpoints.invoke(f"{name}-t", request_file=str(request), deployment_name="red")
assert json.loads(answer)["colour"] == "red", answer
for short in (f"{name}-t", f"{name}-a"):
    ml.online_endpoints.begin_delete(short).result()

# Keys.
keys = ml.online_endpoints.get_keys(name)
assert keys.primary_key != keys.secondary_key
ml.online_endpoints.begin_regenerate_keys(name, key_type="secondary").result()
fresh = ml.online_endpoints.get_keys(name)
assert fresh.primary_key == keys.primary_key
assert fresh.secondary_key != keys.secondary_key
ml.online_endpoints.begin_regenerate_keys(name).result()
assert ml.online_endpoints.get_keys(name).primary_key != keys.primary_key

# Logs, and what fails.
assert "loaded" in ml.online_deployments.get_logs("blue", name, lines=100)
assert len(ml.online_deployments.get_logs("blue", name, lines=1).splitlines()) == 1
assert "locked" in ml.online_deployments.get_logs("blue", name, lines=100, container_type="storage-initializer")
red = deployment("red", code_configuration=CodeConfiguration(code=str(code), scoring_script="broken.py"))
failure = refused("no weights today", ml.online_deployments.begin_create_or_update, red)
assert "DeploymentFailed" in str(failure), failure
broken = ml.online_deployments.get("red", name)
assert broken.provisioning_state == "Failed", broken
assert "no weights today" in broken.properties["regista.message"], broken.properties
assert "no weights today" in ml.online_deployments.get_logs("red", name, lines=200)
for wrong, text in (
    ({"model": f"azureml:{model.name}:99"}, "99"),
    ({"egress_public_network_access": "disabled"}, "egress_public_network_access"),
    ({"instance_count": 1000}, "instances"),
):
    refused(text, ml.online_deployments.begin_create_or_update, deployment("black", **wrong))
scaled = KubernetesOnlineDeployment(
    name="black",
    endpoint_name=name,
    model=f"azureml:{model.name}:{model.version}",
    environment=f"azureml:{environment.name}:{environment.version}",
    scale_settings=TargetUtilizationScaleSettings(min_instances=1, max_instances=2),
)
refused("does not change by itself", ml.online_deployments.begin_create_or_update, scaled)
collected = DataCollector(collections={"model_inputs": DeploymentCollection(enabled="true")})
# Before it asks for the deployment the SDK registers data where requests would be collected: nothing is.
refused(
    "modelDataCollector", ml.online_deployments.begin_create_or_update, deployment("black", data_collector=collected)
)
refused("black", ml.online_deployments.get, "black", name)

# The end.
refused("traffic", ml.online_deployments.begin_delete, "green", name)
ml.online_deployments.begin_delete("red", name).result()
ml.online_deployments.begin_delete("blue", name).result()
assert [one.name for one in ml.online_deployments.list(name)] == ["green"]
ml.online_endpoints.begin_delete(name).result()
refused(name, ml.online_endpoints.get, name)
ml.online_endpoints.begin_delete(name).result()
assert name not in {one.name for one in ml.online_endpoints.list()}
