"""What is said in a row of a table, and every verb of the native API: what it takes, and what has to be seen first.

``can`` is the doing that the verb takes, ``sees`` the one without which its thing does not exist for the caller. ``at`` says
where both are asked: at the ``asset``, at the ``scope``, at its ``group``, at the ``subscription``, at the ``installation``,
``below the`` group or the subscription (there or at anything in it), ``anywhere`` in the installation, ``inside`` the scope, or at a
``file`` of somebody else's behind the datastore of the scope, which also takes the right to bring bytes. Who sees and may not is
answered 403, who does not see 404, whoever has no living key 401.

Allowed verbs can be said again and again without changing what the others meet: they repeat what is there already."""

from typing import Any, NamedTuple


class Verb(NamedTuple):
    """One request. Braces are filled in by the world: scope, kinds, name, upload, digest. ``hidden`` is answered to who
    does not see the thing, ``unknown`` to who does not know of the scope either; ``body`` may be a function that makes it."""

    method: str
    path: str
    can: str
    sees: str = ""
    at: str = "scope"
    body: Any = None
    ok: int = 200
    content: bytes | None = None
    hidden: int = 404
    unknown: int = 404
    headers: tuple[tuple[str, str], ...] = ()


ASSETS = "/{scopes}/{scope}/{kinds}"
ASSET = ASSETS + "/{name}"
VERSION = ASSET + "/versions/1"

OF_AN_ASSET = (
    Verb("GET", ASSET, "see assets", "see assets", "asset"),
    Verb("GET", VERSION, "see assets", "see assets", "asset"),
    Verb("GET", ASSET + "/labels/latest", "see assets", "see assets", "asset"),
    Verb("GET", VERSION + "/trace", "see assets", "see assets", "asset"),
    Verb("GET", VERSION + "/manifest", "download", "see assets", "asset"),
    Verb("GET", VERSION + "/files/f.txt", "download", "see assets", "asset"),
    Verb("POST", VERSION + "/handover/f.txt", "download", "see assets", "asset", ok=201),
    Verb("PATCH", ASSET, "write assets", "see assets", "asset", {"description": "one"}),
    Verb("PATCH", VERSION, "write assets", "see assets", "asset", {"tags": {"a": "b"}}),
    Verb("PUT", ASSET + "/aliases/best", "write assets", "see assets", "asset", {"version": "1"}),
    Verb("DELETE", ASSET + "/aliases/none", "write assets", "see assets", "asset", ok=204),
    Verb("DELETE", ASSET + "/versions/gone", "delete assets", "see assets", "asset", ok=204),
    Verb("POST", ASSETS, "write assets", "", "asset", "{version}", ok=201),
)

WEBHOOK = "/{scopes}/{scope}/webhooks/wh"
HOOK = {"name": "more", "url": "https://example.com/", "events": ["workspace.delete"]}

