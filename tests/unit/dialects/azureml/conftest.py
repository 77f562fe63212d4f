"""Workspaces ``dev`` and ``prod`` and a registry ``central`` behind the azureml dialect."""

import pytest

from tests.support.azureml_door import Door
from tests.support.houses import People, open_house
from tests.support.mlflow_door import owner_key


@pytest.fixture(scope="session")
def doors(tmp_path_factory):
    with open_house(tmp_path_factory.mktemp("house")) as house:
        people = People(house)
        people.workspace("dev")
        people.workspace("prod")
        people.registry("central")
        yield Door(house, owner_key(house))


@pytest.fixture
def door(doors):
    """The installation, by its owner. Tests share it: each makes names of its own."""
    return doors
