"""How a client finds the server's parts, and the token door: what it gives, to whom, and for what."""

import base64
import json
import time

import pytest

from regista.entities.access import PrincipalKind
from regista.services.access.access import SYSTEM
from tests.support.mlflow_door import API, Door as MlflowDoor

ARM = "https://management.azure.com"
STORAGE = "https://storage.azure.com"
DEV = "/subscriptions/default/resourceGroups/default/workspaces/dev"


def test_one_cloud_is_told_to_anybody(door):
    found = door.by("").get("/metadata/endpoints")
    assert [one["resourceManager"] for one in found] == [f"{door.url}/"]
    assert found[0]["authentication"]["audiences"] == [f"{door.url}/"]


def test_a_registry_is_found_by_who_may_see_it(door):
    path = "/registrymanagement/v1.0/registries/central/discovery"
    found = door.get(path)
    assert found["registryName"] == "central"
    assert found["primaryRegionResourceProviderUri"] == f"{door.url}/"
    assert (found["subscriptionId"], found["resourceGroup"]) == ("default", "default")
    assert door.by("").send("GET", path).status == 401
    stranger = door.by(a_key(door, "finder"))
    assert stranger.refused("GET", path).startswith("ResourceNotFound: ")
    assert door.refused("GET", path.replace("central", "lacking")).startswith("ResourceNotFound: ")


def test_the_services_of_any_workspace_are_here_and_tell_nothing_of_it(door):
    assert set(door.by("").get("/discovery").values()) == {door.url}


def a_key(door, name: str, *roles: tuple[str, str], **limits: object) -> str:
    door.house.principals.create(SYSTEM, name, PrincipalKind.USER)
    for role, path in roles:
        door.house.principals.assign(SYSTEM, name, role, path)
    return door.house.principals.create_key(SYSTEM, name, "k", **limits).secret


def token(door, key: str, resource: str = ARM) -> str:
    answer = door.by("").request(
        "GET", "/identity/token", headers={"x-identity-header": key}, query=f"resource={resource}"
    )
    assert answer.status == 200, answer.content
    assert answer.headers["cache-control"] == "no-store"
    text: str = answer.json["access_token"]
    return text


def claims(text: str) -> dict[str, object]:
    body = text.split(".")[1]
    found: dict[str, object] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


