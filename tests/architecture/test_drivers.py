"""Every driver is held to its interface's contract."""

import pytest

from tests.architecture.rules.drivers import driver_classes, unchecked_drivers
from tests.architecture.rules.exceptions import judged

UNCHECKED: dict[str, str] = {}
"""Driver class -> why no contract class is about it."""

PACKAGE = {
    "interfaces/blobs.py": "from typing import Protocol\nclass BlobStore(Protocol): ...\nclass Store(Protocol): ...\n",
    "conformance/blobs.py": "class BlobStoreContract: ...\n",
    "drivers/blobs/local.py": "class LocalBlobStore: ...\nclass LocalUpload: ...\nclass _HiddenBlobStore: ...\n",
}
SUITE = "from planted.drivers.blobs.local import LocalBlobStore\n"


def test_every_driver_of_regista_runs_its_contract(package, root):
    assert judged(unchecked_drivers(package, root / "tests" / "conformance"), UNCHECKED) == []


def test_the_drivers_of_regista_are_seen(package):
    assert driver_classes(package)


class TestPlantedFaults:
    @pytest.fixture
    def found(self, plant, tmp_path):
        def check(suite):
            (tmp_path / "suites").mkdir()
            (tmp_path / "suites" / "test_local.py").write_text(suite)
            return list(unchecked_drivers(plant(PACKAGE), tmp_path / "suites"))

        return check

    def test_drivers_are_the_public_classes_named_after_an_interface(self, plant):
        assert driver_classes(plant(PACKAGE)) == {"LocalBlobStore": "BlobStore"}

    def test_a_driver_without_a_suite_is_found(self, found):
        assert found("") == ["LocalBlobStore"]

    def test_a_driver_that_is_only_imported_beside_a_suite_is_found(self, found):
        assert found(f"{SUITE}class TestOther(BlobStoreContract): ...\n") == ["LocalBlobStore"]

    def test_a_driver_under_another_interfaces_contract_is_found(self, found):
        assert found(f"{SUITE}class TestLocal(ExecutorContract):\n    store = LocalBlobStore\n") == ["LocalBlobStore"]

    def test_a_driver_with_its_suite_is_fine(self, found):
        assert found(f"{SUITE}class TestLocal(blobs.BlobStoreContract):\n    store = LocalBlobStore\n") == []
