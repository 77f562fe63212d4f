"""A workspace ``dev`` with its datastore's container, behind the blob protocol."""

import pytest

from regista.entities.datastore import files_container
from tests.support.blob_door import BlobDoor
from tests.support.houses import People, open_house


@pytest.fixture
def people(tmp_path):
    with open_house(tmp_path) as house:
        yield People(house)


@pytest.fixture
def dev(people):
    return people.workspace("dev")


@pytest.fixture
def ann(people, dev):
    """A data scientist of the workspace."""
    return people.somebody("ann", data_scientist=dev.path)


@pytest.fixture
def door(people, dev, ann):
    """The container of ``workspaceblobstore``, by a signature of ann's for everything."""
    return BlobDoor(people.house, files_container(dev.id)).signed(ann, "rlwcd")
