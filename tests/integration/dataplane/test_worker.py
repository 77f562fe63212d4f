"""A real worker process, with this interpreter and nothing but pure Python to serve."""

import json
import pickle
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import urllib3
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.support.dataplane import SCORING, Plane, Running, plane as running_plane, until

DOUBLING = """
import json, os, sys
ready = False

def init():
    global ready
    assert os.path.isdir(os.environ["AZUREML_MODEL_DIR"])
    print("init is running, and", os.environ["GREETING"])
    ready = True

def run(raw):
    assert ready and isinstance(raw, str)
    asked = json.loads(raw)
    if asked == "open":
        open("/some/secret/folder/weights.bin")
    if asked == "exit":
        sys.exit(3)
    if asked == "unjson":
        return object()
    return [2 * one for one in asked]
"""

RAW = """
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse

@rawhttp
def run(request):
    assert isinstance(request, AMLRequest)
    if request.method == "GET":
        return AMLResponse({"asked": request.args["q"], "agent": request.headers["X-Agent"]}, 200, json_str=True)
    if "file" in request.files:
        return {"name": request.files["file"].filename, "size": len(request.files["file"].read())}
    return AMLResponse(request.get_data()[::-1], 202, {"Content-Type": "image/png", "X-Mine": "yes"})
"""


@pytest.fixture(scope="module")
def script_worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("script")
    with running_plane(folder) as made:
        yield made.scripted(DOUBLING, model_dir=str(folder), env={"GREETING": "good morning"})


class TestScripts:
    """Azure scoring scripts."""

    def test_run_gets_the_text_and_its_result_comes_back_as_json(self, script_worker: Running) -> None:
        answer = script_worker.call("/score", [1, 2.5, "a"])
        assert (answer.status, answer.json) == (200, [2, 5.0, "aa"])
        assert answer.headers["content-type"] == "application/json"

    def test_what_the_script_prints_is_in_the_log(self, script_worker: Running) -> None:
        until(lambda: "init is running, and good morning" in script_worker.text())

    def test_a_body_that_is_no_json_is_the_callers_fault(self, script_worker: Running) -> None:
        answer = script_worker.call("/score", b"{not json")
        assert answer.status == 400
        assert "not JSON" in answer.json["error"]["message"]

    def test_a_failing_script_answers_500_without_a_path_or_a_traceback(self, script_worker: Running) -> None:
        answer = script_worker.call("/score", "open")
        assert answer.status == 500
        assert (
            answer.json["error"]["message"]
            == "FileNotFoundError: [Errno 2] No such file or directory: '.../weights.bin'"
        )
        until(lambda: "Traceback" in script_worker.text() and "/some/secret/folder/weights.bin" in script_worker.text())

    @pytest.mark.parametrize("body", ["exit", "unjson", 3, True])
    def test_nothing_that_a_script_does_ends_the_worker(self, script_worker: Running, body: Any) -> None:
        assert script_worker.call("/score", body).status == 500
        assert script_worker.call("/score", [1]).json == [2]

    def test_the_other_protocols_say_where_the_script_is(self, script_worker: Running) -> None:
        answer = script_worker.call("/invocations", {"inputs": [1]})
        assert answer.status == 404
        assert "/score" in answer.json["message"]
        assert script_worker.call("/v2/models/m/infer", {"inputs": []}).status == 404

    @pytest.mark.parametrize(
        "path",
        [
            "/",
            "/ping",
            "/health",
            "/version",
            "/v2",
            "/v2/health/live",
            "/v2/health/ready",
            "/v2/models/m",
            "/v2/models/m/ready",
        ],
    )
    def test_health_and_metadata_are_served(self, script_worker: Running, path: str) -> None:
        assert script_worker.call(path).status == 200

    def test_a_wrong_method_and_a_wrong_path_are_said(self, script_worker: Running) -> None:
        assert script_worker.call("/score").status == 405
        assert script_worker.call("/v2/health/ready", b"").status == 405
        assert script_worker.call("/nowhere").status == 404
        assert script_worker.call("/v2/models/other").status == 404

    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(body=st.binary(max_size=200))
    def test_no_body_ends_the_worker(self, script_worker: Running, body: bytes) -> None:
        assert script_worker.call("/score", body).status in (200, 400, 500)


