"""Environments are compiled in the background, once, and never beyond the life of who asked for it."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from regista.drivers.runtimes.uv import bytecode
from regista.drivers.runtimes.uv.bytecode import Compiling, compile_environment


@pytest.fixture
def root(tmp_path):
    """What looks enough like an environment."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "good.py").write_text("x = 1\n")
    (tmp_path / "lib" / "python2.py").write_text("print 'x'\n")
    return tmp_path


def compiled(root: Path) -> list[Path]:
    return sorted(root.glob("lib/__pycache__/*.pyc"))


def until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_what_compiles_is_compiled_and_what_does_not_keeps_nothing_back(root):
    assert compile_environment(root)
    assert [one.name.split(".")[0] for one in compiled(root)] == ["good"]


def test_it_is_done_once(root):
    assert compile_environment(root)
    before = compiled(root)[0].stat().st_mtime_ns
    (root / "lib" / "late.py").write_text("y = 1\n")
    assert compile_environment(root)
    assert [one.stat().st_mtime_ns for one in compiled(root)] == [before]


def test_in_the_background_nobody_waits_for_it_and_one_after_another_is_done(root, tmp_path):
    other = tmp_path / "other"
    (other / "lib").mkdir(parents=True)
    (other / "bin").symlink_to(root / "bin")
    (other / "lib" / "good.py").write_text("x = 1\n")
    compiling = Compiling()
    began = time.monotonic()
    for _ in range(3):
        compiling.want(root)
        compiling.want(other)
    assert time.monotonic() - began < 5
    until(lambda: compiled(root) and compiled(other))


def test_an_environment_that_is_gone_keeps_the_next_one_from_nothing(root):
    compiling = Compiling()
    compiling.want(root / "gone")
    compiling.want(root)
    until(lambda: compiled(root))


def test_it_ends_with_the_server_that_started_it(root):
    for number in range(3000):
        (root / "lib" / f"long{number}.py").write_text("a = [\n" + "    (1, 2, {'b': [3]}),\n" * 200 + "]\n")
    command = [sys.executable, "-I", "-c", bytecode._PROGRAM, str(root / "lib")]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        until(lambda: compiled(root))
        process.stdin.close()
        assert process.wait(10) == 1
    assert len(compiled(root)) < 3000
