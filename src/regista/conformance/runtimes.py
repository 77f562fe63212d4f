"""What every runtime has to do, told once.

class TestMyRuntime(RuntimeContract):
    module, package = "six", "six"

    @pytest.fixture
    def runtime(self, tmp_path):
        return MyRuntime(tmp_path)

    @pytest.fixture
    def spec(self):
        return EnvironmentSpec(pip=("six==1.17.0",))
"""

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest

from regista.entities.environment import EnvironmentSpec, Lock
from regista.errors import InvalidError, RegistaError, UnsupportedError
from regista.interfaces.runtimes import BuiltEnvironment, Runtime

SAYS_NOTHING = EnvironmentSpec()
WRONG: list[EnvironmentSpec] = [
    SAYS_NOTHING,
    EnvironmentSpec(pip=("-r /etc/passwd",)),
    EnvironmentSpec(pip=("-r\t/etc/passwd",)),
    EnvironmentSpec(pip=("six \\\n-r /etc/passwd",)),
    EnvironmentSpec(pip=("./somewhere",)),
    EnvironmentSpec(pip=("file:///etc/passwd",)),
    EnvironmentSpec(pip=("x @ https://host/${HOME}/x.whl",)),
    EnvironmentSpec(pip=("--index-url http://169.254.169.254/",)),
    EnvironmentSpec(pip=("six==",)),
    EnvironmentSpec(conda={"dependencies": "six"}),
    EnvironmentSpec(conda={"dependencies": [{"pip": "six"}]}),
    EnvironmentSpec(conda={"dependencies": [1.5]}),
    EnvironmentSpec(os_type="windows", pip=("six",)),
]
"""What no runtime builds, whatever it is."""