class TestTheTokenDoor:
    def test_gives_a_token_of_an_hour_for_the_audience_that_is_asked_for(self, door):
        said = claims(token(door, door.key, f"{ARM}/.default"))
        assert said["aud"] == ARM
        assert 3500 < int(str(said["exp"])) - time.time() <= 3601

    def test_the_token_is_its_owner(self, door):
        assert door.by(token(door, door.key)).get(door.workspace("dev"))["name"] == "dev"
        assert door.by(token(door, door.key, door.url)).get(door.workspace("dev"))["name"] == "dev"

    @pytest.mark.parametrize("headers", [{}, {"x-identity-header": ""}, {"x-identity-header": "rga_wrong"}])
    def test_without_a_living_key_there_is_none(self, door, headers):
        answer = door.by("").request("GET", "/identity/token", headers=headers, query=f"resource={ARM}")
        assert answer.status == 401
        assert answer.error.startswith("InvalidAuthenticationToken: ")

    def test_the_key_counts_only_in_its_own_header(self, door):
        assert door.request("GET", "/identity/token", query=f"resource={ARM}").status == 401

    @pytest.mark.parametrize("resource", ["", "not an audience", "https://a/b/c", "http://management.azure.com"])
    def test_what_is_no_audience_is_refused(self, door, resource):
        headers = {"x-identity-header": door.key}
        answer = door.by("").request("GET", "/identity/token", headers=headers, query=f"resource={resource}")
        assert answer.status == 400

    def test_a_token_buys_no_other_token(self, door):
        headers = {"x-identity-header": token(door, door.key)}
        assert door.by("").request("GET", "/identity/token", headers=headers, query=f"resource={ARM}").status == 401

    def test_a_token_for_bytes_opens_nothing_here(self, door):
        for resource in (STORAGE, "https://vault.azure.net", "https://elsewhere.example"):
            answer = door.by(token(door, door.key, resource)).send("GET", door.workspace("dev"))
            assert answer.status == 401
            assert "not for this" in answer.error

    def test_a_token_for_another_opens_nothing_here_whatever_name_the_server_is_called_by(self, door):
        for resource in (STORAGE, "https://elsewhere.example"):
            called = {
                "host": resource.removeprefix("https://"),
                "authorization": f"Bearer {token(door, door.key, resource)}",
            }
            assert door.by("").request("GET", door.workspace("dev"), headers=called).status == 401
            there = MlflowDoor(door.house, f"/mlflow/v2.0{door.workspace('dev')}", "")
            asked = there.request("GET", f"{API}/experiments/get", headers=called, query="experiment_id=0")
            assert asked.status == 401

    def test_a_token_for_the_server_is_for_it_under_each_of_its_names(self, door):
        called = {"host": "other.example:7443", "authorization": f"Bearer {token(door, door.key, door.url)}"}
        assert door.by("").request("GET", door.workspace("dev"), headers=called).status == 200

    @pytest.mark.parametrize("query", ["secret={key}&resource={arm}", "X-IDENTITY-HEADER={key}&resource={arm}"])
    def test_a_key_in_the_address_counts_for_nothing_and_is_not_repeated(self, door, query):
        answer = door.by("").request("GET", "/identity/token", query=query.format(key=door.key, arm=ARM))
        assert answer.status == 401
        assert door.key not in answer.content.decode()

    @pytest.mark.parametrize("method", ["POST", "PUT", "HEAD", "OPTIONS"])
    def test_only_reading_is_answered_and_no_page_of_a_browser_is_let_in(self, door, method):
        headers = {"x-identity-header": door.key, "origin": "https://page.example", "metadata": "true"}
        answer = door.by("").request(method, "/identity/token", headers=headers, query=f"resource={ARM}")
        assert answer.status == 405
        assert not [name for name in answer.headers if name.startswith("access-control-")]

    def test_a_changed_token_opens_nothing(self, door):
        head, body, signature = token(door, door.key).split(".")
        said = claims(f"{head}.{body}.{signature}") | {"aud": door.url}
        other = base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()
        none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
        for forged in (f"{head}.{other}.{signature}", f"{none}.{body}.", f"{head}.{body}.", "eyJ.eyJ.eyJ"):
            assert door.by(forged).send("GET", door.workspace("dev")).status == 401

    def test_a_narrowed_key_gives_a_narrowed_token(self, door):
        key = a_key(door, "narrow", ("Owner", "/"), paths=(DEV,), permissions=("assets/read", "scopes/read"))
        narrowed = door.by(token(door, key))
        assert narrowed.get(door.workspace("dev"))["name"] == "dev"
        assert narrowed.send("GET", door.workspace("prod")).status == 404
        assert narrowed.send("PATCH", door.workspace("dev"), {"tags": {}}).status == 403

    def test_a_revoked_key_ends_its_tokens(self, door):
        given = door.by(token(door, a_key(door, "leaver", ("Reader", DEV))))
        assert given.send("GET", door.workspace("dev")).status == 200
        door.house.principals.revoke_key(SYSTEM, "leaver", "k")
        assert given.send("GET", door.workspace("dev")).status == 401

    def test_a_disabled_principal_ends_its_tokens(self, door):
        given = door.by(token(door, a_key(door, "sleeper", ("Reader", DEV))))
        assert given.send("GET", door.workspace("dev")).status == 200
        door.house.principals.disable(SYSTEM, "sleeper")
        assert given.send("GET", door.workspace("dev")).status == 401

    def test_mlflow_takes_tokens_for_the_control_plane_too(self, door):
        def asked(text: str) -> int:
            there = MlflowDoor(door.house, f"/mlflow/v2.0{door.workspace('dev')}", text)
            return there.send("GET", "experiments/get", experiment_id="0").status

        assert asked(token(door, door.key)) == 200
        assert asked(token(door, door.key, "https://ml.azure.com")) == 200
        assert asked(token(door, door.key, STORAGE)) == 401
