"""Workspaces and registries, made, changed, listed and deleted."""

from azure.ai.ml.entities import Registry, Workspace
from recorder import GROUP, NAME, REGISTRY, SERVER, SUBSCRIPTION, WORKSPACE, refused, registry, workspace

ml = workspace()
name = f"{NAME}-made"

made = ml.workspaces.begin_create(
    Workspace(name=name, location="eu", description="one", display_name="Made", tags={"a": "b"})
).result()
assert (made.name, made.location, made.description, made.display_name) == (name, "eu", "one", "Made"), made
assert made.tags["a"] == "b", made.tags
assert made.resource_group == GROUP, made.resource_group
assert made.id.endswith(f"/workspaces/{name}"), made.id
assert made.mlflow_tracking_uri.startswith("azureml://"), made.mlflow_tracking_uri
assert {one.name for one in ml.workspaces.list()} >= {WORKSPACE, name}
assert {one.name for one in ml.workspaces.list(scope="subscription")} >= {WORKSPACE, name}
changed = ml.workspaces.begin_update(Workspace(name=name, description="two", tags={"x": "y"})).result()
assert (changed.description, changed.tags) == ("two", {"x": "y"}), changed
assert ml.workspaces.get(name).description == "two"
assert ml.workspaces.get().name == WORKSPACE
again = ml.begin_create_or_update(Workspace(name=name, description="three", tags={})).result()
assert again.description == "three", again
ml.workspaces.begin_delete(name, delete_dependent_resources=False).result()
refused(name, ml.workspaces.get, name)
refused("not served", ml.workspaces.begin_create, Workspace(name=f"{NAME}-hub", location="eu", hub_id="/some/hub"))

shelf = f"{NAME}-shelf"
central = ml.registries.begin_create(
    Registry(name=shelf, location="eu", replication_locations=[], tags={"a": "b"})
).result()
assert (central.name, central.location) == (shelf, "eu"), central
assert {one.name for one in ml.registries.list()} >= {REGISTRY, shelf}
found = ml.registries.get(shelf)
assert found.tags == {"a": "b"}, found.tags
assert [one.location for one in found.replication_locations] == ["eu"], found.replication_locations
there = registry(shelf)
assert (there.subscription_id, there.resource_group_name) == (SUBSCRIPTION, GROUP)
assert there.registries.get().name == shelf
assert shelf in {one.name for one in there.registries.list()}
ml.registries.begin_delete(name=shelf).result()
refused(shelf, ml.registries.get, shelf)
refused(f"{NAME}-none", registry, f"{NAME}-none")
assert SERVER.startswith("https://")
