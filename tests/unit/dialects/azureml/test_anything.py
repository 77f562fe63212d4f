"""Anything at every route, by anybody: never a fault, errors of one form, and nothing of a place to who does not see it."""

import copy
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from regista.dialects.azureml.call import Level
from regista.dialects.azureml.routes import ROUTES
from regista.entities.access import PrincipalKind
from regista.entities.asset import AssetKind
from regista.services.access.access import SYSTEM
from regista.services.tracking.runs import NewRun
from tests.support.azureml_door import PROVIDER, Door
from tests.support.houses import People, open_house
from tests.support.mlflow_door import owner_key

SECRET = "zebra"
"""Stands in everything that can be said about what there is, and in no request."""

WS = f"/subscriptions/default/resourceGroups/default/{PROVIDER}/workspaces/dev"
BLOB = "https://regista.test:8470/files.blob.regista"
BODIES: list[Any] = [
    {"location": "eu", "tags": {"a": "b"}, "properties": {"description": "d", "friendlyName": "f"}},
    {"location": "eu", "properties": {"regionDetails": [{"location": "eu"}, {"location": "us"}]}},
    {"properties": {"template": {}, "parameters": {"workspaceName": {"value": "new"}, "location": {"value": "eu"}}}},
    {"properties": {"modelType": "custom_model", "modelUri": f"azureml:/{WS}/datastores/workspaceblobstore/paths/a/b", "flavors": {}, "isArchived": False, "stage": "x"}},
    {"properties": {"modelType": "mlflow_model", "modelUri": "azureml://jobs/j/outputs/artifacts/paths/model"}},
    {"properties": {"dataType": "uri_file", "dataUri": "https://example.com/a.csv", "isArchived": True}},
    {"properties": {"image": "python:3.11", "condaFile": "dependencies: [pip]\n", "osType": "Linux", "isAnonymous": False}},
    {"properties": {"build": {"contextUri": f"{BLOB}/c/x/", "dockerfilePath": "Dockerfile"}}},
    {"properties": {"componentSpec": {"type": "command", "name": "c", "version": "1", "command": "echo ${{inputs.x}}", "environment": f"azureml:{WS}/environments/a/versions/1", "code": f"azureml:{WS}/codes/a/versions/1", "inputs": {"x": {"type": "string", "default": "1"}}, "outputs": {"o": {"type": "uri_folder"}}}}},
    {"properties": {"codeUri": f"{BLOB}/c/x", "isAnonymous": True, "properties": {"hash_sha256": "0" * 64, "hash_version": "202208"}}},
    {"properties": {"jobType": "Command", "command": "echo", "environmentId": f"{WS}/environments/a/versions/1", "codeId": f"{WS}/codes/a/versions/1", "computeId": f"{WS}/computes/cpu", "inputs": {"x": {"jobInputType": "uri_folder", "uri": f"azureml:{WS}/data/a/versions/1", "mode": "ReadOnlyMount"}, "y": {"jobInputType": "literal", "value": "1"}}, "outputs": {"o": {"jobOutputType": "uri_folder", "mode": "ReadWriteMount"}}, "environmentVariables": {"A": "b"}, "resources": {"instanceCount": 1}, "limits": {"jobLimitsType": "Command", "timeout": "PT1H"}, "experimentName": "e", "displayName": "d", "tags": {}, "properties": {}}},
    {"properties": {"jobType": "Pipeline", "jobs": {"one": {"type": "command", "componentId": f"{WS}/components/a/versions/1", "inputs": {"x": {"job_input_type": "literal", "value": "${{parent.inputs.x}}"}}, "outputs": {}}}, "inputs": {"x": {"jobInputType": "literal", "value": "1"}}, "outputs": {}, "settings": {"default_compute": "cpu"}}},
    {"properties": {"isArchived": True, "description": "d", "tags": {}, "properties": {}}},
    {"location": "eu", "properties": {"authMode": "Key", "description": "d", "traffic": {"blue": 100}, "mirrorTraffic": {}}},
    {"location": "eu", "sku": {"name": "Default", "capacity": 1}, "properties": {"endpointComputeType": "Managed", "model": f"azureml:{WS}/models/a/versions/1", "environmentId": f"{WS}/environments/a/versions/1", "codeConfiguration": {"codeId": f"{WS}/codes/a/versions/1", "scoringScript": "s.py"}, "instanceType": "x", "requestSettings": {"requestTimeout": "PT5S"}, "livenessProbe": {"period": "PT10S"}, "scaleSettings": {"scaleType": "Default"}}},
    {"keyType": "Primary", "keyValue": "secret"},
    {"tail": 10, "containerType": "InferenceServer"},
    {"properties": {"datastoreType": "AzureBlob", "accountName": "acct", "containerName": "c", "endpoint": "core.windows.net", "protocol": "https", "credentials": {"credentialsType": "AccountKey", "secrets": {"secretsType": "AccountKey", "key": "a2V5"}}}},
    {"properties": {"category": "AzureBlob", "target": "https://example.com", "authType": "PAT", "credentials": {"pat": "x"}, "metadata": {}}},
    {"location": "eu", "properties": {"computeType": "AmlCompute", "properties": {"vmSize": "s", "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 1, "nodeIdleTimeBeforeScaleDown": "PT2M"}}}},
    {"assetId": "azureml://registries/central/models/a/versions/9", "temporaryDataReferenceType": "TemporaryBlobReference"},
    {"assetId": "azureml://registries/central/models/a/versions/1", "blobUri": f"{BLOB}/c/x"},
    {"properties": {"referenceType": "Id", "destinationName": "d", "destinationVersion": "1", "sourceAssetId": "azureml://locations/local/workspaces/00000000-0000-0000-0000-000000000000/models/a/versions/1"}},
    {"paths": [{"path": "a/b"}]},
    {"runId": "j", "selectRunMetadata": True},
    {"values": ["azureml://locations/local/workspaces/x/data/a/versions/1"]},
    {"pendingUploadType": "TemporaryBlobReference"},
    {"hidden": True, "displayName": "d", "tags": {"a": "b"}, "properties": {"a": "b"}},
]  # fmt: skip
HOSTILE = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=20), st.just([]), st.just({}),
    st.sampled_from(["../x", "a/../../b", "azureml:a:1", "azureml:a@latest", "azureml://jobs/j/outputs/o/paths/x",
                     "azureml://registries/central/models/a/versions/1", "file:///etc/passwd", "\x00", "${{inputs.x}}",
                     "P1Y", "PT-1S", "9" * 400, "http://[::1", f"{BLOB}/c/../x", "azureml://datastores/x/paths/"]),
    st.lists(st.just({"a": [1]}), max_size=2),
)  # fmt: skip
NAMES = st.one_of(
    st.sampled_from(["a", "j", "ep", "blue", "central", "models", "1", "latest", "default", "workspaceblobstore", "done",
                     "~models", "azureml_default", "..", "%2e%2e", "a%2F..%2Fb", "%00", "ü", "x" * 300, "{name}"]),
    st.text(min_size=1, max_size=8),
)  # fmt: skip
QUERY = st.dictionaries(
    st.sampled_from(["$top", "$skipToken", "$skip", "listViewType", "$orderBy", "hash", "hashVersion", "path", "count",
                     "api-version", "resource", "stage", "tag", "jobType", "isDefault"]),
    st.one_of(st.sampled_from(["1", "-1", "0", "99999999999999999999", "All", "ArchivedOnly", "createdtime desc", "x", "../x"]), st.text(max_size=8)),
    max_size=3,
)  # fmt: skip


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in _places(one, (*path, key)))]


