"""Every verb of the azure-ai-ml SDK, and of the blob protocol by which it moves bytes, in the words of the native table."""

from typing import Any

from regista.entities.asset import AssetKind
from tests.integration.isolation.table import STORED, Verb

HOST = "https://regista.test"
SUBSCRIPTION = "/subscriptions/default"
GROUP = SUBSCRIPTION + "/resourceGroups/{group}"
PROVIDER = "/providers/Microsoft.MachineLearningServices"
RESOURCE = GROUP + PROVIDER + "/{scopes}/{scope}"
ARM = HOST + RESOURCE
MFERP = f"{HOST}/mferp/managementfrontend{RESOURCE}"
CONTENT = {"dev": ARM, "central": MFERP}
"""Where the assets of a scope are."""
HISTORY = f"{HOST}/history/v1.0{RESOURCE}"
ARTIFACT = f"{HOST}/artifact/v2.0{RESOURCE}"
AGAIN = "{again}"

NOTHING: dict[str, Any] = {"can": "nothing", "at": "installation"}
"""Takes nothing but a key: it tells nothing that is not said of everything."""
SEE: dict[str, Any] = {"can": "see", "at": "inside"}
QUIET: dict[str, Any] = {"hidden": 204, "unknown": 204}
"""Deleting what is not there is quiet, and so for who may not know what is there."""


def of_assets(place: str, kind: AssetKind) -> tuple[Verb, ...]:
    """What is said of one asset of the scope at *place*. A version of a kind with files names them, which who does not see it
    cannot; of the others it is just a version that the caller may not make."""
    seen = "" if kind in {AssetKind.ENVIRONMENT, AssetKind.COMPONENT} else "see assets"
    content = CONTENT[place]
    kinds = content + "/{kinds}"
    one, version = kinds + "/{name}", kinds + "/{name}/versions/1"
    upload = {"pendingUploadType": "TemporaryBlobReference"}
    return (
        Verb("GET", kinds, "see", at="inside"),
        Verb("GET", one, "see assets", "see assets", "asset"),
        Verb("PUT", one, "write assets", "see assets", "asset", {"properties": {"isArchived": False}}),
        Verb("GET", one + "/versions", "see", at="inside"),
        Verb("GET", version, "see assets", "see assets", "asset"),
        Verb("PUT", version, "write assets", seen, "asset", AGAIN),
        Verb("DELETE", one + "/versions/none", "delete assets", "see assets", "asset", ok=204, **QUIET),
        Verb("POST", one + "/versions/9/startPendingUpload", "bring bytes", at="inside", body=upload),
    )


OF_A_REGISTRY_ASSET = (
    Verb("PUT", MFERP + "/tempdatarefs/{name}/versions/9", "bring bytes", at="inside",
         body={"assetId": "{asset}/versions/9"}),
    Verb("POST", MFERP + "/datarefs/{name}/versions/1", "download", "see assets", "asset", {"assetId": "{asset}/versions/1"}),
)  # fmt: skip

OF_A_REGISTRY = (
    Verb("GET", ARM, **SEE),
    Verb("PUT", ARM, "write scope", "see scope", body={"tags": {"a": "b"}}),
    Verb("DELETE", ARM, "delete scope", "see scope", ok=409, **QUIET),
    Verb("GET", HOST + "/registrymanagement/v1.0/registries/{scope}/discovery", **SEE),
    Verb("GET", MFERP + "/import/done", **NOTHING),
)

COMPUTE, DATASTORE, CONNECTION = (f"{ARM}/{one}" for one in ("computes/ci", "datastores/d", "connections/n"))
ACCOUNT = {"datastoreType": "AzureBlob", "accountName": STORED["account_name"], "containerName": STORED["container_name"],
           "credentials": {"credentialsType": "None"}}  # fmt: skip
