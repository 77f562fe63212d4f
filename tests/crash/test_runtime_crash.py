"""Builders of environments that are killed on the way, and builders in several processes."""

import os
import signal
import subprocess
import sys
import time

import msgspec
import pytest

from regista.drivers.runtimes.uv.runtime import UvRuntime
from regista.entities.environment import EnvironmentSpec, Lock
from tests.support.wheels import write_wheel

BUILD = """
import sys
from pathlib import Path
import msgspec
from regista.drivers.runtimes.uv.runtime import UvRuntime
from regista.entities.environment import Lock
lock = msgspec.json.decode(Path(sys.argv[2]).read_bytes(), type=Lock)
print(UvRuntime(Path(sys.argv[1])).build(lock, lambda line: print(line, file=sys.stderr)).root)
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.startswith(("UV_", "PIP_")):
            monkeypatch.delenv(name)
    write_wheel(tmp_path / "index", "heavy", "1.0", files=6000)
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    return tmp_path / "home"


@pytest.fixture
def lock(home) -> Lock:
    return UvRuntime(home).lock(EnvironmentSpec(pip=("heavy",)))


def start_builder(home, lock):
    path = home / "lock.json"
    path.write_bytes(msgspec.json.encode(lock))
    return subprocess.Popen(
        [sys.executable, "-c", BUILD, home, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(home, pattern, builder):
    deadline = time.monotonic() + 60
    while not list((home / "envs").glob(pattern)):
        assert builder.poll() is None, builder.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.mark.crash
@pytest.mark.slow
@pytest.mark.parametrize("moment", ["*.lock", "*.tmp-*", "*.tmp-*/bin", "*.tmp-*/lib/python*/site-packages/heavy"])
def test_a_builder_that_is_killed_leaves_nothing_that_counts_and_the_next_one_builds(home, lock, moment):
    builder = start_builder(home, lock)
    wait_for(home, moment, builder)
    builder.send_signal(signal.SIGKILL)
    builder.communicate()
    named = [path for path in (home / "envs").iterdir() if "." not in path.name]
    assert all((path / ".regista.json").exists() for path in named)  # it may have been quicker than the signal

    built = UvRuntime(home).build(lock)

    modules = list(built.root.glob("lib/python*/site-packages/heavy/many/*.py"))
    assert len(modules) == 6000
    assert sorted(path.name for path in (home / "envs").iterdir()) == [built.root.name, f"{built.root.name}.lock"]


@pytest.mark.slow
def test_builders_in_several_processes_build_once(home, lock):
    builders = [start_builder(home, lock) for _ in range(3)]
    answers = [builder.communicate() for builder in builders]
    assert all(builder.returncode == 0 for builder in builders), answers
    assert len({root for root, _ in answers}) == 1
    assert len([path for path in (home / "envs").iterdir() if path.is_dir()]) == 1
