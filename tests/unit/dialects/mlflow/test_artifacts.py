"""Files of runs and of logged models through the dialect."""

import hashlib

import pytest

from regista.dialects.streaming import BATCH
from tests.support.mlflow_door import FILES


def listing(door, path):
    return door.request("GET", FILES, query=f"path={path}").json["files"]


class TestFiles:
    def test_a_file_is_sent_listed_and_fetched(self, door):
        run = door.run()
        assert door.put(f"runs/{run}/model/MLmodel", b"flavors: {}").status == 200
        assert door.put(f"runs/{run}/model/data/weights.bin", b"\x00\x01").status == 200
        assert listing(door, f"runs/{run}") == [{"path": "model", "is_dir": True}]
        assert listing(door, f"runs/{run}/model/") == [
            {"path": "MLmodel", "is_dir": False, "file_size": 11},
            {"path": "data", "is_dir": True},
        ]
        assert listing(door, f"runs/{run}/model/MLmodel") == []
        assert listing(door, f"runs/{run}/nothing") == []
        answer = door.request("GET", f"{FILES}/runs/{run}/model/data/weights.bin")
        assert answer.content == b"\x00\x01"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-disposition"] == "attachment; filename=weights.bin"
        assert answer.headers["content-length"] == "2"

    def test_what_people_read_is_plain_text_whatever_its_name_says(self, door):
        run = door.run()
        names = {"MLmodel": "text/plain", "mlproject": "text/plain", "a.py": "text/plain", "b.json": "text/plain",
                 "v1.csv/c.png": "image/png", "v1.csv/plain": "application/octet-stream", "d.pkl": "application/octet-stream"}  # fmt: skip
        for name, wanted in names.items():
            door.put(f"runs/{run}/{name}", b"x")
            assert door.request("GET", f"{FILES}/runs/{run}/{name}").headers["content-type"] == wanted

    def test_the_tracking_service_lists_from_the_root_on(self, door):
        run = door.run()
        door.put(f"runs/{run}/a/b.txt", b"x")
        assert door.get("artifacts/list", run_id=run)["files"] == [{"path": "a", "is_dir": True}]
        assert door.get("artifacts/list", run_id=run, path="a")["files"] == [
            {"path": "a/b.txt", "is_dir": False, "file_size": 1}
        ]

    def test_a_large_file_is_what_it_was(self, door):
        run = door.run()
        content = hashlib.sha256(b"seed").digest() * (200_000)
        assert door.put(f"runs/{run}/large.bin", content).status == 200
        answer = door.request("GET", f"{FILES}/runs/{run}/large.bin")
        assert answer.content == content
        assert answer.headers["etag"] == f'"sha256:{hashlib.sha256(content).hexdigest()}"'

    @pytest.mark.parametrize("size", [0, 1, BATCH - 1, BATCH, BATCH + 1])
    def test_a_file_is_what_it_was_whether_it_is_stored_at_once_or_as_it_comes(self, door, size):
        run = door.run()
        content = (hashlib.sha256(b"seed").digest() * (size // 32 + 1))[:size]
        for _ in range(2):
            assert door.put(f"runs/{run}/some.bin", content).status == 200
        assert door.request("GET", f"{FILES}/runs/{run}/some.bin").content == content
        assert door.put("runs/nobody/some.bin", content).status == 404

    def test_sending_again_replaces_and_deleting_removes(self, door):
        run = door.run()
        door.put(f"runs/{run}/a/x", b"1")
        door.put(f"runs/{run}/a/x", b"22")
        door.put(f"runs/{run}/a/y", b"")
        door.put(f"runs/{run}/ab", b"3")
        assert listing(door, f"runs/{run}/a") == [
            {"path": "x", "is_dir": False, "file_size": 2},
            {"path": "y", "is_dir": False, "file_size": 0},
        ]
        assert door.request("DELETE", f"{FILES}/runs/{run}/a").status == 200
        assert door.request("DELETE", f"{FILES}/runs/{run}/a").status == 200
        assert [one["path"] for one in listing(door, f"runs/{run}")] == ["ab"]

    def test_a_name_may_hold_nearly_anything(self, door):
        run = door.run()
        for name in ("with space", "ümläut", "100%25", "a+b", "q?x", "#1"):
            quoted = "".join(f"%{byte:02X}" for byte in name.encode())
            assert door.put(f"runs/{run}/{quoted}", name.encode()).status == 200, name
            assert door.request("GET", f"{FILES}/runs/{run}/{quoted}").content == name.encode()

    @pytest.mark.parametrize(
        "path",
        [
            "../x",
            "a/../x",
            "a/../../x",
            "%2e%2e/x",
            "%252e%252e/x",
            "a/%2e%2e%2f%2e%2e%2fx",
            "/etc/passwd",
            "a//b",
            "./a",
            "a\\b",
            "a%00b",
            "a/",
            "C:/x",
            "x" * 300,
        ],
    )
    def test_a_path_that_climbs_is_refused_in_every_verb(self, door, path):
        run = door.run()
        for answer in (
            door.put(f"runs/{run}/{path}", b"x"),
            door.request("GET", f"{FILES}/runs/{run}/{path}"),
            door.request("DELETE", f"{FILES}/runs/{run}/{path}"),
        ):
            assert answer.status in {400, 404}, (path, answer)
        assert listing(door, f"runs/{run}") == []

    @pytest.mark.parametrize(
        "path",
        ["x", "runs", "runs/", "runs/nothing/x", "jobs/a/x", "models/m-1/x", "experiments/x/y", "experiments/99/y"],
    )
    def test_what_belongs_to_nobody_is_not_kept(self, door, path):
        assert door.put(path, b"x").status in {400, 404}

    def test_a_file_that_is_not_there_is_told(self, door):
        answer = door.request("GET", f"{FILES}/runs/{door.run()}/nothing")
        assert answer.error.startswith("RESOURCE_DOES_NOT_EXIST: ")

    def test_a_deleted_run_takes_no_more_files(self, door):
        run = door.run()
        door.post("runs/delete", run_id=run)
        assert door.put(f"runs/{run}/x", b"x").error.startswith("INVALID_PARAMETER_VALUE: ")

    def test_other_verbs_are_not_there(self, door):
        assert door.request("POST", f"{FILES}/runs/x/y", b"x").status == 405


class TestAddressesForBrowsers:
    """Addresses that MLflow's pages call, below ``ajax-api``."""

    PAGES = "/ajax-api/2.0/mlflow"

    def test_a_file_of_a_logged_model_is_fetched(self, door):
        model = door.post("logged-models", experiment_id="0")["model"]["info"]["model_id"]
        door.put(f"models/{model}/a/MLmodel", b"flavors")
        files = f"{self.PAGES}/logged-models/{model}/artifacts/files"
        answer = door.request("GET", files, query="artifact_file_path=a/MLmodel")
        assert (answer.content, answer.headers["content-disposition"]) == (b"flavors", "attachment; filename=MLmodel")
        assert "artifact_file_path" in door.request("GET", files).error
        for path, status in (("none", 404), ("../x", 400), ("a", 404)):
            assert door.request("GET", files, query=f"artifact_file_path={path}").status == status
        assert door.request("POST", files, query="artifact_file_path=a/MLmodel").status == 405
        assert door.at(door.base, "").request("GET", files, query="artifact_file_path=a/MLmodel").status == 401

    def test_the_spans_of_a_trace_and_its_attachments_are_fetched(self, door):
        place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}
        told = {"trace_id": "tr-pages", "trace_location": place, "request_time": "2026-01-02T03:04:05Z", "state": "OK"}
        door.post("traces", trace={"trace_info": told})
        door.put("traces/tr-pages/traces.json", b'{"spans": []}')
        door.put("traces/tr-pages/attachments/x.png", b"png")
        for api in (self.PAGES, "/ajax-api/3.0/mlflow"):
            answer = door.request("GET", f"{api}/get-trace-artifact", query="request_id=tr-pages")
            assert (answer.status, answer.content) == (200, b'{"spans": []}')
            assert answer.headers["content-disposition"] == "attachment; filename=traces.json"
        fetch = f"{self.PAGES}/get-trace-artifact"
        assert door.request("GET", fetch, query="request_id=tr-pages&path=x.png").content == b"png"
        assert "request_id" in door.request("GET", fetch).error
        for query, status in (
            ("request_id=tr-no", 404),
            ("request_id=tr-pages&path=../x", 400),
            ("request_id=a/b", 400),
        ):
            assert door.request("GET", fetch, query=query).status == status

    def test_a_small_file_of_a_run_is_sent(self, door):
        run = door.run()

        def send(query, content=b"text", who=door):
            return who.request("POST", f"{self.PAGES}/upload-artifact", content, {"content-type": "text/plain"}, query)

        assert send(f"run_uuid={run}&path=a/b.txt").status == 200
        assert door.request("GET", "/get-artifact", query=f"run_id={run}&path=a/b.txt").content == b"text"
        assert "must specify run_uuid" in send("path=x").error
        assert "must specify path" in send(f"run_uuid={run}&path=").error
        assert "must specify data" in send(f"run_uuid={run}&path=x", b"").error
        assert "too large" in send(f"run_uuid={run}&path=x", b"x" * ((10 << 20) + 1)).error
        assert "Invalid path" in send(f"run_uuid={run}&path=../x").error
        assert send("run_uuid=nowhere&path=x").status == 404
        assert send("run_uuid=a/b&path=x").status == 400
        assert send(f"run_uuid={run}&path=x", who=door.at(door.base, "")).status == 401
        assert door.request("GET", f"{self.PAGES}/upload-artifact", query=f"run_uuid={run}&path=a/b.txt").status == 405
        assert [one["path"] for one in listing(door, f"runs/{run}")] == ["a"]


class TestLoggedModels:
    def make(self, door, **fields):
        return door.post("logged-models", **{"experiment_id": "0", **fields})["model"]

    def find(self, door, **fields):
        found = door.post("logged-models/search", **fields).get("models", [])
        return [one["info"]["name"] for one in found]

    def test_one_is_begun_filled_and_finished(self, door):
        run = door.run()
        made = self.make(door, name="m", source_run_id=run, params=[{"key": "p", "value": "1"}], model_type="t")
        model = made["info"]["model_id"]
        assert made["info"]["status"] == "LOGGED_MODEL_PENDING"
        assert made["info"]["artifact_uri"] == f"{door.url}{FILES}/models/{model}"
        assert door.put(f"models/{model}/MLmodel", b"x").status == 200
        door.send("PATCH", f"logged-models/{model}", status="LOGGED_MODEL_READY")
        door.send("POST", f"logged-models/{model}/params", params=[{"key": "q", "value": "2"}])
        door.send("PATCH", f"logged-models/{model}/tags", tags=[{"key": "t", "value": "v"}, {"key": "u", "value": "w"}])
        assert door.send("DELETE", f"logged-models/{model}/tags/u").status == 200
        found = door.get(f"logged-models/{model}")["model"]
        assert found["info"]["status"] == "LOGGED_MODEL_READY"
        assert found["info"]["tags"] == [{"key": "t", "value": "v"}]
        assert found["data"]["params"] == [{"key": "p", "value": "1"}, {"key": "q", "value": "2"}]
        assert door.get(f"logged-models/{model}/artifacts/directories")["files"] == [
            {"path": "MLmodel", "is_dir": False, "file_size": 1}
        ]
        assert door.send("DELETE", f"logged-models/{model}").status == 200
        assert door.send("GET", f"logged-models/{model}").status == 404

    def test_a_metric_of_a_run_is_one_of_its_model_too(self, door):
        run = door.run()
        model = self.make(door, source_run_id=run)["info"]["model_id"]
        for step, value in ((1, 0.5), (2, "NaN"), (0, 9)):
            door.post("runs/log-metric", run_id=run, key="acc", value=value, step=step, timestamp=1, model_id=model)
        said = {"key": "acc", "timestamp": 1, "model_id": model, "run_id": run}
        every = [said | {"step": step, "value": value} for step, value in ((0, 9.0), (1, 0.5), (2, "NaN"))]
        door.post("runs/log-metric", run_id=run, key="acc", value=9, step=0, timestamp=1, model_id=model)
        assert door.get(f"logged-models/{model}")["model"]["data"]["metrics"] == every
        tagged = door.send("PATCH", f"logged-models/{model}/tags", tags=[{"key": "t", "value": "v"}]).json["model"]
        assert tagged["data"]["metrics"] == every
        here = {"experiment_ids": ["0"], "filter": f"model_id = '{model}' AND metrics.acc > 8"}
        assert door.post("logged-models/search", **here)["models"] == [tagged]

    def test_a_metric_of_a_model_that_is_not_there_is_not_kept_with_the_run_either(self, door):
        run = door.run()
        asked = {"run_id": run, "key": "acc", "value": 1, "timestamp": 1, "model_id": "m-" + "0" * 32}
        assert door.refused("POST", "runs/log-metric", **asked).startswith("RESOURCE_DOES_NOT_EXIST")
        assert door.get("runs/get", run_id=run)["run"]["data"]["metrics"] == []

    @pytest.mark.parametrize(
        ("asked", "status"),
        [
            ({"experiment_ids": ["999999"]}, 200),
            ({"experiment_ids": []}, 200),
            ({"experiment_ids": ["x"]}, 400),
            ({}, 400),
        ],
    )
    def test_those_of_experiments_that_are_not_there_are_none_and_experiments_have_to_be_named(
        self, door, asked, status
    ):
        """As `mlflow server` answers (3.17)."""
        answer = door.send("POST", "logged-models/search", **asked)
        assert answer.status == status
        assert answer.json == {"models": []} if status == 200 else "experiment" in answer.json["message"].lower()
        missing = door.at("/mlflow/workspaces/lacking").send("POST", "logged-models/search", experiment_ids=["0"])
        assert missing.status == 404

    def test_they_are_searched_by_everything(self, door, experiment):
        run = door.run(experiment)
        for name, accuracy in (("one", 0.5), ("two", 0.9), ("three", None)):
            model = self.make(
                door, experiment_id=experiment, name=name, source_run_id=run, tags=[{"key": "n", "value": name}]
            )
            if accuracy:
                metric = {"key": "acc", "value": accuracy, "timestamp": 1, "model_id": model["info"]["model_id"]}
                door.post("runs/log-metric", run_id=run, **metric, dataset_name="d", dataset_digest="1")
        here = {"experiment_ids": [experiment]}
        assert self.find(door, **here) == ["three", "two", "one"]
        assert self.find(door, **here, filter="metrics.acc > 0.6") == ["two"]
        assert self.find(door, **here, filter="name LIKE 't%'") == ["three", "two"]
        assert self.find(door, **here, filter="tags.n = 'one'") == ["one"]
        assert self.find(door, **here, filter=f"source_run_id = '{run}' AND name = 'one'") == ["one"]
        assert self.find(door, **here, datasets=[{"dataset_name": "d"}]) == ["two", "one"]
        assert self.find(door, **here, order_by=[{"field_name": "metrics.acc", "ascending": True}]) == [
            "one",
            "two",
            "three",
        ]
        assert self.find(door, **here, order_by=[{"field_name": "metrics.acc", "ascending": False}]) == [
            "two",
            "one",
            "three",
        ]
        assert self.find(door, **here, order_by=[{"field_name": "name"}]) == ["one", "three", "two"]
        first = door.post("logged-models/search", **here, max_results=2)
        rest = door.post("logged-models/search", **here, max_results=2, page_token=first["next_page_token"])
        assert [one["info"]["name"] for one in (*first["models"], *rest["models"])] == ["three", "two", "one"]
        assert "next_page_token" not in rest

    @pytest.mark.parametrize("fields", [{"status": "SOME"}, {}])
    def test_a_wrong_state_is_told(self, door, fields):
        model = self.make(door)["info"]["model_id"]
        assert door.refused("PATCH", f"logged-models/{model}", **fields).startswith("INVALID_PARAMETER_VALUE")
