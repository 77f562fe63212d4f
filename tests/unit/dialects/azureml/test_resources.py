"""Computes, datastores and connections as resources: what goes in comes back, in every door, but for what is secret."""

import pytest

from regista.dialects.azureml.durations import duration, milliseconds, seconds
from regista.entities.scope import ScopeAddress, ScopeKind
from regista.errors import InvalidError
from regista.services.access.access import SYSTEM
from tests.support.azureml_door import Door

CLUSTER = {
    "location": "eu",
    "tags": {"a": "b", "c": None},
    "properties": {
        "computeType": "AmlCompute",
        "description": "one",
        "properties": {
            "vmSize": "large",
            "vmPriority": "LowPriority",
            "scaleSettings": {"minNodeCount": 1, "maxNodeCount": 4, "nodeIdleTimeBeforeScaleDown": "PT2M"},
            "userAccountCredentials": {"adminUserName": "ann", "adminUserPassword": "hidden"},
            "remoteLoginPortPublicAccess": "Enabled",
            "subnet": {"id": "s"},
        },
    },
}


def store(**properties: object) -> dict[str, object]:
    """The body of a datastore."""
    return {"properties": {"datastoreType": "AzureBlob", "accountName": "a", "containerName": "c", **properties}}


class TestComputes:
    def test_what_goes_in_comes_back_without_passwords(self, door: Door) -> None:
        place = door.workspace("dev", "computes/cluster")
        made = door.put(place, CLUSTER)
        assert made == door.get(place)
        assert made["id"] == place
        assert (made["location"], made["tags"]) == ("eu", {"a": "b", "c": ""})
        inner = made["properties"]["properties"]
        assert inner["scaleSettings"]["nodeIdleTimeBeforeScaleDown"] == "PT120S"
        assert (inner["vmSize"], inner["vmPriority"]) == ("large", "LowPriority")
        assert inner["userAccountCredentials"] == {"adminUserName": "ann"}
        assert (inner["subnet"], inner["remoteLoginPortPublicAccess"]) == ({"id": "s"}, "Enabled")

    def test_the_other_doors_see_it(self, door: Door) -> None:
        door.put(door.workspace("dev", "computes/seen"), CLUSTER)
        found = door.house.computes.get(SYSTEM, ScopeAddress(ScopeKind.WORKSPACE, "dev"), "seen")
        assert (found.size, found.tier, found.max_instances, found.idle_time) == ("large", "low_priority", 4, 120)

    def test_an_instance_has_a_state_and_a_cluster_has_none(self, door: Door) -> None:
        instance, cluster = (door.workspace("dev", f"computes/{name}") for name in ("one", "many"))
        door.put(instance, {"properties": {"computeType": "ComputeInstance", "properties": {}}})
        door.put(cluster, CLUSTER)
        answer = door.send("POST", f"{instance}/stop")
        assert answer.status == 202
        poll = answer.headers["azure-asyncoperation"].removeprefix(door.url)
        assert door.get(poll)["status"] == "Succeeded"
        assert door.get(instance)["properties"]["properties"]["state"] == "Stopped"
        door.put(instance, {"properties": {"computeType": "ComputeInstance", "properties": {"vmSize": "s"}}})
        assert door.get(instance)["properties"]["properties"]["state"] == "Stopped"
        assert "neither started nor stopped" in door.refused("POST", f"{cluster}/stop")

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"computeType": "Databricks"}, "NotSupported: a compute of type 'Databricks'"),
            ({"properties": {"scaleSettings": {"minNodeCount": 2, "maxNodeCount": 1}}}, "UserError: scaleSettings"),
            ({"properties": {"scaleSettings": {"minNodeCount": -1}}}, "UserError: scaleSettings"),
            ({"properties": {"scaleSettings": {"nodeIdleTimeBeforeScaleDown": "soon"}}}, "'soon' is no duration"),
            ({"computeType": 5}, "UserError: properties cannot be read"),
        ],
    )
    def test_what_cannot_be_is_refused(self, door: Door, change: dict[str, object], said: str) -> None:
        body = {"properties": {"computeType": "AmlCompute", **change}}
        assert said in door.refused("PUT", door.workspace("dev", "computes/wrong"), body)
        assert "ResourceNotFound" in door.refused("GET", door.workspace("dev", "computes/wrong"))

    def test_its_type_stays(self, door: Door) -> None:
        door.put(door.workspace("dev", "computes/typed"), CLUSTER)
        body = {"properties": {"computeType": "Kubernetes"}}
        assert "stays so" in door.refused("PUT", door.workspace("dev", "computes/typed"), body)

    def test_sizes_and_quotas_tell_of_what_there_is(self, door: Door) -> None:
        place = f"/subscriptions/{door.subscription}/providers/Microsoft.MachineLearningServices/locations/local"
        (size,) = door.get(f"{place}/vmSizes")["value"]
        assert size["vCPUs"] >= 1
        before = {one["name"]["value"]: one["currentValue"] for one in door.get(f"{place}/usages")["value"]}
        door.put(door.workspace("prod", "computes/counted"), CLUSTER)
        after = {one["name"]["value"]: one["currentValue"] for one in door.get(f"{place}/usages")["value"]}
        assert after["computes of prod"] == before["computes of prod"] + 1
        assert door.get(f"{place.removesuffix('local')}nowhere/usages") == {"value": []}


