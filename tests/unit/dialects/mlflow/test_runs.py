"""Experiments and runs through the dialect."""

import time

import pytest

from regista.entities.job import JobStatus, JobType
from regista.entities.scope import ScopeAddress, ScopeKind

DEV = ScopeAddress(ScopeKind.WORKSPACE, "dev")


class TestExperiments:
    def test_the_default_one_is_there_and_is_found(self, door):
        found = door.at("/mlflow/workspaces/prod").post("experiments/search", max_results=1000)["experiments"]
        assert [(one["experiment_id"], one["name"]) for one in found] == [("0", "Default")]

    def test_one_is_made_found_renamed_and_tagged(self, door):
        number = door.post("experiments/create", name="churn", tags=[{"key": "a", "value": "b"}])["experiment_id"]
        door.post("experiments/set-experiment-tag", experiment_id=number, key="c", value="d")
        door.post("experiments/delete-experiment-tag", experiment_id=number, key="a")
        door.post("experiments/update", experiment_id=number, new_name="churn-2")
        found = door.get("experiments/get-by-name", experiment_name="churn-2")["experiment"]
        assert found["experiment_id"] == number
        assert found["lifecycle_stage"] == "active"
        assert found["tags"] == [{"key": "c", "value": "d"}]
        assert found["artifact_location"] == f"{door.url}/api/2.0/mlflow-artifacts/artifacts/experiments/{number}"
        assert door.refused("GET", "experiments/get-by-name", experiment_name="churn").startswith(
            "RESOURCE_DOES_NOT_EXIST"
        )

    def test_a_deleted_one_hides_its_runs_and_brings_them_back(self, door, experiment):
        run = door.run(experiment)
        search = {"experiment_ids": [experiment]}
        door.post("experiments/delete", experiment_id=experiment)
        assert door.post("runs/search", **search) == {"runs": []}
        assert len(door.post("runs/search", **search, run_view_type="DELETED_ONLY")["runs"]) == 1
        assert len(door.post("runs/search", **search, run_view_type="ALL")["runs"]) == 1
        assert door.get("runs/get", run_id=run)["run"]["info"]["lifecycle_stage"] == "deleted"
        assert door.refused("POST", "runs/set-tag", run_id=run, key="a", value="b").startswith(
            "INVALID_PARAMETER_VALUE"
        )
        assert door.refused("POST", "runs/create", experiment_id=experiment).startswith("INVALID_PARAMETER_VALUE")
        door.post("experiments/restore", experiment_id=experiment)
        assert len(door.post("runs/search", **search)["runs"]) == 1

    def test_a_name_is_taken_by_a_deleted_one_too(self, door):
        number = door.post("experiments/create", name="gone")["experiment_id"]
        door.post("experiments/delete", experiment_id=number)
        assert door.refused("POST", "experiments/create", name="gone").startswith("RESOURCE_ALREADY_EXISTS")
        assert door.get("experiments/get-by-name", experiment_name="gone")["experiment"]["lifecycle_stage"] == "deleted"

    def test_a_place_of_its_own_is_refused(self, door):
        refused = door.refused("POST", "experiments/create", name="elsewhere", artifact_location="s3://bucket/x")
        assert "Leave artifact_location out" in refused

    def test_search_sorts_filters_and_pages(self, door):
        for number in range(5):
            tags = [{"key": "team", "value": "a" if number % 2 else "b"}]
            door.post("experiments/create", name=f"search-{number}", tags=tags)
            time.sleep(0.002)  # what was made in one millisecond comes by its number

        def names(**fields):
            found, token = [], ""
            while True:
                page = door.post("experiments/search", max_results=2, page_token=token, **fields)
                found += [one["name"] for one in page["experiments"]]
                token = page.get("next_page_token", "")
                if not token:
                    return found

        assert names(filter="name LIKE 'search-%'", order_by=["name DESC"]) == [f"search-{n}" for n in (4, 3, 2, 1, 0)]
        assert names(filter="name LIKE 'search-%' AND tags.team = 'a'", order_by=["name"]) == ["search-1", "search-3"]
        assert names(filter="name ILIKE 'SEARCH-%'")[0] == "search-4"

    @pytest.mark.parametrize("number", ["x", "-", "1.5", "9" * 30])
    def test_an_id_is_a_number(self, door, number):
        assert "Invalid experiment ID" in door.refused("GET", "experiments/get", experiment_id=number)


