"""A workspace ``dev``, a workspace ``prod`` and a registry ``central`` behind the MLflow dialect."""

import pytest

from tests.support.houses import People, open_house
from tests.support.mlflow_door import Door, owner_key


@pytest.fixture(scope="session")
def doors(tmp_path_factory):
    with open_house(tmp_path_factory.mktemp("house")) as house:
        people = People(house)
        people.workspace("dev")
        people.workspace("prod")
        people.registry("central")
        yield Door(house, "/mlflow/workspaces/dev", owner_key(house))


@pytest.fixture
def door(doors):
    """The workspace ``dev``, by its owner. Tests share it: each makes names of its own."""
    return doors


@pytest.fixture
def registry(doors):
    return doors.at("/mlflow/registries/central")


@pytest.fixture
def experiment(door, request):
    """An experiment of the test's own."""
    return door.post("experiments/create", name=request.node.nodeid[-400:])["experiment_id"]
