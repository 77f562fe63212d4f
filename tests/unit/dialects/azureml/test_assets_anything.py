"""Whatever is sent about assets, the answer is one of the protocol: never a 500, never anything but JSON."""

import json

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

KINDS = ("models", "environments", "data", "components", "codes")
TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        """azureml:x:1|azureml://jobs/j/outputs/o/paths/../x|https://h/regista-files-x/y|runs:/r/m|models:/m/1|command|1e999
        |azureml://datastores/workspaceblobstore/paths/|${{inputs.x}}|a: [|pipeline|mlflow_model|uri_file|True|/subscriptions/
        """.replace("\n        ", "").split("|")
    ),
    st.sampled_from([f"https://h/regista-version-{'0' * 32}/a", "\ud800", "\0"]),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)
FIELDS = (
    "modelUri modelType flavors stage description tags properties isAnonymous isArchived image condaFile build osType "
    "inferenceConfig dataUri dataType referencedUris componentSpec codeUri"
).split()
SPEC = (
    "type command code environment inputs outputs jobs is_deterministic display_name resources distribution name version "
    "additional_includes limits settings component"
).split()
SPECS = st.dictionaries(st.sampled_from(SPEC), VALUES, max_size=6)
PORTS = st.fixed_dictionaries({"type": TEXTS}, optional={"default": VALUES, "min": VALUES, "optional": VALUES})
LIKELY = st.fixed_dictionaries(
    {},
    optional={
        "componentSpec": st.fixed_dictionaries(
            {"type": st.sampled_from(["command", "pipeline"])},
            optional={
                "command": TEXTS,
                "inputs": st.dictionaries(TEXTS, PORTS, max_size=2),
                "jobs": st.dictionaries(TEXTS, SPECS, max_size=2),
                "environment": TEXTS,
                "code": TEXTS,
            },
        ),
        "modelUri": TEXTS, "dataUri": TEXTS, "codeUri": TEXTS, "image": TEXTS, "condaFile": TEXTS,
        "build": st.fixed_dictionaries({}, optional={"contextUri": VALUES, "dockerfilePath": VALUES}),
        "flavors": st.dictionaries(TEXTS, VALUES, max_size=2),
        "tags": VALUES, "properties": VALUES, "isAnonymous": VALUES, "isArchived": VALUES, "description": VALUES,
    },
)  # fmt: skip
BODIES = st.one_of(
    VALUES,
    st.fixed_dictionaries({"properties": st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6)}),
    st.fixed_dictionaries({"properties": LIKELY}),
)
QUIET = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)


def good(answer):
    """The answer is JSON, and says what is wrong where something is."""
    assert answer.status < 500 or answer.status == 501, answer.content
    told = json.loads(answer.content) if answer.content else None
    assert answer.status < 400 or told["error"]["message"]


@pytest.mark.parametrize("kind", KINDS)
@QUIET
@given(body=BODIES, name=st.sampled_from(["anything", "CliV2AnonymousEnvironment", "azureml_anonymous", "anonymous"]))
def test_any_body_of_a_version(door, kind, body, name):
    path = door.workspace("dev", f"{kind}/{name}/versions/1")
    good(door.request("PUT", path, json.dumps(body).encode()))
    good(door.send("GET", path))


@QUIET
@given(body=BODIES, kind=st.sampled_from(KINDS))
def test_any_body_of_a_name_or_in_a_registry(door, body, kind):
    content = json.dumps(body).encode()
    good(door.request("PUT", door.workspace("dev", f"{kind}/anything"), content))
    good(door.request("PUT", door.registry("central", f"{kind}/anything/versions/1"), content))


@QUIET
@given(body=st.one_of(VALUES, st.dictionaries(st.sampled_from(["assetId", "blobUri", "properties"]), VALUES)))
def test_any_body_of_an_upload_or_a_share(door, body):
    content = json.dumps(body).encode()
    for method, rest in (("PUT", "tempdatarefs/a/versions/1"), ("POST", "datarefs/a/versions/1"), ("POST", "import")):
        good(door.request(method, door.registry("central", rest), content))
    good(door.request("POST", door.workspace("dev", "codes/a/versions/1/startPendingUpload"), content))


@QUIET
@given(
    query=st.dictionaries(
        st.sampled_from(["$top", "$orderBy", "listViewType", "$skipToken", "stage", "tags", "properties", "hash"]),
        st.text(max_size=10),
        max_size=4,
    )
)
def test_any_question(door, query):
    for kind in KINDS:
        good(door.send("GET", door.workspace("dev", kind), None, **query))
        good(door.send("GET", door.workspace("dev", f"{kind}/anything/versions"), None, **query))
