"""Jobs over the native API."""

import io
import math
import sys

import msgspec
import pyarrow as pa
import pytest
from litestar.testing import TestClient
from pyarrow import parquet

from regista.dialects.native.app import application
from regista.entities.run import Metric
from regista.services.access.access import SYSTEM
from regista.services.tracking.runs import NewRun
from tests.support.workplace import PLAIN, Workplace

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Litestar's own, about its next major version

JOBS = "/api/v1/workspaces/dev/jobs"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Workplace(tmp_path_factory.mktemp("place"))
    yield place
    place.close()


@pytest.fixture
def client(place):
    secret = place.house.principals.create_key(SYSTEM, "ada", "k").secret
    with TestClient(application(place.house)) as client:
        client.headers["Authorization"] = f"Bearer {secret}"
        yield client


def document(command="true", **fields):
    return {"command": command, "environment": PLAIN, **fields}


def rows_of(table):
    """Values as text: NaN is not equal to itself."""
    return [
        (row["node"], row["metric"], row["step"], round(row["timestamp"].timestamp() * 1000), str(row["value"]))
        for row in table.to_pylist()
    ]


class TestJobs:
    def test_a_job_is_submitted_looked_at_and_listed_with_its_tags(self, place, client):
        made = client.post(JOBS, json=document(tags={"k": "v"}), params={"name": "listed"})
        assert (made.status_code, made.json()["status"], made.json()["tags"]) == (201, "Queued", {"k": "v"})
        assert client.get(f"{JOBS}/listed").json() == made.json()
        assert "listed" in {job["name"] for job in client.get(JOBS).json()["items"]}
        changed = client.patch(f"{JOBS}/listed", json={"archived": True, "tags": {"l": "w"}}).json()
        assert changed["tags"] == {"k": "v", "l": "w"}
        assert "listed" not in {job["name"] for job in client.get(JOBS).json()["items"]}
        assert "listed" in {job["name"] for job in client.get(JOBS, params={"show": "archived"}).json()["items"]}

    def test_steps_are_children_and_no_jobs_of_their_own(self, place, client):
        pipeline = {"type": "pipeline", "jobs": {"a": document("echo step")}}
        name = client.post(JOBS, json=pipeline).json()["name"]
        place.work()
        children = client.get(f"{JOBS}/{name}/children").json()["items"]
        assert [(child["node"], child["status"]) for child in children] == [("a", "Completed")]
        listed = {job["name"] for job in client.get(JOBS).json()["items"]}
        assert name in listed
        assert children[0]["name"] not in listed
        everything = {job["name"] for job in client.get(JOBS, params={"steps": "true"}).json()["items"]}
        assert children[0]["name"] in everything

    def test_the_log_is_followed_to_its_end(self, place, client):
        with place.working():
            name = client.post(JOBS, json=document("echo a; sleep 0.5; echo b")).json()["name"]
            text, offset = b"", "0"
            while True:
                answer = client.get(f"{JOBS}/{name}/log", params={"offset": offset, "wait": 5})
                text, offset = text + answer.content, answer.headers["x-offset"]
                if answer.headers["x-final"] == "true":
                    break
        assert text == b"a\nb\n", place.job(name)

    def test_outputs_are_listed_and_read_in_ranges(self, place, client):
        name = client.post(JOBS, json=document("echo 0123 > ${{outputs.o}}/x", outputs={"o": {}})).json()["name"]
        early = client.get(f"{JOBS}/{name}/outputs/o/manifest")
        assert (early.status_code, early.json()["code"]) == (409, "conflict")
        place.work()
        assert [file["path"] for file in client.get(f"{JOBS}/{name}/outputs/o/manifest").json()["files"]] == ["x"]
        part = client.get(f"{JOBS}/{name}/outputs/o/files/x", headers={"Range": "bytes=1-2"})
        assert (part.status_code, part.content) == (206, b"12")
        assert client.get(f"{JOBS}/{name}/outputs/o/files/nope").status_code == 404
        assert client.get(f"{JOBS}/{name}/outputs/nope/manifest").status_code == 404

    def test_cancel_is_quiet_the_second_time(self, client):
        name = client.post(JOBS, json=document()).json()["name"]
        assert [client.post(f"{JOBS}/{name}/cancel").json()["status"] for _ in range(2)] == ["Canceled", "Canceled"]

    @pytest.mark.parametrize(
        ("body", "status", "said"),
        [
            ({"command": "x"}, 400, "environment"),
            ({"command": "x", "environment": {"image": "ubuntu"}}, 501, "container"),
            ({"command": "x", "environment": PLAIN, "colour": 1}, 400, "colour"),
            ([], 400, ""),
            ({"type": "pipeline", "jobs": {}}, 400, "jobs"),
        ],
    )
    def test_what_is_wrong_is_answered_with_its_place(self, client, body, status, said):
        answer = client.post(JOBS, json=body)
        assert answer.status_code == status, answer.text
        assert said in answer.json()["detail"]

    def test_registries_have_no_jobs(self, client):
        assert client.post("/api/v1/registries/central/jobs", json=document()).status_code in {400, 404}