def test_rawhttp_scripts_see_the_request_and_form_the_answer(plane: Plane) -> None:
    worker = plane.scripted(RAW)
    got = worker.call("/score?q=a%20b&q=c", headers={"x-agent": "me"})
    assert got.json == {"asked": "a b", "agent": "me"}
    posted = worker.call("/score", b"\x00\x01\xff")
    assert (posted.status, posted.body) == (202, b"\xff\x01\x00")
    assert (posted.headers["content-type"], posted.headers["x-mine"]) == ("image/png", "yes")
    body, kind = urllib3.encode_multipart_formdata({"file": ("a.bin", b"\r\n\x00\xfe")})
    assert worker.call("/score", body, {"content-type": kind}).json == {"name": "a.bin", "size": 4}


def test_a_users_modules_are_the_users(plane: Plane) -> None:
    """The worker's own modules have ordinary names; a script's neighbours of the same names come first."""
    for name in ("config", "engine", "scoring", "faults"):
        (plane.folder / f"{name}.py").write_text(f"WHOSE = 'mine: {name}'")
    code = "import config, engine, scoring, faults\ndef run(raw): return [m.WHOSE for m in (config, engine, scoring, faults)]"
    worker = plane.scripted(code, code_dir=str(plane.folder))
    assert worker.call("/score", "x").json == ["mine: config", "mine: engine", "mine: scoring", "mine: faults"]


def test_a_unix_socket_is_for_its_owner_alone(plane: Plane) -> None:
    path = plane.folder / "w.sock"
    worker = plane.scripted("def run(raw): return 1", uds=str(path), port=None)
    assert worker.where["uds"] == str(path)
    assert path.stat().st_mode & 0o077 == 0


def test_stopping_finishes_what_is_under_way(plane: Plane) -> None:
    worker = plane.scripted("import time\ndef run(raw):\n    time.sleep(0.7)\n    return 'done'")
    with ThreadPoolExecutor(1) as one:
        under_way = one.submit(worker.call, "/score", "x")
        time.sleep(0.3)
        assert worker.stop() == 0
        assert under_way.result().json == "done"
    assert "stopped" in worker.text()


def test_a_call_that_overruns_is_answered_and_does_not_hold_up_the_end(plane: Plane) -> None:
    worker = plane.scripted("import time\ndef run(raw): time.sleep(float(raw))", request_timeout_ms=200)
    assert worker.call("/score", b"30").status == 504
    started = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - started < 60


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import nowhere_to_be_found", "nowhere_to_be_found"),
        ("def init(): raise RuntimeError('no weights')\ndef run(raw): pass", "no weights"),
        ("def init(): pass", "no run()"),
        ("import sys; sys.exit(0)", "SystemExit"),
        ("def run(", "SyntaxError"),
    ],
)
def test_a_script_that_does_not_load_ends_the_worker_with_status_3(plane: Plane, code: str, told: str) -> None:
    script = plane.folder / "broken.py"
    script.write_text(code)
    ended = _run(plane.configure("m", scoring_script=str(script)))
    assert ended.returncode == 3
    assert told in ended.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": None},
        {"batching": "perhaps"},
        {"max_batch": 0},
        {"surplus": 1},
        {"name": 3},
        {"env": {"A": 1}},
        {"uds": "/x", "port": 1},
        {"max_concurrent": True},
    ],
)
def test_a_wrong_configuration_ends_the_worker_with_status_2(plane: Plane, wrong: dict[str, Any]) -> None:
    config = plane.folder / "wrong.json"
    config.write_text(json.dumps({"name": "m", "scoring_script": "x.py", "port": 0, **wrong}))
    assert _run(config).returncode == 2


def _run(config: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCORING), "--config", str(config)], capture_output=True, text=True, timeout=60, check=False
    )


PURE = textwrap.dedent(
    """
    import time

    class Doubling:
        n_features_in_ = 2

        def predict(self, rows):
            time.sleep(0.001)
            return [row[0] * 2 + row[1] for row in rows]
    """
)


@pytest.fixture(scope="module")
def pure_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow model of the scikit-learn flavour whose estimator is pure Python and comes along as code."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "code").mkdir()
    (folder / "code/doubling.py").write_text(PURE)
    made: dict[str, Any] = {"__name__": "doubling"}
    exec(PURE, made)  # noqa: S102 - the estimator's class has to exist here to be pickled
    sys.modules["doubling"] = type(sys)("doubling")
    sys.modules["doubling"].Doubling = made["Doubling"]  # type: ignore[attr-defined]
    made["Doubling"].__module__ = "doubling"
    (folder / "model.pkl").write_bytes(pickle.dumps(made["Doubling"]()))
    del sys.modules["doubling"]
    about = {
        "flavors": {
            "sklearn": {"pickled_model": "model.pkl", "serialization_format": "pickle"},
            "python_function": {"loader_module": "mlflow.sklearn", "code": "code", "predict_fn": "predict"},
        },
        "signature": {"inputs": '[{"name": "a", "type": "double"}, {"name": "b", "type": "double"}]'},
    }
    (folder / "MLmodel").write_text(json.dumps(about))
    return folder