RESOURCES = ("see resources", "see resources")
CHANGES = ("write resources", "see resources")
OF_RESOURCES = (
    Verb("GET", ARM + "/computes", **SEE),
    Verb("GET", COMPUTE, *RESOURCES),
    Verb("PUT", COMPUTE, *CHANGES, body={"properties": {"computeType": "ComputeInstance", "properties": {"vmSize": "m"}}}),
    Verb("DELETE", ARM + "/computes/{doomed_compute}", *CHANGES, **QUIET),
    *(Verb("POST", f"{COMPUTE}/{doing}", *CHANGES) for doing in ("start", "stop", "restart")),
    Verb("GET", COMPUTE + "/operation", *RESOURCES),
    Verb("POST", COMPUTE + "/listNodes", *RESOURCES),
    *(Verb("POST", f"{COMPUTE}/{doing}", *RESOURCES, ok=501) for doing in ("enableSso", "updateDataMounts")),
    Verb("GET", ARM + "/datastores", **SEE),
    Verb("GET", DATASTORE, *RESOURCES),
    Verb("PUT", DATASTORE, *CHANGES, body={"properties": ACCOUNT}),
    Verb("DELETE", DATASTORE + "-none", *CHANGES),
    Verb("POST", ARM + "/datastores/d/listSecrets", *CHANGES, ok=400),
    Verb("GET", ARM + "/connections", **SEE),
    Verb("GET", CONNECTION, *RESOURCES),
    Verb("PUT", CONNECTION, *CHANGES, body={"properties": {"category": "Git", "target": "https://x", "authType": "None"}}),
    Verb("DELETE", CONNECTION + "-none", *CHANGES),
    Verb("POST", CONNECTION + "/listsecrets", *CHANGES),
)  # fmt: skip

JOB = ARM + "/jobs/j"
RUNS = ("/runs/j", "/experiments/Default/runs/j")
ARTIFACTS = (HISTORY + "/experiments/any/runs/{run}/artifacts", ARTIFACT + "/artifacts/ExperimentRun/dcid.{run}")
OUTPUT = {"values": ["azureml://jobs/j/outputs/model"]}
OF_JOBS = (
    Verb("GET", ARM + "/jobs", "see jobs", "see jobs"),
    Verb("GET", JOB, "see jobs", "see jobs"),
    Verb("PUT", JOB, "write jobs", "see scope", body=AGAIN),
    Verb("DELETE", ARM + "/jobs/{doomed_run}", "write jobs", "see jobs", **QUIET),
    Verb("POST", JOB + "/cancel", "cancel jobs", "see jobs"),
    Verb("GET", JOB + "/cancellation", "see jobs", "see jobs"),
    *(Verb("GET", HISTORY + run + tail, "see jobs", "see jobs") for run in RUNS for tail in ("", "/details", "/children")),
    *(Verb("PATCH", HISTORY + run, "write jobs", "see jobs", body={"description": "one"}) for run in RUNS),
    Verb("GET", HISTORY + "/runs/j/serviceinstances/0", "see jobs", "see jobs"),
    Verb("POST", HISTORY + "/rundata", "see jobs", "see jobs", body={"runId": "j"}),
    *(Verb("GET", files, "download", "see jobs") for files in ARTIFACTS),
    *(Verb("GET", files + "/contentinfo?path=f.txt", "download", "see jobs") for files in ARTIFACTS),
    *(Verb("POST", files + "/batch/metadata", "write jobs", "see jobs", body={"paths": [{"path": "f.txt"}]})
      for files in ARTIFACTS),
    Verb("POST", f"{HOST}/data/v1.0{RESOURCE}/dataversion/batchGetResolvedUris", **SEE, body=OUTPUT),
    Verb("POST", f"{HOST}/modelregistry/v1.0{RESOURCE}/models/batchGetResolvedUris", **SEE, body=OUTPUT),
)  # fmt: skip
RESOLVING = OF_JOBS[-2:]
"""Tell of ids what may be known, and nothing of the others: what they say is tried by itself."""

ENDPOINT = ARM + "/onlineEndpoints/ep"
DEPLOYMENT = ENDPOINT + "/deployments/blue"
OPERATIONS = ARM + "/operations"
KEYED = {"location": "local", "properties": {"authMode": "Key"}}
OF_ENDPOINTS = (
    Verb("GET", ARM + "/onlineEndpoints", **SEE),
    Verb("GET", ENDPOINT, "see endpoints", "see endpoints"),
    Verb("PUT", ENDPOINT, "write endpoints", "see endpoints", body=KEYED),
    Verb("DELETE", ARM + "/onlineEndpoints/{doomed_endpoint}", "delete endpoints", "see endpoints", **QUIET),
    Verb("POST", ENDPOINT + "/listKeys", "endpoint keys", "see endpoints"),
    Verb("POST", ENDPOINT + "/regenerateKeys", "endpoint keys", "see endpoints", body={"keyType": "Secondary"}),
    Verb("POST", ENDPOINT + "/token", "endpoint keys", "see endpoints", ok=400),
    Verb("GET", OPERATIONS + "/onlineEndpoints/ep", "see endpoints", "see endpoints"),
    Verb("GET", OPERATIONS + "/changes/1", **SEE),
    Verb("GET", ENDPOINT + "/deployments", "see endpoints", "see endpoints"),
    Verb("GET", DEPLOYMENT, "see endpoints", "see endpoints"),
    Verb("PUT", DEPLOYMENT, "write endpoints", "see endpoints", body={"properties": {}}, ok=400),
    Verb("DELETE", ENDPOINT + "/deployments/{doomed_deployment}", "delete endpoints", "see endpoints", **QUIET),
    Verb("POST", DEPLOYMENT + "/getLogs", "endpoint logs", "see endpoints", body={"tail": 5}),
    Verb("GET", OPERATIONS + "/onlineDeployments/ep/blue/1", "see endpoints", "see endpoints"),
)

