"""Promotion by the command line."""

import pytest


@pytest.mark.usefixtures("model")
class TestSharing:
    def test_a_plan_changes_nothing_and_says_what_would_be_done(self, run, dev, central):
        words = ("model", "share", "--name", "churn", "--version", "1", "-w", dev, "--registry-name", central)
        plan = run(*words, "--dry-run")
        assert plan.status == 0
        assert plan.out.splitlines()[1].split()[:4] == ["create", "model", "churn", "1"]
        assert f"registry {central}: 1 to make" in plan.err
        assert run.json("model", "list", "-r", central) == []
        run.json(*words)
        assert [one["action"] for one in run.json(*words, "--dry-run")["items"]] == ["exists"]

    def test_what_is_shared_may_have_another_name_there_and_goes_on_to_the_next_registry(self, run, dev, central):
        other = ("--share-with-name", "attrition", "--share-with-version", "7")
        shared = run.json("model", "share", "churn@latest", "-w", dev, "-r", central, *other)
        assert (shared["name"], shared["version"]) == ("attrition", "7")
        further = run.json("registry", "create", f"{central}-too")["name"]
        there = run.json("model", "share", "attrition:7", "--source-registry", central, "-r", further)
        assert (there["manifest"], there["version"]) == (shared["manifest"], "7")

    def test_a_clash_fails_the_plan_and_the_act(self, run, dev, central, folder):
        run.json("model", "share", "churn:1", "-w", dev, "-r", central)
        (folder / "MLmodel").write_text("other: content\n")
        run.json("model", "create", "churn", "--path", "churn", "--version", "2", "-w", dev)
        words = ("model", "share", "churn:2", "--share-with-version", "1", "-w", dev, "-r", central)
        plan = run(*words, "--dry-run")
        assert plan.status == 1
        assert plan.out.splitlines()[1].startswith("clash")
        assert "--share-with-version" in plan.err
        assert "churn" in run.refused(*words)

    def test_wrong_wishes(self, run, dev, central):
        assert "lacking" in run.refused("model", "share", "lacking:1", "-w", dev, "-r", central)
        assert "nowhere" in run.refused("model", "share", "churn:1", "-w", dev, "-r", "nowhere")
        assert "--registry-name" in run.misused("model", "share", "churn:1", "-w", dev)
        assert "not both" in run.misused(
            "model", "share", "churn:1", "-w", dev, "--source-registry", central, "-r", central
        )