class TestDatastores:
    def test_the_built_in_ones_are_there_and_the_first_is_the_default(self, door: Door) -> None:
        found = door.all(door.workspace("dev", "datastores"))
        assert [one["name"] for one in found[:2]] == ["workspaceblobstore", "workspaceartifactstore"]
        (default,) = door.all(door.workspace("dev", "datastores"), isDefault="true")
        assert default["properties"]["accountName"] == "regista.test:8470/files"
        secret = door.post(door.workspace("dev", "datastores/workspaceblobstore/listSecrets"), {"expireAfterHours": 1})
        assert secret["secretsType"] == "Sas"
        assert not secret["sasToken"].startswith("?")

    def test_a_secret_that_is_not_sent_stays(self, door: Door) -> None:
        place = door.workspace("dev", "datastores/kept")
        key = {"credentialsType": "AccountKey", "secrets": {"secretsType": "AccountKey", "key": "hidden"}}
        made = door.put(place, store(credentials=key, description="one"))
        assert made["properties"]["credentials"] == {"credentialsType": "AccountKey"}
        door.put(place, store(credentials={"credentialsType": "AccountKey"}, description="two"))
        assert door.post(f"{place}/listSecrets")["key"] == "hidden"
        door.put(place, store(credentials={"credentialsType": "None"}))
        assert "has no secret" in door.refused("POST", f"{place}/listSecrets")

    def test_one_can_be_made_the_default_and_then_it_stays(self, door: Door) -> None:
        place = door.workspace("prod", "datastores/first")
        assert door.put(place, store(isDefault=True))["properties"]["isDefault"] is True
        (default,) = door.all(door.workspace("prod", "datastores"), isDefault="true")
        assert default["name"] == "first"
        assert "is the default" in door.refused("DELETE", place)

    @pytest.mark.parametrize(
        ("properties", "said"),
        [
            ({"datastoreType": "AzureFile"}, "needs fileShareName"),
            ({"datastoreType": "Floppy"}, "properties cannot be read"),
            ({"credentials": {"credentialsType": "Key"}}, "credentials.credentialsType is none that is known"),
            ({"credentials": {"credentialsType": "Sas", "secrets": "hidden"}}, "secrets is no object"),
            ({"credentials": {"credentialsType": "Sas", "secrets": {"sasToken": ["hidden"]}}}, "sasToken is no text"),
        ],
    )
    def test_what_cannot_be_is_refused_without_telling_secrets(
        self, door: Door, properties: dict[str, object], said: str
    ) -> None:
        error = door.refused("PUT", door.workspace("dev", "datastores/wrong"), store(**properties))
        assert said in error
        assert "hidden" not in error


