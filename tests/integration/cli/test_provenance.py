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
