"""The contract of runtimes, for every runtime there is, and what the uv runtime promises beyond it."""

import hashlib
import os
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from regista.conformance.runtimes import RuntimeContract
from regista.drivers.runtimes.uv.runtime import UvRuntime
from regista.entities.environment import EnvironmentSpec
from regista.errors import InvalidError, UnavailableError, UnsupportedError
from tests.support.wheels import write_source, write_wheel


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder with two packages, and no network beside it."""
    for name in list(os.environ):
        if name.startswith(("UV_", "PIP_")):
            monkeypatch.delenv(name)
    folder = tmp_path / "index"
    write_wheel(folder, "anchor", "1.0")
    write_wheel(folder, "anchor", "2.0")
    write_wheel(folder, "sail", "1.0", requires=("anchor<2",))
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    return folder


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def runtime(index, home):
    return UvRuntime(home)


SPEC = EnvironmentSpec(
    image="mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04",
    conda={"channels": ["conda-forge"], "dependencies": ["pip", "nodejs", "anchor>=1", {"pip": ["sail==1.0"]}]},
)


class TestUvRuntime(RuntimeContract):
    """The contract, without a network."""

    package, module = "anchor", "sail"

    @pytest.fixture
    def runtime(self, index, home):
        self.home = home
        return UvRuntime(home)

    @pytest.fixture
    def spec(self):
        return SPEC

    def reopen(self, runtime):
        return UvRuntime(self.home)


class TestUvLocks:
    """What a lock of uv says and what becomes of its failures."""

    def test_what_was_left_out_is_said_in_the_lock(self, runtime):
        warnings = "\n".join(runtime.lock(SPEC).warnings)
        assert "openmpi4.1.0" in warnings
        assert "nodejs" in warnings

    def test_a_python_that_is_not_here_is_replaced_by_the_nearest_with_a_warning(self, runtime):
        lock = runtime.lock(EnvironmentSpec(conda={"dependencies": ["python=3.2", "anchor"]}))
        assert any(
            "python 3.2 is not available here" in warning and lock.python in warning for warning in lock.warnings
        )
        assert runtime.build(lock).python.exists()

    def test_a_python_that_is_not_here_is_an_error_where_no_fallback_is_wanted(self, index, home):
        strict = UvRuntime(home, python_fallback=False)
        spec = EnvironmentSpec(conda={"dependencies": ["python=3.2", "anchor"]})
        assert "python 3.2 is not available here, have 3." in strict.problems(spec)[0].what
        with pytest.raises(UnsupportedError, match=r"python 3\.2 is not available here"):
            strict.lock(spec)

    def test_a_python_of_the_settings_comes_first(self, index, home):
        other = Path("/usr/bin/python3")
        if not other.exists():
            pytest.skip("this machine has one Python only")
        version = subprocess.run([other, "-V"], capture_output=True, text=True, check=True).stdout.split()[1]
        assert UvRuntime(home, pythons=(other,)).lock(EnvironmentSpec(pip=("anchor",))).python == version

    def test_the_same_wish_keeps_its_versions_when_the_index_moves_on(self, runtime, index):
        wish = EnvironmentSpec(pip=("anchor",))
        first = runtime.lock(wish)
        write_wheel(index, "anchor", "3.0")
        assert runtime.lock(wish) == first
        assert first.packages == {"anchor": "2.0"}

    def test_requirements_that_exclude_each_other_are_named(self, runtime):
        with pytest.raises(InvalidError, match="anchor"):
            runtime.lock(EnvironmentSpec(pip=("sail", "anchor==2.0")))

    def test_the_hashes_an_author_gives_are_the_only_ones_that_count(self, runtime, index):
        theirs = runtime.lock(EnvironmentSpec(pip=("anchor==1.0",))).text.split("--hash=")[1].strip()
        same = runtime.lock(EnvironmentSpec(pip=(f"anchor==1.0 --hash={theirs}",)))
        assert same.text.count(theirs) == 1
        with pytest.raises(InvalidError, match="none of the hashes"):
            runtime.lock(EnvironmentSpec(pip=("anchor==1.0 --hash=sha256:" + "0" * 64,)))

    def test_other_bytes_under_a_locked_name_are_refused(self, runtime, index):
        lock = runtime.lock(EnvironmentSpec(pip=("anchor==1.0",)))
        forged = msgspec.structs.replace(lock, text="anchor==1.0 --hash=sha256:" + "0" * 64 + "\n")
        with pytest.raises(InvalidError, match="other bytes"):
            runtime.build(forged)

    def test_nothing_is_built_from_source_where_that_is_switched_off(self, index, home):
        source = write_source(index, "keel", "1.0")
        careful = UvRuntime(home, source_builds=False)
        with pytest.raises(InvalidError, match="keel") as refusal:
            careful.lock(EnvironmentSpec(pip=("keel",)))
        assert "source_builds" in refusal.value.hint
        lock = careful.lock(EnvironmentSpec(pip=("anchor",)))
        digest = hashlib.sha256(source.read_bytes()).hexdigest()
        with pytest.raises(InvalidError, match="keel"):
            careful.build(msgspec.structs.replace(lock, text=f"keel==1.0 --hash=sha256:{digest}\n"))

    def test_an_index_that_does_not_answer_is_unavailable_and_its_password_stays_unsaid(self, index, home, monkeypatch):
        with socket.socket() as unanswering:
            unanswering.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
            monkeypatch.delenv("UV_NO_INDEX")
            monkeypatch.setenv("UV_HTTP_RETRIES", "0")
            monkeypatch.setenv("PIP_INDEX_URL", f"http://me:s3cret@127.0.0.1:{unanswering.getsockname()[1]}/simple")
            said = []
            with pytest.raises(UnavailableError) as refusal:
                UvRuntime(home).lock(EnvironmentSpec(pip=("absent-package",)), said.append)
        assert "127.0.0.1" in refusal.value.message  # so pip's own setting was heard
        assert "s3cret" not in "\n".join([refusal.value.message, *said])
        assert not any(b"s3cret" in path.read_bytes() for path in home.rglob("*") if path.is_file())

    def test_the_variables_of_the_server_do_not_reach_the_author_of_a_package(self, runtime, index, monkeypatch):
        monkeypatch.setenv("REGISTA_ADMIN_KEY", "s3cret")
        assert "REGISTA_ADMIN_KEY" not in runtime._uv.environment()


class TestUvEnvironments:
    """How environments lie on the disk."""

    def test_a_script_of_a_package_starts_after_the_rename(self, runtime):
        built = runtime.build(runtime.lock(EnvironmentSpec(pip=("sail",))))
        assert subprocess.run([built.root / "bin" / "sail-tool"], check=False).returncode == 0

    def test_two_environments_share_the_bytes_of_a_package(self, runtime):
        paths = []
        for wish in (("sail",), ("anchor==1.0",)):
            root = runtime.build(runtime.lock(EnvironmentSpec(pip=wish))).root
            paths.append(next(root.glob("lib/python*/site-packages/anchor/__init__.py")))
        if paths[0].stat().st_nlink == 1:
            pytest.skip("this file system clones files, which cannot be told from copying them")
        assert paths[0].samefile(paths[1])

    def test_an_environment_without_packages_is_a_bare_python(self, runtime):
        lock = runtime.lock(EnvironmentSpec(conda={"dependencies": ["python"]}))
        assert lock.text == ""
        assert lock.packages == {}
        assert runtime.build(lock).python.exists()

    def test_an_environment_whose_interpreter_is_gone_is_built_again(self, runtime):
        lock = runtime.lock(EnvironmentSpec(pip=("anchor",)))
        python = runtime.build(lock).python
        python.unlink()
        python.symlink_to("/nowhere/bin/python3")
        assert runtime.build(lock).python.resolve().exists()

    def test_a_folder_without_its_marker_is_no_environment(self, runtime):
        lock = runtime.lock(EnvironmentSpec(pip=("anchor",)))
        root = runtime.build(lock).root
        (root / ".regista.json").unlink()
        next(root.glob("lib/python*/site-packages/anchor/__init__.py")).unlink()
        rebuilt = runtime.build(lock)
        assert subprocess.run([rebuilt.python, "-c", "import anchor"], check=False).returncode == 0

    def test_what_is_cached_is_built_without_an_index(self, runtime, index, monkeypatch):
        lock = runtime.lock(EnvironmentSpec(pip=("sail",)))
        runtime.build(lock)
        other = UvRuntime(index.parent / "other-home")
        monkeypatch.setenv("UV_CACHE_DIR", str(index.parent / "home" / "uv-cache"))
        monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
        assert other.build(lock).python.exists()

    def test_a_lock_of_another_patch_is_built_on_the_patch_that_is_here(self, runtime):
        lock = runtime.lock(EnvironmentSpec(pip=("anchor",)))
        said = []
        elsewhere = msgspec.structs.replace(lock, python=lock.python.rsplit(".", 1)[0] + ".99")
        assert runtime.build(elsewhere, said.append).python.exists()
        assert any("locked for python" in line for line in said)

    def test_compiling_leaves_bytecode_and_is_done_once(self, runtime):
        lock = runtime.lock(EnvironmentSpec(pip=("sail",)))
        assert runtime.compile_bytecode(lock)
        compiled = next(runtime.build(lock).root.glob("lib/python*/site-packages/sail/__pycache__/*.pyc"))
        before = compiled.stat().st_mtime_ns
        assert runtime.compile_bytecode(lock)
        assert compiled.stat().st_mtime_ns == before


class TestUvLayers:
    """Packages that are put beside an environment."""

    def test_a_layer_adds_packages_and_leaves_the_environment_alone(self, runtime):
        built = runtime.build(runtime.lock(EnvironmentSpec(pip=("anchor==2.0",))))
        before = sorted(path.name for path in built.root.rglob("*"))
        layer = runtime.layer(("sail",), built.python)
        seen = subprocess.run(
            [built.python, "-c", "import sail, anchor; print(sail.__file__); print(anchor.VERSION)"],
            env={"PYTHONPATH": str(layer), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        assert Path(seen[0]).is_relative_to(layer)
        assert seen[1] == "1.0"
        assert sorted(path.name for path in built.root.rglob("*")) == before
        assert runtime.layer(("sail",), built.python) == layer

    def test_a_layer_takes_requirements_only(self, runtime):
        with pytest.raises(UnsupportedError):
            runtime.layer(("-r /etc/passwd",), Path(sys.executable))

    def test_a_python_that_does_not_start_is_named(self, runtime, tmp_path):
        with pytest.raises(UnavailableError, match="does not start"):
            runtime.layer(("anchor",), tmp_path / "python")


@pytest.mark.slow
class TestUvOnPyPI:
    """The contract's heart once more with the public index."""

    def test_a_curated_environment_is_locked_and_built(self, home):
        runtime = UvRuntime(home)
        lock = runtime.lock(EnvironmentSpec(image="AzureML-minimal"))
        assert lock.packages["mlflow-skinny"].startswith("3.")
        built = runtime.build(lock)
        assert subprocess.run([built.python, "-c", "import mlflow"], check=False).returncode == 0

    def test_what_was_trained_under_a_curated_name_can_be_saved(self, home, tmp_path):
        runtime = UvRuntime(home)
        built = runtime.build(runtime.lock(EnvironmentSpec(image="AzureML-sklearn-1.5")))
        lines = (
            "import mlflow.sklearn, sys",
            "from sklearn.linear_model import LinearRegression",
            "mlflow.sklearn.save_model(LinearRegression().fit([[0], [1]], [0, 1]), sys.argv[1])",
            "assert mlflow.sklearn.load_model(sys.argv[1]).predict([[2]])[0] > 1",
        )
        program = [built.python, "-c", "\n".join(lines), tmp_path / "model"]
        assert subprocess.run(program, check=False, timeout=120).returncode == 0
