"""Siblings do not import each other."""

import pytest

from tests.architecture.rules.cycles import import_cycles
from tests.architecture.rules.source import modules

TO_B = "from planted import b\n"
TO_A = "from planted import a\n"


def test_no_siblings_in_regista_import_each_other(tree):
    assert import_cycles(tree) == []


class TestPlantedFaults:
    @pytest.mark.parametrize(
        ("files", "knot"),
        [
            pytest.param({"a.py": TO_B, "b.py": TO_A}, "planted: a <-> b", id="two modules"),
            pytest.param({"a.py": TO_B, "b.py": f"def f():\n    {TO_A}"}, "planted: a <-> b", id="inside a function"),
            pytest.param(
                {"a/x.py": "import planted.b.y\n", "b/y.py": "x = 1\n", "b/z.py": "from planted.a.x import x\n"},
                "planted: a <-> b",
                id="two packages through different modules",
            ),
            pytest.param(
                {"a.py": TO_B, "b.py": "from planted.c import x\n", "c.py": TO_A}, "planted: a <-> b <-> c", id="three"
            ),
            pytest.param(
                {"p/__init__.py": "from .a import x\n", "p/a.py": "from planted.p import y\n"},
                "planted.p: __init__ <-> a",
                id="through the package itself",
            ),
            pytest.param(
                {"p/a.py": "from . import b\n", "p/b.py": "from ..p.a import x\n"}, "planted.p: a <-> b", id="relative"
            ),
        ],
    )
    def test_a_cycle_is_found(self, plant, files, knot):
        assert [found.partition(" import each other")[0] for found in import_cycles(modules(plant(files)))] == [knot]

    def test_imports_for_the_type_checker_alone_make_no_cycle(self, plant):
        guarded = f"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    {TO_A}else:\n    x = 1\n"
        assert import_cycles(modules(plant({"a.py": TO_B, "b.py": guarded}))) == []

    def test_a_package_may_import_its_own_modules_and_siblings_one_way(self, plant):
        files = {"p/__init__.py": "from .a import x\n", "p/a.py": "from . import b\n", "p/b.py": "import os\n"}
        assert import_cycles(modules(plant(files))) == []
