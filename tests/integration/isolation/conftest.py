from collections.abc import Iterator

import pytest
from anyio.from_thread import start_blocking_portal

from tests.integration.isolation.world import World
from tests.support.houses import open_house


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_house(tmp_path_factory.mktemp("isolation")) as house, start_blocking_portal() as portal:
        yield World(house, portal)
