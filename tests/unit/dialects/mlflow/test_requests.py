"""How requests are read and refused, in the words that clients look for."""

import base64

import pytest

from tests.support.mlflow_door import API

SEE = " See the API docs for more information about request parameters."


class TestTexts:
    @pytest.mark.parametrize(
        ("name", "fields", "told"),
        [
            ("experiments/create", {}, f"Missing value for required parameter 'name'.{SEE}"),
            ("experiments/create", {"name": ""}, f"Missing value for required parameter 'name'.{SEE}"),
            ("experiments/create", {"name": None}, f"Missing value for required parameter 'name'.{SEE}"),
            (
                "experiments/create",
                {"name": 5},
                f"Invalid value 5 for parameter 'name' supplied:  Hint: Value was of type 'int'.{SEE}",
            ),
            (
                "runs/search",
                {"experiment_ids": "0"},
                "Invalid value \"0\" for parameter 'experiment_ids' supplied:  Hint: Value was of type 'str'." + SEE,
            ),
            (
                "runs/log-metric",
                {"run_id": "x", "key": "k", "value": "much", "timestamp": 1},
                "Invalid value \"much\" for parameter 'value' supplied:  Hint: Value was of type 'str'." + SEE,
            ),
            ("runs/set-tag", {"key": "k", "value": "v"}, f"Missing value for required parameter 'run_id'.{SEE}"),
            (
                "runs/log-batch",
                {"run_id": "x", "metrics": [{"key": "k"}]},
                "Missing value for required parameter 'metrics",
            ),
        ],
    )
    def test_a_wrong_parameter_is_named(self, door, name, fields, told):
        assert door.refused("POST", name, **fields).startswith(f"INVALID_PARAMETER_VALUE: {told}")

    def test_a_query_is_checked_like_a_body(self, door):
        assert (
            door.refused("GET", "runs/get")
            == f"INVALID_PARAMETER_VALUE: Missing value for required parameter 'run_id'.{SEE}"
        )
        assert "parameter 'max_results'" in door.refused("GET", "experiments/search", max_results="many")

    def test_statuses_are_those_of_the_protocol(self, door):
        assert door.send("GET", "experiments/get", experiment_id="4711").status == 404
        assert door.refused("GET", "experiments/get", experiment_id="4711").startswith("RESOURCE_DOES_NOT_EXIST: ")
        door.post("experiments/create", name="taken")
        answer = door.send("POST", "experiments/create", name="taken")
        assert (answer.status, answer.json["error_code"]) == (400, "RESOURCE_ALREADY_EXISTS")


class TestBodies:
    def post(self, door, content, name="experiments/search", **headers):
        return door.request("POST", f"{API}/{name}", content, headers)

    def test_an_empty_body_has_no_fields(self, door):
        assert self.post(door, b"").status == 200

    def test_unknown_fields_are_passed_over_and_nulls_are_not_there(self, door):
        body = b'{"colour":"red","filter":null,"order_by":null,"max_results":null}'
        assert self.post(door, body).status == 200

    def test_json_in_json_is_read(self, door):
        assert self.post(door, b'"{\\"max_results\\":1}"').status == 200

    @pytest.mark.parametrize("body", [b"{", b"[]", b"5", b'"x"', b"\xff", b'{"filter":"\\ud800"}', b"[" * 100_000])
    def test_what_is_no_object_is_refused(self, door, body):
        assert self.post(door, body).error.startswith("INVALID_PARAMETER_VALUE: ")

    @pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", ""])
    def test_a_body_has_to_say_that_it_is_json(self, door, media):
        answer = self.post(door, b"{}", **{"content-type": media})
        assert answer.error == "INVALID_PARAMETER_VALUE: Bad Request. Content-Type must be one of ['application/json']."

    def test_integers_may_be_text_and_floats_may_be_no_numbers(self, door):
        run = door.run()
        bare = b'{"run_id":"%s","key":"bare","value":NaN,"timestamp":"1700000000000","step":"7"}' % run.encode()
        assert self.post(door, bare, "runs/log-metric").status == 200
        for key, value in (("nan", "NaN"), ("inf", "Infinity"), ("minus", "-Infinity")):
            door.post("runs/log-metric", run_id=run, key=key, value=value, timestamp=1)
        metrics = {m["key"]: m for m in door.get("runs/get", run_id=run)["run"]["data"]["metrics"]}
        assert metrics["bare"] == {"key": "bare", "value": "NaN", "timestamp": 1700000000000, "step": 7}
        assert metrics["nan"]["value"] == "NaN"
        assert metrics["inf"]["value"] == 1.7976931348623157e308
        assert metrics["minus"]["value"] == -1.7976931348623157e308

    def test_a_body_without_end_is_refused(self, door):
        answer = self.post(door, b'{"filter":"' + b"x" * (65 << 20) + b'"}')
        assert answer.error.startswith("INVALID_PARAMETER_VALUE: a request has at most")