OF_A_SCOPE = (
    Verb("GET", "/{scopes}/{scope}", "see", at="inside"),
    Verb("GET", ASSETS, "see", at="inside"),
    Verb("GET", ASSET + "/versions", "see", at="inside"),
    Verb("PATCH", "/{scopes}/{scope}", "write scope", "see scope", body={"description": "one"}),
    Verb("DELETE", "/{scopes}/{scope}", "delete scope", "see scope", ok=409),
    Verb("POST", "/{scopes}/{scope}/blobs/missing", "bring bytes", at="inside", body={"blobs": []}),
    Verb("POST", "/{scopes}/{scope}/blobs/pack", "bring bytes", at="inside", content=b""),
    Verb("PUT", "/{scopes}/{scope}/blobs/{digest}", "bring bytes", at="inside", content=b"bytes"),
    Verb("POST", "/{scopes}/{scope}/uploads", "bring bytes", at="inside", ok=201),
    Verb("GET", "/{scopes}/{scope}/uploads/{upload}", "bring bytes", at="inside"),
    Verb("PATCH", "/{scopes}/{scope}/uploads/{upload}?offset=0", "bring bytes", at="inside", content=b"x"),
    Verb("POST", "/{scopes}/{scope}/uploads/{upload}/commit", "bring bytes", at="inside", body={"digest": "{empty}"}),
    Verb("PUT", "/{scopes}/{scope}/imports/models", "write assets", "see assets", "asset", {"name": "{name}"}),
    Verb(
        "PUT",
        "/{scopes}/{scope}/imports/versions",
        "write assets",
        "see assets",
        "asset",
        {"name": "{name}", "version": "1"},
    ),
    Verb("PUT", "/{scopes}/{scope}/imports/webhooks", "write scope", "see scope", body={"origin": "1", **HOOK}),
    Verb("POST", "/{scopes}/{scope}/imports/totals", "see", at="inside", body={}),
    Verb("POST", "/{scopes}/{scope}/handover", "bring bytes", at="inside", ok=201),
    Verb("GET", "/{scopes}/{scope}/webhooks", "write scope", "see scope"),
    Verb("POST", "/{scopes}/{scope}/webhooks", "write scope", "see scope", body=HOOK, ok=201),
    Verb("GET", WEBHOOK, "write scope", "see scope"),
    Verb("PATCH", WEBHOOK, "write scope", "see scope", body={"description": "one"}),
    Verb("POST", WEBHOOK + "/test", "write scope", "see scope", body={}),
    Verb("GET", WEBHOOK + "/deliveries", "write scope", "see scope"),
    Verb("DELETE", WEBHOOK + "-none", "write scope", "see scope", ok=204),
)

JOB = "/workspaces/{scope}/jobs/j"
ENDPOINT = "/workspaces/{scope}/onlineEndpoints/ep"
DEPLOYMENT = ENDPOINT + "/deployments/blue"
DOCUMENT = {"command": "true", "environment": {"conda_file": {"dependencies": ["pip"]}}}

COMPUTE = "/workspaces/{scope}/computes/ci"
DATASTORE = "/workspaces/{scope}/datastores/d"
CONNECTION = "/workspaces/{scope}/connections/n"
STORED = {"name": "d", "type": "azure_blob", "account_name": "a", "container_name": "c"}

