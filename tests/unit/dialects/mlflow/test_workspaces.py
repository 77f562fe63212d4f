"""Workspaces as MLflow 3 knows them: listed and made at the address of the installation, chosen by a header."""

import pytest

from regista.entities.access import PrincipalKind
from regista.entities.scope import ScopeKind
from regista.services.access.access import SYSTEM
from regista.services.scopes.scopes import NewScope

HEADER = "x-mlflow-workspace"
GROUP = "/subscriptions/default/resourceGroups/default"


@pytest.fixture(scope="module")
def hub(doors):
    """The address of the installation, by its owner; the workspace ``twin`` stands in two resource groups."""
    for group in ("default", "other"):
        doors.house.scopes.create(SYSTEM, NewScope(kind=ScopeKind.WORKSPACE, name="twin", resource_group=group))
    return doors.at("/mlflow")


@pytest.fixture(scope="module")
def reader(hub):
    """Somebody who reads ``dev`` and nothing else."""
    hub.house.principals.create(SYSTEM, "dev-reader", PrincipalKind.USER)
    hub.house.principals.assign(SYSTEM, "dev-reader", "Reader", f"{GROUP}/workspaces/dev")
    return hub.at("/mlflow", hub.house.principals.create_key(SYSTEM, "dev-reader", "k").secret)


def search(hub, name, path="/api/2.0/mlflow/experiments/search"):
    headers = {HEADER: name} if name else {}
    return hub.request("POST", path, b'{"max_results": 5}', headers)


def test_the_server_tells_that_it_has_workspaces_only_where_one_is_to_be_chosen(hub, door):
    assert hub.get("server-info")["workspaces_enabled"] is True
    assert door.get("server-info")["workspaces_enabled"] is False
    assert hub.request("GET", "/health").content == b"OK"
    assert hub.request("GET", "/version").status == 200


def test_the_header_chooses_and_files_are_at_the_address_of_the_workspace(hub, door):
    made = hub.request("POST", "/api/2.0/mlflow/runs/create", b'{"experiment_id": "0"}', {HEADER: "dev"})
    info = made.json["run"]["info"]
    assert door.get("runs/get", run_id=info["run_id"])["run"]["info"]["artifact_uri"] == info["artifact_uri"]
    assert "/mlflow/workspaces/dev/" in info["artifact_uri"]
    path = f"/api/2.0/mlflow-artifacts/artifacts/runs/{info['run_id']}/f.txt"
    assert hub.request("PUT", path, b"text", {HEADER: "dev"}).status == 200
    assert hub.request("GET", path, headers={HEADER: "dev"}).content == b"text"
    assert hub.request("GET", path, headers={HEADER: "prod"}).status == 404


def test_without_a_header_it_is_the_workspace_default(hub):
    assert "'default'" in search(hub, "").error
    hub.house.scopes.create(SYSTEM, NewScope(kind=ScopeKind.WORKSPACE, name="default"))
    assert search(hub, "").status == 200


def test_a_name_that_could_mean_several_is_refused_with_where_they_are(hub):
    error = search(hub, "twin").error
    assert error.startswith("INVALID_PARAMETER_VALUE")
    assert "default:default, default:other" in error
    assert search(hub, "default:other:twin").status == 200
    assert [one["name"] for one in hub.get("workspaces")["workspaces"]].count("twin") == 1


@pytest.mark.parametrize("name", ["none", "../dev", "dev/x", "a" * 5000, "\xff", "dev%2f", ":", "a:b"])
def test_a_header_that_names_nothing_chooses_nothing(hub, name):
    assert search(hub, name).status in {400, 404}


def test_an_address_that_names_its_workspace_takes_no_other(door):
    assert search(door, "dev").status == 200
    assert "workspace 'prod'" in search(door, "prod").error
    path = "/api/2.0/mlflow-artifacts/artifacts/runs/x/f.txt"
    assert door.request("PUT", path, b"text", {HEADER: "prod"}).status == 400


def test_workspaces_are_made_described_and_deleted(hub):
    made = hub.send("POST", "workspaces", name="new-one", description="first")
    assert made.status == 201
    assert made.json == {"workspace": {"name": "new-one", "description": "first"}}
    assert hub.refused("POST", "workspaces", name="new-one").startswith("RESOURCE_ALREADY_EXISTS")
    changed = hub.send("PATCH", "workspaces/new-one", description="second").json
    assert changed["workspace"]["description"] == "second"
    assert hub.get("workspaces/new-one") == changed
    assert hub.refused("PATCH", "workspaces/new-one").endswith("must have at least one key")
    hub.request("POST", "/api/2.0/mlflow/experiments/create", b'{"name": "e"}', {HEADER: "new-one"})
    assert "its experiments" in hub.request("DELETE", "/api/3.0/mlflow/workspaces/new-one").error
    moved = hub.request("DELETE", "/api/3.0/mlflow/workspaces/new-one", query="mode=SET_DEFAULT")
    assert moved.status == 501
    gone = hub.request("DELETE", "/api/3.0/mlflow/workspaces/new-one", query="mode=CASCADE")
    assert (gone.status, gone.content) == (204, b"")
    assert hub.send("GET", "workspaces/new-one").status == 404
    hub.send("POST", "workspaces", name="new-one")
    assert hub.request("DELETE", "/api/3.0/mlflow/workspaces/new-one").status == 204


@pytest.mark.parametrize(
    "fields", [{"default_artifact_root": "s3://x"}, {"trace_archival_config": {"location": "s3://x"}}]
)
def test_what_is_kept_here_is_kept_nowhere_else(hub, fields):
    assert hub.refused("POST", "workspaces", name="rooted", **fields).startswith("INVALID_PARAMETER_VALUE")
    assert hub.send("GET", "workspaces/rooted").status == 404


def test_who_may_not_read_a_workspace_does_not_learn_of_it(hub, reader):
    assert [one["name"] for one in reader.get("workspaces")["workspaces"]] == ["dev"]
    hidden, absent = search(reader, "prod"), search(reader, "absent")
    assert (hidden.status, absent.status) == (404, 404)
    assert hidden.content.replace(b"prod", b"absent") == absent.content
    for method, body in (("GET", b""), ("PATCH", b'{"description": "x"}'), ("DELETE", b"")):
        hidden = reader.request(method, "/api/3.0/mlflow/workspaces/prod", body)
        absent = reader.request(method, "/api/3.0/mlflow/workspaces/absent", body)
        assert hidden.status == 404
        assert hidden.content.replace(b"prod", b"absent") == absent.content


def test_who_only_reads_changes_and_makes_none(hub, reader):
    assert search(reader, "dev").status == 200
    assert reader.request("POST", "/api/2.0/mlflow/runs/create", b"{}", {HEADER: "dev"}).status == 403
    assert reader.send("PATCH", "workspaces/dev", description="x").status == 403
    assert reader.request("DELETE", "/api/3.0/mlflow/workspaces/dev").status == 403
    assert reader.send("POST", "workspaces", name="mine").status in {403, 404}
    assert hub.send("GET", "workspaces/mine").status == 404


def test_without_a_key_nothing_is_told(hub):
    stranger = hub.at("/mlflow", "")
    assert stranger.send("GET", "workspaces").status == 401
    assert search(stranger, "dev").status == 401