@st.composite
def bodies(draw: st.DrawFn) -> Any:
    """What the SDK sends, with at most two things in it that it would not."""
    body = copy.deepcopy(draw(st.sampled_from(BODIES)))
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.sampled_from(_places(body)))
        if not place:
            return copy.deepcopy(draw(HOSTILE))
        holder = body
        for step in place[:-1]:
            holder = holder[step]
        if draw(st.booleans()):
            holder[place[-1]] = copy.deepcopy(draw(HOSTILE))
        else:
            del holder[place[-1]]
    return body


@st.composite
def requests(draw: st.DrawFn, scope: str = "") -> tuple[str, str, Any, dict[str, str]]:
    """Method, path (with ``@SCOPE@`` for the name of the workspace or registry), body and query at one of the routes."""
    route = draw(
        st.sampled_from([one for one in ROUTES.all if not scope or {Level.WORKSPACE, Level.REGISTRY} & set(one.levels)])
    )
    level = draw(st.sampled_from(route.levels))
    rest = "/".join(
        quote(draw(NAMES), safe="%~") if part.startswith("{") else part for part in route.template.split("/") if part
    )
    group = "/subscriptions/default/resourceGroups/default"
    base = {
        Level.ROOT: "",
        Level.SUBSCRIPTION: "/subscriptions/default",
        Level.GROUP: group,
        Level.WORKSPACE: f"{group}/{PROVIDER}/workspaces/@SCOPE@",
        Level.REGISTRY: f"{group}/{PROVIDER}/registries/@SCOPE@",
    }[level]
    doors = {"": "", "mferp": "/mferp/managementfrontend", "history": "/history/v1.0", "data": "/data/v1.0",
             "modelregistry": "/modelregistry/v1.0", "artifact": "/artifact/v2.0", "rp": "/rp/workspaces"}  # fmt: skip
    path = f"{doors.get(route.service, '/' + route.service)}{base}/{rest}".rstrip("/") or "/"
    return route.method, path, draw(bodies()), draw(QUERY)


