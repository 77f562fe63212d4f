import pytest

from tests.support.houses import People, open_house


@pytest.fixture
def people(tmp_path):
    with open_house(tmp_path) as house:
        yield People(house)
