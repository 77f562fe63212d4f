"""Searching runs: filters, orders and pages over what was really logged."""

import pytest

from tests.support.houses import People, open_house
from tests.support.mlflow_door import Door, owner_key


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.slow])]
)
def doors(request, tmp_path_factory):
    """A house of this module's own, on each of the databases."""
    catalog = "sqlite://"
    if request.param == "postgres":
        server = request.getfixturevalue("postgres_server")
        catalog = server.url_of(server.create_database())
    with open_house(tmp_path_factory.mktemp("house"), catalog) as house:
        People(house).workspace("dev")
        yield Door(house, "/mlflow/workspaces/dev", owner_key(house))


@pytest.fixture(scope="module")
def found(doors):
    """Run names by a search of an experiment with five runs."""
    number = doors.post("experiments/create", name="five runs")["experiment_id"]
    logged = {
        "a": ({"acc": 0.9, "loss": 1}, {"lr": "0.1"}, {"team": "red"}, "FINISHED"),
        "b": ({"acc": 0.5, "loss": 2}, {"lr": "0.2"}, {"team": "red", "odd key": "x"}, "FAILED"),
        "c": ({"acc": "NaN"}, {"lr": "0.1", "opt": "sgd"}, {"team": "blue"}, "KILLED"),
        "d": ({"loss": 3}, {}, {}, "RUNNING"),
        "e": ({"acc": -1.5, "loss": "Infinity"}, {"lr": "1%_[x]"}, {"team": "Red"}, "SCHEDULED"),
    }
    ids = {}
    for at, (name, (metrics, params, tags, status)) in enumerate(logged.items()):
        ids[name] = doors.run(number, run_name=name, start_time=1000 + at)
        doors.post(
            "runs/log-batch",
            run_id=ids[name],
            metrics=[{"key": key, "value": value, "timestamp": 1} for key, value in metrics.items()],
            params=[{"key": key, "value": value} for key, value in params.items()],
            tags=[{"key": key, "value": value} for key, value in tags.items()],
        )
        team = tags.get("team", "")
        used = {
            "dataset": {"name": f"set-{name}", "digest": "d1"},
            "tags": [{"key": "mlflow.data.context", "value": team}],
        }
        doors.post("runs/log-inputs", run_id=ids[name], datasets=[used] if team else [])
        doors.post("runs/update", run_id=ids[name], status=status, end_time=2000 - at)

    def search(text="", *, pages=1000, **fields):
        names, token = [], ""
        text = text.format(**ids)
        while True:
            asked = {"experiment_ids": [number], "filter": text, "max_results": pages, "page_token": token}
            page = doors.post("runs/search", **asked, **fields)
            names += [run["info"]["run_name"] for run in page["runs"]]
            token = page.get("next_page_token", "")
            if not token:
                return "".join(names)

    return search


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "edcba"),
        ("metrics.acc > 0.4", "ba"),
        ("metrics.acc <= 0.5", "eb"),
        ("metrics.acc = 0.9", "a"),
        ("metrics.acc != 0.9", "ecb"),
        ("metrics.loss > 100", "e"),
        ("params.lr = '0.1'", "ca"),
        ("params.lr != '0.1'", "eb"),
        ("params.lr LIKE '0.%'", "cba"),
        ("params.lr LIKE '1%%%_[_]'", "e"),
        ("params.lr LIKE '_._'", "cba"),
        ("params.opt IS NULL", "edba"),
        ("params.opt IS NOT NULL", "c"),
        ("tags.team = 'red'", "ba"),
        ("tags.team ILIKE 'RED'", "eba"),
        ("tags.team LIKE 'R%'", "e"),
        ("tags.`odd key` = 'x'", "b"),
        ("tags.team = 'red' AND metrics.acc < 0.6 AND params.lr = '0.2'", "b"),
        ("status = 'FINISHED'", "a"),
        ("attributes.status != 'FINISHED'", "edcb"),
        ("status ILIKE 'f%'", "ba"),
        ("start_time >= 1003", "ed"),
        ("attributes.end_time < 1998", "ed"),
        ("run_name = 'c'", "c"),
        ("`run name` = 'c'", "c"),
        ("run_id IN ('{a}', '{d}', 'nothing')", "da"),
        ("run_id NOT IN ('{a}', '{d}')", "ecb"),
        ("run_id = '{b}'", "b"),
        ("artifact_uri = 'https://anything/runs/{b}'", "b"),
        ("user_id = 'ada'", "edcba"),
        ("tags.team = 'nothing'", ""),
        ("dataset.name = 'set-b'", "b"),
        ("datasets.name LIKE 'set-%' AND dataset.digest = 'd1'", "ecba"),
        ("dataset.name IN ('set-a', 'set-d')", "a"),
        ("dataset.context = 'red'", "ba"),
        ("dataset.context ILIKE 'r%'", "eba"),
        ("dataset.context != 'red' AND status = 'KILLED'", "c"),
    ],
)
def test_a_filter_finds(found, text, names):
    assert found(text) == names


@pytest.mark.parametrize(
    ("order", "names"),
    [
        (["metrics.acc"], "ebacd"),
        (["metrics.acc DESC"], "abecd"),
        (["params.lr DESC"], "ebcad"),
        (["tags.team", "metrics.acc"], "ecbad"),
        (["attributes.start_time"], "abcde"),
        (["end_time"], "edcba"),
        (["run_name DESC"], "edcba"),
        (["metrics.none", "start_time"], "abcde"),
    ],
)
@pytest.mark.parametrize("pages", [1, 2, 1000])
def test_an_order_sorts_numbers_then_nan_then_what_has_none(found, order, names, pages):
    assert found(order_by=order, pages=pages) == names


@pytest.mark.parametrize(
    "fields",
    [
        {"filter": "metrics.a > 1 OR metrics.b > 1"},
        {"order_by": ["metrics.a UP"]},
        {"order_by": ["colour"]},
        {"order_by": ["datasets.name"]},
        {"filter": "dataset.name > 'a'"},
        {"filter": "dataset.name = 5"},
        {"filter": "dataset.source = 'a'"},
        {"max_results": 0},
        {"max_results": 50_001},
        {"run_view_type": "SOME"},
        {"page_token": "foreign"},
        {"experiment_ids": ["x"]},
    ],
)
def test_a_wrong_question_is_told(doors, fields):
    assert doors.refused("POST", "runs/search", **{"experiment_ids": ["0"], **fields}).startswith(
        "INVALID_PARAMETER_VALUE"
    )


def test_an_experiment_that_is_not_there_has_no_runs(doors):
    assert doors.post("runs/search", experiment_ids=["4711"]) == {"runs": []}
    assert doors.post("runs/search", experiment_ids=[]) == {"runs": []}


def test_deleted_runs_are_found_when_asked_for(doors):
    number = doors.post("experiments/create", name="one of two is gone")["experiment_id"]
    kept, gone = doors.run(number), doors.run(number)
    doors.post("runs/delete", run_id=gone)

    def ids(view):
        found = doors.post("runs/search", experiment_ids=[number], run_view_type=view)["runs"]
        return {run["info"]["run_id"] for run in found}

    assert ids("ACTIVE_ONLY") == {kept}
    assert ids("DELETED_ONLY") == {gone}
    assert ids("ALL") == {kept, gone}
