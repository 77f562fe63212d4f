"""What MLflow's clients, and MLflow's own tests, look for in answers: words, orders and numbers of things."""

import time

import pytest


@pytest.mark.parametrize(
    ("method", "path", "fields", "words"),
    [
        ("GET", "registered-models/get", {"name": "gone"}, "Registered Model with name=gone not found"),
        ("GET", "model-versions/get", {"name": "gone", "version": "1"}, "Registered Model with name=gone not found"),
        ("GET", "runs/get", {"run_id": "gone"}, "Run with id=gone not found"),
        ("GET", "experiments/get", {"experiment_id": "77"}, "No Experiment with id=77 exists"),
        ("GET", "experiments/get", {"experiment_id": "-1337"}, "No Experiment with id=-1337 exists"),
        ("GET", "logged-models/m-0", {}, "Logged model with ID 'm-0' not found"),
    ],
)
def test_what_is_absent_is_called_by_mlflows_name(door, method, path, fields, words):
    assert door.refused(method, path, **fields).startswith(f"RESOURCE_DOES_NOT_EXIST: {words}")


def test_a_version_that_is_absent_is_named_with_its_model(door):
    door.post("registered-models/create", name="there")
    refused = door.refused("GET", "model-versions/get", name="there", version="9")
    assert "Model Version (name=there, version=9) not found" in refused


def test_a_taken_name_is_called_by_mlflows_words(door):
    door.post("registered-models/create", name="taken-word")
    door.post("experiments/create", name="taken-word")
    refused = door.refused("POST", "registered-models/create", name="taken-word")
    assert refused.startswith("RESOURCE_ALREADY_EXISTS: Registered Model (name=taken-word) already exists")
    refused = door.refused("POST", "experiments/create", name="taken-word")
    assert refused.startswith("RESOURCE_ALREADY_EXISTS: Experiment(name=taken-word) already exists")


def test_a_tag_that_is_absent_is_named(door, experiment):
    run = door.run(experiment)
    assert "No tag with name: nothing" in door.refused("POST", "runs/delete-tag", run_id=run, key="nothing")


def test_a_deleted_run_takes_nothing_and_says_which_state_it_is_to_have(door, experiment):
    run = door.run(experiment)
    door.post("runs/delete", run_id=run)
    assert f"The run {run} must be in" in door.refused("POST", "runs/set-tag", run_id=run, key="a", value="b")


@pytest.mark.parametrize("path", ["../up", "a/../../up", "/etc/passwd", "%2e%2e/up"])
def test_a_path_that_climbs_is_refused_in_two_words(door, experiment, path):
    run = door.run(experiment)
    assert door.refused("GET", "artifacts/list", run_id=run, path=path) == "INVALID_PARAMETER_VALUE: Invalid path"


def test_a_download_of_a_path_that_climbs_is_refused_before_the_version_is_looked_for(door):
    for address in ("/get-artifact", "/model-versions/get-artifact", "//model-versions/get-artifact"):
        answer = door.request("GET", address, query="run_id=gone&name=gone&version=1&path=../up")
        assert (answer.status, answer.error) == (400, "INVALID_PARAMETER_VALUE: Invalid path")


def test_every_run_of_a_plot_has_the_steps_at_which_any_ends(door, experiment):
    runs = [door.run(experiment), door.run(experiment)]
    for run, steps in zip(runs, (10, 20), strict=True):
        metrics = [{"key": "m", "value": 1, "timestamp": 1, "step": step} for step in range(steps)]
        door.post("runs/log-batch", run_id=run, metrics=metrics)
    found = door.get("metrics/get-history-bulk-interval", run_ids=runs, metric_key="m", max_results=5)["metrics"]
    assert [one["step"] for one in found if one["run_id"] == runs[0]] == [0, 4, 8, 9]
    assert [one["step"] for one in found if one["run_id"] == runs[1]] == [0, 4, 8, 9, 12, 16, 19]


def test_the_place_of_a_field_that_lacks_is_told(door, experiment):
    metrics = [{"key": "a", "value": 1, "timestamp": 1}, {"key": "b", "value": 2}]
    refused = door.refused("POST", "runs/log-batch", run_id=door.run(experiment), metrics=metrics)
    assert "Missing value for required parameter 'metrics[1].timestamp'" in refused