class RuntimeContract:
    """The promises of ``Runtime``."""

    package: ClassVar[str]
    """A package that ``spec`` asks for, as a lock names it, and the module that it brings."""
    module: ClassVar[str]

    @pytest.fixture
    def runtime(self) -> Runtime:
        """A runtime that has built nothing yet; a subclass gives it."""
        raise NotImplementedError("give the contract a runtime")

    @pytest.fixture
    def spec(self) -> EnvironmentSpec:
        """Something small that it can build; a subclass gives it."""
        raise NotImplementedError("give the contract a specification")

    @pytest.fixture
    def unresolvable(self) -> EnvironmentSpec:
        """A specification of the right form that asks for a package nobody has."""
        return EnvironmentSpec(pip=("there-is-no-such-package-at-all==1.0",))

    def reopen(self, runtime: Runtime) -> Runtime:
        """The same runtime as another process would open it; without that, itself."""
        return runtime

    def test_what_can_be_locked_has_no_problems(self, runtime: Runtime, spec: EnvironmentSpec) -> None:
        assert runtime.problems(spec) == []
        runtime.lock(spec)

    def test_problems_are_found_in_milliseconds(self, runtime: Runtime, spec: EnvironmentSpec) -> None:
        runtime.problems(spec)
        start = time.perf_counter()
        for _ in range(10):
            runtime.problems(spec)
        assert (time.perf_counter() - start) / 10 < 0.05

    @pytest.mark.parametrize("wrong", WRONG, ids=repr)
    def test_what_cannot_be_locked_has_a_problem_with_a_fix_and_is_refused_with_the_same_words(
        self, runtime: Runtime, wrong: EnvironmentSpec
    ) -> None:
        problems = runtime.problems(wrong)
        assert problems
        assert all(problem.what and problem.fix for problem in problems)
        with pytest.raises(RegistaError) as refusal:
            runtime.lock(wrong)
        assert isinstance(refusal.value, InvalidError | UnsupportedError)
        assert refusal.value.message == problems[0].what

    def test_a_lock_names_exact_versions_and_the_interpreter(self, runtime: Runtime, spec: EnvironmentSpec) -> None:
        lock = runtime.lock(spec)
        assert self.package in lock.packages
        assert all(version[0].isdigit() for version in lock.packages.values())
        assert lock.python.count(".") == 2
        assert lock.platform

    def test_every_package_of_a_lock_has_a_hash(self, runtime: Runtime, spec: EnvironmentSpec) -> None:
        text = runtime.lock(spec).text
        pinned = [block for block in text.replace("\\\n", " ").splitlines() if block.strip()]
        assert pinned
        assert all("--hash=sha256:" in block for block in pinned)

    def test_a_lock_holds_no_address(self, runtime: Runtime, spec: EnvironmentSpec) -> None:
        text = runtime.lock(spec).text
        assert "://" not in text
        assert "--index" not in text
        assert "--find-links" not in text

    def test_the_same_specification_gives_the_same_lock(self, runtime: Runtime, spec: EnvironmentSpec) -> None:
        first = runtime.lock(spec)
        assert runtime.lock(spec) == first
        assert self.reopen(runtime).lock(spec) == first

    def test_a_package_nobody_has_is_named(self, runtime: Runtime, unresolvable: EnvironmentSpec) -> None:
        assert runtime.problems(unresolvable) == []
        with pytest.raises(InvalidError, match="there-is-no-such-package-at-all"):
            runtime.lock(unresolvable)

    def test_a_built_environment_runs_what_it_was_asked_for(self, runtime: Runtime, spec: EnvironmentSpec) -> None:
        lock = runtime.lock(spec)
        built = runtime.build(lock)
        assert self.run(built, f"import {self.module}; print('imported')") == "imported"
        assert self.run(built, "import platform; print(platform.python_version())") == lock.python

    def test_a_built_environment_holds_nothing_of_the_server(self, runtime: Runtime, spec: EnvironmentSpec) -> None:
        built = runtime.build(runtime.lock(spec))
        found = "import importlib.util; print(importlib.util.find_spec('regista'), importlib.util.find_spec('msgspec'))"
        assert self.run(built, found) == "None None"

    def test_its_variables_make_its_python_the_python(self, runtime: Runtime, spec: EnvironmentSpec) -> None:
        built = runtime.build(runtime.lock(spec))
        answer = subprocess.run(
            ["python", "-c", "import sys; print(sys.prefix)"],
            env=built.variables,
            capture_output=True,
            check=True,
            text=True,
        )
        assert Path(answer.stdout.strip()) == built.root

    def test_building_again_changes_nothing(self, runtime: Runtime, spec: EnvironmentSpec) -> None:
        lock = runtime.lock(spec)
        first = runtime.build(lock)
        before = first.root.stat().st_ino
        assert runtime.build(lock) == first
        assert self.reopen(runtime).build(lock) == first
        assert first.root.stat().st_ino == before

    def test_a_lock_that_was_written_down_is_the_lock(self, runtime: Runtime, spec: EnvironmentSpec) -> None:
        lock = runtime.lock(spec)
        again = msgspec.json.decode(msgspec.json.encode(lock), type=Lock)
        assert again.digest == lock.digest
        assert runtime.build(again) == runtime.build(lock)

    def test_many_builders_at_once_build_one_environment(self, runtime: Runtime, spec: EnvironmentSpec) -> None:
        lock = runtime.lock(spec)
        with ThreadPoolExecutor(4) as pool:
            built = list(pool.map(lambda _: self.reopen(runtime).build(lock), range(4)))
        assert len({one.root for one in built}) == 1
        assert self.run(built[0], f"import {self.module}; print('imported')") == "imported"

    @pytest.mark.parametrize("change", [{"platform": "plan9-vax"}, {"runtime": "another"}, {"python": "2.7.18"}])
    def test_a_lock_of_another_world_is_refused(
        self, runtime: Runtime, spec: EnvironmentSpec, change: dict[str, str]
    ) -> None:
        lock = msgspec.structs.replace(runtime.lock(spec), **change)
        with pytest.raises(UnsupportedError) as refusal:
            runtime.build(lock)
        assert next(iter(change.values())) in refusal.value.message
        assert refusal.value.hint

    def test_progress_is_told_line_by_line(self, runtime: Runtime, spec: EnvironmentSpec) -> None:
        lines: list[str] = []
        runtime.build(runtime.lock(spec, lines.append), lines.append)
        assert lines
        assert not any("\n" in line for line in lines)

    def run(self, built: BuiltEnvironment, program: str) -> str:
        """What *program* prints in the environment, outside of every folder of ours."""
        answer = subprocess.run(
            [built.python, "-c", program],
            env={**built.variables, "HOME": os.devnull},
            cwd="/",
            capture_output=True,
            check=True,
            text=True,
        )
        return answer.stdout.strip()
