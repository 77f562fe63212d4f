from itertools import count

import pytest

from tests.support.command_line import CommandLine

_numbers = count()


@pytest.fixture
def run(server, monkeypatch, tmp_path):
    """The command line as the installation's owner, in an empty folder, with profiles of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ".cache"))
    return CommandLine(server.environment | {"REGISTA_CONFIG": str(tmp_path / ".profiles" / "profiles.toml")})


@pytest.fixture
def dev(run):
    """The name of a workspace that no other test sees."""
    return run.json("workspace", "create", f"dev-{next(_numbers)}")["name"]


@pytest.fixture
def central(run):
    """The name of a registry that no other test sees."""
    return run.json("registry", "create", f"central-{next(_numbers)}")["name"]


@pytest.fixture
def folder(tmp_path):
    """A folder with a model in it."""
    path = tmp_path / "churn"
    (path / "data").mkdir(parents=True)
    (path / "MLmodel").write_text("flavors: {}\n")
    (path / "data" / "weights.bin").write_bytes(b"weights")
    return path


@pytest.fixture
def model(run, dev, folder):
    """A model ``churn:1`` in *dev*."""
    return run.json("model", "create", "--name", "churn", "--path", str(folder), "-w", dev)
