"""Files and functions keep their shape, interfaces stay narrow."""

import pytest

from tests.architecture.rules import sizes
from tests.architecture.rules.exceptions import judged
from tests.architecture.rules.source import modules

LONG_FILES: dict[str, str] = {}
"""Path below src/regista -> why it may be longer than the ceiling."""

LONG_FUNCTIONS: dict[str, str] = {}
"""``path::name`` -> why it may be longer than the ceiling."""

WIDE_PROTOCOLS: dict[str, str] = {}
"""``path::name`` -> why it may have more methods."""


def function(lines, name="long", docstring=""):
    return f"def {name}():\n{docstring}" + "    x = 1\n" * lines


class TestRegista:
    def test_most_files_are_small(self, tree):
        assert sizes.files_out_of_shape(tree) == []

    def test_most_functions_are_small(self, tree):
        assert sizes.functions_out_of_shape(tree) == []

    def test_no_file_is_long(self, tree):
        assert judged(sizes.long_files(tree), LONG_FILES) == []

    def test_no_function_is_long(self, tree):
        assert judged(sizes.long_functions(tree), LONG_FUNCTIONS) == []

    def test_no_interface_is_wide(self, tree):
        assert judged(sizes.wide_protocols(tree), WIDE_PROTOCOLS) == []


class TestPlantedFaults:
    def test_a_file_over_the_ceiling_is_found_and_one_at_the_ceiling_is_not(self, plant):
        planted = plant({"long.py": "x = 1\n" * 501, "sub/full.py": "x = 1\n" * 500})
        assert list(sizes.long_files(modules(planted))) == ["long.py"]

    def test_a_function_over_the_ceiling_is_found_wherever_it_is_nested(self, plant):
        nested = "class Outer:\n    if True:\n" + "".join(f"        {line}\n" for line in function(61).splitlines())
        planted = plant({"a.py": function(61), "b.py": function(60), "c.py": nested})
        assert list(sizes.long_functions(modules(planted))) == ["a.py::long", "c.py::Outer.long"]

    def test_a_docstring_costs_a_function_nothing(self, plant):
        docstring = '    """' + "Words.\n" * 30 + '    """\n'
        assert sizes.long_functions(modules(plant({"a.py": function(60, docstring=docstring)}))) == {}

    @pytest.mark.parametrize(
        ("lines", "complaint"), [((151, 151, 10), "half of the files"), ((351, 10, 10), "a tenth")]
    )
    def test_too_many_large_files_are_found(self, plant, lines, complaint):
        planted = plant({f"f{number}.py": "x = 1\n" * count for number, count in enumerate(lines)})
        assert complaint in " ".join(sizes.files_out_of_shape(modules(planted)))

    @pytest.mark.parametrize(("lines", "complaint"), [((9, 9, 1), "half of the functions"), ((31, 1, 1), "a tenth")])
    def test_too_many_large_functions_are_found(self, plant, lines, complaint):
        planted = plant({"a.py": "".join(function(count, f"f{number}") for number, count in enumerate(lines))})
        assert complaint in " ".join(sizes.functions_out_of_shape(modules(planted)))

    def test_an_interface_with_thirteen_methods_is_found_and_dunders_are_free(self, plant):
        methods = "".join(f"    def m{number}(self): ...\n" for number in range(12)) + "    def __enter__(self): ...\n"
        head = "from typing import Protocol\n"
        wide = f"class Wide(Protocol):\n{methods}    async def m13(self): ...\n"
        plain = f"class Plain:\n{methods}    def m13(self): ...\n"
        planted = plant({"a.py": f"{head}class Fine(Protocol):\n{methods}{wide}{plain}"})
        assert list(sizes.wide_protocols(modules(planted))) == ["a.py::Wide"]


class TestExceptions:
    def test_an_exception_with_a_reason_excuses(self):
        assert judged({"a.py": "600 lines"}, {"a.py": "generated"}) == []

    def test_an_exception_that_is_not_needed_any_more_is_refused(self):
        assert judged({}, {"a.py": "generated"}) == ["a.py: keeps the rule now; take it off the list"]

    def test_an_exception_without_a_reason_is_refused(self):
        assert judged({"a.py": "600 lines"}, {"a.py": " "}) == ["a.py: an exception needs a reason"]
