"""Bodies that no SDK would send: each gets an answer of the protocol, and none the server's own failure."""

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.support.azureml_door import Door

WHOLE = {
    "computes/fuzz": {
        "location": "eu",
        "tags": {"a": "b"},
        "identity": {"type": "SystemAssigned"},
        "properties": {
            "computeType": "AmlCompute",
            "description": "d",
            "resourceId": "r",
            "properties": {
                "vmSize": "s",
                "vmPriority": "Dedicated",
                "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 4, "nodeIdleTimeBeforeScaleDown": "PT2M"},
                "remoteLoginPortPublicAccess": "Enabled",
                "enableNodePublicIp": True,
                "idleTimeBeforeShutdown": "PT30M",
            },
        },
    },
    "datastores/fuzz": {
        "properties": {
            "datastoreType": "OneLake",
            "description": "d",
            "tags": {"a": "b"},
            "properties": {"p": "q"},
            "isDefault": False,
            "oneLakeWorkspaceName": "w",
            "endpoint": "e",
            "artifact": {"artifactName": "n", "artifactType": "LakeHouse"},
            "credentials": {
                "credentialsType": "ServicePrincipal",
                "tenantId": "t",
                "clientId": "c",
                "secrets": {"secretsType": "ServicePrincipal", "clientSecret": "s"},
            },
        }
    },
    "connections/fuzz": {
        "properties": {
            "category": "Git",
            "authType": "ServicePrincipal",
            "target": "t",
            "metadata": {"a": "b"},
            "isSharedToAll": True,
            "credentials": {"clientId": "c", "tenantId": "t", "clientSecret": "s"},
        }
    },
    "onlineEndpoints/fuzz": {
        "location": "l",
        "tags": {"a": "b"},
        "identity": {"type": "SystemAssigned"},
        "properties": {
            "authMode": "Key",
            "description": "d",
            "properties": {"p": "q"},
            "traffic": {},
            "mirrorTraffic": {},
            "compute": "k",
            "publicNetworkAccess": "Enabled",
        },
    },
    "onlineEndpoints/fuzz/deployments/blue": {
        "location": "l",
        "tags": {"a": "b"},
        "sku": {"name": "Default", "capacity": 1},
        "properties": {
            "endpointComputeType": "Managed",
            "model": "azureml:m:1",
            "environmentId": "azureml:e:1",
            "codeConfiguration": {"codeId": "azureml:c:1", "scoringScript": "score.py"},
            "environmentVariables": {"A": "b"},
            "instanceType": "s",
            "appInsightsEnabled": True,
            "requestSettings": {
                "requestTimeout": "PT5S",
                "maxConcurrentRequestsPerInstance": 1,
                "maxQueueWait": "PT0.5S",
            },
            "livenessProbe": {"initialDelay": "PT1S", "period": "PT1S", "timeout": "PT1S", "failureThreshold": 3},
            "scaleSettings": {"scaleType": "Default"},
            "dataCollector": {"collections": {}},
            "properties": {"p": "q", "azureml": "{}"},
        },
    },
    "onlineEndpoints/fuzz/deployments/blue/getLogs": {"tail": 5, "containerType": "InferenceServer"},
    "onlineEndpoints/fuzz/regenerateKeys": {"keyType": "Primary", "keyValue": "k"},
    "datastores/workspaceblobstore/listSecrets": {"expirableSecret": True, "expireAfterHours": 1},
}
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "\0", "\ud800", "PT9999999999S", "../..", "${{x}}", "a" * 5000, "regista.route", "null"])
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path in *value*."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, one in inner for found in places(one, (*path, key)))]


@st.composite
def bodies(draw: st.DrawFn, whole: Any) -> Any:
    """*whole*, with something odd in up to three places."""
    body: Any = {"body": copy.deepcopy(whole)}
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(places(body)[1:]))
        target = body
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = draw(ODD)
    return body["body"]


@pytest.mark.parametrize("examples", [15, pytest.param(500, marks=pytest.mark.slow)])
def test_every_body_gets_an_answer(door: Door, examples: int) -> None:
    door.put(door.workspace("dev", "onlineEndpoints/fuzz"), {"properties": {"authMode": "Key"}})

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(sorted(WHOLE)).flatmap(lambda place: st.tuples(st.just(place), bodies(WHOLE[place]))))
    def every(asked: tuple[str, Any]) -> None:
        place, body = asked
        method = "POST" if place.endswith(("Logs", "Keys", "Secrets")) else "PUT"
        answer = door.send(method, door.workspace("dev", place), body)
        assert answer.status < 500 or answer.status == 501, (place, body, answer.content)
        assert "error" in json.loads(answer.content or b'{"error": 0}') or answer.status < 400, answer.content
        if answer.status < 300 and method == "PUT":
            again = door.send("PUT", door.workspace("dev", place), answer.json)
            assert again.status < 300, (place, body, again.content)

    every()


def test_every_name_gets_an_answer(door: Door) -> None:
    @settings(max_examples=30, deadline=None, database=None)
    @given(st.sampled_from(sorted(WHOLE)), st.text(min_size=1, max_size=40), st.sampled_from(["GET", "PUT", "DELETE"]))
    def every(place: str, name: str, method: str) -> None:
        path = door.workspace("dev", place.replace("fuzz", name.replace("%", "%25").replace("?", "%3F")))
        answer = door.send(method, path, WHOLE[place])
        assert answer.status < 500 or answer.status == 501, (path, answer.content)

    every()
