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

    def test_one_lives_from_create_to_delete(self, run):
        made = run.json("subscription", "create", "team-ops", "--display-name", "Operations", "--tags", "centre=7")
        assert (made["display_name"], made["tags"]) == ("Operations", {"centre": "7"})
        assert run.json("subscription", "create", "team-ops") == made
        assert run.json("subscription", "update", "team-ops", "--tags", "centre=8")["tags"] == {"centre": "8"}
        assert run.json("subscription", "show", "team-ops")["display_name"] == "Operations"
        run.json("subscription", "delete", "team-ops", "--yes")
        assert "'team-ops'" in run.refused("subscription", "show", "team-ops")

    def test_a_resource_group_lives_in_one(self, run):
        there = ("--subscription", "team-group")
        run.json("subscription", "create", "team-group")
        made = run.json("resource-group", "create", "ml", *there, "--location", "westeurope", "--tags", "a=b")
        assert (made["subscription"], made["location"], made["tags"]) == ("team-group", "westeurope", {"a": "b"})
        assert run.json("resource-group", "update", "ml", *there, "--tags", "a=c")["tags"] == {"a": "c"}
        assert run.json("resource-group", "list", *there) == [run.json("resource-group", "show", "ml", *there)]
        run.json("workspace", "create", "full", *there, "--resource-group", "ml")
        assert "workspace 'full'" in run.refused("resource-group", "delete", "ml", *there, "--yes")
        assert "resource group 'ml'" in run.refused("subscription", "delete", "team-group", "--yes")
        run.json("workspace", "delete", "full", "--yes")
        run.json("resource-group", "delete", "ml", *there, "--yes")
        run.json("subscription", "delete", "team-group", "--yes")
        assert "'team-group'" in run.refused("resource-group", "create", "ml", *there)

    def test_wrong_wishes(self, run, dev):
        for noun in ("subscription", "resource-group"):
            assert "'lacking'" in run.refused(noun, "show", "lacking")
            assert "'lacking'" in run.refused(noun, "delete", "lacking", "--yes")
            assert "--yes" in run.misused(noun, "delete", "lacking")
            assert "--tags" in run.refused(noun, "update", "lacking")
        run.refused("resource-group", "create", "no/slash")
        assert "go together" in run.misused("model", "list", "-w", dev, "-g", "ml")
        run.misused("subscription", "create")
        run.refused("subscription", "create", "no/slash")
