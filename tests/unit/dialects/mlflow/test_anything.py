"""Whatever is sent, the answer is one of the protocol, and never that the server failed."""

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings, strategies as st

from regista.dialects.mlflow.errors import ANSWER
from regista.dialects.mlflow.routes import ROUTES, TEMPLATES
from regista.errors import ErrorCode
from tests.support.mlflow_door import API, FILES

NAMES = sorted(
    {field for route in (*ROUTES.values(), *TEMPLATES.values()) for field in route.request.__struct_fields__}
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(
        ["0", "1", "m", "x'; --", "..", "runs:/x/y", "models:/m/1", "NaN", "ALL", "\x00", "RUNNING", "m-" + "0" * 32]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from([*NAMES, "dataset"]), inner, max_size=4)
    ),
    max_leaves=8,
)
BODIES = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8)
KEYS = sorted({**ROUTES, **TEMPLATES})


@pytest.mark.parametrize(("method", "name"), KEYS)
@settings(max_examples=25)
@given(body=BODIES, run=st.booleans())
def test_any_fields_are_answered(doors, method, name, body, run):
    fields = {**body, **({"run_id": _run(doors)} if run else {}), "experiment_ids": body.get("experiment_ids", ["0"])}
    path = name.replace("*", "m-" + "0" * 32)
    if method == "GET":
        answer = doors.send("GET", path, **{key: value for key, value in fields.items() if value is not None})
    else:
        answer = doors.request(method, f"{API}/{path}", json.dumps(fields).encode())
    assert answer.status < 500, answer.content
    assert isinstance(answer.json, dict)
    if answer.status >= 400:
        assert answer.json["error_code"] in {code for _, code in ANSWER.values()}


@pytest.mark.parametrize(("method", "name"), [key for key in KEYS if key[0] != "GET"])
@settings(max_examples=10)
@given(body=st.binary(max_size=60))
def test_any_bytes_are_answered(doors, method, name, body):
    answer = doors.request(method, f"{API}/{name.replace('*', 'x')}", body)
    assert answer.status < 500, answer.content


@settings(max_examples=60)
@given(query=st.binary(max_size=60), name=st.sampled_from([key[1] for key in KEYS if key[0] == "GET"]))
def test_any_query_is_answered(doors, query, name):
    text = "".join(chr(byte) for byte in query if 32 < byte < 127)
    answer = doors.request("GET", f"{API}/{name.replace('*', 'x')}", query=text)
    assert answer.status < 500, answer.content


@settings(max_examples=80)
@given(
    path=st.text(st.characters(exclude_categories=("Cs",)), max_size=40),
    method=st.sampled_from(["GET", "PUT", "DELETE", "HEAD", "PATCH"]),
    owner=st.sampled_from(["", "runs/", "models/", "versions/", "experiments/0/"]),
)
def test_any_path_is_answered(doors, path, method, owner):
    quoted = "".join(f"%{byte:02x}" for byte in path.encode())
    for start in (f"{FILES}/{owner}", "/api/2.0/mlflow/", "/"):
        assert doors.request(method, start + quoted, b"x").status < 500


def test_every_code_has_an_answer_that_clients_know():
    known = {
        "INVALID_PARAMETER_VALUE": 400,
        "RESOURCE_ALREADY_EXISTS": 400,
        "BAD_REQUEST": 400,
        "UNAUTHENTICATED": 401,
        "PERMISSION_DENIED": 403,
        "RESOURCE_DOES_NOT_EXIST": 404,
        "RESOURCE_CONFLICT": 409,
        "RESOURCE_EXHAUSTED": 429,
        "INTERNAL_ERROR": 500,
        "NOT_IMPLEMENTED": 501,
        "TEMPORARILY_UNAVAILABLE": 503,
    }
    assert set(ANSWER) == set(ErrorCode)
    assert all(known[code] == status for status, code in ANSWER.values())


def test_a_fault_of_ours_is_told_by_its_number_alone(doors, monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr(doors.house.runs, "get", broken)
    answer = doors.send("GET", "runs/get", run_id="x")
    assert answer.status == 500
    assert answer.json["error_code"] == "INTERNAL_ERROR"
    assert "request-1" in answer.error
    assert "swordfish" not in answer.error
    assert "swordfish" in caplog.text


_runs = []


def _run(door):
    if (
        not _runs
        or door.send("GET", "runs/get", run_id=_runs[0]).json.get("run", {}).get("info", {}).get("lifecycle_stage")
        != "active"
    ):
        _runs[:] = [door.run()]
    return _runs[0]


ADDRESSES = (
    ("GET", "/get-artifact"),
    ("GET", "/model-versions/get-artifact"),
    ("GET", f"{API}/get-trace-artifact"),
    ("GET", f"{API}/logged-models/m-1/artifacts/files"),
    ("POST", f"{API}/upload-artifact"),
)


@settings(max_examples=80)
@given(
    address=st.sampled_from(ADDRESSES),
    asked=st.dictionaries(
        st.sampled_from(["run_id", "run_uuid", "path", "name", "version", "request_id", "artifact_file_path"]),
        st.one_of(st.text(max_size=12), st.sampled_from(["..", "a/b", "x", "%00", "tr-1"])),
    ),
    content=st.binary(max_size=20),
)
def test_any_question_for_a_file_is_answered(doors, address, asked, content):
    method, path = address
    query = urlencode({key: value.encode(errors="replace") for key, value in asked.items()})
    answer = doors.request(method, path, content, query=query)
    assert answer.status < 500, answer.content