class Stocked:
    """A house full of things, and doors for who may do what in it. What examples delete is put back."""

    def __init__(self, house: Any) -> None:
        self.house, self.people = house, People(house)
        self.owner = Door(house, owner_key(house))
        self.stock()
        group = "/subscriptions/default/resourceGroups/default"
        self.doors = {
            "owner": self.owner,
            "reader": self._door("reader", "Reader", group),
            "scientist": self._door("scientist", "Data Scientist", f"{group}/workspaces/dev"),
            "shopper": self._door("shopper", "Registry User", f"{group}/registries/central"),
            "stranger": self._door("stranger"),
            "elsewhere": self._door("elsewhere", "Owner", f"{group}/workspaces/prod"),
            "narrowed": self._door("narrowed", "Owner", "/", paths=(f"{group}/workspaces/prod",)),
            "nobody": Door(house, ""),
            "storage": Door(house, house.access.exchange(self.owner.key, "https://storage.azure.com").text),
        }

    def stock(self) -> None:
        """Make what is not there."""
        for name in ("dev", "prod", "central"):
            registry = name == "central"
            address = {"registry" if registry else "workspace": name}
            try:
                self.house.scopes.get(SYSTEM, _address(**address))
            except Exception:  # noqa: BLE001 - then it is made
                scope = self.people.registry(name) if registry else self.people.workspace(name)
                specs = {AssetKind.ENVIRONMENT: {"image": "python:3.11"}, AssetKind.COMPONENT: {"type": "command", "command": SECRET, "environment": "azureml:a:1"}}  # fmt: skip
                for kind in AssetKind:
                    self.people.version(scope, kind, name="a", version="1", files={f"{SECRET}.txt": SECRET.encode()},
                                        spec=specs.get(kind, {}), description=SECRET, tags={SECRET: SECRET})  # fmt: skip
                if not registry:
                    self.house.runs.create(
                        SYSTEM, scope.address, NewRun(experiment=0, display_name=SECRET, tags={SECRET: SECRET})
                    )

    def _door(self, name: str, role: str = "", path: str = "", **limits: Any) -> Door:
        self.house.principals.create(SYSTEM, name, PrincipalKind.USER)
        if role:
            self.house.principals.assign(SYSTEM, name, role, path)
        return Door(self.house, self.house.principals.create_key(SYSTEM, name, "k", **limits).secret)