@pytest.fixture(scope="module")
def model_worker(pure_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_plane(tmp_path_factory.mktemp("plane")) as made:
        yield made.worker("m", version="7", model_dir=str(pure_model))


class TestModels:
    """MLflow models without code."""

    def test_three_protocols_one_answer(self, model_worker: Running) -> None:
        split = {"columns": ["b", "a"], "data": [[1, 10], [2, 20]]}
        assert model_worker.call("/invocations", {"dataframe_split": split}).json == {"predictions": [21, 42]}
        assert model_worker.call("/invocations", b"a,b\n10,1\n20,2\n", {"content-type": "text/csv"}).json == {
            "predictions": [21, 42]
        }
        assert model_worker.call("/score", {"input_data": split}).json == [21, 42]
        tensor = {"name": "x", "shape": [2, 2], "datatype": "FP64", "data": [10, 1, 20, 2]}
        inferred = model_worker.call("/v2/models/m/versions/7/infer", {"id": "one", "inputs": [tensor]}).json
        assert inferred == {
            "model_name": "m",
            "model_version": "7",
            "id": "one",
            "outputs": [{"name": "predict", "shape": [2], "datatype": "INT64", "data": [21, 42]}],
        }

    def test_a_bad_body_is_told_what_the_signature_wants(self, model_worker: Running) -> None:
        for path, body in (("/invocations", {"dataframe_records": [{"a": 1}]}), ("/score", {"input_data": [{"a": 1}]})):
            answer = model_worker.call(path, body)
            assert answer.status == 400
            assert "missing columns: b" in answer.body.decode()
            assert answer.json["expected"] == [{"name": name, "type": "double", "required": True} for name in "ab"]

    def test_no_rows_no_predictions(self, model_worker: Running) -> None:
        assert model_worker.call("/score", {"input_data": []}).json == []

    def test_eight_hundred_answers_under_concurrency_are_right(self, model_worker: Running) -> None:
        def ask(number: int) -> bool:
            rows = [[number, index] for index in range(1 + number % 3)]
            return bool(
                model_worker.call("/score", {"input_data": rows}).json
                == [2 * number + index for index in range(len(rows))]
            )

        with ThreadPoolExecutor(16) as many:
            assert sum(many.map(ask, range(800))) == 800

    @settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        path=st.sampled_from(["/score", "/invocations", "/v2/models/m/infer"]),
        body=st.binary(max_size=100) | st.text(alphabet='{}[]":,0123456789aeinput_dsx ', max_size=100).map(str.encode),
    )
    def test_no_body_is_answered_500(self, model_worker: Running, path: str, body: bytes) -> None:
        answer = model_worker.call(path, body)
        assert answer.status in (200, 400)
        assert answer.json is not None


@pytest.mark.parametrize(
    ("about", "told"),
    [
        ({"flavors": {"sklearn": {"pickled_model": "../../etc/passwd"}}}, "outside the model"),
        ({"flavors": {"sklearn": {"pickled_model": "absent.pkl"}}}, "cannot be loaded"),
        ({"flavors": {"xgboost": {}}}, "needs mlflow"),
        ({"flavors": []}, "names no flavors"),
        ([], "not a mapping"),
        (None, "give the deployment a scoring script"),
    ],
)
def test_a_model_that_cannot_be_served_says_why(plane: Plane, about: Any, told: str) -> None:
    folder = plane.folder / "model"
    folder.mkdir()
    if about is not None:
        (folder / "MLmodel").write_text(json.dumps(about))
    ended = _run(plane.configure("m", model_dir=str(folder)))
    assert ended.returncode == 3
    assert told in ended.stderr


def test_a_worker_that_is_killed_leaves_its_address_free(plane: Plane) -> None:
    worker = plane.scripted("def run(raw): return 1")
    port = worker.where["port"]
    assert worker.stop(signal.SIGKILL) == -signal.SIGKILL
    # Of another length: bytecode of the first is taken for that of a file of the same size and second.
    assert plane.scripted("def run(raw): return 1 + 1", port=port).call("/score", "x").json == 2
