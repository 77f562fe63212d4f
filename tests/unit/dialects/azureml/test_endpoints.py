"""Online endpoints and deployments as resources, without anything that serves: what is refused, rendered and told."""

import time

import msgspec
import pytest

from regista.entities.asset import AssetKind
from regista.entities.documents.endpoint import parse_online_deployment
from regista.entities.endpoint import DeploymentState
from regista.entities.scope import ScopeAddress, ScopeKind
from regista.services.access.access import SYSTEM
from tests.support.azureml_door import Door
from tests.support.houses import People

DEV = ScopeAddress(ScopeKind.WORKSPACE, "dev")
CENTRAL = ScopeAddress(ScopeKind.REGISTRY, "central")
SCRIPT = b"def init(): pass\ndef run(raw): return raw\n"
CONDA = {"conda_file": {"dependencies": ["python=3.11"]}}


def named(door: Door, name: str, **properties: object) -> str:
    """Make an endpoint and return its path."""
    place = door.workspace("dev", f"onlineEndpoints/{name}")
    door.put(place, {"location": "local", "properties": {"authMode": "Key", **properties}})
    return place


@pytest.fixture(scope="module")
def versions(doors: Door) -> dict[str, str]:
    """Ids of a model, an environment and code of the workspace."""
    people, house = People(doors.house), doors.house
    found = house.scopes.get(SYSTEM, DEV)
    people.version(found, AssetKind.MODEL, name="weights", version="1")
    people.version(found, AssetKind.ENVIRONMENT, name="plain", version="1", files={}, spec=CONDA)
    people.version(found, AssetKind.CODE, name="scores", version="1", files={"score.py": SCRIPT})
    people.version(house.scopes.get(SYSTEM, CENTRAL), AssetKind.MODEL, name="shared", version="3")
    return {
        "model": doors.workspace("dev", "models/weights/versions/1"),
        "environmentId": doors.workspace("dev", "environments/plain/versions/1"),
        "code": doors.workspace("dev", "codes/scores/versions/1"),
        "shared": "azureml://registries/central/models/shared/versions/3",
    }


def body(versions: dict[str, str], capacity: int = 1, **properties: object) -> dict[str, object]:
    """A deployment's body."""
    return {
        "location": "local",
        "sku": {"name": "Default", "capacity": capacity},
        "properties": {
            "endpointComputeType": "Managed",
            "model": versions["model"],
            "environmentId": versions["environmentId"],
            "codeConfiguration": {"codeId": versions["code"], "scoringScript": "score.py"},
            **properties,
        },
    }