def _address(workspace: str = "", registry: str = "") -> Any:
    from regista.entities.scope import ScopeAddress, ScopeKind

    return ScopeAddress(ScopeKind.WORKSPACE if workspace else ScopeKind.REGISTRY, workspace or registry)


@pytest.fixture(scope="module")
def stocked(tmp_path_factory):
    with open_house(tmp_path_factory.mktemp("anything")) as house:
        yield Stocked(house)


def ask(door: Door, request: tuple[str, str, Any, dict[str, str]], scope: str) -> Any:
    method, path, body, query = request
    content = json.dumps(body).encode()
    asked = "&".join(f"{quote(key)}={quote(value)}" for key, value in query.items())
    return door.request(method, path.replace("@SCOPE@", scope), content, query=asked)


def check(answer: Any) -> None:
    """The law of every answer."""
    assert answer.status < 500 or answer.status == 501, answer.content
    assert b"Traceback" not in answer.content
    if answer.status >= 400:
        assert answer.headers["content-type"] == "application/json"
        assert answer.json["error"]["code"]
        assert answer.json["error"]["message"]
    elif answer.content:
        json.loads(answer.content)


MANY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@MANY
@given(
    request=requests(),
    who=st.sampled_from(["owner", "owner", "reader", "scientist", "shopper"]),
    scope=st.sampled_from(["dev", "central"]),
)
def test_nothing_that_is_asked_is_a_fault(stocked, request, who, scope):
    check(ask(stocked.doors[who], request, scope))
    stocked.stock()


@MANY
@given(
    request=requests(scope="any"),
    who=st.sampled_from(["stranger", "elsewhere", "narrowed"]),
    scope=st.sampled_from(["dev", "central"]),
)
def test_to_who_does_not_see_a_place_it_is_not_there(stocked, request, who, scope):
    there, nowhere = (ask(stocked.doors[who], request, name) for name in (scope, "lacking"))
    check(there)
    assert SECRET.encode() not in there.content
    if request[0] != "PUT" or "/@SCOPE@/" in request[1]:
        assert (there.status, _code(there)) == (nowhere.status, _code(nowhere)), (there.content, nowhere.content)


@MANY
@given(
    request=requests(scope="any"),
    who=st.sampled_from(["nobody", "storage"]),
    scope=st.sampled_from(["dev", "central", "lacking"]),
)
def test_without_a_credential_for_this_nothing_is_told(stocked, request, who, scope):
    said = ask(stocked.doors[who], request, scope)
    assert said.status in {401, 404, 405}
    assert said.status == 401 or _code(said) in {"InvalidResourceType", "MethodNotAllowed"}


@MANY
@given(
    path=st.text(max_size=60),
    method=st.sampled_from(["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS", "X"]),
    content=st.binary(max_size=60),
)
def test_no_path_is_a_fault(stocked, path, method, content):
    said = stocked.owner.request(method, quote("/subscriptions/default/" + path), content)
    check(said)


def test_a_reader_changes_nothing(stocked):
    """Every route that is no reading, as it is asked with the body that the SDK sends."""
    before = stocked.owner.all(f"{stocked.owner.workspace('dev')}/models")
    for route in ROUTES.all:
        if route.method in {"GET", "POST"} or Level.WORKSPACE not in route.levels:
            continue
        rest = route.template.replace("{version}", "1").replace("{endpoint}", "ep").replace("{deployment}", "blue")
        path = stocked.owner.workspace(
            "dev",
            rest.replace("{name}", "a"),
            route.service and {"history": "history/v1.0"}.get(route.service, route.service),
        )
        for body in BODIES:
            said = stocked.doors["reader"].send(route.method, path, body)
            assert said.status >= 400 or said.status == 204, (route.method, path, said.content)
    assert stocked.owner.all(f"{stocked.owner.workspace('dev')}/models") == before


def _code(answer: Any) -> str:
    return str(answer.json["error"]["code"]) if answer.status >= 400 else ""