class TestDatasets:
    def test_they_are_listed_once_with_what_they_were_used_for(self, door, experiment):
        def used(run, name, *contexts):
            said = [{"key": "mlflow.data.context", "value": one} for one in contexts]
            dataset = {"name": name, "digest": "d", "source_type": "x", "source": "y"}
            door.post("runs/log-inputs", run_id=run, datasets=[{"dataset": dataset, "tags": said}])

        gone = door.run(experiment)
        used(gone, "gone", "training")
        door.post("runs/delete", run_id=gone)
        used(door.run(), "elsewhere", "training")
        for _ in range(2):
            run = door.run(experiment)
            used(run, "one", "training")
            used(run, "two")
        said = door.post("experiments/search-datasets", experiment_ids=[experiment, "987654"])["dataset_summaries"]
        assert said == [
            {"experiment_id": experiment, "name": "two", "digest": "d"},
            {"experiment_id": experiment, "name": "one", "digest": "d", "context": "training"},
        ]
        door.post("experiments/delete", experiment_id=experiment)
        assert door.post("experiments/search-datasets", experiment_ids=[experiment])["dataset_summaries"] == []

    @pytest.mark.parametrize("ids", [[], ["0"] * 21, ["x"]])
    def test_a_few_experiments_are_named(self, door, ids):
        assert door.refused("POST", "experiments/search-datasets", experiment_ids=ids).startswith("INVALID_PARAMETER")