class TestConnections:
    @pytest.mark.parametrize(
        ("auth", "credentials", "shown"),
        [
            ("PAT", {"pat": "hidden"}, None),
            ("UsernamePassword", {"username": "ann", "password": "hidden"}, {"username": "ann"}),
            ("AccountKey", {"sas": "hidden"}, None),
            ("SAS", {"sas": "hidden"}, None),
            ("AccessKey", {"accessKeyId": "id", "secretAccessKey": "hidden"}, {"accessKeyId": "id"}),
            ("ServicePrincipal", {"clientId": "c", "tenantId": "t", "clientSecret": "hidden"}, {"clientId": "c", "tenantId": "t"}),
            ("ManagedIdentity", {"clientId": "c", "resourceId": "r"}, {"clientId": "c", "resourceId": "r"}),
            ("CustomKeys", {"keys": {"one": "hidden", "two": "hidden"}}, {"keys": {}}),
            ("None", None, None),
            ("AAD", None, None),
        ],
    )  # fmt: skip
    def test_credentials_go_in_whole_and_come_back_by_one_route(
        self, door: Door, auth: str, credentials: dict[str, object] | None, shown: dict[str, object] | None
    ) -> None:
        place = door.workspace("dev", f"connections/by-{auth}")
        body = {"category": "Git", "target": "https://x", "authType": auth, "credentials": credentials}
        made = door.put(place, {"properties": {**body, "metadata": {"a": 1, "b": None}}})["properties"]
        assert made == door.get(place)["properties"]
        assert (made["authType"], made["target"], made["metadata"]) == (auth, "https://x", {"a": "1"})
        assert made["credentials"] == shown
        whole = door.post(f"{place}/listsecrets")["properties"]["credentials"]
        assert whole == (credentials or {})

    def test_categories_come_back_as_they_came(self, door: Door) -> None:
        for category in ("AzureOpenAI", "CustomKeys", "S3", "ADLSGen2", "PythonFeed", "AzureSqlDb"):
            place = door.workspace("dev", f"connections/{category}")
            found = door.put(place, {"properties": {"category": category, "authType": "None"}})
            assert found["properties"]["category"].lower() == category.lower()
        (one,) = door.all(door.workspace("dev", "connections"), category="s3")
        assert one["name"] == "S3"

    def test_what_cannot_be_is_refused_without_telling_secrets(self, door: Door) -> None:
        place = door.workspace("dev", "connections/wrong")
        for properties in (
            {"category": "Git", "authType": "OAuth2", "credentials": {"refreshToken": "hidden"}},
            {"category": "Git", "authType": "PAT", "credentials": {"pat": {"x": "hidden"}}},
            {"category": "Git", "authType": "PAT", "credentials": ["hidden"]},
            {"category": "No such/thing", "authType": "None"},
            {"authType": "None"},
        ):
            error = door.refused("PUT", place, {"properties": properties})
            assert "hidden" not in error
        assert "ResourceNotFound" in door.refused("GET", place)


class TestBelow:
    def test_a_registry_has_none_of_them(self, door: Door) -> None:
        for noun in ("computes", "datastores", "connections"):
            assert "InvalidResourceType" in door.refused("GET", door.registry("central", noun))

    def test_what_is_not_served_says_so(self, door: Door) -> None:
        for noun in ("serverlessEndpoints", "marketplaceSubscriptions", "capabilityHosts", "outboundRules"):
            assert "NotSupported" in door.refused("GET", door.workspace("dev", noun))
            assert "NotSupported" in door.refused("PUT", door.workspace("dev", f"{noun}/x"), {"properties": {}})
            assert "ResourceNotFound" in door.refused("GET", door.workspace("nowhere", noun))


class TestDurations:
    @pytest.mark.parametrize(
        ("text", "length"),
        [("PT5S", 5000), ("PT0.5S", 500), ("PT2M", 120_000), ("P1DT1H1M1.001S", 90_061_001), ("PT0S", 0), (None, None)],
    )
    def test_are_read(self, text: str | None, length: int | None) -> None:
        assert milliseconds(text, "x") == length

    @pytest.mark.parametrize(
        "text", ["", "P", "PT", "5", "P1M", "P1Y", "PT-5S", "PT5", 5, "PT٥S", "P1D2H", "PT99999999999S"]
    )
    def test_nothing_else_is(self, text: object) -> None:
        with pytest.raises(InvalidError, match="no duration"):
            milliseconds(text, "x")

    @pytest.mark.parametrize("length", [0, 1, 10, 500, 1000, 61_500, 10**9])
    def test_come_back_as_they_were_written(self, length: int) -> None:
        assert milliseconds(duration(length), "x") == length

    def test_what_is_asked_for_becomes_no_less(self) -> None:
        assert seconds("PT0.1S", "x") == 1