class TestEndpoints:
    def test_what_goes_in_comes_back(self, door: Door) -> None:
        place = named(door, "one", description="d", properties={"p": "q", "regista.route": "else", "createdBy": "x"})
        found = door.get(place)
        assert (found["id"], found["kind"]) == (place, "Managed")
        told = found["properties"]
        assert (told["authMode"], told["description"], told["provisioningState"]) == ("Key", "d", "Succeeded")
        assert (told["traffic"], told["mirrorTraffic"]) == ({}, {})
        assert (told["properties"]["p"], told["properties"]["regista.route"]) == ("q", "dev")
        assert "createdBy" not in told["properties"]
        assert told["scoringUri"].endswith("/endpoints/dev/one/score")
        assert place in {one["id"] for one in door.all(door.workspace("dev", "onlineEndpoints"))}

    def test_a_compute_that_it_names_is_kept(self, door: Door) -> None:
        found = door.get(named(door, "pods", compute="k8s"))
        assert (found["kind"], found["properties"]["compute"]) == ("K8S", "k8s")

    @pytest.mark.parametrize(
        ("properties", "said"),
        [
            ({"authMode": "Nonsense"}, "UserError"),
            ({"keys": {"primaryKey": "hidden"}}, "NotSupported: keys of one's own choice"),
            ({"publicNetworkAccess": "Disabled"}, "NotSupported: public_network_access"),
            ({"traffic": {"blue": 50}}, "neither 0 nor 100"),
            ({"traffic": {"blue": "many"}}, "properties cannot be read"),
        ],
    )
    def test_what_would_be_a_lie_is_refused(self, door: Door, properties: dict[str, object], said: str) -> None:
        place = door.workspace("dev", "onlineEndpoints/refused")
        error = door.refused("PUT", place, {"properties": properties})
        assert said in error
        assert "hidden" not in error
        assert "ResourceNotFound" in door.refused("GET", place)

    def test_keys_are_told_and_replaced(self, door: Door) -> None:
        place = named(door, "keyed")
        before = door.post(f"{place}/listKeys")
        door.send("POST", f"{place}/regenerateKeys", {"keyType": "Secondary", "keyValue": before["secondaryKey"]})
        after = door.post(f"{place}/listKeys")
        assert after["primaryKey"] == before["primaryKey"]
        assert after["secondaryKey"] != before["secondaryKey"]
        own = {"keyType": "Primary", "keyValue": "mine"}
        assert "one's own choice" in door.refused("POST", f"{place}/regenerateKeys", own)
        assert "by keys, not by tokens" in door.refused("POST", f"{place}/token")

    @pytest.mark.parametrize("mode", ["AMLToken", "AADToken"])
    def test_a_token_is_told_where_tokens_open_it(self, door: Door, mode: str) -> None:
        place = named(door, mode.lower(), authMode=mode)
        assert door.get(place)["properties"]["authMode"] == mode
        told = door.post(f"{place}/token")
        assert (told["tokenType"], told["accessToken"].count(".")) == ("Bearer", 2)
        assert time.time() < told["refreshAfterTimeUtc"] < told["expiryTimeUtc"] <= time.time() + 3600
        for path, body in (("listKeys", None), ("regenerateKeys", {"keyType": "Primary"})):
            assert "by tokens, not by keys" in door.refused("POST", f"{place}/{path}", body)
        assert "stays so" in door.refused("PUT", place, {"properties": {"authMode": "Key"}})
        assert door.put(place, {"properties": {"description": "d"}})["properties"]["authMode"] == mode

    def test_the_absent_is_deleted_quietly(self, door: Door) -> None:
        place = named(door, "gone")
        assert door.send("DELETE", place).status < 300
        assert door.send("DELETE", place).status == 204