OF_A_WORKSPACE = (
    Verb("GET", "/workspaces/{scope}/jobs", "see jobs", "see jobs"),
    Verb("POST", "/workspaces/{scope}/jobs?name=k", "write jobs", "see scope", body=DOCUMENT, ok=201),
    Verb("GET", JOB, "see jobs", "see jobs"),
    Verb("GET", JOB + "/children", "see jobs", "see jobs"),
    Verb("GET", JOB + "/record", "see jobs", "see jobs"),
    Verb("GET", JOB + "/history?metric=m", "see jobs", "see jobs"),
    Verb("GET", JOB + "/columns?form=arrow", "see jobs", "see jobs"),
    Verb("PATCH", JOB, "write jobs", "see jobs", body={"description": "one"}),
    Verb("POST", JOB + "/cancel", "cancel jobs", "see jobs"),
    Verb("GET", JOB + "/log", "job logs", "see jobs"),
    Verb("GET", JOB + "/trace", "see jobs", "see jobs"),
    Verb("GET", JOB + "/outputs/model/manifest", "download", "see jobs"),
    Verb("GET", JOB + "/outputs/model/files/f.txt", "download", "see jobs"),
    Verb("POST", JOB + "/outputs/model/handover/f.txt", "download", "see jobs", ok=201),
    Verb("PUT", "/workspaces/{scope}/imports/experiments", "write jobs", "see jobs", body={"name": "Default"}),
    Verb(
        "PUT", "/workspaces/{scope}/imports/runs", "write jobs", "see jobs", body={"name": "imported", "started_at": 1}
    ),
    Verb(
        "POST",
        "/workspaces/{scope}/imports/runs/{run}/metrics",
        "write jobs",
        "see jobs",
        body={"keys": [], "values": [], "timestamps": [], "steps": []},
        ok=204,
    ),
    Verb("PUT", "/workspaces/{scope}/imports/loggedModels", "write jobs", "see jobs", body={"id": "m-" + "0" * 32}),
    Verb("PUT", "/workspaces/{scope}/imports/traces", "write jobs", "see jobs", body={"id": "tr-imported"}),
    Verb("GET", "/workspaces/{scope}/onlineEndpoints", "see", at="inside"),
    Verb(
        "POST", "/workspaces/{scope}/onlineEndpoints", "write endpoints", "see endpoints", body={"name": "ep"}, ok=409
    ),
    Verb("GET", ENDPOINT, "see endpoints", "see endpoints"),
    Verb("PUT", ENDPOINT, "write endpoints", "see endpoints", body={}),
    Verb("PATCH", ENDPOINT, "write endpoints", "see endpoints", body={"description": "one"}),
    # Deleting the absent is quiet: who does not see an endpoint deletes nothing, and is told so as for any other name.
    Verb("DELETE", ENDPOINT + "-none", "delete endpoints", "see endpoints", ok=204, hidden=204),
    Verb("GET", ENDPOINT + "/traffic", "see endpoints", "see endpoints"),
    Verb("GET", ENDPOINT + "/why", "see endpoints", "see endpoints"),
    Verb("POST", ENDPOINT + "/keys", "endpoint keys", "see endpoints"),
    Verb("POST", ENDPOINT + "/token", "endpoint keys", "see endpoints", ok=400),
    Verb("POST", ENDPOINT + "/keys/primary/regenerate", "endpoint keys", "see endpoints"),
    Verb("GET", ENDPOINT + "/deployments", "see endpoints", "see endpoints"),
    Verb("GET", DEPLOYMENT, "see endpoints", "see endpoints"),
    Verb("GET", DEPLOYMENT + "/trace", "see endpoints", "see endpoints"),
    Verb("GET", DEPLOYMENT + "/logs", "endpoint logs", "see endpoints"),
    Verb("PUT", DEPLOYMENT + "?only=create", "write endpoints", "see endpoints", body={"model": "azureml:a:1"}, ok=409),
    Verb("DELETE", DEPLOYMENT + "-none", "delete endpoints", "see endpoints", ok=204),
    Verb("GET", "/workspaces/{scope}/computes", "see", at="inside"),
    Verb(
        "POST",
        "/workspaces/{scope}/computes",
        "write resources",
        "see resources",
        body={"name": "ci", "type": "computeinstance"},
        ok=409,
    ),
    Verb("PUT", COMPUTE, "write resources", "see resources", body={"type": "computeinstance"}),
    Verb("GET", COMPUTE, "see resources", "see resources"),
    Verb("POST", COMPUTE + "/start", "write resources", "see resources"),
    Verb("DELETE", COMPUTE + "-none", "write resources", "see resources", ok=204),
    Verb("GET", "/workspaces/{scope}/datastores", "see", at="inside"),
    Verb("POST", "/workspaces/{scope}/datastores", "write resources", "see resources", body=STORED, ok=409),
    Verb("PUT", DATASTORE, "write resources", "see resources", body=STORED),
    Verb("GET", DATASTORE, "see resources", "see resources"),
    Verb("POST", DATASTORE + "/default", "write resources", "see resources"),
    Verb("POST", DATASTORE + "/secrets", "write resources", "see resources"),
    Verb("DELETE", DATASTORE + "-none", "write resources", "see resources", ok=204),
    Verb("GET", "/workspaces/{scope}/connections", "see", at="inside"),
    Verb(
        "POST",
        "/workspaces/{scope}/connections",
        "write resources",
        "see resources",
        body={"name": "n", "type": "git"},
        ok=409,
    ),
    Verb("PUT", CONNECTION, "write resources", "see resources", body={"type": "git"}),
    Verb("GET", CONNECTION, "see resources", "see resources"),
    Verb("POST", CONNECTION + "/secrets", "write resources", "see resources"),
    Verb("DELETE", CONNECTION + "-none", "write resources", "see resources", ok=204),
    Verb("POST", "/compare", "see jobs", "see jobs", body={"jobs": [{"workspace": "{scope}", "job": "j"}] * 2}),
)