OF_THE_SUBSCRIPTION = (
    *(
        Verb("GET", f"{HOST}{where}{PROVIDER}/{plural}", **NOTHING)
        for where in (SUBSCRIPTION, GROUP)
        for plural in ("workspaces", "registries")
    ),
    *(
        Verb("GET", f"{HOST}{SUBSCRIPTION}{PROVIDER}/locations/local/{noun}", **NOTHING)
        for noun in ("vmSizes", "usages")
    ),
    Verb("GET", f"{HOST}{GROUP}/providers/Microsoft.Resources/deployments/d", **NOTHING),
    Verb("GET", f"{HOST}{GROUP}/deployments/d/operations", **NOTHING),
)
"""What they list is tried by itself."""

OF_A_WORKSPACE = (
    Verb("GET", ARM, **SEE),
    Verb("PUT", ARM, "write scope", "see scope", body={"tags": {"a": "b"}}),
    Verb("PATCH", ARM, "write scope", "see scope", body={"tags": {"a": "b"}}),
    Verb("DELETE", ARM, "delete scope", "see scope", ok=409, **QUIET),
    Verb("GET", ARM + "/batchEndpoints", **SEE),
    Verb("DELETE", ARM + "/batchEndpoints/e", **SEE, ok=204),
    Verb("DELETE", ARM + "/batchEndpoints/e/deployments/d", **SEE, ok=204),
    Verb("GET", ARM + "/schedules", **SEE),
    Verb("DELETE", ARM + "/schedules/s", **SEE, ok=204),
)

BLOB = HOST + "/files.blob.regista/{files}"
SHARED = BLOB + "/shared/f.txt"
DOOMED = BLOB + "/{doomed_file}"
OWN = BLOB + "/{fresh}"
LIST = b"<BlockList></BlockList>"
BLOCKS = (("x-ms-blob-type", "BlockBlob"),)
OF_BYTES = (
    Verb("GET", SHARED, "download", "download"),
    Verb("HEAD", SHARED, "download", "download"),
    Verb("GET", BLOB + "?restype=container&comp=list", **SEE),
    Verb("GET", BLOB + "?restype=container", **SEE),
    Verb("HEAD", BLOB + "?restype=container", **SEE),
    Verb("PUT", OWN, "bring bytes", at="inside", content=b"x", headers=BLOCKS),
    Verb("PUT", OWN + "?comp=block&blockid=AAAA", "bring bytes", at="inside", content=b"x"),
    Verb("PUT", OWN + "?comp=blocklist", "bring bytes", at="inside", content=LIST),
    Verb("GET", OWN + "?comp=blocklist", "bring bytes", at="inside"),
    Verb("PUT", DOOMED, "write assets", at="file", content=b"x", headers=BLOCKS),
    Verb("PUT", DOOMED + "?comp=blocklist", "write assets", at="file", content=LIST),
    Verb("PUT", DOOMED + "?comp=metadata", "write assets", "download", "file", headers=(("x-ms-meta-a", "b"),)),
    Verb("DELETE", DOOMED, "write assets", "download", "file"),
)
"""What is said of the files behind a workspace's datastore: ``shared/f.txt`` and ``{doomed_file}`` are
somebody else's, ``{fresh}`` one's own."""

ELSEWHERE = {
    ("mferp", "registry", "POST", "import"): "tried in test_moving: it asks at two places",
    ("", "group", "PUT", "providers/Microsoft.Resources/deployments/{deployment}"): "tried in test_giving",
    ("", "group", "GET", ""): "tried by itself: a group is there for who sees anything in it",
    ("", "root", "GET", "metadata/endpoints"): "tried by itself: for everybody",
    ("", "root", "GET", "discovery"): "tried by itself: for everybody",
    ("", "root", "GET", "identity/token"): "tried by itself: it takes a key of another form",
}
"""Routes that do not fit into rows, and where they are tried."""
