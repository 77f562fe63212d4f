"""Versions that are registered at the same moment get a number each, also when they hold the same."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tests.support.houses import People, open_house
from tests.support.mlflow_door import FILES, Door, owner_key

CLIENTS = 8
ROUNDS = 4


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def crowded(request, tmp_path):
    """A workspace ``dev`` and a registry ``central`` on each catalog there is."""
    urls = {"memory": "sqlite://", "sqlite": f"sqlite:///{tmp_path}/catalog.db"}
    url = urls.get(request.param) or request.getfixturevalue("postgres_database")
    with open_house(tmp_path, url) as house:
        people = People(house)
        people.workspace("dev")
        people.registry("central")
        yield Door(house, "/mlflow/workspaces/dev", owner_key(house))


def run_with_a_model(door):
    """The URI of a model that a run has logged."""
    run = door.post("runs/create", experiment_id="0")["run"]["info"]["run_id"]
    assert door.request("PUT", f"{FILES}/runs/{run}/model/MLmodel", b"flavors: {}\n").status == 200
    return run


@pytest.mark.parametrize("base", ["/mlflow/workspaces/dev", "/mlflow/registries/central"])
def test_each_gets_a_number_of_its_own(crowded, base):
    run = run_with_a_model(crowded)
    source = f"{crowded.url}{FILES}/runs/{run}/model"
    door = crowded.at(base)
    door.post("registered-models/create", name="same")
    barrier = Barrier(CLIENTS)

    def register(_):
        barrier.wait()
        made = [
            door.send("POST", "model-versions/create", name="same", source=source, run_id=run) for _ in range(ROUNDS)
        ]
        assert [one.error for one in made] == [""] * ROUNDS
        return [one.json["model_version"]["version"] for one in made]

    with ThreadPoolExecutor(CLIENTS) as pool:
        numbers = [number for some in pool.map(register, range(CLIENTS)) for number in some]
    assert sorted(map(int, numbers)) == list(range(1, CLIENTS * ROUNDS + 1))
    newest = door.get("registered-models/get", name="same")["registered_model"]["latest_versions"]
    assert [one["version"] for one in newest] == [str(CLIENTS * ROUNDS)]