OF_THE_INSTALLATION = (
    Verb("GET", "/audit", "read audit", at="anywhere"),
    Verb("GET", "/audit/settings", "read audit", at="anywhere"),
    Verb("PUT", "/audit/settings", "run installation", at="installation", body={}),
    Verb("GET", "/events?limit=5", "nothing", at="installation"),
    Verb("POST", "/gc", "run installation", at="installation", body={"dry_run": True}),
    Verb("GET", "/about", "nothing", at="installation"),
    Verb("GET", "/publicKey", "nothing", at="installation"),
    Verb("GET", "/roles", "nothing", at="installation"),
    Verb("GET", "/subscriptions", "nothing", at="installation"),
    Verb("GET", "/subscriptions/default/resourceGroups", "nothing", at="installation"),
    Verb("GET", "/subscriptions/default", "see scope", "see scope", at="below the subscription"),
    Verb("PATCH", "/subscriptions/default", "write scope", "see scope", "subscription", {"display_name": "Default"}),
    Verb("DELETE", "/subscriptions/default", "delete scope", "see scope", "subscription", ok=409),
    Verb("GET", "/subscriptions/default/resourceGroups/one", "see scope", "see scope", at="below the group"),
    Verb("PUT", "/subscriptions/default/resourceGroups/one", "write scope", "see scope", "new group", {}),
    Verb("PATCH", "/subscriptions/default/resourceGroups/one", "write scope", "see scope", "group", {"tags": {}}),
    Verb("DELETE", "/subscriptions/default/resourceGroups/one", "delete scope", "see scope", "group", ok=409),
    Verb("GET", "/workspaces", "nothing", at="installation"),
    Verb("GET", "/registries", "nothing", at="installation"),
    Verb("GET", "/principals", "nothing", at="installation"),
    Verb("GET", "/roleAssignments", "nothing", at="installation"),
    Verb("PUT", "/subscriptions/default", "write scope", at="subscription", body={"name": "default"}),
    Verb("POST", "/principals", "run installation", at="installation", body={"name": "owner"}, ok=409),
    Verb("POST", "/principals/idle/disable", "run installation", at="installation"),
    Verb("POST", "/principals/idle/enable", "run installation", at="installation"),
    Verb("PUT", "/roles/Custom", "run installation", at="installation", body={"permissions": ["assets/read"]}),
    Verb("DELETE", "/roles/Absent", "run installation", at="installation", ok=204),
    Verb("GET", "/stores", "run installation", at="installation"),
    Verb("PUT", "/stores/default", "run installation", at="installation", body={"url": "{store}"}),
    Verb("GET", "/principals/idle/keys", "run installation", "see access", "installation"),
    Verb("POST", "/principals/idle/keys", "run installation", "see access", "installation", {"name": "n"}, ok=201),
    Verb("POST", "/principals/idle/keys/spare/rotate", "run installation", "see access", "installation", ok=201),
    Verb("DELETE", "/principals/idle/keys/old", "run installation", "see access", "installation", ok=204),
)

ELSEWHERE = {
    "POST /{scopes}": "tried in test_giving: what it makes is in the body",
    "POST /roleAssignments": "tried in test_giving",
    "DELETE /roleAssignments/{assignment}": "tried in test_giving",
    "POST /{scopes}/{scope}/{kinds}/{name}/plan": "tried in test_moving: it asks at two places",
    "POST /{scopes}/{scope}/{kinds}/{name}/share": "tried in test_moving",
    "POST /workspaces/{scope}/onlineDeployments/preflight": "tried in test_moving",
}
"""Routes that do not fit into rows, and where they are tried."""
