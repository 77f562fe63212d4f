"""Traces and comparisons by the command line."""

import pytest


@pytest.fixture
def shared(run, dev, central, model):
    """The version in the registry."""
    return run.json("model", "share", "churn:1", "-w", dev, "-r", central)


class TestTracing:
    def test_a_promoted_version_leads_back_to_its_workspace(self, run, dev, central, shared):
        lines = run("trace", "model", "churn:1", "-r", central).out.splitlines()
        assert lines[0] == f"model churn:1 in registry {central}"
        assert f"`-- promoted from: model churn:1 in workspace {dev}" in lines
        assert run.json("trace", "model", "churn@latest", "-r", central)["upstream"] is True

    def test_downstream_goes_the_other_way(self, run, dev, central, shared):
        printed = run("trace", "model", "churn", "-w", dev, "--downstream").out
        assert f"promoted to: model churn:1 in registry {central}" in printed

    def test_what_is_gone_is_told_by_the_capsule_and_marked(self, run, dev, central, shared):
        run.json("workspace", "delete", dev, "--yes")
        assert f"model churn:1 in workspace {dev} (capsule)" in run("trace", "model", "churn:1", "-r", central).out

    def test_what_is_not_there_is_named(self, run, dev, model):
        assert "'churn'" in run.refused("trace", "model", "churn:7", "-w", dev)
        assert "lacking" in run.refused("trace", "data", "lacking", "-w", dev)
        assert "lacking" in run.refused("trace", "job", "lacking", "-w", dev)
        assert "blue" in run.refused("trace", "deployment", "lacking/blue", "-w", dev)

    def test_a_registry_has_neither_jobs_nor_deployments(self, run, central):
        assert "--workspace-name" in run.refused("trace", "job", "first", "-r", central)
        assert "--workspace-name" in run.refused("trace", "deployment", "a/b", "-r", central)

    def test_wrong_usage(self, run, dev):
        assert "ENDPOINT/DEPLOYMENT" in run.misused("trace", "deployment", "blue", "-w", dev)
        run.misused("trace", "model", "-w", dev)
        run.misused("trace", "job", "j", "--log", "many", "-w", dev)
        assert "'model'" in run.misused("trace", "modl", "churn")


class TestComparing:
    def test_what_is_not_there_is_named(self, run, dev):
        assert "lacking" in run.refused("compare", f"{dev}/lacking", f"{dev}/too")
        assert "nowhere" in run.refused("compare", "nowhere/a", "nowhere/b")

    @pytest.mark.parametrize(
        "words",
        [
            (),
            ("dev/a",),
            ("a", "b"),
            ("dev/a", "/b"),
            ("dev/a", "dev/b", "--tolerance", "-1"),
            ("dev/a", "dev/b", "--tolerance", "much"),
            ("dev/a", "dev/b", "--lower-is-better", "x", "--higher-is-better", "x"),
        ],
    )
    def test_wrong_usage(self, run, words):
        run.misused("compare", *words)


TRAIN = """
import pathlib, sys
import regista_tracking as tracking

tracking.log_param("rate", 0.1)
for fold in range(4):
    tracking.log_metric("rmse", float(sys.argv[2]) + fold / 100, fold)
tracking.log_metric("undefined", float("nan"))
print("trained well")
pathlib.Path(sys.argv[1], "weights").write_text("weights")
"""

JOB = """
type: command
code: ./src
command: python train.py ${{outputs.model}} ${{inputs.rmse}}
inputs: {rmse: 1}
outputs: {model: {type: uri_folder}}
environment: {image: any, conda_file: {dependencies: [python=3.11]}}
"""


@pytest.mark.slow
class TestWithJobs:
    """What a real job measured is seen from everywhere."""

    @pytest.fixture
    def jobs(self, run, dev, tmp_path):
        (tmp_path / "src").mkdir()
        (tmp_path / "src" / "train.py").write_text(TRAIN)
        (tmp_path / "job.yml").write_text(JOB)
        for name, rmse in (("first", "1"), ("second", "2")):
            words = ("job", "create", "-f", "job.yml", "--name", name, "--set", f"inputs.rmse={rmse}", "--stream")
            answer = run(*words, "-w", dev)
            assert answer.status == 0, answer.err
        return dev

    @pytest.fixture
    def registered(self, run, jobs, central):
        """The first job's output, registered straight in the registry."""
        path = "azureml://jobs/first/outputs/model/paths/"
        return run.json("model", "create", "churn", "--path", path, "-w", jobs, "-r", central)

    def test_a_model_made_of_a_jobs_output_leads_back_to_it_even_when_the_workspace_is_gone(
        self, run, jobs, central, registered
    ):
        live = run("trace", "model", "churn:1", "-r", central, "--log").out
        assert f"made by: job first [Completed] in workspace {jobs}\n" in live
        for fact in ("rmse=1.03", "undefined=NaN", "rate=0.1", "trained well"):
            assert fact in live
        run.json("workspace", "delete", jobs, "--yes")
        sealed = run("trace", "model", "churn:1", "-r", central, "--log").out
        assert f"made by: job first [Completed] in workspace {jobs} (capsule)\n" in sealed
        for fact in ("rmse=1.03", "undefined=NaN", "rate=0.1", "trained well"):
            assert fact in sealed

    def test_a_job_knows_what_came_of_it(self, run, jobs, central, registered):
        assert (
            f"made: model churn:1 in registry {central}" in run("trace", "job", "first", "-w", jobs, "--downstream").out
        )

    def test_two_jobs_are_compared_with_a_verdict(self, run, jobs):
        found = run.json("compare", f"{jobs}/first", f"{jobs}/second")
        assert (found["same_pipeline"], found["verdict"]) == (True, "does not hold")
        assert [one["name"] for one in found["differences"]] == ["rmse"]
        told = run("compare", "first", "second", "--higher-is-better", "rmse", "-w", jobs)
        assert told.status == 0, told.err
        assert "Verdict: better." in told.out