class TestRoutes:
    def test_health_and_version_need_no_key(self, door):
        nobody = door.at(door.base, "")
        assert nobody.request("GET", "/health").content == b"OK"
        assert nobody.request("GET", "/version").content == b"3.18.0"

    def test_the_server_tells_what_it_can(self, door):
        told = door.request("GET", "/api/3.0/mlflow/server-info").json
        assert told["artifact_serving_enabled"] is True
        assert told["multipart_uploads_enabled"] is True

    @pytest.mark.parametrize("path", ["/api/2.0/mlflow/nothing", "/api/3.0/mlflow/nothing", "/nothing", ""])
    def test_an_unknown_route_is_not_found_and_no_json(self, door, path):
        answer = door.request("POST", path, b"{}")
        assert answer.status == 404
        assert answer.headers["content-type"].startswith("text/plain")

    def test_a_known_route_by_a_wrong_method_is_told(self, door):
        assert door.request("GET", f"{API}/runs/create").status == 405

    def test_a_registry_has_no_runs(self, registry):
        assert registry.send("POST", "runs/create", experiment_id="0").status == 405
        assert registry.send("GET", "registered-models/search").status == 200

    def test_the_browsers_prefix_is_the_same_api(self, door):
        assert door.request("GET", "/ajax-api/2.0/mlflow/experiments/get", query="experiment_id=0").status == 200

    def test_a_workspace_has_a_long_name_too(self, door):
        long = door.at("/mlflow/workspaces/default:default:dev")
        assert long.get("experiments/get", experiment_id="0")["experiment"]["name"] == "Default"

    @pytest.mark.parametrize("name", ["nothing", "a:b", "..", "%00"])
    def test_a_workspace_that_is_not_there_is_told(self, door, name):
        assert door.at(f"/mlflow/workspaces/{name}").send("GET", "experiments/get", experiment_id="0").status in {
            400,
            404,
        }


class TestKeys:
    def ask(self, door, **headers):
        return door.at(door.base, "").request("GET", f"{API}/experiments/get", headers=headers, query="experiment_id=0")

    def test_the_key_may_be_a_token_or_a_password(self, door):
        password = base64.b64encode(f"anybody:{door.key}".encode()).decode()
        assert self.ask(door, authorization=f"Bearer {door.key}").status == 200
        assert self.ask(door, authorization=f"Basic {password}").status == 200

    @pytest.mark.parametrize(
        "header", [None, "Bearer", "Bearer wrong", "Basic !!", "Basic " + base64.b64encode(b"a:b").decode(), "Digest x"]
    )
    def test_without_a_good_key_there_is_nothing(self, door, header):
        answer = self.ask(door, **({"authorization": header} if header else {}))
        assert answer.status == 401
        assert answer.error.startswith("UNAUTHENTICATED: ")
        assert "www-authenticate" in answer.headers