class TestRuns:
    def test_one_opens_with_a_name_and_ends(self, door, experiment):
        info = door.post("runs/create", experiment_id=experiment, start_time=5, user_id="u")["run"]["info"]
        assert info["status"] == "RUNNING"
        assert info["start_time"] == 5
        assert info["run_name"]
        assert info["run_id"] == info["run_uuid"]
        assert info["artifact_uri"] == f"{door.url}/api/2.0/mlflow-artifacts/artifacts/runs/{info['run_id']}"
        ended = door.post("runs/update", run_id=info["run_id"], status="FINISHED", end_time="9", run_name="new")[
            "run_info"
        ]
        assert (ended["status"], ended["end_time"], ended["run_name"]) == ("FINISHED", 9, "new")

    def test_its_name_is_a_tag_whichever_is_set(self, door):
        run = door.run(run_name="first")

        def name():
            found = door.get("runs/get", run_id=run)["run"]
            tags = {tag["key"]: tag["value"] for tag in found["data"]["tags"]}
            assert tags["mlflow.runName"] == found["info"]["run_name"]
            return found["info"]["run_name"]

        assert name() == "first"
        door.post("runs/set-tag", run_id=run, key="mlflow.runName", value="second")
        assert name() == "second"
        door.post("runs/log-batch", run_id=run, tags=[{"key": "mlflow.runName", "value": "third"}])
        assert name() == "third"
        door.post("runs/update", run_id=run, run_name="fourth")
        assert name() == "fourth"
        tags = [{"key": "mlflow.runName", "value": "b"}]
        assert "different values" in door.refused("POST", "runs/create", experiment_id="0", run_name="a", tags=tags)

    def test_the_latest_value_is_that_of_the_greatest_step(self, door):
        run = door.run()
        for value, step, timestamp in ((1, 0, 10), (3, 2, 5), (2, 1, 20), (4, 2, 5), (4, 2, 5)):
            door.post("runs/log-metric", run_id=run, key="m", value=value, step=step, timestamp=timestamp)
        assert door.get("runs/get", run_id=run)["run"]["data"]["metrics"] == [
            {"key": "m", "value": 4.0, "timestamp": 5, "step": 2}
        ]
        history = door.get("metrics/get-history", run_id=run, metric_key="m")["metrics"]
        assert [(one["step"], one["value"]) for one in history] == [(0, 1.0), (1, 2.0), (2, 3.0), (2, 4.0)]

    def test_a_parameter_is_written_once(self, door):
        run = door.run()
        door.post("runs/log-parameter", run_id=run, key="p", value="1")
        door.post("runs/log-parameter", run_id=run, key="p", value="1")
        refused = door.refused("POST", "runs/log-parameter", run_id=run, key="p", value="2")
        assert refused.startswith("INVALID_PARAMETER_VALUE: Changing param values is not allowed. Param with key='p'")

    def test_a_batch_is_all_or_nothing(self, door):
        run = door.run()
        door.post("runs/log-parameter", run_id=run, key="p", value="1")
        batch = {
            "metrics": [{"key": "m", "value": 1, "timestamp": 1}],
            "params": [{"key": "q", "value": "1"}, {"key": "p", "value": "2"}],
            "tags": [{"key": "t", "value": "1"}],
        }
        assert "Changing param values" in door.refused("POST", "runs/log-batch", run_id=run, **batch)
        data = door.get("runs/get", run_id=run)["run"]["data"]
        assert data["metrics"] == []
        assert data["params"] == [{"key": "p", "value": "1"}]
        assert [tag["key"] for tag in data["tags"]] == ["mlflow.runName"]

    @pytest.mark.parametrize(
        ("batch", "told"),
        [
            ({"metrics": [{"key": "m", "value": 1, "timestamp": 1}] * 1001}, "at most 1000 metrics. Got 1001 metrics"),
            ({"params": [{"key": f"p{n}"} for n in range(101)]}, "at most 100 params. Got 101 params"),
            ({"tags": [{"key": f"t{n}"} for n in range(101)]}, "at most 100 tags. Got 101 tags"),
            (
                {"metrics": [{"key": "m", "value": 1, "timestamp": 1}] * 1000, "tags": [{"key": "t"}]},
                "at most 1000 metrics, params, and tags. Got 1001",
            ),
            ({"params": [{"key": "p", "value": "1"}] * 2}, "Duplicate parameter keys have been submitted: ['p']"),
            ({"params": [{"key": "p", "value": "x" * 1_000_001}]}, "must be at most 1000000 bytes"),
            ({"metrics": [{"key": "a/../b", "value": 1, "timestamp": 1}]}, "must not resolve to other names"),
            ({"metrics": [{"key": "a%b", "value": 1, "timestamp": 1}]}, "Names may only contain alphanumerics"),
            ({"metrics": [{"key": "a\nb", "value": 1, "timestamp": 1}]}, "Names may only contain alphanumerics"),
            ({"metrics": [{"key": "a\n", "value": 1, "timestamp": 1}]}, "Names may only contain alphanumerics"),
            ({"metrics": [{"key": "m", "value": 1, "timestamp": -1}]}, "Timestamp must be a nonnegative long"),
            ({"tags": [{"key": "x" * 251, "value": "1"}]}, "exceeds the maximum length of 250 characters"),
        ],
    )
    def test_a_batch_over_a_limit_is_refused(self, door, batch, told):
        assert told in door.refused("POST", "runs/log-batch", run_id=door.run(), **batch)

    def test_long_values_are_cut(self, door):
        run = door.run()
        door.post("runs/log-parameter", run_id=run, key="p", value="x" * 7000)
        door.post("runs/set-tag", run_id=run, key="t", value="x" * 9000)
        data = door.get("runs/get", run_id=run)["run"]["data"]
        assert len(data["params"][0]["value"]) == 6000
        assert max(len(tag["value"]) for tag in data["tags"]) == 8000

    def test_a_deleted_one_is_not_written_to(self, door):
        run = door.run()
        door.post("runs/delete", run_id=run)
        door.post("runs/delete", run_id=run)
        for name in ("runs/set-tag", "runs/log-parameter"):
            assert door.refused("POST", name, run_id=run, key="a", value="b").startswith("INVALID_PARAMETER_VALUE")
        door.post("runs/restore", run_id=run)
        door.post("runs/set-tag", run_id=run, key="a", value="b")

    def test_a_tag_is_removed_once(self, door):
        run = door.run(tags=[{"key": "a", "value": "b"}])
        door.post("runs/delete-tag", run_id=run, key="a")
        assert door.refused("POST", "runs/delete-tag", run_id=run, key="a").startswith("RESOURCE_DOES_NOT_EXIST")

    def test_inputs_and_outputs_are_kept(self, door):
        run = door.run()
        dataset = {"name": "flights", "digest": "abc", "source_type": "local", "source": "s", "schema": "{}"}
        context = [{"key": "mlflow.data.context", "value": "train"}]
        for _ in range(2):
            door.post("runs/log-inputs", run_id=run, datasets=[{"dataset": dataset, "tags": context}])
        door.post("runs/log-inputs", run_id=run, models=[{"model_id": "m-1"}])
        door.post("runs/outputs", run_id=run, models=[{"model_id": "m-2", "step": 3}])
        found = door.get("runs/get", run_id=run)["run"]
        assert found["inputs"]["dataset_inputs"] == [{"dataset": dataset, "tags": context}]
        assert found["inputs"]["model_inputs"] == [{"model_id": "m-1"}]
        assert found["outputs"]["model_outputs"] == [{"model_id": "m-2", "step": 3}]

    def test_models_of_older_clients_are_listed_in_a_tag(self, door):
        run = door.run()
        model = '{"artifact_path":"m","flavors":{},"utc_time_created":"t","run_id":"r"}'
        door.post("runs/log-model", run_id=run, model_json=model)
        door.post("runs/log-model", run_id=run, model_json=model)
        tags = {tag["key"]: tag["value"] for tag in door.get("runs/get", run_id=run)["run"]["data"]["tags"]}
        assert tags["mlflow.log-model.history"] == f"[{model},{model}]"
        for wrong in ("{", "[]", "{}"):
            assert door.refused("POST", "runs/log-model", run_id=run, model_json=wrong).startswith("INVALID_PARAMETER")

    @pytest.mark.parametrize("run", ["nothing", "..", "a b", "x" * 300, "é"])
    def test_one_that_is_not_there_is_told(self, door, run):
        assert door.refused("GET", "runs/get", run_id=run).startswith("RESOURCE_DOES_NOT_EXIST")
        assert door.send("POST", "runs/log-metric", run_id=run, key="k", value=1, timestamp=1).status == 404