def test_experiments_come_in_the_order_of_their_making_whatever_happens_to_them(door):
    numbers = []
    for at in range(3):
        numbers.append(door.post("experiments/create", name=f"made-{at}")["experiment_id"])
        time.sleep(0.002)  # what was made in one millisecond comes by its number
    door.post("experiments/set-experiment-tag", experiment_id=numbers[0], key="a", value="b")
    found = door.post("experiments/search", max_results=10, filter="name LIKE 'made-%'")["experiments"]
    assert [one["name"] for one in found] == ["made-2", "made-1", "made-0"]


def test_versions_of_one_number_come_by_name(door, experiment):
    run = door.run(experiment)
    assert door.request("PUT", f"/api/2.0/mlflow-artifacts/artifacts/runs/{run}/m/MLmodel", b"x").status == 200
    for name in ("order_of_their_number-b", "order_of_their_number-a"):
        door.post("registered-models/create", name=name)
        door.post("model-versions/create", name=name, source=f"runs:/{run}/m", run_id=run)
    asked = {"filter": "name LIKE 'order_of_their_number-%'", "max_results": 10}
    found = door.get("model-versions/search", **asked, order_by=["version_number DESC"])["model_versions"]
    assert [one["name"][-1] for one in found] == ["a", "b"]
    door.request("PATCH", "/api/2.0/mlflow/model-versions/update", b'{"name":"order_of_their_number-b","version":"1"}')
    assert [one["name"][-1] for one in door.get("model-versions/search", **asked)["model_versions"]] == ["b", "a"]


@pytest.mark.parametrize(
    ("route", "fields", "words"),
    [
        ("get-history-bulk", {"metric_key": "m"}, "must specify at least one run_id"),
        ("get-history-bulk", {"metric_key": "m", "run_id": ["x"] * 101}, "cannot specify more than 100 run_ids"),
        ("get-history-bulk", {"run_id": ["x"]}, "must specify a metric_key"),
        ("get-history-bulk-interval", {"metric_key": "m"}, "Missing value for required parameter 'run_ids'"),
        ("get-history-bulk-interval", {"run_ids": ["x"]}, "Missing value for required parameter 'metric_key'"),
        ("get-history-bulk-interval", {"metric_key": "m", "run_ids": ["x"] * 101}, "must specify at most 100 run_ids"),
        (
            "get-history-bulk-interval",
            {"metric_key": "m", "run_ids": ["x"], "max_results": 0},
            "max_results must be between 1 and 2500",
        ),
    ],
)
def test_a_history_of_nothing_or_too_much_is_refused(door, route, fields, words):
    assert words in door.refused("GET", f"metrics/{route}", **fields)


def test_the_steps_of_a_plot_are_those_that_mlflow_chooses(door, experiment):
    run = door.run(experiment)
    metrics = [{"key": "m", "value": 1, "timestamp": 1, "step": step} for step in range(10)]
    door.post("runs/log-batch", run_id=run, metrics=metrics)
    found = door.get("metrics/get-history-bulk-interval", run_ids=[run], metric_key="m", max_results=5)["metrics"]
    assert [one["step"] for one in found] == [0, 2, 4, 6, 8, 9]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("dog+1.webp", "attachment; filename=dog+1.webp"),
        ("a b.txt", "attachment; filename*=UTF-8''a%20b.txt"),
        ("ü.txt", "attachment; filename*=UTF-8''%C3%BC.txt"),
    ],
)
def test_a_file_is_saved_under_its_name(door, experiment, name, said):
    from urllib.parse import quote

    path = f"/api/2.0/mlflow-artifacts/artifacts/runs/{door.run(experiment)}/{quote(name)}"
    assert door.request("PUT", path, b"x").status == 200
    assert door.request("GET", path).headers["content-disposition"] == said


def test_a_step_with_very_many_values_shows_them_as_mlflows_server_does(door, monkeypatch):
    run = door.run()
    for first in range(0, 2500, 500):
        metrics = [{"key": "m", "value": n, "timestamp": n + 1, "step": 0} for n in range(first, first + 500)]
        door.post("runs/log-batch", run_id=run, metrics=metrics)
    door.post("runs/log-batch", run_id=run, metrics=[{"key": "m", "value": -1, "timestamp": 1, "step": 7}])

    def values():
        found = door.get("metrics/get-history-bulk-interval", run_ids=[run], metric_key="m", max_results=5)["metrics"]
        return [one["value"] for one in found]

    assert values() == [*range(2500), -1]
    monkeypatch.setattr("regista.services.tracking.histories.MOST_SAMPLED", 2400)
    assert values() == [*range(2400)]