class TestRecords:
    @pytest.fixture(scope="class")
    def measured(self, place):
        inner = {"type": "pipeline", "jobs": {"b": document("echo of b")}}
        pipeline = {"type": "pipeline", "jobs": {"a": document("echo of a"), "in": inner}}
        place.submit(pipeline, "measured")
        place.work()
        values = [
            Metric("loss", 1.0, 5, 0),
            Metric("loss", 0.5, 6, 1),
            Metric("a/b", math.nan, 5),
            Metric("up", math.inf, 5),
        ]
        runs = place.house.runs
        runs.log(place.caller, place.dev, "measured_a", metrics=values, params={"p": "1"}, tags={"t": "2"})
        runs.log(place.caller, place.dev, "measured_in_b", metrics=[Metric("acc", 0.75, 7, 3)])
        return "measured"

    def test_the_record_of_a_job_holds_the_latest_values(self, client, measured):
        found = client.get(f"{JOBS}/measured_a/record").json()
        assert found["metrics"] == [
            {"key": "a/b", "value": "NaN", "timestamp": 5, "step": 0},
            {"key": "loss", "value": 0.5, "timestamp": 6, "step": 1},
            {"key": "up", "value": "Infinity", "timestamp": 5, "step": 0},
        ]
        assert (found["params"], found["tags"], found["steps"]) == ({"p": "1"}, {"t": "2"}, [])

    def test_the_record_of_a_pipeline_holds_that_of_its_steps_and_theirs(self, client, measured):
        steps = {one["step"]: one for one in client.get(f"{JOBS}/{measured}/record").json()["steps"]}
        assert sorted(steps) == ["a", "in", "in/b"]
        assert [one["value"] for one in steps["in/b"]["metrics"]] == [0.75]

    def test_the_history_comes_in_pages_and_in_order(self, client, measured):
        query = {"metric": "loss", "limit": 1}
        first = client.get(f"{JOBS}/measured_a/history", params=query).json()
        second = client.get(f"{JOBS}/measured_a/history", params={**query, "cursor": first["next"]}).json()
        assert [one["value"] for one in (*first["items"], *second["items"])] == [1.0, 0.5]
        assert client.get(f"{JOBS}/measured_a/history", params={"metric": "none"}).json() == {"items": [], "next": None}
        assert client.get(f"{JOBS}/measured_a/history").status_code == 400

    def test_a_history_is_thinned_out_for_a_plot(self, place, client):
        place.house.runs.create(place.caller, place.dev, NewRun(name="long"))
        values = [Metric("loss", 100.0 if n == 7001 else -1.0 if n == 33 else n / 1e4, n, n) for n in range(10_000)]
        place.house.runs.log(place.caller, place.dev, "long", metrics=values)
        found = client.get(f"{JOBS}/long/history", params={"metric": "loss", "points": 50}).json()
        steps = [one["step"] for one in found["items"]]
        assert found["next"] is None
        assert 20 < len(steps) <= 50
        assert steps == sorted(steps)
        assert {0, 33, 7001, 9999} <= set(steps)
        assert client.get(f"{JOBS}/long/history", params={"metric": "none", "points": 4}).json()["items"] == []
        for few in (-1, 0, 3, 100_001):
            assert client.get(f"{JOBS}/long/history", params={"metric": "loss", "points": few}).status_code == 400

    def test_all_that_was_measured_comes_as_columns(self, client, measured):
        answer = client.get(f"{JOBS}/{measured}/columns")
        assert answer.headers["content-type"] == "application/vnd.apache.parquet"
        table = parquet.read_table(io.BytesIO(answer.content))
        assert table.column_names == ["node", "metric", "step", "timestamp", "value"]
        assert rows_of(table) == [
            ("a", "a/b", 0, 5, "nan"),
            ("a", "loss", 0, 5, "1.0"),
            ("a", "loss", 1, 6, "0.5"),
            ("a", "up", 0, 5, "inf"),
            ("in/b", "acc", 3, 7, "0.75"),
        ]
        arrow = client.get(f"{JOBS}/measured_a/columns", params={"form": "arrow", "metric": "loss"})
        assert rows_of(pa.ipc.open_stream(arrow.content).read_all()) == [
            ("", "loss", 0, 5, "1.0"),
            ("", "loss", 1, 6, "0.5"),
        ]
        for form in ("arrow", "parquet"):
            none = client.get(f"{JOBS}/measured_a/columns", params={"form": form, "metric": "none"}).content
            empty = pa.ipc.open_stream(none).read_all() if form == "arrow" else parquet.read_table(io.BytesIO(none))
            assert (empty.num_rows, empty.column_names) == (0, table.column_names)
        assert client.get(f"{JOBS}/measured_a/columns", params={"form": "csv"}).status_code == 400

    def test_many_blocks_and_many_metrics_become_columns(self, place, client):
        place.house.runs.create(place.caller, place.dev, NewRun(name="wide"))
        long = [Metric("loss", float(n), n, n) for n in range(25_000)]
        wide = [Metric(f"m{n % 700:03}", float(n), n, n // 700) for n in range(70_000)]
        for metrics in (long, wide):
            place.house.runs.log(place.caller, place.dev, "wide", metrics=metrics)
        read = {
            "parquet": lambda content: parquet.read_table(io.BytesIO(content)),
            "arrow": lambda content: pa.ipc.open_stream(content).read_all(),
        }
        for form, table_of in read.items():
            found = table_of(client.get(f"{JOBS}/wide/columns", params={"form": form}).content).to_pylist()
            assert len(found) == 95_000
            assert [one["step"] for one in found if one["metric"] == "loss"] == [one.step for one in long]
            assert [one["value"] for one in found if one["metric"] == "m699"] == [n * 700 + 699.0 for n in range(100)]

    def test_without_pyarrow_the_fix_is_told(self, client, measured, monkeypatch):
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        answer = client.get(f"{JOBS}/measured_a/columns")
        assert answer.status_code == 501
        assert "pip install 'regista[columns]'" in answer.json()["hint"]

    def test_a_reused_step_has_measured_what_it_took_over(self, place, client):
        same = {"type": "pipeline", "jobs": {"a": document("echo the same")}}
        for name in ("once", "twice"):
            place.run(same, name)
            if name == "once":
                place.house.runs.log(place.caller, place.dev, "once_a", metrics=[Metric("acc", 0.25, 7)])
        assert client.get(f"{JOBS}/twice_a").json()["reused_from"] == "once_a"
        (step,) = client.get(f"{JOBS}/twice/record").json()["steps"]
        assert (step["job"], [one["value"] for one in step["metrics"]]) == ("twice_a", [0.25])
        history = client.get(f"{JOBS}/twice_a/history", params={"metric": "acc"}).json()
        assert [one["value"] for one in history["items"]] == [0.25]

    def test_runs_whose_parents_go_round_in_a_circle_are_told_once(self, place, client):
        runs = place.house.runs
        for name, parent in (("x", ""), ("y", "x")):
            runs.create(place.caller, place.dev, NewRun(name=name, parent=parent))
        circle = place.house.jobs.get(place.caller, place.dev, "x")
        place.house.catalog.write(lambda tx: tx.jobs.put(msgspec.structs.replace(circle, parent="y")))
        assert [one["step"] for one in client.get(f"{JOBS}/x/record").json()["steps"]] == ["y"]

    def test_what_is_not_there_has_none(self, client):
        for tail in ("record", "history?metric=loss", "columns"):
            assert client.get(f"{JOBS}/nope/{tail}").status_code == 404