class TestJobs:
    """A run is a job: one of type ``run``, or one that Regista itself runs."""

    def test_a_run_is_a_job_of_the_workspace(self, door):
        run = door.run(run_name="seen")
        job = door.house.catalog.read(lambda tx: tx.jobs.get(tx.scopes.find(ScopeKind.WORKSPACE, "dev")[0].id, run))
        assert (job.type, job.status, job.display_name, job.created_by) == (
            JobType.RUN,
            JobStatus.RUNNING,
            "seen",
            "ada",
        )

    def test_a_script_does_not_end_the_job_it_runs_in(self, door):
        run = door.run()

        def become_command(tx):
            import msgspec

            job = tx.jobs.get(tx.scopes.find(ScopeKind.WORKSPACE, "dev")[0].id, run)
            tx.jobs.put(msgspec.structs.replace(job, type=JobType.COMMAND))

        door.house.catalog.write(become_command)
        assert door.post("runs/update", run_id=run, status="FINISHED", end_time=9)["run_info"]["status"] == "RUNNING"
        assert "Cancel it" in door.refused("POST", "runs/delete", run_id=run)

    def test_every_state_of_a_job_has_a_word(self):
        from regista.dialects.mlflow.states import STATUSES, job_status, jobs_of, status_of

        assert {status_of(status) for status in JobStatus} == set(STATUSES)
        assert all(status_of(job_status(word)) == word for word in STATUSES)
        assert sorted(ours for word in STATUSES for ours in jobs_of(word)) == sorted(JobStatus)


class TestHistories:
    def test_a_long_one_comes_in_pages_or_whole(self, door):
        run = door.run()
        points = [{"key": "m", "value": n, "timestamp": n, "step": n} for n in range(1000)]
        for start in range(3):
            moved = [{**point, "step": point["step"] + 1000 * start} for point in points]
            door.post("runs/log-batch", run_id=run, metrics=moved)
        assert len(door.get("metrics/get-history", run_id=run, metric_key="m")["metrics"]) == 3000
        seen, token = [], ""
        while True:
            page = door.get("metrics/get-history", run_id=run, metric_key="m", max_results=700, page_token=token)
            seen += [one["step"] for one in page["metrics"]]
            token = page.get("next_page_token", "")
            if not token:
                break
        assert seen == list(range(3000))
        assert door.get("metrics/get-history", run_id=run, metric_key="none") == {"metrics": []}

    def test_an_interval_is_thinned_out_and_keeps_its_ends(self, door):
        first, second = door.run(), door.run()
        for run, steps in ((first, 900), (second, 500)):
            door.post(
                "runs/log-batch",
                run_id=run,
                metrics=[{"key": "m", "value": n, "timestamp": n, "step": n} for n in range(steps)],
            )
        found = door.get("metrics/get-history-bulk-interval", run_ids=[first, second], metric_key="m", max_results=10)
        steps = {run: [one["step"] for one in found["metrics"] if one["run_id"] == run] for run in (first, second)}
        assert steps[first][0] == steps[second][0] == 0
        assert (steps[first][-1], steps[second][-1]) == (899, 499)
        assert 10 <= len(steps[first]) <= 12
        part = door.get("metrics/get-history-bulk-interval", run_ids=[first], metric_key="m", start_step=5, end_step=7)
        assert [one["step"] for one in part["metrics"]] == [5, 6, 7]
        wrong = door.refused("GET", "metrics/get-history-bulk-interval", run_ids=[first], metric_key="m", start_step=5)
        assert "both must be specified" in wrong

    def test_several_runs_come_at_once(self, door):
        runs = sorted(door.run() for _ in range(3))
        for run in runs:
            door.post("runs/log-metric", run_id=run, key="m", value=1, timestamp=1)
        answer = door.request(
            "GET",
            "/ajax-api/2.0/mlflow/metrics/get-history-bulk",
            query="&".join(f"run_id={r}" for r in runs) + "&metric_key=m",
        )
        assert [one["run_id"] for one in answer.json["metrics"]] == runs
