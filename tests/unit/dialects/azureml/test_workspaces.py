"""Workspaces and registries as resources: what is made here is there by every other door."""

import pytest

from regista.entities.scope import ScopeAddress, ScopeKind
from regista.services.access.access import SYSTEM

TEMPLATES = "/providers/Microsoft.Resources/deployments/d"


def of_template(name: str, **more: object) -> dict[str, object]:
    parameters = {"workspaceName": name, "location": "eu", **more}
    return {"properties": {"template": {}, "parameters": {key: {"value": one} for key, one in parameters.items()}}}


class TestWorkspaces:
    def test_a_template_makes_one(self, door):
        told = {"description": "one", "friendlyName": "Made", "tagValues": {"a": "b"}, "kind": "Default"}
        done = door.put(door.group + TEMPLATES, of_template("made-by-template", **told))
        assert done["properties"]["provisioningState"] == "Succeeded"
        assert door.get(door.group + TEMPLATES)["properties"]["provisioningState"] == "Succeeded"
        assert door.get(f"{door.group}/deployments/d/operations") == {"value": []}
        scope = door.house.scopes.get(SYSTEM, ScopeAddress(ScopeKind.WORKSPACE, "made-by-template"))
        assert (scope.location, scope.description, scope.display_name, scope.tags) == ("eu", "one", "Made", {"a": "b"})

    @pytest.mark.parametrize(
        "told", [{"kind": "hub"}, {"kind": "Project"}, {"workspaceName": 3}, {"workspaceName": None}]
    )
    def test_of_other_kinds_there_are_none(self, door, told):
        assert door.refused("PUT", door.group + TEMPLATES, of_template("never", **told)).startswith("NotSupported: ")

    @pytest.mark.parametrize(
        "told", [{"tagValues": []}, {"tagValues": {"a": 1}}, {"location": 3}, {"friendlyName": {}}]
    )
    def test_a_parameter_that_does_not_fit_is_named(self, door, told):
        assert door.refused("PUT", door.group + TEMPLATES, of_template("never", **told)).startswith("UserError: ")

    def test_changing_changes_what_is_said_alone(self, door):
        path = door.workspace("changed")
        first = door.put(path, {"location": "eu", "properties": {"description": "one"}, "tags": {"a": "b"}})
        door.send("PATCH", path, {"properties": {"description": "two"}})
        found = door.get(path)
        assert (found["properties"]["description"], found["tags"], found["location"]) == ("two", {"a": "b"}, "eu")
        assert found["properties"]["workspaceId"] == first["properties"]["workspaceId"]
        assert door.put(path, {"tags": {}})["tags"] == {}

    def test_deleting_the_absent_is_quiet(self, door):
        assert door.send("DELETE", door.workspace("never-there")).status == 204
        door.put(door.workspace("short-lived"), {})
        assert door.send("DELETE", door.workspace("short-lived")).status == 200
        assert door.send("GET", door.workspace("short-lived")).status == 404

    def test_lists_go_on_behind_every_page(self, door):
        for name in ("page-a", "page-b", "page-c"):
            door.put(door.workspace(name), {})
        path = f"{door.group}/providers/Microsoft.MachineLearningServices/workspaces"
        names = [one["name"] for one in door.all(path, **{"$top": "1"})]
        assert {"page-a", "page-b", "page-c", "dev"} <= set(names)
        assert len(names) == len(set(names))
        everywhere = "/subscriptions/default/providers/Microsoft.MachineLearningServices/workspaces"
        assert set(names) <= {one["name"] for one in door.all(everywhere)}

    def test_a_resource_group_is_where_its_workspaces_are(self, door):
        assert door.get(door.group)["name"] == "default"
        assert door.refused("GET", "/subscriptions/default/resourceGroups/lacking").startswith("ResourceNotFound: ")


class TestRegistries:
    def test_making_and_changing(self, door):
        path = door.registry("shelf", service="")
        body = {
            "location": "eu",
            "tags": {"a": "b"},
            "properties": {"regionDetails": [{"location": "eu"}, {"location": "us"}]},
        }
        made = door.put(path, body)
        assert [one["location"] for one in made["properties"]["regionDetails"]] == ["eu", "us"]
        changed = door.put(path, {"location": "eu", "tags": {}, "properties": {"regionDetails": []}})
        assert changed["tags"] == {}
        assert [one["location"] for one in door.get(path)["properties"]["regionDetails"]] == ["eu", "us"]
        assert "shelf" in {one["name"] for one in door.all(path.rpartition("/")[0])}
        assert door.send("DELETE", path).status == 200
        assert door.send("DELETE", path).status == 204
