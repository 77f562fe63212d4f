"""Modules are nouns."""

import pytest

from tests.architecture.rules.names import attics


@pytest.mark.parametrize("folder", ["src/regista", "tests", "scripts"])
def test_no_module_is_an_attic(root, folder):
    assert attics(root / folder) == []


def test_a_planted_attic_is_found_whether_file_or_folder_or_private(plant):
    planted = plant({"utils.py": "", "a/_helpers.py": "", "common/x.py": "", "basement.py": "", "manager.txt": ""})
    assert attics(planted) == ["a/_helpers.py", "common", "utils.py"]