class TestDeployments:
    def test_what_goes_in_comes_back(self, door: Door, versions: dict[str, str]) -> None:
        place = f"{named(door, 'two')}/deployments/blue"
        settings = {"requestTimeout": "PT3S", "maxConcurrentRequestsPerInstance": 2, "maxQueueWait": "PT1S"}
        probe = {
            "initialDelay": "PT3S",
            "period": "PT4S",
            "timeout": "PT5S",
            "successThreshold": 1,
            "failureThreshold": 6,
        }
        given = {
            "instanceType": "large",
            "appInsightsEnabled": True,
            "modelMountPath": "/m",
            "containerResourceRequirements": {"containerResourceLimits": {"cpu": "1"}},
            "environmentVariables": {"A": "b"},
            "requestSettings": settings,
            "livenessProbe": probe,
            "scaleSettings": {"scaleType": "Default"},
            "properties": {"p": "q"},
            "description": "d",
        }
        answer = door.send("PUT", place, body(versions, 3, **given))
        assert answer.status == 201
        found = door.get(place)
        assert found["sku"]["capacity"] == 3
        told = found["properties"]
        assert {name: told[name] for name in given} == given
        assert (told["model"], told["environmentId"]) == (versions["model"], versions["environmentId"])
        assert told["codeConfiguration"] == {"codeId": versions["code"], "scoringScript": "score.py"}
        assert told["provisioningState"] == "Creating"
        again = door.send("PUT", place, found)
        assert (again.status, again.json["properties"]["provisioningState"]) == (200, "Creating")

    def test_a_version_of_a_registry_is_told_as_such(self, door: Door, versions: dict[str, str]) -> None:
        place = f"{named(door, 'three')}/deployments/blue"
        assert door.put(place, body(versions, model=versions["shared"]))["properties"]["model"] == versions["shared"]

    def test_labels_and_short_references_of_other_doors_are_told_as_exact_versions(
        self, door: Door, versions: dict[str, str]
    ) -> None:
        place = f"{named(door, 'four')}/deployments/blue"
        document = {"name": "blue", "endpoint_name": "four", "model": "azureml:weights@latest", "environment": "plain:1",
                    "code_configuration": {"code": "azureml:scores:1", "scoring_script": "score.py"}}  # fmt: skip
        door.house.deployments.put(SYSTEM, DEV, parse_online_deployment(document))
        told = door.get(place)["properties"]
        assert (told["model"], told["environmentId"]) == (versions["model"], versions["environmentId"])

    @pytest.mark.parametrize(
        ("properties", "said"),
        [
            ({"scaleSettings": {"scaleType": "TargetUtilization"}}, "NotSupported: scale_settings"),
            ({"dataCollector": {"collections": {"model_inputs": {}}}}, "NotSupported: data_collector"),
            ({"egressPublicNetworkAccess": "Disabled"}, "NotSupported: egress_public_network_access"),
            ({"requestSettings": {"requestTimeout": "5000"}}, "UserError: requestTimeout: '5000' is no duration"),
            ({"model": "/subscriptions/nonsense"}, "UserError: model"),
            ({"model": None, "codeConfiguration": None}, "has neither a model nor code"),
            ({"codeConfiguration": {"codeId": "azureml:scores:1", "scoringScript": "../x"}}, "UserError: code_config"),
        ],
    )
    def test_what_would_be_a_lie_is_refused(
        self, door: Door, versions: dict[str, str], properties: dict[str, object], said: str
    ) -> None:
        place = f"{named(door, 'five')}/deployments/blue"
        assert said in door.refused("PUT", place, body(versions, **properties))
        assert "ResourceNotFound" in door.refused("GET", place)

    def test_the_operation_tells_the_truth(self, door: Door, versions: dict[str, str]) -> None:
        place = f"{named(door, 'six')}/deployments/blue"
        poll = door.send("PUT", place, body(versions)).headers["azure-asyncoperation"].removeprefix(door.url)
        assert door.get(poll)["status"] == "InProgress"
        self._become(door, DeploymentState.FAILED, "no weights today")
        failed = door.get(poll)
        assert failed["status"] == "Failed"
        assert (failed["error"]["code"], "no weights today" in failed["error"]["message"]) == ("DeploymentFailed", True)
        assert door.get(place)["properties"]["properties"]["regista.message"] == "no weights today"
        later = door.send("PUT", place, body(versions, environmentVariables={"A": "c"}))
        assert door.get(poll)["error"]["code"] == "DeploymentReplaced"
        self._become(door, DeploymentState.SUCCEEDED, "")
        assert door.get(later.headers["azure-asyncoperation"].removeprefix(door.url))["status"] == "Succeeded"
        assert door.send("DELETE", place).status < 300
        assert door.get(poll)["error"]["code"] == "DeploymentDeleted"
        assert door.send("DELETE", place).status == 204

    @staticmethod
    def _become(door: Door, state: DeploymentState, message: str) -> None:
        scope = door.house.scopes.get(SYSTEM, DEV)

        def work(tx) -> None:
            row = tx.endpoints.find_deployment(scope.id, "six", "blue")
            tx.endpoints.put_deployment(msgspec.structs.replace(row, state=state, message=message))

        door.house.catalog.write(work)

    def test_there_is_no_log_before_anything_ran(self, door: Door, versions: dict[str, str]) -> None:
        place = f"{named(door, 'seven')}/deployments/blue"
        door.put(place, body(versions))
        assert door.post(f"{place}/getLogs", {"tail": 10})["content"] == ""
        assert "UserError: tail" in door.refused("POST", f"{place}/getLogs", {"tail": -1})
        assert "UserError" in door.refused("POST", f"{place}/getLogs", {"containerType": "Else"})


class TestBatch:
    def test_there_are_none_and_none_can_be_made(self, door: Door) -> None:
        place = door.workspace("dev", "batchEndpoints/nightly")
        assert door.all(door.workspace("dev", "batchEndpoints")) == []
        assert "ResourceNotFound" in door.refused("GET", place)
        assert "NotSupported" in door.refused("PUT", place, {"properties": {}})
        assert "NotSupported" in door.refused("PUT", f"{place}/deployments/blue", {"properties": {}})
        assert door.send("DELETE", place).status == 204
