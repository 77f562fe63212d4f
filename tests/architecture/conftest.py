"""The real tree, read once, and a way to plant a faulty one."""

from pathlib import Path

import pytest

from tests.architecture.rules.source import modules

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def package(root):
    return root / "src" / "regista"


@pytest.fixture(scope="session")
def tree(package):
    return modules(package)


@pytest.fixture
def plant(tmp_path):
    """Write files (path below a package ``planted`` → text) and return the package's folder."""

    def write(files):
        planted = tmp_path / "planted"
        for where, text in files.items():
            path = planted / where
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return planted

    return write
