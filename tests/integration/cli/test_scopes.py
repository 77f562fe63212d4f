"""Workspaces, registries and subscriptions by the command line."""

import pytest


@pytest.mark.parametrize("kind", ["workspace", "registry"])
class TestScopes:
    def test_one_lives_from_create_to_delete(self, run, kind, tmp_path):
        (tmp_path / "scope.yml").write_text(f"name: of-file-{kind}\nlocation: westeurope\ntags: {{team: risk}}\n")
        made = run.json(kind, "create", "-f", "scope.yml", "--description", "trial")
        assert (made["location"], made["tags"], made["description"]) == ("westeurope", {"team": "risk"}, "trial")
        name = made["name"]
        assert run.json(kind, "update", name, "--tags", "team=growth")["tags"] == {"team": "growth"}
        assert name in {one["name"] for one in run.json(kind, "list")}
        assert run.json(kind, "show", "--name", name)["id"] == made["id"]
        run.json(kind, "delete", name, "--yes")
        assert name in run.refused(kind, "show", name)

    def test_wrong_wishes(self, run, kind):
        run.misused(kind, "create")
        assert "'x'" in run.refused(kind, "create", "x")
        assert "lacking.yml" in run.refused(kind, "create", "-f", "lacking.yml")
        assert "lacking" in run.refused(kind, "update", "lacking", "--description", "x")
        assert "--description" in run.refused(kind, "update", "lacking")
        assert "--yes" in run.misused(kind, "delete", "lacking")
        assert "lacking" in run.refused(kind, "delete", "lacking", "--yes")


class TestSubscriptions:
    def test_workspaces_of_one_name_are_told_apart_by_subscription_and_group(self, run):
        for team in ("risk", "growth"):
            run.json("subscription", "create", f"team-{team}")
            run.json("workspace", "create", "shared-name", "--subscription", f"team-{team}", "--resource-group", "ml")
        assert {"team-risk", "team-growth"} <= {one["name"] for one in run.json("subscription", "list")}
        run.refused("model", "list", "-w", "shared-name")
        assert run.json("model", "list", "-w", "shared-name", "--subscription", "team-risk", "-g", "ml") == []

    def test_wrong_wishes(self, run, dev):
        assert "go together" in run.misused("model", "list", "-w", dev, "-g", "ml")
        run.misused("subscription", "create")
        run.refused("subscription", "create", "no/slash")
